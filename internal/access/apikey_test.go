package access

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestAPIKeys(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	text, key := NewAPIKey("test", "shop", []Scope{ScopePaymentsRead}, now)
	require.Regexp(t, `^ow_test_[a-z2-7]{13}_[a-z2-7]{39}$`, text)

	environment, id, ok := ParseAPIKey(text)
	require.True(t, ok)
	require.Equal(t, []string{"test", key.ID}, []string{environment, id})
	require.True(t, key.Admits(text, now))
	require.NotContains(t, string(key.Hash), text)

	mistyped := []byte(text)
	mistyped[len(mistyped)-20] ^= 1
	_, _, ok = ParseAPIKey(string(mistyped))
	require.False(t, ok, "the checksum detects a mistyped key")

	other, _ := NewAPIKey("test", "shop", nil, now)
	require.False(t, key.Admits(other, now))

	require.True(t, key.Allows(ScopePaymentsRead))
	require.False(t, key.Allows(ScopePaymentsWrite))

	key.ExpiresAt = now.Add(time.Hour)
	require.True(t, key.Admits(text, now))
	require.False(t, key.Admits(text, now.Add(time.Hour)))
	key.ExpiresAt, key.RevokedAt = time.Time{}, now
	require.False(t, key.Admits(text, now))

	for _, bad := range []string{"", "ow", "ow_test_a_b", "sk_live_0123456789", text + "x"} {
		_, _, ok := ParseAPIKey(bad)
		require.False(t, ok, bad)
	}
}

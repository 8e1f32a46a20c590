package payment

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

func TestTheSameKeyMeansTheSamePaymentAndNoOther(t *testing.T) {
	require.Equal(t, NewID("shop", "order-1042"), NewID("shop", "order-1042"))
	require.NotEqual(t, NewID("shop", "order-1042"), NewID("shop", "order-1043"))
	require.NotEqual(t, NewID("shop", "order-1042"), NewID("shop2", "order-1042"))
	require.NotEqual(t, NewID("a", "bc"), NewID("ab", "c"))
	require.True(t, ValidID(NewID("shop", "order-1042")))
}

// The stored ids and the keys that the provider remembers must never change.
func TestIDsAreStandardAndFixed(t *testing.T) {
	want := uuid.NewSHA1(uuid.UUID(paymentNamespace), []byte("shop\x00order-1042")).String()
	require.Equal(t, want, NewID("shop", "order-1042"))
	require.Equal(t, "864f878f-658f-5fb2-bfc1-f88228e1d455", want)
	require.Equal(t, "734abd54-ba11-51dc-bb16-57774206801d", ProviderKey(want, Charge, 1))
	require.Equal(t, "d6d34dd9-5bac-546c-921a-8ccaa1cf56df", NewEmailID(want+"/receipt"))
}

func TestProviderKeysAreOneForEachOperation(t *testing.T) {
	id := NewID("shop", "order-1042")
	require.Equal(t, ProviderKey(id, Charge, 1), ProviderKey(id, Charge, 1))
	require.NotEqual(t, ProviderKey(id, Charge, 1), ProviderKey(id, Charge, 2))
	require.NotEqual(t, ProviderKey(id, Charge, 1), ProviderKey(id, "refund", 1))
	require.NotEqual(t, ProviderKey(id, Charge, 1), id)
}

func TestValidID(t *testing.T) {
	for id, want := range map[string]bool{
		"9d1c5b0e-526a-4e57-8a31-0c7e44d29001": true,
		"9D1C5B0E-526A-4E57-8A31-0C7E44D29001": false,
		"9d1c5b0e526a4e578a310c7e44d29001":     false,
		"../../etc/passwd":                     false,
		"":                                     false,
	} {
		require.Equal(t, want, ValidID(id), id)
	}
}

func TestAnAnswerAboutSomethingElseContradicts(t *testing.T) {
	s := ProviderState{PaymentID: "7", Reference: "p", Money: Money{1050, BRL}}
	require.Empty(t, s.Contradicts("p", "", Money{1050, BRL}))
	require.Empty(t, s.Contradicts("p", "7", Money{1050, BRL}))
	require.Contains(t, s.Contradicts("q", "7", Money{1050, BRL}), "reference")
	require.Contains(t, s.Contradicts("p", "8", Money{1050, BRL}), "recorded is 8")
	require.Contains(t, s.Contradicts("p", "7", Money{1049, BRL}), "asked were BRL 10.49")
	require.Contains(t, s.Contradicts("p", "7", Money{1050, "ARS"}), "asked were ARS")
}

func TestMoneyForPeople(t *testing.T) {
	for centavos, want := range map[int64]string{0: "BRL 0.00", 5: "BRL 0.05", 1050: "BRL 10.50", -1050: "BRL -10.50"} {
		require.Equal(t, want, Money{centavos, BRL}.String())
	}
}

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
	require.False(t, ok, "the checksum finds a mistyped key")

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

func TestKinds(t *testing.T) {
	limited := &Error{Kind: Limited, Message: "slow down", RetryAfter: time.Minute}
	wrapped := fmt.Errorf("charge: %w", limited)
	require.Equal(t, Limited, KindOf(wrapped))
	require.Equal(t, time.Minute, RetryAfter(wrapped))
	require.Equal(t, Internal, KindOf(errors.New("boom")))
	require.Equal(t, Unavailable, KindOf(fmt.Errorf("read: %w", context.DeadlineExceeded)))
	require.Zero(t, RetryAfter(errors.New("boom")))
	require.Equal(t, "slow down: boom", (&Error{Message: "slow down", Err: errors.New("boom")}).Error())
}

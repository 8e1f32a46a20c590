package blindindex

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var (
	first  = strings.Repeat("first-", 6)
	second = strings.Repeat("second", 6)
)

func TestSpellingsOfOneAddressHaveOneIndex(t *testing.T) {
	t.Parallel()
	keys := New(first)
	index := keys.Index("ana@example.com")
	h := hmac.New(sha256.New, []byte(first))
	h.Write([]byte("ana@example.com"))
	require.Equal(t, h.Sum(nil), index[idSize:])
	require.Equal(t, index, keys.Index(" Ana@EXAMPLE.com\n"))
	for _, other := range []string{"an.a@example.com", "ana+shop@example.com", "ana@example.org"} {
		require.NotEqual(t, index, keys.Index(other))
	}
	require.Nil(t, keys.Index(" "))
	require.Nil(t, New().Index("ana@example.com"))
}

func TestAnotherKeyMakesAnotherIndex(t *testing.T) {
	t.Parallel()
	before, after := New(first).Index("ana@example.com"), New(second, first)
	require.NotEqual(t, before, after.Index("ana@example.com"))
	require.Equal(t, [][]byte{after.Index("ana@example.com"), before}, after.Indexes("ana@example.com"), "an old row is still found")
	require.NotContains(t, string(before), "ana")
}

// inGap says whether an index lies where none of the keys makes one.
func inGap(keys Keys, index []byte) bool {
	lows, highs := keys.Gaps()
	for i := range lows {
		if bytes.Compare(lows[i], index) < 0 && bytes.Compare(index, highs[i]) < 0 {
			return true
		}
	}
	return false
}

func TestTheIndexesOfOtherKeysAreInTheGaps(t *testing.T) {
	t.Parallel()
	all := []string{first, second, strings.Repeat("third!", 6)}
	for i, secret := range all {
		index := New(secret).Index("ana@example.com")
		require.False(t, inGap(New(all...), index))
		require.False(t, inGap(New(secret), index))
		require.True(t, inGap(New(all[(i+1)%3], all[(i+2)%3]), index))
		require.True(t, inGap(New(all[(i+1)%3]), index))
		require.True(t, inGap(New(), index), "without a key every index is of another")
	}
}

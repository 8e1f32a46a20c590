package payloadcodec

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAHashIsEqualInEveryProcessAndChangesOnceInARotation(t *testing.T) {
	t.Parallel()
	k1, k2 := key("k1", 1), key("k2", 2)
	hash := func(keys ...string) string { return newCodec(t, "shop", keys...).Hash("payment/1", secret) }
	require.Equal(t, hash(k1), hash(k1))
	require.Equal(t, hash(k1), hash(k1, k2), "step 1")
	require.Equal(t, hash(k1), hash(k2, k1), "step 2")
	require.NotEqual(t, hash(k1), hash(k2), "step 4")
	require.Regexp(t, `^[0-9a-f]{32}$`, hash(k1))
}

func TestAHashDependsOnTheKeyTheNamespaceAndEachText(t *testing.T) {
	t.Parallel()
	c := newCodec(t, "shop", key("k1", 1))
	all := map[string]bool{}
	for _, h := range []string{
		c.Hash("ab", "c"), c.Hash("a", "bc"), c.Hash("abc"), c.Hash("ab", "d"), c.Hash("ab", "c", ""),
		newCodec(t, "shop", key("k1", 2)).Hash("ab", "c"), newCodec(t, "other", key("k1", 1)).Hash("ab", "c"),
	} {
		require.False(t, all[h])
		all[h] = true
	}
}

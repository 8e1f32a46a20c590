package platformtest

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAPlaceIsHeldOnce(t *testing.T) {
	const unused = places // no platform takes it
	held := tryPlace(t, unused)
	require.NotNil(t, held)
	require.Nil(t, tryPlace(t, unused))
	require.NoError(t, held.Close())
	again := tryPlace(t, unused)
	require.NotNil(t, again)
	require.NoError(t, again.Close())
}

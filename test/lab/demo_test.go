package main

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/test/platform"
	"github.com/onlywave/onlywave/test/platform/platformtest"
)

// The demo checks its own steps; here it must pass on a new platform.
func TestTheDemoTellsItsStory(t *testing.T) {
	platformtest.TakePlace(t)
	var out bytes.Buffer
	require.NoError(t, Demo(t.Context(), platformtest.Options(platform.Options{Out: &out})), out.String())
	require.Contains(t, out.String(), "every step was checked")
}

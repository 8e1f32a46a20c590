package main

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/test/platform"
	"github.com/onlywave/onlywave/test/platform/platformtest"
)

// The demo checks its own steps; here it must find nothing amiss, on a stack of its own.
func TestTheDemoTellsItsStory(t *testing.T) {
	platformtest.TakePlace(t)
	var told bytes.Buffer
	require.NoError(t, Demo(t.Context(), platformtest.Options(platform.Options{Out: &told})), told.String())
	require.Contains(t, told.String(), "every step checked")
}

package system

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/test/documents"
	"github.com/onlywave/onlywave/test/platform/platformtest"
)

// upAddress is where the pages say that the API of `make up` is.
const upAddress = "http://127.0.0.1:8080"

// Every shell block that a page marks as runnable is typed as it stands, with the platform's own addresses.
func TestTheShellBlocksOfThePagesRun(t *testing.T) {
	t.Parallel()
	pages, err := documents.All(".")
	require.NoError(t, err)
	typed := 0
	for _, page := range pages {
		if strings.HasPrefix(page.File, runbook) {
			continue // TestTheCommandsOfTheRunbookRun
		}
		var blocks []string
		for _, b := range page.Blocks {
			if b.Info == documents.Runnable {
				blocks = append(blocks, b.Text)
			}
		}
		if typed += len(blocks); len(blocks) == 0 {
			continue
		}
		t.Run(page.File, func(t *testing.T) {
			t.Parallel()
			key, id := key(t)
			create(t, key)
			env := append(terminal(t), "PAYMENT="+id, shared.CodecSetting())
			for _, block := range blocks { // in the order in which a reader meets them
				c := exec.CommandContext(within(t), "bash", "-euo", "pipefail", "-c", strings.ReplaceAll(block, upAddress, shared.Front.URL))
				c.Env = env
				output, err := c.CombinedOutput()
				require.NoError(t, err, "%s%s", block, output)
			}
		})
	}
	require.NotZero(t, typed)
}

// terminal is the environment of somebody who types the commands of a page: the programs on the path, and what `make up` prints.
func terminal(t *testing.T) []string {
	dir := t.TempDir()
	program, asProgram := platformtest.Program()
	program, err := filepath.Abs(program)
	require.NoError(t, err)
	script := fmt.Sprintf("#!/bin/sh\nexport %s\nexec '%s' \"$@\"\n", strings.Join(asProgram, " "), program)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "onlywave"), []byte(script), 0o700))
	// An answer of 4xx or 5xx is a failure of curl.
	require.NoError(t, os.WriteFile(filepath.Join(dir, ".curlrc"), []byte("fail-with-body\n"), 0o600))
	bin, err := filepath.Abs(".bin")
	require.NoError(t, err)
	return append(operatorEnv(), "PATH="+strings.Join([]string{dir, bin, os.Getenv("PATH")}, ":"), "CURL_HOME="+dir, "HOME="+dir, "KEY="+shared.Key)
}

package platform

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// AheadProgram is the name of the program that BuildAhead makes.
const AheadProgram = "onlywave-ahead"

// readsClock is the only place where Go's standard library reads the time of day.
const readsClock = "func Now() Time {\n\tsec, nsec, mono := runtimeNow()\n"

// BuildAhead builds the program of the working directory with a clock that is ahead, into the folder. Go programs read the time from the
// kernel directly, so nothing outside a program can change it; instead the program is built with a changed time package. Timers use
// another clock and are not changed. The first build takes some minutes, because all packages are compiled again.
func BuildAhead(ctx context.Context, dir string, ahead time.Duration) (program string, err error) {
	if dir, err = filepath.Abs(dir); err != nil {
		return "", err
	}
	root, err := exec.CommandContext(ctx, "go", "env", "GOROOT").Output()
	if err != nil {
		return "", fmt.Errorf("a program with another clock is built with Go: %w", err)
	}
	original := filepath.Join(strings.TrimSpace(string(root)), "src", "time", "time.go")
	text, err := os.ReadFile(original)
	if err != nil {
		return "", err
	}
	if strings.Count(string(text), readsClock) != 1 {
		return "", fmt.Errorf("%s does not read the clock where it is expected to", original)
	}
	changed := filepath.Join(dir, "time.go")
	moved := strings.Replace(string(text), readsClock, readsClock+fmt.Sprintf("\tsec += %d\n", int64(ahead.Seconds())), 1)
	if err := os.WriteFile(changed, []byte(moved), 0o600); err != nil {
		return "", err
	}
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{original: changed}})
	if err != nil {
		return "", err
	}
	if err := os.WriteFile(filepath.Join(dir, "overlay.json"), overlay, 0o600); err != nil {
		return "", err
	}
	program = filepath.Join(dir, AheadProgram)
	build := exec.CommandContext(ctx, "go", "build", "-overlay", filepath.Join(dir, "overlay.json"), "-o", program, ".")
	if output, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build a program whose clock is ahead: %w\n%s", err, output)
	}
	return program, nil
}

// Program is the program of the api and worker processes.
func (p *Platform) Program() string { return p.options.Program }

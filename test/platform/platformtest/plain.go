package platformtest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"

	"github.com/onlywave/onlywave/test/platform"
)

// Plain makes the product without the race detector the platform's program: with it a platform costs three times the processor time. It
// is for tests of what happens between processes and services. With `go test -race` the platform that test/system shares and the one
// under load look for the races of the same code.
func Plain(ctx context.Context, o platform.Options) (platform.Options, error) {
	o = Options(o)
	if !raceDetector {
		return o, nil
	}
	err := buildPlain(ctx)
	o.Program = plain.program
	return o, err
}

// plain is built once for all tests of a test binary, and anew for each run of it, so that it is never older than the tests.
var plain struct {
	sync.Mutex
	folder, program string
}

func buildPlain(ctx context.Context) (err error) {
	plain.Lock()
	defer plain.Unlock()
	if plain.program != "" {
		return nil
	}
	if plain.folder, err = os.MkdirTemp("", "onlywave-product-"); err != nil {
		return err
	}
	program := filepath.Join(plain.folder, "onlywave")
	output, err := exec.CommandContext(ctx, "go", "build", "-o", program, "github.com/onlywave/onlywave").CombinedOutput()
	if err != nil {
		return fmt.Errorf("build the product: %w\n%s", err, output)
	}
	plain.program = program
	return nil
}

func removePlain() error {
	if plain.folder == "" {
		return nil
	}
	return os.RemoveAll(plain.folder)
}

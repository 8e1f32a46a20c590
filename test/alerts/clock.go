package alerts

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"github.com/onlywave/onlywave/test/platform"
)

// The program of a worker whose clock is ahead, and by how much.
const (
	aheadFolder = ".data/ahead"
	ahead       = 20 * time.Hour
)

func buildAhead(ctx context.Context) error {
	if err := os.MkdirAll(aheadFolder, 0o755); err != nil {
		return err
	}
	_, err := platform.BuildAhead(ctx, aheadFolder, ahead)
	return err
}

func clockAhead(ctx context.Context, s *Scene) error {
	program, err := filepath.Abs(filepath.Join(aheadFolder, platform.AheadProgram))
	if err != nil {
		return err
	}
	return s.Workers[1].Become(ctx, program)
}

func clockRight(ctx context.Context, s *Scene) error { return s.Workers[1].Become(ctx, s.Program()) }

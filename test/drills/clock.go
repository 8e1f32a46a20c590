package drills

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"time"

	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"

	"github.com/onlywave/onlywave/test/platform"
)

// Which worker's clock is ahead, and by how much.
const (
	ahead       = 20 * time.Hour
	aheadFolder = ".data/ahead" // of its program
	aheadWorker = 1
)

// buildAhead builds the worker's program, which takes minutes the first time.
func buildAhead(ctx context.Context) error {
	if err := os.MkdirAll(aheadFolder, 0o755); err != nil {
		return err
	}
	_, err := platform.BuildAhead(ctx, aheadFolder, ahead)
	return err
}

// clockAhead replaces one worker by one whose clock is ahead, and waits until that worker shows it.
func clockAhead(ctx context.Context, s *Scene) error {
	program, err := filepath.Abs(filepath.Join(aheadFolder, platform.AheadProgram))
	if err != nil {
		return err
	}
	if err := s.Workers[aheadWorker].Become(ctx, program); err != nil {
		return err
	}
	clock, err := s.await(ctx, reconcileWait, s.aheadName(), clockSeries, func(n float64) bool { return n > clockTolerance })
	if err == nil {
		s.remark("a worker's clock was %s ahead", time.Duration(clock*float64(time.Second)).Round(time.Second))
	}
	return err
}

// reconciledAhead waits until the worker whose clock is ahead has begun a run of reconciliation. Which worker begins a run is chance, and
// a run takes half a minute when this worker gets its activities, which time out there at once.
func reconciledAhead(ctx context.Context, s *Scene) error {
	begun, err := s.await(ctx, 8*reconcileWait, s.aheadName(), `onlywave_activity_duration_seconds_count\{.*activity="BeginReconciliation".*\} (\S+)`, func(n float64) bool { return n > 0 })
	if err == nil {
		s.remark("it began at least %.0f runs of reconciliation", begun)
	}
	return err
}

const clockSeries = `onlywave_clock_ahead_seconds (\S+)`

func (s *Scene) aheadName() string { return fmt.Sprintf("worker-%d", aheadWorker+1) }

// clockRight replaces the worker by one whose clock is right.
func clockRight(ctx context.Context, s *Scene) error {
	return s.Workers[aheadWorker].Become(ctx, s.Program())
}

// await reads a metric of a process until it is as wanted.
func (s *Scene) await(ctx context.Context, within time.Duration, part, series string, wanted func(float64) bool) (n float64, err error) {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	pattern := regexp.MustCompile("(?m)^" + series + "$")
	for {
		answer, err := s.Show(ctx, part, "/metrics")
		if err == nil {
			if found := pattern.FindSubmatch(answer.Body); found != nil {
				n, err = strconv.ParseFloat(string(found[1]), 64)
				if err == nil && wanted(n) {
					return n, nil
				}
			}
		}
		if !platform.Pause(ctx, 200*time.Millisecond) {
			return n, fmt.Errorf("%s shows %v for %s: %w", part, n, series, errors.Join(ctx.Err(), err))
		}
	}
}

// spoiled is how long a run of reconciliation may take longer when an attempt of its activity was lost at the worker with the wrong clock,
// which gives it up without an answer: Temporal waits for its timeout.
const spoiled = 2 * time.Minute

// windowsAreOfThePast: no run of reconciliation has a window that ends in the future, and soon the newest window ended just now.
func windowsAreOfThePast(ctx context.Context, s *Scene) ([]Objection, error) {
	for late := time.Now().Add(spoiled); ; {
		newest, objections, err := windows(ctx, s)
		switch recent := time.Since(newest) <= reconcileWait; {
		case err != nil:
			return nil, err
		case !recent && time.Now().Before(late) && platform.Pause(ctx, time.Second):
			continue
		case !recent:
			objections = append(objections, object("reconciliation continues", "", "the newest finished run ended at %s", newest))
		}
		s.remark("the newest reconciled window ended %s before the end of the drill", time.Since(newest).Round(time.Second))
		return objections, nil
	}
}

// windows is the end of the newest window that was reconciled, with an objection to each that ends in the future.
func windows(ctx context.Context, s *Scene) (newest time.Time, objections []Objection, err error) {
	var shown struct {
		Runs []struct {
			ID       string    `json:"id"`
			To       time.Time `json:"to"`
			Finished time.Time `json:"finished_at"`
		} `json:"runs"`
	}
	if err := s.read(ctx, "/v1/reconciliation", &shown); err != nil {
		return newest, nil, err
	}
	for _, run := range shown.Runs {
		if run.To.After(time.Now()) {
			objections = append(objections, object("no window ends in the future", "", "run %s ends at %s", run.ID, run.To))
		}
		if !run.Finished.IsZero() && run.To.After(newest) {
			newest = run.To
		}
	}
	return newest, objections, nil
}

// behindIsSeen: while reconciliation is paused, the metric of its alert grows.
func behindIsSeen(ctx context.Context, s *Scene) (objections []Objection, err error) {
	const paused = 30.0 // seconds, more than a run and its grace take
	schedule := func(do func(client.ScheduleHandle) error) error {
		c, err := client.DialContext(ctx, client.Options{
			HostPort: s.Stack.TemporalAddress(), Logger: sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler)),
		})
		if err != nil {
			return err
		}
		defer c.Close()
		return do(c.ScheduleClient().GetHandle(ctx, "reconcile"))
	}
	if err := schedule(func(h client.ScheduleHandle) error { return h.Pause(ctx, client.SchedulePauseOptions{}) }); err != nil {
		return nil, err
	}
	defer func() {
		err = errors.Join(err, schedule(func(h client.ScheduleHandle) error { return h.Unpause(ctx, client.ScheduleUnpauseOptions{}) }))
	}()
	if _, err := s.await(ctx, reconcileWait, "worker", `onlywave_reconciliation_behind_seconds (\S+)`, func(n float64) bool { return n > paused }); err != nil {
		return []Objection{object("the alert on reconciliation works", "", "%v", err)}, nil
	}
	return nil, nil
}

package alerts

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/onlywave/onlywave/test/platform"
)

// Fault is a fault of the platform, and the alerts that must fire for it.
type Fault struct {
	Shows  string // what goes wrong, for the table
	Alerts []string
	// Prepare is done before the platform starts, without a time limit; nil: nothing.
	Prepare func(context.Context) error
	Strike  []Act // the fault, in this order
	During  Act   // runs until the fault is healed, such as traffic; its error is ignored; nil: nothing
	Heal    []Act // its end
	// Lasts is how long the alerts may take to fire, and how long to resolve; 0: defaultLasts.
	Lasts time.Duration
}

// Act is one action of a fault.
type Act func(context.Context, *Scene) error

// Scene is the platform and the state of the run.
type Scene struct {
	*platform.Platform

	out   io.Writer
	began time.Time
	run   string // makes this run's keys differ from another run's
	keys  int
	last  platform.Payment // the last one that an act created

	dispute string // the provider's id of the last chargeback
}

const (
	defaultLasts = 4 * time.Minute
	askEvery     = 200 * time.Millisecond
	// quiet is how long an alert must have been gone to count as resolved: one lost scrape does not resolve it.
	quiet = 3 * time.Second
	// heldBack is how long the receiver may not be notified of an alert before the alert counts as held back by another.
	heldBack = 10 * time.Second
)

func (s *Scene) progress(format string, args ...any) {
	fmt.Fprintf(s.out, "  %6.1fs  %s\n", time.Since(s.began).Seconds(), fmt.Sprintf(format, args...))
}

// play injects one fault, waits until its alerts fire, heals the fault, and waits until they resolve.
func (s *Scene) play(ctx context.Context, t Fault) []Seen {
	seen := make([]Seen, len(t.Alerts))
	for i, alert := range t.Alerts {
		seen[i] = Seen{Alert: alert, Fault: t.Shows}
	}
	err := s.inject(ctx, t, seen)
	for i := range seen {
		if seen[i].Err == nil {
			seen[i].Err = err
		}
		if seen[i].Err != nil {
			s.progress("%s: %v", seen[i].Alert, seen[i].Err)
		}
	}
	return seen
}

func (s *Scene) inject(ctx context.Context, t Fault, seen []Seen) error {
	lasts := t.Lasts
	if lasts == 0 {
		lasts = defaultLasts
	}
	if err := s.awaitRest(ctx, seen, lasts); err != nil {
		return fmt.Errorf("before the fault: %w", err)
	}
	struck := time.Now()
	s.progress("fault injected")
	during, stop := context.WithCancel(ctx)
	defer stop()
	struckErr := inOrder(ctx, s, t.Strike)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if t.During != nil && struckErr == nil {
			_ = t.During(during, s)
		}
	}()
	var fired error
	if struckErr == nil {
		fired = s.awaitFiring(ctx, seen, struck, lasts)
	}
	stop()
	<-ended
	s.progress("fault healed")
	err := errors.Join(struckErr, fired, inOrder(ctx, s, t.Heal))
	return errors.Join(err, s.awaitOver(ctx, seen, struck, lasts))
}

// awaitRest waits until none of them is pending or firing from an earlier fault, and the receiver has been notified of that: an alert
// that fires again before that sends no new notification.
func (s *Scene) awaitRest(ctx context.Context, seen []Seen, lasts time.Duration) error {
	return s.until(ctx, lasts, "no alert is pending or firing", func(firing map[string]bool) string {
		for _, each := range seen {
			_, active := firing[each.Alert]
			if fired, over := s.notified(each.Alert, time.Time{}); active || fired && !over {
				return each.Alert
			}
		}
		return ""
	})
}

// awaitFiring waits until all of them fire in Prometheus, and the receiver has been notified. A ticket that is held back by a page for
// the same cause is sent when the page has resolved.
func (s *Scene) awaitFiring(ctx context.Context, seen []Seen, struck time.Time, lasts time.Duration) error {
	return s.until(ctx, lasts, "the alert fires", func(firing map[string]bool) string {
		for i := range seen {
			if seen[i].Fired == 0 && firing[seen[i].Alert] {
				seen[i].Fired = time.Since(struck)
				s.progress("%s fires", seen[i].Alert)
			}
		}
		all := time.Time{}
		for _, each := range seen {
			if each.Fired == 0 {
				return each.Alert
			}
			if at := struck.Add(each.Fired); at.After(all) {
				all = at
			}
		}
		for _, each := range seen {
			if fired, _ := s.notified(each.Alert, struck); !fired && time.Since(all) < heldBack {
				return each.Alert
			}
		}
		return ""
	})
}

// awaitOver waits until none of them fires, and the receiver has been notified of that, if it had been notified of the firing. An alert
// that was held back as long as it fired sends no notification at all.
func (s *Scene) awaitOver(ctx context.Context, seen []Seen, struck time.Time, lasts time.Duration) error {
	healed, gone := time.Now(), map[string]time.Time{}
	return s.until(ctx, lasts, "the alert resolves", func(firing map[string]bool) string {
		waits := ""
		for i := range seen {
			alert := seen[i].Alert
			if firing[alert] {
				delete(gone, alert)
				waits = alert
				continue
			}
			if gone[alert].IsZero() {
				gone[alert] = time.Now()
				seen[i].Resolved = time.Since(healed)
			}
			fired, ended := s.notified(alert, struck)
			if since := time.Since(gone[alert]); since < quiet || fired && !ended || !fired && since < heldBack {
				waits = alert
			}
		}
		return waits
	})
}

// notified says whether the receiver was notified that the alert fires, and afterwards that it resolved.
func (s *Scene) notified(alert string, since time.Time) (fired, over bool) {
	for _, a := range s.Monitoring.Pager.Alarms(since) {
		if a.Alert == alert {
			fired, over = fired || a.Firing, fired && !a.Firing
		}
	}
	return fired, over
}

// until reads the firing alerts from Prometheus again and again; waits names an alert that is still waited for, or none.
func (s *Scene) until(ctx context.Context, lasts time.Duration, what string, waits func(map[string]bool) string) error {
	ctx, cancel := context.WithTimeout(ctx, lasts)
	defer cancel()
	for {
		firing, err := s.Monitoring.Alerts(ctx)
		waiting := ""
		if err == nil {
			if waiting = waits(firing); waiting == "" {
				return nil
			}
		}
		if !platform.Pause(ctx, askEvery) {
			return fmt.Errorf("waiting until %s (%s): %w", what, waiting, errors.Join(ctx.Err(), err))
		}
	}
}

func inOrder(ctx context.Context, s *Scene, acts []Act) error {
	for _, act := range acts {
		if err := act(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

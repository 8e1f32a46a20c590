package alerts

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/onlywave/onlywave/test/platform"
)

// Trouble is something that goes wrong, and the alerts that must tell of it.
type Trouble struct {
	Shows  string // what goes wrong, in one sentence
	Alerts []string
	// Prepare is done before all troubles, and takes as long as it takes; nil: nothing.
	Prepare func(context.Context) error
	Strike  []Act // what goes wrong, in this order
	During  Act   // what goes on until it is healed, such as traffic; nil: nothing. That it fails is no news.
	Heal    []Act // what makes it good again
	// Lasts is how long the alerts may take to fire, and how long to clear; 0: patience. None depends on speed.
	Lasts time.Duration
}

// Act does something to the scene.
type Act func(context.Context, *Scene) error

// Scene is the platform that troubles come over.
type Scene struct {
	*platform.Platform

	out   io.Writer
	began time.Time
	run   string // tells this run's keys from another's
	keys  int
	last  platform.Payment // the last that an act made
}

const (
	patience = 4 * time.Minute
	lookEach = 200 * time.Millisecond
	// quiet is how long an alert must have been gone to be over: a scrape that was lost is no end.
	quiet = 3 * time.Second
	// heldBack is how long people may be left untold of an alert before it is taken to be held back.
	heldBack = 10 * time.Second
)

func (s *Scene) tell(format string, args ...any) {
	fmt.Fprintf(s.out, "  %6.1fs  %s\n", time.Since(s.began).Seconds(), fmt.Sprintf(format, args...))
}

// play makes one trouble, waits until its alerts fire, heals it, and waits until they are over.
func (s *Scene) play(ctx context.Context, t Trouble) []Seen {
	seen := make([]Seen, len(t.Alerts))
	for i, alert := range t.Alerts {
		seen[i] = Seen{Alert: alert, Trouble: t.Shows}
	}
	err := s.trouble(ctx, t, seen)
	for i := range seen {
		if seen[i].Err == nil {
			seen[i].Err = err
		}
		if seen[i].Err != nil {
			s.tell("%s: %v", seen[i].Alert, seen[i].Err)
		}
	}
	return seen
}

func (s *Scene) trouble(ctx context.Context, t Trouble, seen []Seen) error {
	lasts := t.Lasts
	if lasts == 0 {
		lasts = patience
	}
	if err := s.awaitRest(ctx, seen, lasts); err != nil {
		return fmt.Errorf("before it began: %w", err)
	}
	struck := time.Now()
	s.tell("it begins")
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
	s.tell("it is healed")
	err := errors.Join(struckErr, fired, inOrder(ctx, s, t.Heal))
	return errors.Join(err, s.awaitOver(ctx, seen, struck, lasts))
}

// awaitRest waits until none of them fires or is about to, from an earlier trouble, and people have been told so: of one that
// fires again before that they are told nothing new.
func (s *Scene) awaitRest(ctx context.Context, seen []Seen, lasts time.Duration) error {
	return s.until(ctx, lasts, "it is at rest", func(firing map[string]bool) string {
		for _, each := range seen {
			_, moves := firing[each.Alert]
			if fired, over := s.told(each.Alert, time.Time{}); moves || fired && !over {
				return each.Alert
			}
		}
		return ""
	})
}

// awaitFiring waits until Prometheus says that all of them fire, and people have been told. One that is held back by another, as a
// ticket is by the page that explains it, is told when that is over.
func (s *Scene) awaitFiring(ctx context.Context, seen []Seen, struck time.Time, lasts time.Duration) error {
	return s.until(ctx, lasts, "it fires", func(firing map[string]bool) string {
		for i := range seen {
			if seen[i].Fired == 0 && firing[seen[i].Alert] {
				seen[i].Fired = time.Since(struck)
				s.tell("%s fires", seen[i].Alert)
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
			if fired, _ := s.told(each.Alert, struck); !fired && time.Since(all) < heldBack {
				return each.Alert
			}
		}
		return ""
	})
}

// awaitOver waits until none of them fires, and people have been told so if they were told that it fired: of one that was held back
// as long as it fired they hear nothing.
func (s *Scene) awaitOver(ctx context.Context, seen []Seen, struck time.Time, lasts time.Duration) error {
	healed, gone := time.Now(), map[string]time.Time{}
	return s.until(ctx, lasts, "it is over", func(firing map[string]bool) string {
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
				seen[i].Cleared = time.Since(healed)
			}
			fired, ended := s.told(alert, struck)
			if since := time.Since(gone[alert]); since < quiet || fired && !ended || !fired && since < heldBack {
				waits = alert
			}
		}
		return waits
	})
}

// told says whether people have heard that it fires, and after that that it is over.
func (s *Scene) told(alert string, since time.Time) (fired, over bool) {
	for _, a := range s.Monitoring.Pager.Alarms(since) {
		if a.Alert == alert {
			fired, over = fired || a.Firing, fired && !a.Firing
		}
	}
	return fired, over
}

// until asks Prometheus again and again which alerts fire; waits names one that is still waited for, or none.
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
		if !platform.Pause(ctx, lookEach) {
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

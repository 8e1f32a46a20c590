package drills

import (
	"context"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/onlywave/onlywave/test/devstack"
	"github.com/onlywave/onlywave/test/platform"
	"github.com/onlywave/onlywave/test/simulator"
)

// Acts on api and worker processes.

// killOneAPI kills a random one with SIGKILL.
func killOneAPI(_ context.Context, s *Scene) error {
	s.api = s.Random.IntN(len(s.APIs))
	return s.APIs[s.api].Kill()
}

func restartTheAPI(ctx context.Context, s *Scene) error { return s.APIs[s.api].Restart(ctx) }

func killOneWorker(_ context.Context, s *Scene) error {
	s.worker = s.Random.IntN(len(s.Workers))
	return s.Workers[s.worker].Kill()
}

func restartTheWorker(ctx context.Context, s *Scene) error {
	return s.Workers[s.worker].Restart(ctx)
}

// rollingRestart asks each api and worker to end, and starts it again, one after the other, as a deployment does.
func rollingRestart(ctx context.Context, s *Scene) error {
	for _, p := range s.parts() {
		if err := p.Restart(ctx); err != nil {
			return err
		}
		if !platform.Pause(ctx, time.Second) {
			return ctx.Err()
		}
	}
	return nil
}

// parts are the api and worker processes.
func (s *Scene) parts() []*devstack.Process { return slices.Concat(s.APIs, s.Workers) }

var everyService = []devstack.Service{devstack.Postgres, devstack.Redis, devstack.RabbitMQ, devstack.Temporal}

// killEverything is a power failure: all services and processes end at once, except the provider, which is elsewhere.
func killEverything(_ context.Context, s *Scene) error {
	var group errgroup.Group
	for _, service := range everyService {
		group.Go(s.Stack.Process(service).Kill)
	}
	for _, p := range s.parts() {
		group.Go(p.Kill)
	}
	return group.Wait()
}

// restartEverything starts all at once, so none finds its dependencies ready.
func restartEverything(ctx context.Context, s *Scene) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, service := range everyService {
		group.Go(func() error { return s.Stack.Process(service).Restart(ctx) })
	}
	for _, p := range s.parts() {
		group.Go(func() error { return p.Restart(ctx) })
	}
	return group.Wait()
}

// Acts on services.

func kill(service devstack.Service) Act {
	return func(_ context.Context, s *Scene) error { return s.Stack.Process(service).Kill() }
}

func restart(service devstack.Service) Act {
	return func(ctx context.Context, s *Scene) error { return s.Stack.Process(service).Restart(ctx) }
}

// freeze suspends a service: its connections stay open, and it does not answer.
func freeze(service devstack.Service) Act {
	return func(_ context.Context, s *Scene) error { return s.Stack.Process(service).Pause() }
}

func thaw(service devstack.Service) Act {
	return func(_ context.Context, s *Scene) error { return s.Stack.Process(service).Resume() }
}

func flushRedis(ctx context.Context, s *Scene) error { return s.Stack.FlushRedis(ctx) }

func rabbitMQCtl(args ...string) Act {
	return func(ctx context.Context, s *Scene) error { return s.Stack.RabbitMQCtl(ctx, args...) }
}

// Acts on links.

// links changes each of the links; part is as in Platform.Links.
func links(part string, to devstack.Service, do func(*platform.Link) error) Act {
	return func(_ context.Context, s *Scene) error { return s.OnLinks(part, to, do) }
}

func blackHole(part string, to devstack.Service) Act {
	return links(part, to, (*platform.Link).BlackHole)
}
func deafen(part string, to devstack.Service) Act { return links(part, to, (*platform.Link).Deafen) }
func mend(part string, to devstack.Service) Act   { return links(part, to, (*platform.Link).Mend) }

func cut(part string, to devstack.Service) Act {
	return links(part, to, func(l *platform.Link) error { l.Cut(); return nil })
}

func slow(part string, to devstack.Service, by time.Duration) Act {
	return links(part, to, func(l *platform.Link) error { return l.Slow(by) })
}

func dribble(part string, to devstack.Service, bytes int, every time.Duration) Act {
	return links(part, to, func(l *platform.Link) error { return l.Dribble(bytes, every) })
}

// Acts on the provider.

func arm(faults ...simulator.Fault) Act {
	return func(ctx context.Context, s *Scene) error { return s.Provider.Arm(ctx, faults...) }
}

func disarm(ctx context.Context, s *Scene) error { return s.Provider.Disarm(ctx) }

// Acts that wait.

// forAWhile lets the fault last for a random time between three quarters of its length and all of it.
func forAWhile(ctx context.Context, s *Scene) error {
	quarter := s.Drill.Lasts / 4
	if !platform.Pause(ctx, 3*quarter+time.Duration(s.Random.Int64N(int64(quarter)+1))) {
		return ctx.Err()
	}
	return nil
}

func shortly(ctx context.Context, s *Scene) error {
	if !platform.Pause(ctx, 200*time.Millisecond+time.Duration(s.Random.Int64N(int64(300*time.Millisecond)))) {
		return ctx.Err()
	}
	return nil
}

// everyNow repeats acts with a gap between them as long as the fault lasts.
func everyNow(gap time.Duration, acts ...Act) Act {
	return func(ctx context.Context, s *Scene) error {
		end := time.Now().Add(s.Drill.Lasts)
		for time.Now().Before(end) {
			if err := inOrder(ctx, s, acts); err != nil {
				return err
			}
			if !platform.Pause(ctx, gap) {
				return ctx.Err()
			}
		}
		return nil
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

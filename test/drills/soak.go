package drills

import (
	"context"
	"fmt"
	"time"

	"github.com/onlywave/onlywave/test/platform"
)

const soakLength = 45 * time.Second // in the run of all drills

// Soak draws one fault after another from those of the other drills, for that long.
func Soak(length time.Duration) Drill {
	return Drill{
		Name: "soak", Shows: "Random faults, one after another, leave nothing behind.",
		Lasts: length, Strike: []Act{anyFault}, Expect: []Expectation{everyClientIsAnswered},
	}
}

// anyFault injects random faults until the drill's time is over. Each is healed before the next one.
func anyFault(ctx context.Context, s *Scene) error {
	var faults []Drill
	for _, some := range [][]Drill{onProcesses, onProvider, webhooks, onRedis, onRabbitMQ, onPostgres, onTemporal} {
		for _, d := range some {
			if len(d.Heal) > 0 {
				faults = append(faults, d)
			}
		}
	}
	length := s.Drill.Lasts
	defer func() { s.Drill.Lasts = length }()
	for end := time.Now().Add(length); time.Now().Before(end); {
		d := faults[s.Random.IntN(len(faults))]
		s.Drill.Lasts = time.Second + time.Duration(s.Random.Int64N(int64(4*time.Second)))
		s.progress("%s for %s", d.Name, s.Drill.Lasts.Round(100*time.Millisecond))
		if err := inOrder(ctx, s, append(append([]Act{}, d.Strike...), forAWhile)); err != nil {
			return fmt.Errorf("%s: %w", d.Name, err)
		}
		if err := inOrder(ctx, s, d.Heal); err != nil {
			return fmt.Errorf("heal %s: %w", d.Name, err)
		}
		if !platform.Pause(ctx, time.Duration(s.Random.Int64N(int64(3*time.Second)))) {
			return ctx.Err()
		}
	}
	return nil
}

package worker

import (
	"context"
	"time"

	"github.com/onlywave/onlywave/internal/breaker"
	"github.com/onlywave/onlywave/internal/postgres"
	"github.com/onlywave/onlywave/internal/rabbitmq"
)

const (
	sampleEvery   = 20 * time.Second // more often than once a minute, because another worker may stop after it has claimed one
	sampleTimeout = 10 * time.Second
)

// runSamples keeps the breakers' states and the queues' depths once a minute, for the console. All workers try; one of them does it.
func (w *Worker) runSamples(ctx context.Context) error {
	tick := time.NewTicker(sampleEvery)
	defer tick.Stop()
	for {
		if err := w.sample(ctx); err != nil && ctx.Err() == nil {
			w.Log.Warn("samples", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// sample keeps what it can find out. A breaker or queue that does not answer has no sample.
func (w *Worker) sample(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, sampleTimeout)
	defer cancel()
	minute, claimed, err := w.Database.ClaimMinute(ctx)
	if err != nil || !claimed {
		return err
	}
	var samples []postgres.Sample
	if w.Breakers != nil {
		statuses, _ := w.Breakers.Statuses(ctx) // none while Redis is unavailable
		for _, s := range statuses {
			samples = append(samples, postgres.Sample{Kind: postgres.BreakerSample, Name: s.Name, Value: breakerValue(s)})
		}
	}
	depths, _ := rabbitmq.Depths(ctx, w.Broker) // none while RabbitMQ is unavailable
	for _, d := range depths {
		if d.Err == nil {
			samples = append(samples, postgres.Sample{Kind: postgres.QueueSample, Name: d.Queue, Value: int64(d.Messages)})
		}
	}
	return w.Database.KeepSamples(ctx, minute, samples)
}

// breakerValue is the state in which calls find the breaker.
func breakerValue(s breaker.Status) int64 {
	state := s.State
	if s.Forced != "" {
		state = s.Forced
	}
	switch state {
	case breaker.Open:
		return 2
	case breaker.HalfOpen:
		return 1
	}
	return 0
}

package worker

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/rabbitmq"
)

// Of a thousand at once one is handled, one waits, and the others are done at once; what the one that waits finds out is newer
// than all of them.
func TestACrowdTakesTwoPlaces(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var c coalescer
		var began []time.Time
		var came []time.Time
		var joins atomic.Int64
		handle := func() error {
			began = append(began, time.Now())
			time.Sleep(time.Second)
			return nil
		}
		var wg sync.WaitGroup
		for i := range 1000 {
			time.Sleep(time.Millisecond / 2)
			came = append(came, time.Now())
			wg.Go(func() {
				joined, err := c.one(t.Context(), "flood", handle)
				require.NoError(t, err)
				if joined {
					joins.Add(1)
				}
			})
			if i == 500 {
				joined, err := c.one(t.Context(), "other", func() error { return nil })
				require.NoError(t, err)
				require.False(t, joined, "another subject is not of the coalescer")
			}
		}
		wg.Wait()
		require.Len(t, began, 2)
		require.EqualValues(t, 998, joins.Load())
		require.True(t, began[1].After(came[len(came)-1]))
		require.Empty(t, c.subjects)
	})
}

func TestWhoHasNoMoreTimeLeavesTheCrowd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var c coalescer
		finish := make(chan struct{})
		go func() { _, _ = c.one(t.Context(), "it", func() error { <-finish; return nil }) }()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		joined, err := c.one(ctx, "it", func() error { return fmt.Errorf("called") })
		require.False(t, joined)
		require.ErrorIs(t, err, context.DeadlineExceeded)

		var handled atomic.Int64
		for range 2 { // one takes the place that is free again, and the other joins it
			go func() { _, _ = c.one(t.Context(), "it", func() error { handled.Add(1); return nil }) }()
		}
		synctest.Wait()
		close(finish)
		synctest.Wait()
		require.EqualValues(t, 1, handled.Load())
		require.Empty(t, c.subjects)
	})
}

// However they come and go, each that is not cancelled too early is covered by a call that begins after it came.
func TestACrowdLosesNoCall(t *testing.T) {
	t.Parallel()
	var c coalescer
	var clock, last atomic.Int64 // last is the clock at the beginning of the newest call
	var wg sync.WaitGroup
	for i := range 200 {
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i%7)*time.Millisecond+time.Millisecond)
			defer cancel()
			_, _ = c.one(ctx, "it", func() error {
				last.Store(clock.Add(1))
				return ctx.Err()
			})
		})
	}
	wg.Wait()
	require.Empty(t, c.subjects)
	came := clock.Add(1)
	joined, err := c.one(t.Context(), "it", func() error { last.Store(clock.Add(1)); return nil })
	require.NoError(t, err)
	require.False(t, joined)
	require.Greater(t, last.Load(), came)
}

// A flood about one payment, whose first signal does not come back, stands before a webhook of another's. Not parallel: it
// takes what is in the shared queues.
func TestAFloodAboutOnePaymentIsPassed(t *testing.T) {
	at, _ := newEnv(t)
	w, _ := newWorker(t, at)
	eventually(t, func() bool { return w.Publisher.Ready() == nil }, "the broker")
	emptied(t, at)
	publish := func(id string) {
		require.NoError(t, w.Publisher.Publish(t.Context(), rabbitmq.ExchangeWebhooks, rabbitmq.Message{ID: id, Key: "mercadopago.payment"}))
	}
	const flood = 10 * webhooksInHand
	for i := range flood {
		publish(fmt.Sprint("flood ", i))
	}
	publish("other")
	finish, other := make(chan struct{}), make(chan struct{})
	var calls, joins atomic.Int64
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- rabbitmq.NewConsumer(w.Broker, rabbitmq.QueueProcess, webhooksInHand, w.Log).Run(ctx, func(ctx context.Context, d rabbitmq.Delivery) error {
			if d.ID == "other" {
				close(other)
				return nil
			}
			joined, err := w.coalescer.one(ctx, "flood", func() error { calls.Add(1); <-finish; return nil })
			if joined {
				joins.Add(1)
			}
			return err
		})
	}()
	select {
	case <-other:
	case <-time.After(timeout):
		require.Fail(t, "the other payment waits for the flood")
	}
	close(finish)
	eventually(t, func() bool { return calls.Load()+joins.Load() == flood }, "all are done")
	require.Less(t, calls.Load(), int64(webhooksInHand), "a few calls answer for all")
	cancel()
	require.NoError(t, <-ended)
}

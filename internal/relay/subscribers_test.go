package relay

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/test/devstack"
	"github.com/onlywave/onlywave/test/devstack/devstacktest"
)

func (r *Relay) counted(outcome string) int {
	return int(testutil.ToFloat64(r.metrics.events.WithLabelValues("events", outcome)))
}

// full is a queue that takes one message and refuses all others.
var full = amqp.Table{"x-max-length": 1, "x-overflow": "reject-publish"}

// first is each number where it came first: twins come later.
func first(numbers []int) []int {
	var seen []int
	for _, n := range numbers {
		if !slices.Contains(seen, n) {
			seen = append(seen, n)
		}
	}
	return seen
}

// The queue of another service is full. All others get the events at once and in order; the full one gets what it lacks once it has
// room.
func TestAFullQueueOfOneSubscriberHoldsUpNoOther(t *testing.T) {
	w := newEnv(t, devstacktest.Shared().RabbitMQURL())
	r, _ := w.relay(t, time.Hour)
	foreign := w.bind(t, full, everything...)
	s := w.bind(t, nil, everything...).listen(t)
	var ids []string
	for i := range 10 {
		id := w.open(t, r, fmt.Sprint(i))
		w.move(t, r, id, payment.Pending, 1)
		w.move(t, r, id, payment.Approved, 2)
		ids = append(ids, id)
	}
	for _, id := range ids {
		require.Equal(t, []int{1, 2, 3}, s.receives(t, id, 3), "each once")
	}
	w.requireNothingWaits(t)
	require.Equal(t, 29, w.inDatabase(t, `select count(*) from event_repeats`))
	require.Equal(t, 29, r.counted(refused))
	require.ErrorContains(t, r.Ready(), "refused")

	_, err := foreign.channel.QueuePurge(foreign.name, false) // and it goes on with a consumer
	require.NoError(t, err)
	foreign.listen(t)
	w.due(t)
	require.Eventually(t, func() bool {
		w.due(t)
		return w.inDatabase(t, `select count(*) from event_repeats`) == 0
	}, timeout, 100*time.Millisecond)
	missed := 0
	for _, id := range ids {
		require.Equal(t, []int{1, 2, 3}, first(s.of(id)))
		received := first(foreign.of(id))
		require.True(t, slices.IsSorted(received), "%v", received)
		missed += 3 - len(received)
	}
	require.LessOrEqual(t, missed, 1, "what was purged")
	require.NoError(t, r.Ready())
	require.Zero(t, r.counted(givenUp))
}

// A queue that is full for good costs every other subscriber a bounded number of twins.
func TestWhatIsRefusedForGoodIsGivenUp(t *testing.T) {
	w := newEnv(t, devstacktest.Shared().RabbitMQURL())
	r, _ := w.relay(t, 20*time.Millisecond) // and 120, 720 and 4320
	w.bind(t, full, everything...)
	s := w.bind(t, nil, everything...).listen(t)
	id := w.open(t, r, "")
	w.move(t, r, id, payment.Pending, 1)
	s.receives(t, id, 2+repeats)
	require.Eventually(t, func() bool { return r.counted(givenUp) == 1 }, timeout, 10*time.Millisecond)
	require.Eventually(t, func() bool { return w.inDatabase(t, `select count(*) from event_repeats`) == 0 }, timeout, 50*time.Millisecond)
	require.Equal(t, 1+repeats, r.counted(refused))
	require.Equal(t, []int{1, 2, 2, 2, 2, 2}, s.of(id))
	require.ErrorContains(t, r.Ready(), "payment.pending refused")
}

// A queue without a leader confirms nothing, ever. The others get their events in order all the same, and soon.
func TestAQueueThatNeverConfirmsHoldsUpNoOther(t *testing.T) {
	stack := devstacktest.Start(t, devstack.RabbitMQ)
	w := newEnv(t, stack.RabbitMQURL())
	r, _ := w.relay(t, time.Hour)
	foreign := w.bind(t, amqp.Table{"x-queue-type": "quorum"}, everything...)
	s := w.bind(t, amqp.Table{"x-queue-type": "quorum"}, everything...).listen(t)
	s.receives(t, w.open(t, r, "before"), 1) // a queue that is new to a connection stops it at once: RabbitMQ waits for its leader
	w.requireNothingWaits(t)
	require.NoError(t, stack.RabbitMQEval(t.Context(), fmt.Sprintf("sys:suspend('%%2F_%s')", foreign.name)))
	var ids []string
	for i := range 100 {
		ids = append(ids, w.open(t, r, fmt.Sprint(i)))
	}
	for second, status := range []payment.Status{payment.Pending, payment.Approved} {
		for _, id := range ids {
			w.move(t, r, id, status, second)
		}
	}
	for _, id := range ids {
		require.Equal(t, []int{1, 2, 3}, first(s.receives(t, id, 3)))
	}
	w.requireNothingWaits(t)
	require.ErrorContains(t, r.Ready(), "unconfirmed")
	require.Equal(t, 300, w.inDatabase(t, `select count(*) from event_repeats`))
	require.Equal(t, 100, w.inDatabase(t, `select count(*) from payments where published = 3`))

	require.NoError(t, stack.RabbitMQEval(t.Context(), fmt.Sprintf("sys:resume('%%2F_%s')", foreign.name)))
	foreign.listen(t)
	for _, id := range ids {
		foreign.receives(t, id, 3)
	}
	w.due(t)
	require.Eventually(t, func() bool {
		w.due(t)
		return w.inDatabase(t, `select count(*) from event_repeats`) == 0
	}, timeout, 100*time.Millisecond)
	require.NoError(t, r.Ready())
}

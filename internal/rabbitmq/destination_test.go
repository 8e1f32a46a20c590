package rabbitmq

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/require"
)

// sessions are the channels of a publisher.
func (p *Publisher) sessions() []*session {
	var all []*session
	for _, destination := range slices.Sorted(maps.Keys(p.publishers)) {
		all = append(all, p.publishers[destination].session.Load())
	}
	return all
}

// inFlight counts the publishes that have no outcome yet.
func (p *Publisher) inFlight() int {
	n := 0
	for _, d := range p.publishers {
		n += len(d.slots)
	}
	return n
}

// silenced is another service's queue that takes events and never confirms them, like a queue without a leader. speak makes it confirm
// again.
func silenced(t *testing.T) (speak func()) {
	t.Helper()
	const name = "onlywave.test.silent"
	_, channel := dial(t)
	_, err := channel.QueueDeclare(name, true, false, false, false, amqp.Table{amqp.QueueTypeArg: amqp.QueueTypeQuorum})
	require.NoError(t, err)
	require.NoError(t, channel.QueueBind(name, "silent.#", ExchangeEvents, false, nil))
	suspend(t, name)
	speak = sync.OnceFunc(func() { resume(t, name) })
	t.Cleanup(func() {
		speak()
		_, err := channel.QueueDelete(name, false, false, false)
		require.NoError(t, err)
	})
	return speak
}

func silentEvent(i int) Message {
	return Message{ID: fmt.Sprint("silent ", i), Key: "silent.event", Optional: true}
}

// One queue confirms nothing. The messages of all other queues are confirmed. Its own messages fail in time and free their slots. Ready
// names the queue.
func TestASilentDestinationDoesNotBlockTheOthers(t *testing.T) {
	for name, times := range map[string]timing{
		"the oldest confirm is too old": {redeclareEvery, 2 * time.Second, time.Hour, reconnectMax},
		"the connection stands":         {redeclareEvery, time.Minute, 2 * time.Second, reconnectMax},
	} {
		t.Run(name, func(t *testing.T) { doesNotBlockTheOthers(t, times) })
	}
}

func doesNotBlockTheOthers(t *testing.T, times timing) {
	connect(t)
	speak := silenced(t)
	p := newPublisherThat(t, times)
	others := p.sessions()

	const tooMany = maxInFlight + 100
	failures := make(chan error, tooMany)
	for i := range tooMany {
		ctx := within(t, 500*time.Millisecond)
		go func() { failures <- p.Publish(ctx, ExchangeEvents, silentEvent(i)) }()
	}
	for range tooMany {
		err := <-failures
		require.ErrorIs(t, err, ErrUnavailable)
		require.ErrorContains(t, err, ExchangeEvents)
	}
	// On a slow machine the channel may already be replaced for the first time.
	require.Eventually(t, func() bool { return p.Connected() == nil }, testTimeout, 10*time.Millisecond)
	for i := range 100 {
		require.NoError(t, p.Publish(within(t, testTimeout), ExchangeWebhooks, payment(fmt.Sprint(i))))
	}
	isNamed := func() bool { err := p.Ready(); return err != nil && strings.Contains(err.Error(), ExchangeEvents) }
	require.Eventually(t, isNamed, testTimeout, 10*time.Millisecond)

	require.Eventually(t, func() bool { return p.inFlight() == 0 }, testTimeout, 10*time.Millisecond, "the channel is replaced")
	require.Eventually(t, func() bool {
		return len(changed(others, p.sessions())) == 1
	}, testTimeout, 10*time.Millisecond, "only this channel is replaced")
	require.Eventually(t, isNamed, testTimeout, 10*time.Millisecond, "which says nothing about the destination")

	speak()
	require.Eventually(t, func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		return p.Publish(ctx, ExchangeEvents, silentEvent(tooMany)) == nil
	}, testTimeout, 10*time.Millisecond)
	require.NoError(t, p.Ready())
}

// changed are the indexes of the sessions that were replaced.
func changed(before, now []*session) map[int]bool {
	all := map[int]bool{}
	for i := range before {
		if before[i] != now[i] && now[i] != nil {
			all[i] = true
		}
	}
	return all
}

// The broker closes a channel that publishes to a missing exchange. The publishes on other channels go on.
func TestAMissingExchangeClosesItsOwnChannelOnly(t *testing.T) {
	p := connect(t)
	_, channel := dial(t)
	before := p.sessions()
	require.NoError(t, channel.ExchangeDelete(ExchangeEvents, false, false))
	event := Message{ID: "1", Key: "payment.approved", Optional: true}
	require.ErrorIs(t, p.Publish(t.Context(), ExchangeEvents, event), ErrUnavailable)
	require.NoError(t, p.Publish(t.Context(), ExchangeWebhooks, payment("1")))
	require.Eventually(t, func() bool { return p.Publish(t.Context(), ExchangeEvents, event) == nil }, testTimeout, 10*time.Millisecond, "it is declared anew")
	require.Len(t, changed(before, p.sessions()), 1)
}

package rabbitmq

import (
	"context"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/require"
)

// returned gives all that is in a queue back to it so many times, which the broker counts.
func returned(t *testing.T, queue string, times int) {
	t.Helper()
	_, channel := dial(t)
	all := waiting(t, queue)
	for range times {
		var last amqp.Delivery
		for range all {
			last = fetch(t, channel, queue)
		}
		require.NoError(t, last.Nack(true, true))
		require.Eventually(t, func() bool { return waiting(t, queue) == all }, testTimeout, time.Millisecond)
	}
}

func counted(d Delivery) int64 { return deliveryCount(amqp.Delivery{Headers: d.Headers}) }

// What the broker holds against a message is forgotten before it gives the message up, and all else is kept.
func TestMessageHeldTooLongBeginsAnew(t *testing.T) {
	p := connect(t)
	_, channel := dial(t)
	publish(t, p, 1)
	returned(t, QueueProcess, 1)
	c := NewConsumer([]string{stack.RabbitMQURL()}, QueueProcess, 1, silent)
	c.RetryDelay, c.holdTime = time.Millisecond, 0
	var failures []int
	answers := []error{errWorld, Fault("internal", errOurs), errWorld, DeadLetter("invalid", errOurs)}
	stop := running(t, func(ctx context.Context) error {
		return c.Run(ctx, func(_ context.Context, d Delivery) error {
			if d.ID != "0" || d.Exchange != ExchangeWebhooks || d.Key != "mercadopago.payment" {
				return DeadLetter("mistaken", errOurs)
			}
			if counted(d) > 0 {
				return errWorld
			}
			failures = append(failures, d.Failures)
			return answers[min(len(failures), len(answers))-1]
		})
	})
	letter := newDelivery(fetch(t, channel, QueueDeadLetters))
	stop()
	require.Equal(t, []int{0, 0, 1, 1}, failures)
	require.Equal(t, "webhook.invalid", letter.Key)
	require.Equal(t, ExchangeWebhooks, letter.Headers[HeaderExchange])
	require.Equal(t, "mercadopago.payment", letter.Headers[HeaderKey])
	require.Len(t, Trail(letter.Headers), 2)
	require.Zero(t, waiting(t, QueueProcess)+delayed(t))
	require.Equal(t, 1, waiting(t, QueueArchive), "it goes back to its own queue only")
}

// The broker's testTimeout begins when it delivers, also for what waits its turn here.
func TestTimeInTheBufferCounts(t *testing.T) {
	p := connect(t)
	publish(t, p, 3)
	c := NewConsumer([]string{stack.RabbitMQURL()}, QueueArchive, 3, silent)
	c.holdTime = 100 * time.Millisecond
	attempts := make(chan string, 100)
	last := make(chan struct{})
	stop := running(t, func(ctx context.Context) error {
		return c.RunBatches(ctx, 1, time.Millisecond, func(_ context.Context, ds []Delivery) error {
			if attempts <- ds[0].ID; ds[0].ID == "2" {
				close(last)
				return DeadLetter("enough", errOurs)
			}
			return errWorld
		})
	})
	<-last
	stop()
	tries := map[string]int{}
	for id := ""; id != "2"; tries[id]++ {
		id = <-attempts
	}
	require.Equal(t, 1, tries["1"], "it had waited behind the first one's second try")
	require.Eventually(t, func() bool { return waiting(t, QueueArchive) == 2 }, testTimeout, time.Millisecond)
}

// Lost connections count against what was in hand. A message that its handler came back from is not what loses them.
func TestMessageNearItsLimitIsNotHeld(t *testing.T) {
	for queue, start := range map[string]func(*testing.T, func(Delivery) error) func(){
		QueueProcess: func(t *testing.T, handle func(Delivery) error) func() {
			return start(t, func(_ context.Context, d Delivery) error { return handle(d) })
		},
		QueueArchive: func(t *testing.T, handle func(Delivery) error) func() {
			return startBatches(t, 1, func(_ context.Context, ds []Delivery) error { return handle(ds[0]) })
		},
	} {
		t.Run(queue, func(t *testing.T) {
			p := connect(t)
			publish(t, p, 5)
			returned(t, queue, int(wornAfter))
			var done seen
			stop := start(t, func(d Delivery) error {
				if counted(d) > 0 {
					return errWorld
				}
				done.add(d.ID)
				return nil
			})
			require.Eventually(t, func() bool { return done.count() == 5 }, testTimeout, time.Millisecond)
			stop()
			require.Zero(t, waiting(t, queue)+waiting(t, QueueDeadLetters))
		})
	}
}

package rabbitmq

import (
	"context"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/require"
)

// returned takes all messages of a queue and gives them back, so many times. The broker counts each time.
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

// The broker's delivery count is reset before it reaches the limit. All else about the message is kept.
func TestMessageHeldTooLongBeginsAnew(t *testing.T) {
	p := connect(t)
	_, channel := dial(t)
	publish(t, p, 1)
	returned(t, QueueProcess, 1)
	c := NewConsumer([]string{stack.RabbitMQURL()}, QueueProcess, 1, silent)
	c.RetryDelay, c.holdTime = time.Millisecond, 0
	var failures []int
	answers := []error{errDependency, Fault("internal", errBug), errDependency, DeadLetter("invalid", errBug)}
	stop := running(t, func(ctx context.Context) error {
		return c.Run(ctx, func(_ context.Context, d Delivery) error {
			if d.ID != "0" || d.Exchange != ExchangeWebhooks || d.Key != "mercadopago.payment" {
				return DeadLetter("mistaken", errBug)
			}
			if counted(d) > 0 {
				return errDependency
			}
			failures = append(failures, d.Failures)
			return answers[min(len(failures), len(answers))-1]
		})
	})
	deadLetter := newDelivery(fetch(t, channel, QueueDeadLetters))
	stop()
	require.Equal(t, []int{0, 0, 1, 1}, failures)
	require.Equal(t, "webhook.invalid", deadLetter.Key)
	require.Equal(t, ExchangeWebhooks, deadLetter.Headers[HeaderExchange])
	require.Equal(t, "mercadopago.payment", deadLetter.Headers[HeaderKey])
	require.Len(t, Trail(deadLetter.Headers), 2)
	require.Zero(t, waiting(t, QueueProcess)+delayed(t))
	require.Equal(t, 1, waiting(t, QueueArchive), "it goes back to its own queue only")
}

// The broker's timeout begins when it delivers, also for what waits its turn here.
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
				return DeadLetter("enough", errBug)
			}
			return errDependency
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

// A lost connection counts as a failed delivery of every unacknowledged message. A message whose handler returned is not the cause.
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
					return errDependency
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

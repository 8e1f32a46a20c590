package rabbitmq

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The environment variables of a second process of the test program. It is a consumer that dies when it handles the message "poison".
const (
	poisonURLVariable   = "ONLYWAVE_TEST_POISON_URL" // the broker
	poisonQueueVariable = "ONLYWAVE_TEST_POISON_QUEUE"
)

// liveUntilPoisoned consumes as a worker does, until poison comes or its standard input ends. Its work on a message is to
// publish an event and to print the ID.
func liveUntilPoisoned(url, queue string) {
	ctx, stop := context.WithCancel(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		stop()
	}()
	p := NewPublisher([]string{url}, silent)
	work := func(ctx context.Context, batch []Delivery) error {
		for _, d := range batch {
			if d.ID == "poison" {
				os.Exit(1)
			}
			if err := p.Publish(ctx, ExchangeEvents, Message{ID: d.ID, Optional: true}); err != nil {
				return err
			}
			fmt.Println(d.ID)
		}
		return nil
	}
	c := NewConsumer([]string{url}, queue, 32, silent)
	if queue == QueueProcess {
		_ = c.Run(ctx, func(ctx context.Context, d Delivery) error { return work(ctx, []Delivery{d}) })
	} else {
		_ = c.RunBatches(ctx, 32, 100*time.Millisecond, work)
	}
	os.Exit(0)
}

// live runs one such process until it dies or done is true.
func live(t *testing.T, queue string, handled *seen, done func() bool) {
	t.Helper()
	program, err := os.Executable()
	require.NoError(t, err)
	process := exec.CommandContext(t.Context(), program)
	process.Env = append(os.Environ(), poisonURLVariable+"="+stack.RabbitMQURL(), poisonQueueVariable+"="+queue)
	stdin, err := process.StdinPipe()
	require.NoError(t, err)
	stdout, err := process.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, process.Start())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for lines := bufio.NewScanner(stdout); lines.Scan(); {
			handled.add(lines.Text())
		}
	}()
	for {
		select {
		case <-ended:
			_ = process.Wait() // its death is expected
			return
		case <-time.After(100 * time.Millisecond):
			if done() {
				_ = stdin.Close()
			}
		}
	}
}

// A message kills every process that takes it. The broker counts each death against all that was in hand, and yet only the
// one that kills becomes a dead letter.
func TestMessageThatKillsConsumersDiesAlone(t *testing.T) {
	for _, queue := range []string{QueueProcess, QueueArchive} {
		t.Run(queue, func(t *testing.T) {
			p := connect(t)
			_, channel := dial(t)
			require.NoError(t, p.Publish(t.Context(), ExchangeWebhooks, payment("poison")))
			publish(t, p, 30)
			var handled seen
			done := func() bool { return handled.count()+waiting(t, QueueDeadLetters) >= 31 }
			for lives := 0; !done(); lives++ {
				require.LessOrEqual(t, lives, 1+int(deliveryLimit))
				live(t, queue, &handled, done)
			}
			require.Zero(t, waiting(t, queue))
			require.Equal(t, 30, handled.count())
			deadLetter := fetch(t, channel, QueueDeadLetters)
			require.Equal(t, "poison", deadLetter.MessageId)
			require.Equal(t, "webhook."+CauseDeliveryLimit, deadLetter.RoutingKey)
		})
	}
}

// While a dependency is unavailable a suspect waits like any other message, and does not block the others.
func TestSuspectsAreHandledAlone(t *testing.T) {
	p := connect(t)
	publish(t, p, 5)
	returned(t, QueueProcess, suspectAfter)
	for i := range 20 {
		require.NoError(t, p.Publish(t.Context(), ExchangeWebhooks, payment("fresh "+strconv.Itoa(i))))
	}
	var done seen
	var inHand atomic.Int32
	notAlone := make(chan string, 100)
	stop := start(t, func(ctx context.Context, d Delivery) error {
		defer inHand.Add(-1)
		if inHand.Add(1) > 1 && !strings.HasPrefix(d.ID, "fresh") {
			notAlone <- d.ID
		}
		if err := p.Publish(ctx, ExchangeEvents, Message{ID: d.ID, Optional: true}); err != nil {
			return err
		}
		if inHand.Load() > 1 && !strings.HasPrefix(d.ID, "fresh") {
			notAlone <- d.ID
		}
		if done.add(d.ID); d.ID == "0" {
			return errDependency
		}
		return nil
	})
	require.Eventually(t, func() bool { return done.count() == 25 }, testTimeout, time.Millisecond)
	stop()
	require.Empty(t, notAlone)
	require.Equal(t, 1, waiting(t, QueueProcess), "the one that waits for a dependency")
}

func TestSuspectsOfABatchComeOneByOneAfterTheOthers(t *testing.T) {
	p := connect(t)
	publish(t, p, 5)
	returned(t, QueueArchive, suspectAfter)
	fresh := []string{"a", "b", "c"}
	for _, id := range fresh {
		require.NoError(t, p.Publish(t.Context(), ExchangeWebhooks, payment(id)))
	}
	batches := make(chan []string, 10)
	c := NewConsumer([]string{stack.RabbitMQURL()}, QueueArchive, 8, silent)
	stop := running(t, func(ctx context.Context) error {
		return c.RunBatches(ctx, 8, 300*time.Millisecond, func(_ context.Context, batch []Delivery) error {
			if batches <- ids(batch); len(batches) == 3 {
				return errDependency
			}
			return nil
		})
	})
	require.Eventually(t, func() bool { return len(batches) == 3 }, testTimeout, time.Millisecond)
	stop()
	require.Equal(t, fresh, <-batches)
	require.Len(t, append(<-batches, <-batches...), 2)
	require.Eventually(t, func() bool { return waiting(t, QueueArchive) == 4 }, testTimeout, time.Millisecond, "of the suspects one is done")
}

package rabbitmq

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"runtime/debug"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// intake is a consumer's work on one channel.
type intake struct {
	deliveries  <-chan amqp.Delivery // closed when the channel dies or ctx ends
	open        context.Context      // ends when the channel dies or the consumer is stopped
	end         context.CancelCauseFunc
	inHand      context.Context // for handlers: ends finishTimeout after open
	handle      func(context.Context, []Delivery) error
	deadLetters *Publisher
	log         *slog.Logger
}

// gather waits for a message, and then for as many more as come within wait, up to limit. It returns none when there
// will be none.
func (in *intake) gather(limit int, wait time.Duration) []amqp.Delivery {
	first, ok := <-in.deliveries
	if !ok {
		return nil
	}
	batch := append(make([]amqp.Delivery, 0, limit), first)
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for len(batch) < limit {
		select {
		case delivery, ok := <-in.deliveries:
			if !ok {
				return batch
			}
			batch = append(batch, delivery)
		case <-timer.C:
			return batch
		}
	}
	return batch
}

// settle sees a batch through to its acknowledgement, and tells whether it came to that. If not, everything stays in the
// queue. With inOrder, all earlier deliveries on the channel must have been settled.
func (in *intake) settle(batch []amqp.Delivery, inOrder bool) bool {
	deliveries := make([]Delivery, len(batch))
	for i, delivery := range batch {
		deliveries[i] = newDelivery(delivery)
	}
	err := in.retry("message not handled", deliveries, func() error { return in.call(deliveries) })
	verdict, dead := errors.AsType[*deadLetterError](err)
	if dead && len(batch) > 1 {
		for i := range batch {
			if !in.settle(batch[i:i+1], inOrder) {
				return false
			}
		}
		return true
	}
	if dead {
		err = in.retry("dead letter not published", deliveries, func() error { return in.bury(deliveries[0], verdict) })
	}
	if err != nil {
		return false
	}
	if err := batch[len(batch)-1].Ack(inOrder); err != nil {
		in.log.Info("message comes again", "message_id", deliveries[len(batch)-1].ID, "error", err)
		return false
	}
	return true
}

// retry repeats step while it is the world's fault and the channel is open.
func (in *intake) retry(failure string, deliveries []Delivery, step func() error) error {
	for attempt := 0; ; attempt++ {
		err := step()
		if _, dead := errors.AsType[*deadLetterError](err); dead || err == nil {
			return err
		}
		wait := backoff(attempt, retryMin, retryMax)
		in.log.Warn(failure, "message_id", deliveries[0].ID, "messages", len(deliveries), "retry_in", wait, "error", err)
		if !pause(in.open, wait) {
			return err
		}
	}
}

// call makes a handler's panic a dead letter. The panic's value may hold anything, so only a runtime error's text is kept.
func (in *intake) call(deliveries []Delivery) (err error) {
	defer func() {
		value := recover()
		if value == nil {
			return
		}
		text := fmt.Sprintf("panic with a %T", value)
		if fault, ok := value.(runtime.Error); ok {
			text = fault.Error()
		}
		in.log.Error("handler panicked", "message_id", deliveries[0].ID, "panic", text, "stack", string(debug.Stack()))
		err = DeadLetter(CausePanic, errors.New(text))
	}()
	return in.handle(in.inHand, deliveries)
}

func (in *intake) bury(delivery Delivery, verdict *deadLetterError) error {
	ctx, cancel := context.WithTimeout(in.inHand, closeTimeout)
	defer cancel()
	in.log.Warn("message dead-lettered", "message_id", delivery.ID, "cause", verdict.cause, "error", verdict.err)
	return in.deadLetters.Publish(ctx, ExchangeDeadLetters, verdict.message(delivery, time.Now()))
}

package rabbitmq

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"runtime/debug"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// intake handles the deliveries of one channel of a consumer.
type intake struct {
	deliveries <-chan unacked  // closed when the channel dies or ctx ends
	open       context.Context // ends when the channel dies or the consumer is stopped
	end        context.CancelCauseFunc
	inHand     context.Context // for handlers: ends finishTimeout after open
	flush      func() error    // returns when the broker has all acknowledgements
	handle     func(context.Context, []Delivery) error
	publisher  *Publisher // of messages at fault
	seen       *sightings
	inVain     atomic.Bool // the last attempt to send a message back to the queue failed
	queue      string
	delays     []time.Duration // before each retry of a message at fault
	log        *slog.Logger

	handleTimeout time.Duration
	holdTime      time.Duration

	// quiet is held for reading while messages are handled, and for writing while one is handled alone.
	quiet sync.RWMutex
}

// gather waits for a message, and then for as many more as come within wait, up to limit. It returns none when the channel or the
// consumer has ended.
func (in *intake) gather(limit int, wait time.Duration) []unacked {
	if in.open.Err() != nil {
		return nil
	}
	first, ok := <-in.deliveries
	if !ok {
		return nil
	}
	batch := append(make([]unacked, 0, limit), first)
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

// settle handles a batch until it is acknowledged, and says whether it was. If not, everything stays in the
// queue. With inOrder, all earlier deliveries on the channel must have been settled. The caller holds turn, which is released
// while it waits for a dependency.
func (in *intake) settle(batch []unacked, inOrder bool, turn sync.Locker) bool {
	batch, err := in.insist("message not handled", batch, turn, in.call)
	fault, guilty := errors.AsType[*fault](err)
	if guilty && len(batch) > 1 {
		for i := range batch {
			if !in.settle(batch[i:i+1], inOrder, turn) {
				return false
			}
		}
		return true
	}
	if guilty {
		batch, err = in.insist("message at fault not passed on", batch, turn, func(one []unacked) error {
			return in.passOn(newDelivery(one[0].Delivery), fault)
		})
	}
	if err != nil {
		return false
	}
	if err := in.ack(batch, inOrder); err != nil {
		in.log.Info("message comes again", "message_id", batch[len(batch)-1].MessageId, "error", err)
		return false
	}
	return true
}

// insist repeats try while a dependency is unavailable and the channel is open. When that takes too long, messages are sent back to
// the queue instead. It returns those that are left to be acknowledged.
func (in *intake) insist(failure string, batch []unacked, turn sync.Locker, try func([]unacked) error) ([]unacked, error) {
	for attempt := 0; ; attempt++ {
		err := try(batch)
		if _, guilty := errors.AsType[*fault](err); guilty || err == nil {
			return batch, err
		}
		if in.overdue(batch) {
			if batch = in.sendBack(batch, 0); len(batch) == 0 {
				return nil, nil
			}
		}
		wait := backoff(attempt, retryMin, retryMax)
		in.log.Warn(failure, "message_id", batch[0].MessageId, "messages", len(batch), "retry_in", wait, "error", err)
		turn.Unlock()
		goOn := pause(in.open, wait)
		turn.Lock()
		if !goOn {
			return batch, err
		}
	}
}

// call gives messages to the handler. A message is never at fault for a handler's timeout. In the queue of dead letters no message is
// at fault, because it would come back to the same queue.
func (in *intake) call(batch []unacked) error {
	deliveries := make([]Delivery, len(batch))
	for i, d := range batch {
		deliveries[i] = newDelivery(d.Delivery)
	}
	ctx, cancel := context.WithTimeout(in.inHand, in.handleTimeout)
	defer cancel()
	err := in.handleOrPanic(ctx, deliveries)
	switch {
	case err != nil && ctx.Err() != nil:
		return fmt.Errorf("%w: %v", ctx.Err(), err)
	case err != nil && in.queue == QueueDeadLetters:
		return errors.New(err.Error())
	}
	if f, ok := errors.AsType[*fault](err); ok && f.innocent && len(in.delays) == 0 {
		return f.err
	}
	return err
}

// handleOrPanic makes a handler's panic a fault. The panic's value may hold anything, so only a runtime error's text is
// kept.
func (in *intake) handleOrPanic(ctx context.Context, deliveries []Delivery) (err error) {
	defer func() {
		value := recover()
		if value == nil {
			return
		}
		text := fmt.Sprintf("panic with a %T", value)
		if runtimes, ok := value.(runtime.Error); ok {
			text = runtimes.Error()
		}
		in.log.Error("handler panicked", "message_id", deliveries[0].ID, "panic", text, "stack", string(debug.Stack()))
		err = Fault(CausePanic, errors.New(text))
	}()
	return in.handle(ctx, deliveries)
}

// passOn publishes a message at fault to its next queue: a delay queue, or the dead letters.
func (in *intake) passOn(d Delivery, f *fault) error {
	ctx, cancel := context.WithTimeout(in.inHand, closeTimeout)
	defer cancel()
	if f.innocent {
		in.log.Info("message postponed", "message_id", d.ID, "retry_in", in.delays[postponed], "error", f.err)
		m := d.again(d.Failures)
		m.Key, m.expires = strconv.Itoa(postponed+1), in.delays[postponed]
		return in.publisher.Publish(ctx, exchangeRetry, m)
	}
	log := in.log.With("message_id", d.ID, "cause", f.cause, "attempt", d.Failures+1, "error", f.err)
	if f.final || d.LastTry() || len(in.delays) == 0 {
		log.Warn("message dead-lettered")
		return in.publisher.Publish(ctx, ExchangeDeadLetters, f.deadLetter(d, in.queue, time.Now()))
	}
	delay := in.delays[d.Failures]
	log.Warn("message at fault", "retry_in", delay)
	return in.publisher.Publish(ctx, exchangeRetry, f.postponed(d, delay, time.Now()))
}

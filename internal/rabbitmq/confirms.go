package rabbitmq

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// session is a publisher's channel while the broker's flow control does not change: when the broker blocks or unblocks the
// connection, a new session begins on the same channel.
type session struct {
	channel *amqp.Channel
	returns *returns
	answers *answers
	blocked string        // why the broker refuses to read, or empty
	halted  chan struct{} // closed when the next session begins
}

// answers distinguish a broker that does not answer from a queue that does not confirm. The broker processes the messages of a channel
// in their order, so an answer for one says that all before it were given to their queues.
type answers struct {
	newest  atomic.Uint64 // highest delivery tag that the broker has answered for
	probe   atomic.Uint64 // delivery tag of the newest probe
	waiting atomic.Int64  // since when a probe has had no answer, in Unix nanoseconds; 0: none waits
}

// stalled says for how long the broker has not answered on this channel, although it lives.
func (a *answers) stalled() time.Duration {
	since := a.waiting.Load()
	if since == 0 {
		return 0
	}
	return time.Since(time.Unix(0, since))
}

func newSession(channel *amqp.Channel) *session {
	return &session{
		channel: channel,
		returns: &returns{
			arriving: channel.NotifyReturn(make(chan amqp.Return, maxInFlight)),
			arrived:  map[string]int{},
		},
		answers: &answers{},
		halted:  make(chan struct{}),
	}
}

func (s *session) next(block amqp.Blocking) *session {
	next := &session{channel: s.channel, returns: s.returns, answers: s.answers, halted: make(chan struct{})}
	if block.Active {
		next.blocked = block.Reason
		if next.blocked == "" {
			next.blocked = "no reason given"
		}
	}
	return next
}

// await waits until confirm is done, and returns why it is not. When half of the time is over without an answer it asks the broker
// for a sign of life.
func (s *session) await(ctx context.Context, confirm *amqp.DeferredConfirmation) error {
	end, _ := ctx.Deadline()
	half := time.NewTimer(time.Until(end) / 2)
	defer half.Stop()
	for {
		select {
		case <-confirm.Done():
			return nil
		case <-half.C:
			s.probe(confirm.DeliveryTag)
		case <-s.halted:
			return fmt.Errorf("%w: broker blocked publishing before the confirm", ErrUnavailable)
		case <-ctx.Done():
			if s.answers.newest.Load() > confirm.DeliveryTag {
				return fmt.Errorf("%w: %w", ErrUnconfirmed, ctx.Err())
			}
			return fmt.Errorf("%w: no confirm yet: %w", ErrUnavailable, ctx.Err())
		}
	}
}

// probe publishes a message that no queue gets, behind the one with the tag. The broker confirms it at once.
func (s *session) probe(tag uint64) {
	if s.answers.newest.Load() > tag || s.answers.probe.Load() > tag {
		return
	}
	confirm, err := s.channel.PublishWithDeferredConfirm(exchangeDefault, nowhere, false, false, amqp.Publishing{})
	if err != nil {
		return
	}
	raise(&s.answers.probe, confirm.DeliveryTag)
	s.answers.waiting.CompareAndSwap(0, time.Now().UnixNano())
	go func() {
		if confirm.Wait() {
			s.answers.waiting.Store(0)
			raise(&s.answers.newest, confirm.DeliveryTag)
		}
	}()
}

// raise makes a number at least as high as another.
func raise(number *atomic.Uint64, to uint64) {
	for old := number.Load(); old < to && !number.CompareAndSwap(old, to); old = number.Load() {
	}
}

// outcome is what became of m, once confirm is done. Call it once for each publish.
func (s *session) outcome(confirm *amqp.DeferredConfirmation, m Message) error {
	returned := !m.Optional && s.returns.take(m.ID)
	if !s.channel.IsClosed() {
		raise(&s.answers.newest, confirm.DeliveryTag)
	}
	switch {
	case confirm.Acked() && returned:
		return fmt.Errorf("%w: key %s", ErrUnroutable, m.Key)
	case confirm.Acked():
		return nil
	case s.channel.IsClosed(): // the library settles what is open as refused when the channel closes
		return fmt.Errorf("%w: connection lost before the confirm", ErrUnavailable)
	default:
		return ErrRefused
	}
}

// returns finds the message that came back. The broker confirms an unroutable message like any other, but returns it
// first on the same channel, and the library keeps that order: when a confirm is seen, the return is in arriving, which
// has room for one of each publish in flight and so never holds the library up.
type returns struct {
	arriving chan amqp.Return

	mu      sync.Mutex
	arrived map[string]int // by message ID; a duplicate may be in flight too
}

// take says whether the message with the ID came back, and forgets it.
func (r *returns) take(id string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for r.receive() {
	}
	if r.arrived[id] == 0 {
		return false
	}
	r.arrived[id]--
	if r.arrived[id] == 0 {
		delete(r.arrived, id)
	}
	return true
}

func (r *returns) receive() bool {
	select {
	case back, ok := <-r.arriving:
		if ok {
			r.arrived[back.MessageId]++
		}
		return ok
	default:
		return false
	}
}

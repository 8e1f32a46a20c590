package rabbitmq

import (
	"fmt"
	"sync"

	amqp "github.com/rabbitmq/amqp091-go"
)

// session is a publisher's channel between two changes of the broker's mind: blocking and unblocking begin a new session
// on the same channel.
type session struct {
	channel *amqp.Channel
	returns *returns
	blocked string        // why the broker refuses to read, or empty
	halted  chan struct{} // closed when the next session begins
}

func newSession(channel *amqp.Channel) *session {
	return &session{
		channel: channel,
		returns: &returns{
			arriving: channel.NotifyReturn(make(chan amqp.Return, maxInFlight)),
			arrived:  map[string]int{},
		},
		halted: make(chan struct{}),
	}
}

func (s *session) next(block amqp.Blocking) *session {
	next := &session{channel: s.channel, returns: s.returns, halted: make(chan struct{})}
	if block.Active {
		next.blocked = block.Reason
		if next.blocked == "" {
			next.blocked = "no reason given"
		}
	}
	return next
}

// outcome tells what became of m, once confirm is done. To be called once for each publish.
func (s *session) outcome(confirm *amqp.DeferredConfirmation, m Message) error {
	returned := !m.Optional && s.returns.take(m.ID)
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
	arrived map[string]int // by message ID; a twin may be in flight too
}

// take tells whether the message with the ID came back, and forgets it.
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

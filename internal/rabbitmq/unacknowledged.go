package rabbitmq

import (
	"context"
	"sync"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

const (
	// holdTime is how long a message is held while a dependency is unavailable. The broker allows 30 minutes (consumer_timeout), and then
	// closes the channel, which counts as a failed delivery of every message in hand.
	holdTime = 20 * time.Minute
	// sendBackTimeout is for a slow link. It is long because a copy that is given up too soon is stored all the same.
	sendBackTimeout = 90 * time.Second
)

// held is a delivery and when it came.
type held struct {
	amqp.Delivery
	since    time.Time
	survived bool // this process has had the message in hand before and still runs, so the message does not kill consumers
}

// stamp writes down when each delivery came. It takes all that the prefetch allows at once, so that none waits unstamped
// while others are being handled.
func stamp(deliveries <-chan amqp.Delivery, prefetch int, seen *sightings) <-chan held {
	stamped := make(chan held, prefetch)
	go func() {
		defer close(stamped)
		for d := range deliveries {
			stamped <- held{d, time.Now(), seen.again(d.MessageId)}
		}
	}()
	return stamped
}

// maxSightings is how many messages a process remembers that it has had in hand and not acknowledged.
const maxSightings = 10_000

// sightings are the IDs of those. The zero value has none.
type sightings struct {
	mu  sync.Mutex
	ids map[string]bool
}

// again notes a message, and says whether it was noted before.
func (s *sightings) again(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ids[id] || id == "" {
		return id != ""
	}
	if s.ids == nil || len(s.ids) >= maxSightings {
		s.ids = map[string]bool{}
	}
	s.ids[id] = true
	return false
}

func (s *sightings) forget(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.ids, id)
}

// ack acknowledges messages. With inOrder, all earlier deliveries on the channel must have been settled.
func (in *intake) ack(batch []held, inOrder bool) error {
	for i, d := range batch {
		if last := i == len(batch)-1; !inOrder || last {
			if err := d.Ack(inOrder && last); err != nil {
				return err
			}
		}
	}
	for _, d := range batch {
		in.seen.forget(d.MessageId)
	}
	return nil
}

// overdue says whether one of a batch that waits for a dependency should be sent back to its queue. Dead letters need not: their
// limit is out of reach. Nor may those whose channel has gone, for they come again by themselves.
func (in *intake) overdue(batch []held) bool {
	if in.queue == QueueDeadLetters || in.open.Err() != nil {
		return false
	}
	for _, d := range batch {
		if time.Since(d.since) >= in.holdTime {
			return true
		}
	}
	return false
}

// sendBack publishes a copy of each message to the end of its own queue, with nothing counted against it by the broker, and
// acknowledges the message as soon as its copy is confirmed, so that no second copy is made whatever becomes of the others. It
// returns those that stay in hand. Alone is how often they have been put forward as suspects; 0 for those that are not suspect, because their
// handler has returned.
func (in *intake) sendBack(batch []held, alone int64) []held {
	ctx, cancel := context.WithTimeout(in.inHand, sendBackTimeout)
	defer cancel()
	sent := make([]bool, len(batch))
	var sending sync.WaitGroup
	for i, original := range batch {
		in.seen.forget(original.MessageId) // for its copy may come at once
		sending.Go(func() {
			d := newDelivery(original.Delivery)
			m := d.again(d.Failures)
			m.Key = in.queue
			if alone > 0 {
				m.Headers[HeaderAlone] = alone
			}
			if in.publisher.send(ctx, exchangeDefault, m) == nil {
				sent[i] = in.ack(batch[i:i+1], false) == nil
			}
		})
	}
	sending.Wait()
	var left []held
	for i, original := range batch {
		if !sent[i] {
			left = append(left, original)
		}
	}
	in.log.Warn("sent back to the queue", "message_id", batch[0].MessageId, "messages", len(batch)-len(left), "left", len(left))
	return left
}

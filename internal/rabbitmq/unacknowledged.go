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
	// sendBackTimeout is for a slow link. It is long, because the broker stores a copy even after this process stopped waiting for it.
	sendBackTimeout = 90 * time.Second
)

// unacked is a delivery that is not acknowledged yet.
type unacked struct {
	amqp.Delivery
	since    time.Time // when it came
	survived bool      // this process received the message before and still runs, so the message does not kill consumers
}

// stamp adds to each delivery the time when it came. It takes all deliveries that the prefetch allows at once, so that none waits
// without a time while others are handled.
func stamp(deliveries <-chan amqp.Delivery, prefetch int, seen *sightings) <-chan unacked {
	stamped := make(chan unacked, prefetch)
	go func() {
		defer close(stamped)
		for d := range deliveries {
			stamped <- unacked{d, time.Now(), seen.again(d.MessageId)}
		}
	}()
	return stamped
}

// maxSightings is how many messages a process remembers that it received and did not acknowledge.
const maxSightings = 10_000

// sightings are the IDs of those messages. The zero value is empty.
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
func (in *intake) ack(batch []unacked, inOrder bool) error {
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

// overdue says whether one message of a batch that waits for a dependency should be sent back to its queue. Dead letters stay, because
// their delivery limit is never reached. Messages of a closed channel stay too, because the broker delivers them again.
func (in *intake) overdue(batch []unacked) bool {
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

// sendBack publishes a copy of each message to the end of its own queue, where the broker counts from 0. It acknowledges a message as soon
// as its copy is confirmed, so that no message gets a second copy when others fail. It returns the messages that stay unacknowledged.
// Tries is how often they have been put forward as suspects; it is 0 when their handler has returned, because then they are not suspect.
func (in *intake) sendBack(batch []unacked, tries int64) []unacked {
	ctx, cancel := context.WithTimeout(in.inHand, sendBackTimeout)
	defer cancel()
	sent := make([]bool, len(batch))
	var sending sync.WaitGroup
	for i, original := range batch {
		in.seen.forget(original.MessageId) // because its copy may come at once
		sending.Go(func() {
			d := newDelivery(original.Delivery)
			m := d.again(d.Failures)
			m.Key = in.queue
			if tries > 0 {
				m.Headers[HeaderSuspectTries] = tries
			}
			if in.publisher.send(ctx, exchangeDefault, m) == nil {
				sent[i] = in.ack(batch[i:i+1], false) == nil
			}
		})
	}
	sending.Wait()
	var left []unacked
	for i, original := range batch {
		if !sent[i] {
			left = append(left, original)
		}
	}
	in.log.Warn("sent back to the queue", "message_id", batch[0].MessageId, "messages", len(batch)-len(left), "left", len(left))
	return left
}

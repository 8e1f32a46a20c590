package rabbitmq

import (
	"context"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

const (
	// holdTime is how long a message is held for the world's sake. The broker allows 30 minutes (consumer_timeout), and then
	// closes the channel, which counts as a delivery that came to nothing against all that was in hand.
	holdTime = 20 * time.Minute
	// wornAfter is how many such deliveries, as of connections lost, bring a message too near its limit to be held at all.
	wornAfter = deliveryLimit / 2
)

// held is a delivery and when it came.
type held struct {
	amqp.Delivery
	since time.Time
}

// stamp writes down when each delivery came. It takes all that the prefetch allows at once, so that none waits unstamped
// while others are being handled.
func stamp(deliveries <-chan amqp.Delivery, prefetch int) <-chan held {
	stamped := make(chan held, prefetch)
	go func() {
		defer close(stamped)
		for d := range deliveries {
			stamped <- held{d, time.Now()}
		}
	}()
	return stamped
}

// overdue tells whether one of a batch that waits for the world should rather begin anew. Dead letters need not: their
// limit is out of reach. Nor may those whose channel has gone, for they come again by themselves.
func (in *intake) overdue(batch []held) bool {
	if in.queue == QueueDeadLetters || in.open.Err() != nil {
		return false
	}
	for _, d := range batch {
		if time.Since(d.since) >= in.holdTime || deliveryCount(d.Delivery) >= wornAfter {
			return true
		}
	}
	return false
}

// sendBack publishes a copy of each message to the end of its own queue, with nothing counted against it: its handler has
// come back, so it is not what kills consumers. The originals are to be acknowledged after that.
func (in *intake) sendBack(batch []held) error {
	ctx, cancel := context.WithTimeout(in.inHand, closeTimeout)
	defer cancel()
	for _, original := range batch {
		d := newDelivery(original.Delivery)
		m := d.again(d.Failures)
		m.Key = in.queue
		if err := in.publisher.send(ctx, exchangeDefault, m); err != nil {
			return err
		}
	}
	in.log.Warn("held too long, sent back to the queue", "message_id", batch[0].MessageId, "messages", len(batch))
	return nil
}

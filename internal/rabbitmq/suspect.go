package rabbitmq

import (
	"math/rand/v2"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

const (
	// suspectAfter is how many deliveries that came to nothing make a message suspect of killing consumers. It leaves 17
	// until deliveryLimit, in each of which an innocent suspect has an even chance to be handled before the guilty one.
	suspectAfter = 3
	// suspectWait lets whatever else is coming from the queue come first, and puts suspects in random order.
	suspectWait = 500 * time.Millisecond
)

func isSuspect(d amqp.Delivery) bool { return deliveryCount(d) >= suspectAfter }

// deliveryCount is the broker's count of earlier deliveries that came to nothing.
func deliveryCount(d amqp.Delivery) int64 {
	count, _ := d.Headers["x-delivery-count"].(int64)
	return count
}

// settleOne settles a message while others are being settled, or, if it is suspect, once they are.
func (in *intake) settleOne(d held) {
	if !isSuspect(d.Delivery) {
		in.settleBeside([]held{d}, false)
		return
	}
	if pause(in.open, backoff(0, suspectWait, suspectWait)) {
		in.settleAlone(d)
	}
}

// settleBatch settles the suspects among a batch after the others.
func (in *intake) settleBatch(batch []held) bool {
	var others, suspects []held
	for _, d := range batch {
		if isSuspect(d.Delivery) {
			suspects = append(suspects, d)
		} else {
			others = append(others, d)
		}
	}
	if len(others) > 0 && !in.settleBeside(others, len(suspects) == 0) {
		return false
	}
	for _, i := range rand.Perm(len(suspects)) {
		if !in.settleAlone(suspects[i]) {
			return false
		}
	}
	return true
}

func (in *intake) settleBeside(batch []held, inOrder bool) bool {
	in.quiet.RLock()
	defer in.quiet.RUnlock()
	return in.settle(batch, inOrder, in.quiet.RLocker())
}

// settleAlone makes sure first that the broker knows of everything that was settled before, for this may be the end.
func (in *intake) settleAlone(d held) bool {
	in.quiet.Lock()
	defer in.quiet.Unlock()
	if err := in.flush(); err != nil {
		in.log.Info("message comes again", "message_id", d.MessageId, "error", err)
		return false
	}
	in.log.Warn("suspect message handled alone", "message_id", d.MessageId)
	return in.settle([]held{d}, false, &in.quiet)
}

package rabbitmq

import (
	"errors"
	"math/rand/v2"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// HeaderAlone stands on a message that is suspected of killing consumers: how often it has been put forward to be handled alone.
const HeaderAlone = "suspect-tries"

const (
	// suspectAfter is how many deliveries that came to nothing make a message suspect of killing consumers.
	suspectAfter = 3
	// maxAlone is how often a suspect is put forward before it becomes a dead letter. In each try an innocent suspect has an even
	// chance to be handled before the one that kills.
	maxAlone = 15
	// suspectWait puts suspects in random order. It is short, for a process that has little time to live.
	suspectWait = 100 * time.Millisecond
	// giveBackTimeout is how long it may take to send a message back to its queue before it is handled as it is.
	giveBackTimeout = 10 * time.Second
	// wornAfter is how many deliveries that came to nothing bring a message too near the broker's limit.
	wornAfter = deliveryLimit / 2
)

// deliveryCount is the broker's count of earlier deliveries that came to nothing.
func deliveryCount(d amqp.Delivery) int64 { return integer(d.Headers["x-delivery-count"]) }

// tries is how often a suspect has been put forward.
func tries(d amqp.Delivery) int64 { return integer(d.Headers[HeaderAlone]) }

func isSuspect(d held) bool {
	return !d.survived && (deliveryCount(d.Delivery) >= suspectAfter || tries(d.Delivery) > 0)
}

// isNext says whether a suspect has just been put forward, and is to be handled now. If that kills the process it comes again,
// counted by the broker, and is put forward once more.
func isNext(d amqp.Delivery) bool { return tries(d) > 0 && deliveryCount(d) == 0 }

// settleOne settles a message while others are being settled, or, if it is suspect, once they are.
func (in *intake) settleOne(d held) {
	if in.renewed(d) {
		return
	}
	if !isSuspect(d) {
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
		switch {
		case in.renewed(d):
		case isSuspect(d):
			suspects = append(suspects, d)
		default:
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

// renewed puts a message that is near the broker's limit back to the end of its queue, where the broker counts anew. How often it
// was put forward stays with it, so that a message that kills gains nothing by this. It is false when the message is still in hand.
func (in *intake) renewed(d held) bool {
	if in.queue == QueueDeadLetters || deliveryCount(d.Delivery) < wornAfter {
		return false
	}
	alone := tries(d.Delivery)
	if d.survived {
		alone = 0
	}
	return in.gaveBack(d, alone)
}

// gaveBack sends a message back to its queue. The publisher may not be connected yet, or any more, so it takes some time; but if that
// was in vain for one message, others are not tried for as long.
func (in *intake) gaveBack(d held, alone int64) bool {
	limit := giveBackTimeout
	if in.inVain.Load() {
		limit = 0
	}
	for began := time.Now(); ; {
		if len(in.sendBack([]held{d}, alone)) == 0 {
			in.inVain.Store(false)
			return true
		}
		if time.Since(began) >= limit || !pause(in.open, backoff(0, reconnectMin, reconnectMin)) {
			in.inVain.Store(true)
			return false
		}
	}
}

func (in *intake) settleBeside(batch []held, inOrder bool) bool {
	in.quiet.RLock()
	defer in.quiet.RUnlock()
	return in.settle(batch, inOrder, in.quiet.RLocker())
}

// settleAlone handles a suspect while nothing else is handled. It writes down first, on the message itself, that it will; and makes
// sure that the broker knows of everything that was settled before, for this may be the end.
func (in *intake) settleAlone(d held) bool {
	if !isNext(d.Delivery) && in.queue != QueueDeadLetters && in.putForward(d) {
		return true
	}
	in.quiet.Lock()
	defer in.quiet.Unlock()
	if err := in.flush(); err != nil {
		in.log.Info("message comes again", "message_id", d.MessageId, "error", err)
		return false
	}
	in.log.Warn("suspect message handled alone", "message_id", d.MessageId, "tries", tries(d.Delivery))
	return in.settle([]held{d}, false, &in.quiet)
}

// putForward sends a suspect back to its queue, to be handled alone when it comes again. One that has been put forward too often,
// and has killed its consumer each time, is a dead letter. It is false when the message is still in hand.
func (in *intake) putForward(d held) bool {
	if tries(d.Delivery) < maxAlone {
		return in.gaveBack(d, tries(d.Delivery)+1)
	}
	guilty := &fault{cause: CauseDeliveryLimit, err: errors.New("consumers died over it"), final: true}
	return in.passOn(newDelivery(d.Delivery), guilty) == nil && in.ack([]held{d}, false) == nil
}

package rabbitmq

import (
	"errors"
	"math/rand/v2"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// HeaderSuspectTries is on a message that is suspected of killing consumers (a poison message). It counts how often the message was put
// forward to be handled alone.
const HeaderSuspectTries = "suspect-tries"

const (
	// suspectAfter is the number of failed deliveries after which a message is suspected of killing consumers.
	suspectAfter = 3
	// maxSuspectTries is how often a suspect is put forward before it becomes a dead letter. In each try an innocent suspect has a
	// chance of one half to be handled before the poison message.
	maxSuspectTries = 15
	// suspectWait is the longest random wait that puts suspects in random order. It is short, because the process may die soon.
	suspectWait = 100 * time.Millisecond
	// giveBackTimeout is how long it may take to send a message back to its queue before it is handled as it is.
	giveBackTimeout = 10 * time.Second
	// wornAfter is the number of failed deliveries after which a message is too near the broker's limit.
	wornAfter = deliveryLimit / 2
)

// deliveryCount is the broker's count of earlier failed deliveries.
func deliveryCount(d amqp.Delivery) int64 { return integer(d.Headers["x-delivery-count"]) }

// suspectTries is how often a suspect has been put forward.
func suspectTries(d amqp.Delivery) int64 { return integer(d.Headers[HeaderSuspectTries]) }

func isSuspect(d unacked) bool {
	return !d.survived && (deliveryCount(d.Delivery) >= suspectAfter || suspectTries(d.Delivery) > 0)
}

// isNext says whether a suspect has just been put forward and is handled now. If it kills the process, the broker counts the failed
// delivery, and the suspect is put forward again.
func isNext(d amqp.Delivery) bool { return suspectTries(d) > 0 && deliveryCount(d) == 0 }

// settleOne settles a message at the same time as others. A suspect is settled after the others.
func (in *intake) settleOne(d unacked) {
	if in.renewed(d) {
		return
	}
	if !isSuspect(d) {
		in.settleBeside([]unacked{d}, false)
		return
	}
	if pause(in.open, backoff(0, suspectWait, suspectWait)) {
		in.settleAlone(d)
	}
}

// settleBatch settles the suspects among a batch after the others.
func (in *intake) settleBatch(batch []unacked) bool {
	var others, suspects []unacked
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

// renewed sends a message that is near the broker's limit to the end of its queue, where the broker counts from 0. Its suspect tries
// are kept, so that a poison message still becomes a dead letter. It is false when the message is still unacknowledged.
func (in *intake) renewed(d unacked) bool {
	if in.queue == QueueDeadLetters || deliveryCount(d.Delivery) < wornAfter {
		return false
	}
	tries := suspectTries(d.Delivery)
	if d.survived {
		tries = 0
	}
	return in.gaveBack(d, tries)
}

// gaveBack sends a message back to its queue. The publisher may not be connected, so gaveBack retries for some time. After it has failed
// for one message, it tries the next ones only once.
func (in *intake) gaveBack(d unacked, tries int64) bool {
	limit := giveBackTimeout
	if in.inVain.Load() {
		limit = 0
	}
	for began := time.Now(); ; {
		if len(in.sendBack([]unacked{d}, tries)) == 0 {
			in.inVain.Store(false)
			return true
		}
		if time.Since(began) >= limit || !pause(in.open, backoff(0, reconnectMin, reconnectMin)) {
			in.inVain.Store(true)
			return false
		}
	}
}

func (in *intake) settleBeside(batch []unacked, inOrder bool) bool {
	in.quiet.RLock()
	defer in.quiet.RUnlock()
	return in.settle(batch, inOrder, in.quiet.RLocker())
}

// settleAlone handles a suspect while nothing else is handled. The suspect may kill the process. Therefore settleAlone first counts the
// try in a header of the message, and waits until the broker has all earlier acknowledgements.
func (in *intake) settleAlone(d unacked) bool {
	if !isNext(d.Delivery) && in.queue != QueueDeadLetters && in.putForward(d) {
		return true
	}
	in.quiet.Lock()
	defer in.quiet.Unlock()
	if err := in.flush(); err != nil {
		in.log.Info("message comes again", "message_id", d.MessageId, "error", err)
		return false
	}
	in.log.Warn("suspect message handled alone", "message_id", d.MessageId, "tries", suspectTries(d.Delivery))
	return in.settle([]unacked{d}, false, &in.quiet)
}

// putForward sends a suspect back to its queue, to be handled alone when it comes again. A suspect that has been put forward too often
// has killed its consumer each time, and becomes a dead letter. It is false when the message is still unacknowledged.
func (in *intake) putForward(d unacked) bool {
	if suspectTries(d.Delivery) < maxSuspectTries {
		return in.gaveBack(d, suspectTries(d.Delivery)+1)
	}
	guilty := &fault{cause: CauseDeliveryLimit, err: errors.New("consumers died over it"), final: true}
	return in.passOn(newDelivery(d.Delivery), guilty) == nil && in.ack([]unacked{d}, false) == nil
}

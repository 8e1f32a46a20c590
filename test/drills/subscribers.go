package drills

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/onlywave/onlywave/internal/rabbitmq"
	"github.com/onlywave/onlywave/test/platform"
)

// Queues of other services.
const (
	subscriberQueue = "drill.subscriber" // has a consumer as long as the drill lasts
	foreignQueue    = "drill.foreign"    // is full or has no leader
)

// subscriber is another service. It must get every event of a payment, in order.
type subscriber struct {
	mu       sync.Mutex
	since    time.Time
	received map[string][]delivery // by payment, as they came
}

// delivery is one event that has arrived.
type delivery struct {
	seq int
	at  time.Time
}

func (h delivery) String() string { return strconv.Itoa(h.seq) }

// subscribe binds a queue and consumes from it until the drill is over, reconnecting when it must. The queue expires when it has had no
// consumer for a while. It is a classic one: RabbitMQ 3.10 loses a quorum queue that was declared just before a kill.
func subscribe(ctx context.Context, s *Scene) error {
	s.subscriber = &subscriber{since: time.Now(), received: map[string][]delivery{}}
	if err := onBroker(func(_ context.Context, _ *Scene, channel *amqp.Channel) error { return bindSubscriber(channel) })(ctx, s); err != nil {
		return err
	}
	s.subscriber.since = time.Now()
	url := s.Stack.RabbitMQURL()
	go func() {
		for ctx.Err() == nil {
			_ = s.subscriber.listen(ctx, url) // the broker may be unavailable
			platform.Pause(ctx, 200*time.Millisecond)
		}
	}()
	return nil
}

func bindSubscriber(channel *amqp.Channel) error {
	return bind(channel, subscriberQueue, amqp.Table{amqp.QueueTTLArg: time.Minute.Milliseconds()})
}

func bind(channel *amqp.Channel, name string, args amqp.Table) error {
	if _, err := channel.QueueDeclare(name, true, false, false, false, args); err != nil {
		return err
	}
	return channel.QueueBind(name, "#", rabbitmq.ExchangeEvents, false, nil) // the events of one payment are numbered over all types
}

// listen takes events until the connection or ctx ends. It binds its queue first, as each service should when it connects: a broker
// that is killed may forget a binding that is younger than two seconds.
func (s *subscriber) listen(ctx context.Context, url string) error {
	return onChannel(url, func(channel *amqp.Channel) error {
		if err := bindSubscriber(channel); err != nil {
			return err
		}
		deliveries, err := channel.ConsumeWithContext(ctx, subscriberQueue, "", true, false, false, false, nil)
		if err != nil {
			return err
		}
		for d := range deliveries {
			var e struct {
				PaymentID string `json:"payment_id"`
				Seq       int    `json:"seq"`
			}
			if json.Unmarshal(d.Body, &e) == nil {
				s.mu.Lock()
				s.received[e.PaymentID] = append(s.received[e.PaymentID], delivery{e.Seq, time.Now()})
				s.mu.Unlock()
			}
		}
		return nil
	})
}

// of is what was received about a payment.
func (s *subscriber) of(id string) []delivery {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.received[id])
}

// foreignQueueFills binds the queue of another service that accepts three events and has no consumer.
var foreignQueueFills = onBroker(func(_ context.Context, _ *Scene, channel *amqp.Channel) error {
	return bind(channel, foreignQueue, amqp.Table{"x-max-length": 3, amqp.QueueOverflowArg: amqp.QueueOverflowRejectPublish})
})

// foreignQueueIsBound binds a quorum queue of another service; events go to it from then on.
var foreignQueueIsBound = onBroker(func(_ context.Context, _ *Scene, channel *amqp.Channel) error {
	return bind(channel, foreignQueue, amqp.Table{amqp.QueueTypeArg: amqp.QueueTypeQuorum})
})

// foreignQueueLosesItsLeader suspends the queue's only leader process, so that no publish to it is confirmed.
func foreignQueueLosesItsLeader(ctx context.Context, s *Scene) error {
	return s.Stack.RabbitMQEval(ctx, fmt.Sprintf("sys:suspend('%%2F_%s')", foreignQueue))
}

func foreignQueueHasItsLeaderAgain(ctx context.Context, s *Scene) error {
	return s.Stack.RabbitMQEval(ctx, fmt.Sprintf("sys:resume('%%2F_%s')", foreignQueue))
}

var foreignQueueIsDeleted = onBroker(func(_ context.Context, _ *Scene, channel *amqp.Channel) error {
	_, err := channel.QueueDelete(foreignQueue, false, false, false)
	return err
})

// subscribersGetEveryEvent: the subscriber has received each event of a payment in order, and each at most so many times more (twins).
// Within is how long it may take; 0: any time.
func subscribersGetEveryEvent(twins int, within time.Duration) Expectation {
	return func(_ context.Context, s *Scene) ([]Objection, error) {
		var objections []Objection
		events, more, slowest := 0, 0, time.Duration(0)
		for id, sides := range layOut(s.Evidence) {
			owed := slices.DeleteFunc(slices.Clone(sides.history), func(e Event) bool { return !e.At.After(s.subscriber.since) })
			if len(owed) == 0 {
				continue
			}
			received := slices.DeleteFunc(s.subscriber.of(id), func(h delivery) bool { return h.seq < owed[0].Seq })
			took, fault := compare(owed, received)
			switch {
			case fault == "" && within > 0 && took > within:
				fault = fmt.Sprintf("an event came %s after its payment had moved", took.Round(time.Millisecond))
			case fault == "" && len(received) > len(owed)*(1+twins):
				fault = fmt.Sprintf("%d events came %d times", len(owed), len(received))
			}
			if fault != "" {
				objections = append(objections, object("every subscriber gets each event, in order", id, "%s", fault))
			}
			events, more, slowest = events+len(owed), more+len(received)-len(owed), max(slowest, took)
		}
		s.remark("%d events, %d repeated, the slowest %s after its payment moved", events, more, slowest.Round(time.Millisecond))
		if events == 0 {
			objections = append(objections, object("every subscriber gets each event, in order", "", "there was none"))
		}
		return objections, nil
	}
}

// compare checks the order in which events arrived for the first time; took is how long the slowest took.
func compare(owed []Event, received []delivery) (took time.Duration, fault string) {
	var first []delivery
	for _, h := range received {
		if !slices.ContainsFunc(first, func(f delivery) bool { return f.seq == h.seq }) {
			first = append(first, h)
		}
	}
	for i, e := range owed {
		if i >= len(first) || first[i].seq != e.Seq {
			return took, fmt.Sprintf("event %d was expected in place %d of what came: %v", e.Seq, i+1, first)
		}
		took = max(took, first[i].at.Sub(e.At))
	}
	return took, ""
}

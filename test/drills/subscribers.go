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
	subscriberQueue = "drill.subscriber" // is consumed from as long as the drill goes on
	foreignQueue    = "drill.foreign"    // is in trouble
)

// subscriber is another service, to which we owe every event of a payment, in order.
type subscriber struct {
	mu    sync.Mutex
	since time.Time
	heard map[string][]hearing // by payment, as they came
}

// hearing is one event that has come.
type hearing struct {
	seq int
	at  time.Time
}

func (h hearing) String() string { return strconv.Itoa(h.seq) }

// subscribe binds a queue and listens until the drill is over, over as many connections as it takes. The queue goes when nobody has
// listened for a while. It is a classic one: RabbitMQ 3.10 loses a quorum queue that was declared just before a kill.
func subscribe(ctx context.Context, s *Scene) error {
	s.subscriber = &subscriber{since: time.Now(), heard: map[string][]hearing{}}
	if err := onBroker(func(_ context.Context, _ *Scene, channel *amqp.Channel) error { return bindSubscriber(channel) })(ctx, s); err != nil {
		return err
	}
	s.subscriber.since = time.Now()
	url := s.Stack.RabbitMQURL()
	go func() {
		for ctx.Err() == nil {
			_ = s.subscriber.listen(ctx, url) // the broker may be away
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
	return channel.QueueBind(name, "payment.*", rabbitmq.ExchangeEvents, false, nil)
}

// listen takes what comes until the connection or ctx ends. It binds its queue first, as each service should when it connects: a
// broker that is killed may forget a binding that is younger than two seconds.
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
				s.heard[e.PaymentID] = append(s.heard[e.PaymentID], hearing{e.Seq, time.Now()})
				s.mu.Unlock()
			}
		}
		return nil
	})
}

// of is what was heard of a payment.
func (s *subscriber) of(id string) []hearing {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.heard[id])
}

// foreignQueueFills binds the queue of a service that does not consume, and that takes three events.
var foreignQueueFills = onBroker(func(_ context.Context, _ *Scene, channel *amqp.Channel) error {
	return bind(channel, foreignQueue, amqp.Table{"x-max-length": 3, amqp.QueueOverflowArg: amqp.QueueOverflowRejectPublish})
})

// foreignQueueIsBound binds the quorum queue of a service; events go to it from then on.
var foreignQueueIsBound = onBroker(func(_ context.Context, _ *Scene, channel *amqp.Channel) error {
	return bind(channel, foreignQueue, amqp.Table{amqp.QueueTypeArg: amqp.QueueTypeQuorum})
})

// foreignQueueLosesItsLeader stops the process that leads it, which is its only one: nobody confirms what it is sent.
func foreignQueueLosesItsLeader(ctx context.Context, s *Scene) error {
	return s.Stack.RabbitMQCtl(ctx, "eval", fmt.Sprintf("sys:suspend(whereis('%%2F_%s')).", foreignQueue))
}

func foreignQueueHasItsLeaderAgain(ctx context.Context, s *Scene) error {
	return s.Stack.RabbitMQCtl(ctx, "eval", fmt.Sprintf("sys:resume(whereis('%%2F_%s')).", foreignQueue))
}

var foreignQueueIsDeleted = onBroker(func(_ context.Context, _ *Scene, channel *amqp.Channel) error {
	_, err := channel.QueueDelete(foreignQueue, false, false, false)
	return err
})

// subscribersAreTold: the subscriber has heard each event in the order of its payment's, its twins apart, of which there are so
// many at most. Within says how long it took at most; 0: however long.
func subscribersAreTold(twins int, within time.Duration) Expectation {
	return func(_ context.Context, s *Scene) ([]Objection, error) {
		var objections []Objection
		events, more, slowest := 0, 0, time.Duration(0)
		for id, sides := range layOut(s.Evidence) {
			owed := slices.DeleteFunc(slices.Clone(sides.history), func(e Event) bool { return !e.At.After(s.subscriber.since) })
			if len(owed) == 0 {
				continue
			}
			heard := slices.DeleteFunc(s.subscriber.of(id), func(h hearing) bool { return h.seq < owed[0].Seq })
			took, fault := compare(owed, heard)
			switch {
			case fault == "" && within > 0 && took > within:
				fault = fmt.Sprintf("an event came %s after its payment had moved", took.Round(time.Millisecond))
			case fault == "" && len(heard) > len(owed)*(1+twins):
				fault = fmt.Sprintf("%d events came %d times", len(owed), len(heard))
			}
			if fault != "" {
				objections = append(objections, object("every subscriber is told of each event, in order", id, "%s", fault))
			}
			events, more, slowest = events+len(owed), more+len(heard)-len(owed), max(slowest, took)
		}
		s.remark("%d events, %d twins, the slowest %s after its payment moved", events, more, slowest.Round(time.Millisecond))
		if events == 0 {
			objections = append(objections, object("every subscriber is told of each event, in order", "", "there was none"))
		}
		return objections, nil
	}
}

// compare says what is wrong with the order in which events came for the first time, or how long the slowest took.
func compare(owed []Event, heard []hearing) (took time.Duration, fault string) {
	var first []hearing
	for _, h := range heard {
		if !slices.ContainsFunc(first, func(f hearing) bool { return f.seq == h.seq }) {
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

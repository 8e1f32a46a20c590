package rabbitmq

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// Exchanges. All are durable, and topic exchanges but for the retries'.
const (
	ExchangeWebhooks    = "onlywave.webhooks"       // key mercadopago.<topic>
	ExchangeDeadLetters = "onlywave.dead-letters"   // key webhook.<cause> or workflow.<cause>
	ExchangeEvents      = "onlywave.events"         // key payment.<status> and the like; other services bind their queues
	exchangeRetry       = "onlywave.webhooks.retry" // key 1, 2 or 3: which retry
	exchangeDefault     = ""                        // the broker's own, key: a queue's name
	nowhere             = "onlywave.nowhere"        // a key there that no queue has
)

// KeyPayment is the routing key of notifications about payments.
const KeyPayment = "mercadopago.payment"

// ProcessedKeys are the routing keys of the notifications that QueueProcess takes: about payments, about their disputes, and about the orders that
// they are in. A topic that we do not know is kept in the archive.
func ProcessedKeys() []string {
	return []string{
		KeyPayment,
		"mercadopago.topic_chargebacks_wh", "mercadopago.chargebacks",
		"mercadopago.topic_claims_integration_wh", "mercadopago.claim",
		"mercadopago.stop_delivery_op_wh",
		"mercadopago.topic_merchant_order_wh", "mercadopago.merchant_order",
	}
}

// Queues.
const (
	QueueProcess     = "onlywave.webhooks.process" // to Temporal
	QueueArchive     = "onlywave.webhooks.archive" // every notification, to Postgres
	QueueDeadLetters = "onlywave.dead-letters"
)

// A message of QueueProcess that is at fault waits in one delay queue after the other, in each for retryFactor times as long as in the
// one before. The message has the delay as its expiration, so that the delay can be changed without changing the queues. All messages
// of one queue have the same delay, because RabbitMQ expires only the first message of a queue.
const (
	retries     = 3
	retryFactor = 6
	postponed   = 1 // the delay, counted from 0, of a message that only makes way for others
)

// Causes that this package gives; handlers give others through Fault and DeadLetter.
const (
	CauseDeliveryLimit = "delivery-limit" // given by the broker: consumers died over it deliveryLimit times
	CausePanic         = "handler-panic"
)

// deadLetterPrefix stands before the cause in a dead letter's key: all our consumers handle webhooks.
const deadLetterPrefix = "webhook."

// A consumer that dies counts as a failed delivery of every message that it holds, so the limit is high. Dead letters have no further
// queue, so their limit is never reached. It must be set: without it the limit is 20 on RabbitMQ 4, and -1 means none on 3.10.
const (
	deliveryLimit           = int64(20)
	deadLetterDeliveryLimit = int64(1_000_000)
)

type exchange struct {
	name string
	kind string
}

type queue struct {
	name     string
	args     amqp.Table
	bindings []binding
}

type binding struct {
	exchange string
	key      string
}

// The dead letters come first: a queue may fill before the exchange it refers to exists. We publish webhooks to their queues
// and not to ExchangeWebhooks: a message that one queue gets satisfies mandatory, even if another that should have it is gone.
// The exchange is for what others publish by hand, and for versions of this program that do not know better.
var exchanges = []exchange{
	{ExchangeDeadLetters, amqp.ExchangeTopic},
	{ExchangeWebhooks, amqp.ExchangeTopic},
	{ExchangeEvents, amqp.ExchangeTopic},
	{exchangeRetry, amqp.ExchangeDirect},
}

var queues = []queue{
	{QueueDeadLetters, lastQueueArgs(), []binding{{ExchangeDeadLetters, "#"}}},
	{QueueProcess, workQueueArgs(), bound(ExchangeWebhooks, ProcessedKeys())},
	{QueueArchive, workQueueArgs(), []binding{{ExchangeWebhooks, "mercadopago.#"}}},
	{exchangeRetry + ".1", delayQueueArgs(), []binding{{exchangeRetry, "1"}}},
	{exchangeRetry + ".2", delayQueueArgs(), []binding{{exchangeRetry, "2"}}},
	{exchangeRetry + ".3", delayQueueArgs(), []binding{{exchangeRetry, "3"}}},
}

// bound are bindings to an exchange.
func bound(exchange string, keys []string) (all []binding) {
	for _, key := range keys {
		all = append(all, binding{exchange, key})
	}
	return all
}

// workQueueArgs spell out what RabbitMQ 3.10 and 4 have different defaults for. At-least-once dead lettering takes effect
// only together with reject-publish (https://www.rabbitmq.com/docs/quorum-queues#activating-at-least-once-dead-lettering).
func workQueueArgs() amqp.Table {
	return amqp.Table{
		amqp.QueueTypeArg:           amqp.QueueTypeQuorum,
		amqp.QueueOverflowArg:       amqp.QueueOverflowRejectPublish,
		"x-delivery-limit":          deliveryLimit,
		"x-dead-letter-exchange":    ExchangeDeadLetters,
		"x-dead-letter-routing-key": deadLetterPrefix + CauseDeliveryLimit,
		"x-dead-letter-strategy":    "at-least-once",
	}
}

// delayQueueArgs lead what has waited out its delay back to QueueProcess, past the exchange that would give it to the
// archive once more. A delay queue has no consumers.
func delayQueueArgs() amqp.Table {
	return amqp.Table{
		amqp.QueueTypeArg:           amqp.QueueTypeQuorum,
		amqp.QueueOverflowArg:       amqp.QueueOverflowRejectPublish,
		"x-delivery-limit":          deliveryLimit,
		"x-dead-letter-exchange":    exchangeDefault,
		"x-dead-letter-routing-key": QueueProcess,
		"x-dead-letter-strategy":    "at-least-once",
	}
}

func lastQueueArgs() amqp.Table {
	return amqp.Table{
		amqp.QueueTypeArg:     amqp.QueueTypeQuorum,
		amqp.QueueOverflowArg: amqp.QueueOverflowRejectPublish,
		"x-delivery-limit":    deadLetterDeliveryLimit,
	}
}

// QueueNames are the names of all queues of the topology.
func QueueNames() []string {
	var names []string
	for _, q := range queues {
		names = append(names, q.name)
	}
	return names
}

// declareTopology creates what does not exist and fails if what exists is different: such a broker is not used.
func declareTopology(conn *amqp.Connection) error {
	channel, err := conn.Channel()
	if err != nil {
		return fmt.Errorf("open channel for the topology: %w", err)
	}
	for _, e := range exchanges {
		if err := channel.ExchangeDeclare(e.name, e.kind, true, false, false, false, nil); err != nil {
			return fmt.Errorf("declare exchange %s: %w", e.name, err)
		}
	}
	isNew := !allThere(conn)
	for _, q := range queues {
		if _, err := channel.QueueDeclare(q.name, true, false, false, false, q.args); err != nil {
			return fmt.Errorf("declare queue %s: %w", q.name, err)
		}
		for _, b := range q.bindings {
			if err := channel.QueueBind(q.name, b.key, b.exchange, false, nil); err != nil {
				return fmt.Errorf("bind queue %s to %s: %w", q.name, b.exchange, err)
			}
		}
	}
	if isNew {
		if err := writeDown(channel); err != nil {
			return fmt.Errorf("have the broker write its queues down: %w", err)
		}
	}
	if err := channel.Close(); err != nil {
		return fmt.Errorf("close channel of the topology: %w", err)
	}
	return nil
}

// allThere says whether every queue exists.
func allThere(conn *amqp.Connection) bool {
	channel, err := conn.Channel() // of its own: the broker closes it when a queue is missing
	if err != nil {
		return false
	}
	defer channel.Close()
	for _, q := range queues {
		if _, err := channel.QueueDeclarePassive(q.name, true, false, false, false, nil); err != nil {
			return false
		}
	}
	return true
}

// queueOfNothing is made and deleted again after other queues were made.
const queueOfNothing = "onlywave.nothing"

// writeDown has the broker write down which quorum queues there are. RabbitMQ 3.10 keeps the newest one back for some seconds, and
// if it is killed before that, the queue comes back without a leader: it exists, confirms nothing and delivers nothing, for good.
// So there is one that is newer than ours for a moment.
func writeDown(channel *amqp.Channel) error {
	_, err := channel.QueueDeclare(queueOfNothing, true, false, false, false, amqp.Table{amqp.QueueTypeArg: amqp.QueueTypeQuorum})
	if err == nil {
		_, err = channel.QueueDelete(queueOfNothing, false, false, false)
	}
	return err
}

// keepTopology declares it again and again, until that fails or ctx ends. It has channels of its own: publishing goes on
// beside it.
func keepTopology(ctx context.Context, conn *amqp.Connection, every time.Duration) error {
	for pause(ctx, backoff(0, every, every)) {
		if err := declareTopology(conn); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// route is one publish of a message: to which destination, and how.
type route struct {
	destination string // the exchange, or a queue
	exchange    string
	message     Message // its key is the exchange's
}

// routes are the ways that m takes to an exchange, and to each queue of ExchangeWebhooks by itself. What goes to a queue says
// in its headers where it was published to.
func routes(exchange string, m Message) []route {
	if exchange == exchangeDefault {
		return []route{{m.Key, exchange, m}}
	}
	if exchange != ExchangeWebhooks {
		return []route{{exchange, exchange, m}}
	}
	var all []route
	for _, q := range queues {
		if q.bound(exchange, m.Key) {
			direct := m
			direct.Headers = maps.Clone(m.Headers)
			if direct.Headers == nil {
				direct.Headers = make(map[string]any, 2)
			}
			delete(direct.Headers, HeaderAttempt) // it is published anew
			direct.Headers[HeaderExchange], direct.Headers[HeaderKey] = exchange, m.Key
			direct.Key = q.name
			all = append(all, route{q.name, exchangeDefault, direct})
		}
	}
	return all
}

// bound says whether the topology has the queue get what is published with the key.
func (q queue) bound(exchange, key string) bool {
	for _, b := range q.bindings {
		words, open := strings.CutSuffix(b.key, ".#") // no other pattern is in use
		if b.exchange == exchange && (key == words || open && strings.HasPrefix(key, words+".")) {
			return true
		}
	}
	return false
}

func isExchange(name string) bool {
	for _, e := range exchanges {
		if e.name == name {
			return true
		}
	}
	return false
}

package drills

import (
	"net/http"
	"time"

	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/rabbitmq"
	"github.com/onlywave/onlywave/test/devstack"
	"github.com/onlywave/onlywave/test/load"
	"github.com/onlywave/onlywave/test/platform"
	"github.com/onlywave/onlywave/test/simulator"
)

// All lists every drill, in the order in which they run.
func All() []Drill {
	var all []Drill
	for _, some := range [][]Drill{onProcesses, onProvider, crowds, webhooks, onRedis, onRedisCluster, onRabbitMQ, subscribers, onPostgres, onTemporal, operations, keyRotation, powerFailure, recovery, shifts} {
		all = append(all, some...)
	}
	return append(append(all, Soak(soakLength)), withReplicas...)
}

var onProcesses = []Drill{
	{
		Name: "api-killed", Shows: "When an API process dies in the middle of a request, the client repeats it at any API process and gets the same payment.",
		Strike: []Act{chargesTake(time.Second), shortly, killOneAPI}, Heal: []Act{disarm, restartTheAPI}, Expect: []Expectation{everyClientIsAnswered},
	},
	{
		Name: "worker-killed", Shows: "The other worker continues the dead worker's payments, and nothing is charged twice.",
		Strike: []Act{chargesTake(time.Second), shortly, killOneWorker}, Heal: []Act{disarm, restartTheWorker}, Expect: []Expectation{everyClientIsAnswered, webhooksAreTaken},
	},
	{
		Name: "clock-ahead", Shows: "When a worker's clock is 20 hours ahead, reconciliation and its alert still work, and an alert on the clock fires.",
		Lasts: 30 * time.Second, Prepare: buildAhead, Strike: []Act{clockAhead}, Until: []Act{reconciledAhead}, Heal: []Act{clockRight},
		Expect: []Expectation{everyClientIsAnswered, windowsAreOfThePast, behindIsSeen},
	},
	{
		Name: "rolling-restart", Shows: "During a deployment under load, repeating a failed request is enough.",
		Lasts: 16 * time.Second, Strike: []Act{rollingRestart}, Expect: []Expectation{everyClientIsAnswered},
	},
}

var onProvider = []Drill{
	{
		Name: "mercadopago-5xx", Shows: "The breaker opens for all workers, clients get 202, and every payment finishes by itself afterwards.",
		Lasts: 10 * time.Second, Strike: []Act{countOpenings, failing(http.StatusServiceUnavailable)}, Heal: []Act{disarm},
		Expect: []Expectation{everyClientIsAnswered, onlyProbesGetThrough},
	},
	{
		Name: "mercadopago-down", Shows: "In an outage of two minutes only the probes of each half-open window reach Mercado Pago. Then every payment finishes, although its Pix is valid for half an hour only.",
		Rate: 3, Lasts: 150 * time.Second, Within: payment.PixExpiryMin, Strike: []Act{countOpenings, failing(http.StatusServiceUnavailable)}, Heal: []Act{disarm},
		Expect: []Expectation{everyClientIsAnswered, webhooksAreTaken, onlyProbesGetThrough},
	},
	{
		Name: "mercadopago-slow", Shows: "A charge whose answer comes too late was made; it is found again under the same key.",
		Strike: []Act{arm(
			simulator.Fault{On: simulator.Create, Kind: simulator.KindSlow, Delay: 4 * time.Second, Rate: 0.3},
			simulator.Fault{On: simulator.Create, Kind: simulator.KindSlowAfter, Delay: 4 * time.Second, Rate: 0.3},
			simulator.Fault{On: simulator.Get, Kind: simulator.KindSlow, Delay: 4 * time.Second, Rate: 0.3})},
		Heal: []Act{disarm}, Expect: []Expectation{everyClientIsAnswered},
	},
	{
		Name: "mercadopago-dribbling", Shows: "Answers that arrive a few bytes at a time delay nothing else.",
		Strike: []Act{dribble("worker", platform.MercadoPago, 64, 40*time.Millisecond)}, Heal: []Act{mend("worker", platform.MercadoPago)},
		Expect: []Expectation{everyClientIsAnswered, webhooksAreTaken},
	},
	{
		Name: "mercadopago-429", Shows: "OnlyWave pauses when Mercado Pago answers 429, and no payment fails.",
		Strike: []Act{arm(
			simulator.Fault{On: simulator.Create, Kind: simulator.KindRateLimited, Delay: 2 * time.Second, Rate: 0.7},
			simulator.Fault{On: simulator.Get, Kind: simulator.KindRateLimited, Delay: 2 * time.Second, Rate: 0.7})},
		Heal: []Act{disarm}, Expect: []Expectation{everyClientIsAnswered},
	},
	{
		Name: "lost-answers", Shows: "A charge whose answer is lost becomes unknown, never failed, and is never charged again.",
		Strike: []Act{arm(
			simulator.Fault{On: simulator.Create, Kind: simulator.KindLostAnswer, Rate: 0.3},
			simulator.Fault{On: simulator.Create, Kind: simulator.KindErrorAfter, Rate: 0.3},
			simulator.Fault{On: simulator.Create, Kind: simulator.KindTruncated, Rate: 0.3},
			simulator.Fault{On: simulator.Get, Kind: simulator.KindLostAnswer, Rate: 0.3})},
		Heal: []Act{disarm}, Expect: []Expectation{everyClientIsAnswered},
	},
	{
		Name: "one-bad-link", Shows: "A worker that cannot reach Mercado Pago does not open the breaker for the others.",
		Lasts: 12 * time.Second, Strike: []Act{countOpenings, blackHole("worker-2", platform.MercadoPago)},
		Heal: []Act{mend("worker-2", platform.MercadoPago)}, Expect: []Expectation{everyClientIsAnswered, breakerStayedClosed},
	},
}

var webhooks = []Drill{
	{
		Name: "duplicate-storm", Shows: "Thousands of copies of a notification change nothing, and refunds asked for meanwhile are answered 201 or 202 the first time.",
		Flood: load.Flood{Duplicates: 3000}, Refund: 0.8, Expect: []Expectation{refundsAreTakenAtOnce},
	},
	{
		Name: "forged-and-replayed", Shows: "Of 10,000 forged and replayed webhooks the forged ones are refused, and the replayed ones are answered and not processed again.",
		Flood: load.Flood{Forged: 5000, Replayed: 5000}, Lasts: 10 * time.Second, Expect: []Expectation{floodCame, replaysAreLeft},
	},
	{
		Name: "webhooks-dropped", Shows: "Half of all webhooks are lost: every payment still gets its right status, and the lost ones are counted as missed.",
		Lasts: 10 * time.Second, Strike: []Act{countMissed, arm(simulator.Fault{On: simulator.Webhook, Kind: simulator.KindLost, Rate: 0.5})},
		Heal: []Act{disarm}, Expect: []Expectation{everyClientIsAnswered, theMissedAreCounted, paidAreApprovedInTime},
	},
	{
		Name: "foreign-webhooks", Shows: "Webhooks about payments that Mercado Pago refuses to show, or shows unreadably, do not delay other webhooks.",
		Settings: byWebhookOnly, Strike: []Act{countOpenings,
			foreignWebhooks(foreignWebhooksPerWorker, simulator.Fault{Kind: simulator.KindError, Status: http.StatusForbidden}),
			foreignWebhooks(foreignWebhooksPerWorker, simulator.Fault{Kind: simulator.KindHTML, Status: http.StatusOK}),
			foreignWebhooks(foreignWebhooksPerWorker, simulator.Fault{Kind: simulator.KindError, Status: http.StatusUnauthorized})},
		Heal: []Act{foreignWebhooksAreDeadLetters, disarm}, Expect: []Expectation{everyClientIsAnswered, webhooksAreTaken, paidAreApprovedInTime, breakerStayedClosed},
	},
	{
		Name: "one-payment-flooded", Shows: "Twenty thousand signed webhooks about one payment that does not exist do not delay other webhooks.",
		Settings: byWebhookOnly, Lasts: 30 * time.Second, Strike: []Act{floodOnePayment(20_000)},
		Expect: []Expectation{everyClientIsAnswered, webhooksAreTaken, paidAreApprovedInTime},
	},
	{
		Name: "webhooks-out-of-order", Shows: "Early, late, repeated and reordered webhooks lead to the same history.",
		Strike: []Act{arm(
			simulator.Fault{On: simulator.Webhook, Kind: simulator.KindReordered, Rate: 0.3},
			simulator.Fault{On: simulator.Webhook, Kind: simulator.KindEarly, Rate: 0.3},
			simulator.Fault{On: simulator.Webhook, Kind: simulator.KindLate, Delay: 3 * time.Second, Rate: 0.3},
			simulator.Fault{On: simulator.Webhook, Kind: simulator.KindDoubled, Count: 5, Rate: 0.5})},
		Heal: []Act{disarm}, Expect: []Expectation{everyClientIsAnswered, webhooksAreTaken},
	},
}

var onRedis = []Drill{
	{
		Name: "redis-killed", Shows: "Without Redis no request fails.",
		Strike: []Act{kill(devstack.Redis)}, Heal: []Act{restart(devstack.Redis)},
		Expect: []Expectation{noRequestFails, latencyStays, webhooksAreTaken},
	},
	{
		Name: "redis-black-holed", Shows: "When Redis does not answer, no request fails, and none waits long for it.",
		Strike: []Act{blackHole("", devstack.Redis)}, Heal: []Act{mend("", devstack.Redis)},
		Expect: []Expectation{noRequestFails, latencyStays, webhooksAreTaken},
	},
	{
		Name: "redis-flushed", Shows: "Losing everything in Redis does no harm.",
		Lasts: 4 * time.Second, Strike: []Act{everyNow(500*time.Millisecond, flushRedis)},
		Expect: []Expectation{noRequestFails, latencyStays, webhooksAreTaken},
	},
}

var onRabbitMQ = []Drill{
	{
		Name: "rabbitmq-killed", Shows: "Webhooks are accepted into the spool and processed when the broker has recovered.",
		Lasts: 12 * time.Second, Strike: []Act{kill(devstack.RabbitMQ)}, Heal: []Act{restart(devstack.RabbitMQ)},
		Expect: []Expectation{everyClientIsAnswered, webhooksAreTaken},
	},
	{
		Name: "rabbitmq-memory-alarm", Shows: "When the broker accepts no messages, no webhook is lost.",
		Strike: []Act{rabbitMQCtl("set_vm_memory_high_watermark", "0")}, Heal: []Act{rabbitMQCtl("set_vm_memory_high_watermark", "0.4")},
		Expect: []Expectation{everyClientIsAnswered, webhooksAreTaken},
	},
	{
		Name: "confirm-lost", Shows: "When the confirmation of a webhook is lost, the webhook is stored twice rather than not at all.",
		Strike: []Act{everyNow(time.Second, deafen("", devstack.RabbitMQ), shortly, cut("", devstack.RabbitMQ), mend("", devstack.RabbitMQ))},
		Expect: []Expectation{everyClientIsAnswered, webhooksAreTaken},
	},
	{
		Name: "stale-ack", Shows: "Messages that were in hand when a connection broke are delivered again and do no harm.",
		Strike: []Act{
			slow("worker", devstack.Temporal, 200*time.Millisecond),
			everyNow(700*time.Millisecond, cut("worker", devstack.RabbitMQ), mend("worker", devstack.RabbitMQ)),
		},
		Heal: []Act{mend("worker", devstack.Temporal)}, Expect: []Expectation{everyClientIsAnswered, webhooksAreTaken},
	},
	{
		Name: "bindings-deleted", Shows: "Webhooks reach their queues although the bindings were deleted.",
		Settings: byWebhookOnly, Strike: []Act{unbindWebhooks},
		Heal: reconnect, Expect: []Expectation{everyClientIsAnswered, webhooksAreTaken, paidAreApprovedInTime},
	},
	{
		Name: "queue-deleted", Shows: "When one of its two queues is missing, a webhook waits in Postgres until the queue exists again.",
		Settings: byWebhookOnly, Strike: []Act{
			arm(simulator.Fault{On: simulator.Webhook, Kind: simulator.KindLate, Delay: 2 * time.Second}), shortly, shortly, // what is in the queue is lost with it
			cut("worker", devstack.RabbitMQ), blackHole("worker", devstack.RabbitMQ), deleteQueue(rabbitmq.QueueProcess), disarm},
		Heal: []Act{mend("worker", devstack.RabbitMQ)}, Expect: []Expectation{everyClientIsAnswered, webhooksAreTaken, paidAreApprovedInTime, webhooksWereSpooled},
	},
	{
		Name: "poison-messages", Shows: "An unreadable message becomes a dead letter and does not delay other messages.",
		Strike: []Act{poison(20, 100*time.Millisecond)}, Expect: []Expectation{everyClientIsAnswered, webhooksAreTaken, poisonIsDeadLettered},
	},
	{
		Name: "dead-letter-exchange-missing", Shows: "A dead letter waits until its exchange exists again.",
		Strike: []Act{deleteExchange(rabbitmq.ExchangeDeadLetters), poison(5, 200*time.Millisecond)},
		Expect: []Expectation{everyClientIsAnswered, webhooksAreTaken, poisonIsDeadLettered},
	},
}

// pollsAreRare makes polls so rare that only a webhook can bring an approval in time.
var pollsAreRare = map[string]string{"POLL_FIRST": "10m", "POLL_MAX": "1h"}

var subscribers = []Drill{
	{
		Name: "foreign-queue-full", Shows: "The queue of another service accepts no more events: payments continue, and all other services get their events in order, at once.",
		Lasts: 16 * time.Second, Strike: []Act{subscribe, foreignQueueFills}, Heal: []Act{foreignQueueIsDeleted},
		Expect: []Expectation{everyClientIsAnswered, webhooksAreTaken, paidAreApprovedInTime, subscribersGetEveryEvent(4, 10*time.Second)},
	},
	{
		Name: "foreign-queue-leaderless", Shows: "The queue of another service confirms nothing any more: payments and webhooks continue, and all other services get their events in order, within a minute.",
		Lasts: 20 * time.Second, Strike: []Act{subscribe, foreignQueueIsBound, shortly, shortly, foreignQueueLosesItsLeader},
		Heal:   []Act{foreignQueueHasItsLeaderAgain, shortly, shortly, shortly, foreignQueueIsDeleted},
		Expect: []Expectation{everyClientIsAnswered, webhooksAreTaken, paidAreApprovedInTime, subscribersGetEveryEvent(4, time.Minute)},
	},
	{
		Name: "rabbitmq-unavailable-while-paying", Shows: "RabbitMQ is unavailable for three minutes while buyers pay: each payment is approved in time, and its events follow afterwards, in order.",
		Rate: 2, Lasts: 4 * time.Minute, Settings: pollsAreRare, Strike: []Act{subscribe, shortly, kill(devstack.RabbitMQ)}, Heal: []Act{restart(devstack.RabbitMQ)},
		Expect: []Expectation{everyClientIsAnswered, webhooksAreTaken, paidAreApprovedInTime, subscribersGetEveryEvent(1, 0)},
	},
}

var onPostgres = []Drill{
	{
		Name: "postgres-killed", Shows: "Webhooks are accepted by the broker, workflows wait, and everything confirmed is there afterwards.",
		Lasts: 12 * time.Second, Strike: []Act{kill(devstack.Postgres)}, Heal: []Act{restart(devstack.Postgres)},
		Expect: []Expectation{everyClientIsAnswered, webhooksAreTaken},
	},
	{
		Name: "postgres-frozen", Shows: "When Postgres hangs, everything continues once it answers again.",
		Lasts: 12 * time.Second, Strike: []Act{freeze(devstack.Postgres)}, Heal: []Act{thaw(devstack.Postgres)},
		Expect: []Expectation{everyClientIsAnswered, webhooksAreTaken},
	},
}

var onTemporal = []Drill{
	{
		Name: "temporal-killed", Shows: "Clients get 503 with Retry-After, webhooks are accepted, and every workflow continues where it was.",
		Lasts: 12 * time.Second, Strike: []Act{kill(devstack.Temporal)}, Heal: []Act{restart(devstack.Temporal)},
		Expect: []Expectation{everyClientIsAnswered, webhooksAreTaken},
	},
	{
		Name: "temporal-frozen", Shows: "When Temporal hangs, only time is lost.",
		Lasts: 12 * time.Second, Strike: []Act{freeze(devstack.Temporal)}, Heal: []Act{thaw(devstack.Temporal)},
		Expect: []Expectation{everyClientIsAnswered, webhooksAreTaken},
	},
}

var powerFailure = []Drill{{
	Name: "everything-restarted", Shows: "After a power failure all processes start in any order, and nothing confirmed is missing.",
	Lasts: 2 * time.Second, Strike: []Act{killEverything}, Heal: []Act{restartEverything},
	Expect: []Expectation{everyClientIsAnswered},
}}

// chargesTake delays the answers to charges, so that there are always some in flight.
func chargesTake(delay time.Duration) Act {
	return arm(simulator.Fault{On: simulator.Create, Kind: simulator.KindSlowAfter, Delay: delay})
}

// failing makes the provider answer every call with the status and do nothing.
func failing(status int) Act {
	var faults []simulator.Fault
	for _, on := range []simulator.Operation{simulator.Create, simulator.Get, simulator.Search} {
		faults = append(faults, simulator.Fault{On: on, Kind: simulator.KindError, Status: status})
	}
	return arm(faults...)
}

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
	for _, some := range [][]Drill{ours, provider, crowds, webhooks, onRedis, onRedisCluster, onRabbitMQ, subscribers, onPostgres, onTemporal, house, recovery} {
		all = append(all, some...)
	}
	return append(append(all, Soak(soakLength)), doubled...)
}

var ours = []Drill{
	{
		Name: "api-killed", Shows: "A request cut off in the middle is the same payment when the client repeats it, at whichever API.",
		Strike: []Act{chargesTake(time.Second), shortly, killOneAPI}, Heal: []Act{disarm, restartTheAPI}, Expect: []Expectation{everyoneIsAnswered},
	},
	{
		Name: "worker-killed", Shows: "The other worker goes on with what the dead one had in hand, and nothing is charged twice.",
		Strike: []Act{chargesTake(time.Second), shortly, killOneWorker}, Heal: []Act{disarm, restartTheWorker}, Expect: []Expectation{everyoneIsAnswered, webhooksAreTaken},
	},
	{
		Name: "clock-ahead", Shows: "A worker whose clock is 20 hours ahead blinds neither reconciliation nor its alert, and somebody is told of the clock.",
		Lasts: 30 * time.Second, Prepare: buildAhead, Strike: []Act{clockAhead}, Heal: []Act{clockRight},
		Expect: []Expectation{everyoneIsAnswered, windowsAreOfThePast, behindIsSeen},
	},
	{
		Name: "rolling-restart", Shows: "A deployment under load costs no error that the client's own repetition does not absorb.",
		Lasts: 16 * time.Second, Strike: []Act{rollingRestart}, Expect: []Expectation{everyoneIsAnswered},
	},
}

var provider = []Drill{
	{
		Name: "mercadopago-5xx", Shows: "The breaker opens for the fleet, clients get 202, and every payment finishes by itself afterwards.",
		Lasts: 10 * time.Second, Strike: []Act{countOpenings, failing(http.StatusServiceUnavailable)}, Heal: []Act{disarm},
		Expect: []Expectation{everyoneIsAnswered, onlyProbesGetThrough},
	},
	{
		Name: "mercadopago-down", Shows: "In an outage of two minutes only the probes of each half-open window reach Mercado Pago; then every payment finishes, though its Pix lives for half an hour only.",
		Rate: 3, Lasts: 150 * time.Second, Within: payment.PixExpiryMin, Strike: []Act{countOpenings, failing(http.StatusServiceUnavailable)}, Heal: []Act{disarm},
		Expect: []Expectation{everyoneIsAnswered, webhooksAreTaken, onlyProbesGetThrough},
	},
	{
		Name: "mercadopago-slow", Shows: "Answers that come too late are charges made; they are found again under the same key.",
		Strike: []Act{arm(
			simulator.Fault{On: simulator.Create, Kind: simulator.KindSlow, Delay: 4 * time.Second, Rate: 0.3},
			simulator.Fault{On: simulator.Create, Kind: simulator.KindSlowAfter, Delay: 4 * time.Second, Rate: 0.3},
			simulator.Fault{On: simulator.Get, Kind: simulator.KindSlow, Delay: 4 * time.Second, Rate: 0.3})},
		Heal: []Act{disarm}, Expect: []Expectation{everyoneIsAnswered},
	},
	{
		Name: "mercadopago-dribbling", Shows: "Answers that come in crumbs hold nothing else up.",
		Strike: []Act{dribble("worker", platform.MercadoPago, 64, 40*time.Millisecond)}, Heal: []Act{mend("worker", platform.MercadoPago)},
		Expect: []Expectation{everyoneIsAnswered, webhooksAreTaken},
	},
	{
		Name: "mercadopago-429", Shows: "A wish for a pause is heeded, and costs no payment.",
		Strike: []Act{arm(
			simulator.Fault{On: simulator.Create, Kind: simulator.KindRateLimited, Delay: 2 * time.Second, Rate: 0.7},
			simulator.Fault{On: simulator.Get, Kind: simulator.KindRateLimited, Delay: 2 * time.Second, Rate: 0.7})},
		Heal: []Act{disarm}, Expect: []Expectation{everyoneIsAnswered},
	},
	{
		Name: "lost-answers", Shows: "What was charged and not heard of is unknown, never failed, and never charged again.",
		Strike: []Act{arm(
			simulator.Fault{On: simulator.Create, Kind: simulator.KindLostAnswer, Rate: 0.3},
			simulator.Fault{On: simulator.Create, Kind: simulator.KindErrorAfter, Rate: 0.3},
			simulator.Fault{On: simulator.Create, Kind: simulator.KindTruncated, Rate: 0.3},
			simulator.Fault{On: simulator.Get, Kind: simulator.KindLostAnswer, Rate: 0.3})},
		Heal: []Act{disarm}, Expect: []Expectation{everyoneIsAnswered},
	},
	{
		Name: "one-bad-link", Shows: "One worker that cannot reach Mercado Pago does not open the breaker for the others.",
		Lasts: 12 * time.Second, Strike: []Act{countOpenings, blackHole("worker-2", platform.MercadoPago)},
		Heal: []Act{mend("worker-2", platform.MercadoPago)}, Expect: []Expectation{everyoneIsAnswered, breakerStayedClosed},
	},
}

var webhooks = []Drill{
	{
		Name: "duplicate-storm", Shows: "Thousands of copies of a notification change nothing.",
		Flood: load.Flood{Duplicates: 3000},
	},
	{
		Name: "forged-and-replayed", Shows: "Forged webhooks are refused and replayed ones are answered and left at that, 10,000 of both.",
		Flood: load.Flood{Forged: 5000, Replayed: 5000}, Lasts: 10 * time.Second, Expect: []Expectation{floodCame, replaysAreLeft},
	},
	{
		Name: "webhooks-dropped", Shows: "Half of all webhooks never come; every payment still ends right, and the counter of the missed shows it.",
		Lasts: 10 * time.Second, Strike: []Act{countMissed, arm(simulator.Fault{On: simulator.Webhook, Kind: simulator.KindLost, Rate: 0.5})},
		Heal: []Act{disarm}, Expect: []Expectation{everyoneIsAnswered, theMissedAreCounted, paidAreSeenInTime},
	},
	{
		Name: "foreign-webhooks", Shows: "Webhooks about payments that Mercado Pago does not show us, or not readably, hold up nobody else's.",
		Settings: byWebhookOnly, Strike: []Act{countOpenings,
			strangers(simulator.Fault{Kind: simulator.KindError, Status: http.StatusForbidden}),
			strangers(simulator.Fault{Kind: simulator.KindHTML, Status: http.StatusOK}),
			strangers(simulator.Fault{Kind: simulator.KindError, Status: http.StatusUnauthorized})},
		Heal: []Act{strangersAreBuried, disarm}, Expect: []Expectation{everyoneIsAnswered, webhooksAreTaken, paidAreSeenInTime, breakerStayedClosed},
	},
	{
		Name: "one-payment-flooded", Shows: "Twenty thousand signed webhooks of one unknown payment keep nobody else's waiting.",
		Settings: byWebhookOnly, Lasts: 30 * time.Second, Strike: []Act{floodOnePayment(20_000)},
		Expect: []Expectation{everyoneIsAnswered, webhooksAreTaken, paidAreSeenInTime},
	},
	{
		Name: "webhooks-out-of-order", Shows: "Early, late, doubled and reordered webhooks end in the same history.",
		Strike: []Act{arm(
			simulator.Fault{On: simulator.Webhook, Kind: simulator.KindReordered, Rate: 0.3},
			simulator.Fault{On: simulator.Webhook, Kind: simulator.KindEarly, Rate: 0.3},
			simulator.Fault{On: simulator.Webhook, Kind: simulator.KindLate, Delay: 3 * time.Second, Rate: 0.3},
			simulator.Fault{On: simulator.Webhook, Kind: simulator.KindDoubled, Count: 5, Rate: 0.5})},
		Heal: []Act{disarm}, Expect: []Expectation{everyoneIsAnswered, webhooksAreTaken},
	},
}

var onRedis = []Drill{
	{
		Name: "redis-killed", Shows: "No request fails for Redis.",
		Strike: []Act{kill(devstack.Redis)}, Heal: []Act{restart(devstack.Redis)},
		Expect: []Expectation{nobodyNotices, latencyStays, webhooksAreTaken},
	},
	{
		Name: "redis-black-holed", Shows: "No request fails for a Redis that says nothing, and none waits long for it.",
		Strike: []Act{blackHole("", devstack.Redis)}, Heal: []Act{mend("", devstack.Redis)},
		Expect: []Expectation{nobodyNotices, latencyStays, webhooksAreTaken},
	},
	{
		Name: "redis-flushed", Shows: "Redis holds nothing that may not be lost.",
		Lasts: 4 * time.Second, Strike: []Act{everyNow(500*time.Millisecond, flushRedis)},
		Expect: []Expectation{nobodyNotices, latencyStays, webhooksAreTaken},
	},
}

var onRabbitMQ = []Drill{
	{
		Name: "rabbitmq-killed", Shows: "Webhooks are taken into the spool and processed when the broker is back.",
		Lasts: 12 * time.Second, Strike: []Act{kill(devstack.RabbitMQ)}, Heal: []Act{restart(devstack.RabbitMQ)},
		Expect: []Expectation{everyoneIsAnswered, webhooksAreTaken},
	},
	{
		Name: "rabbitmq-memory-alarm", Shows: "A broker that takes nothing costs no webhook.",
		Strike: []Act{rabbitMQCtl("set_vm_memory_high_watermark", "0")}, Heal: []Act{rabbitMQCtl("set_vm_memory_high_watermark", "0.4")},
		Expect: []Expectation{everyoneIsAnswered, webhooksAreTaken},
	},
	{
		Name: "confirm-lost", Shows: "A webhook whose confirmation never comes is stored twice rather than not at all.",
		Strike: []Act{everyNow(time.Second, deafen("", devstack.RabbitMQ), shortly, cut("", devstack.RabbitMQ), mend("", devstack.RabbitMQ))},
		Expect: []Expectation{everyoneIsAnswered, webhooksAreTaken},
	},
	{
		Name: "stale-ack", Shows: "What was in hand when a connection ended comes again and does no harm.",
		Strike: []Act{
			slow("worker", devstack.Temporal, 200*time.Millisecond),
			everyNow(700*time.Millisecond, cut("worker", devstack.RabbitMQ), mend("worker", devstack.RabbitMQ)),
		},
		Heal: []Act{mend("worker", devstack.Temporal)}, Expect: []Expectation{everyoneIsAnswered, webhooksAreTaken},
	},
	{
		Name: "bindings-deleted", Shows: "Webhooks find their queues whatever becomes of the bindings.",
		Settings: byWebhookOnly, Strike: []Act{unbindWebhooks},
		Heal: reconnect, Expect: []Expectation{everyoneIsAnswered, webhooksAreTaken, paidAreSeenInTime},
	},
	{
		Name: "queue-deleted", Shows: "A webhook that finds one of its two queues missing waits in Postgres until it is there again.",
		Settings: byWebhookOnly, Strike: []Act{
			arm(simulator.Fault{On: simulator.Webhook, Kind: simulator.KindLate, Delay: 2 * time.Second}), shortly, shortly, // what is in the queue is lost with it
			cut("worker", devstack.RabbitMQ), blackHole("worker", devstack.RabbitMQ), deleteQueue(rabbitmq.QueueProcess), disarm},
		Heal: []Act{mend("worker", devstack.RabbitMQ)}, Expect: []Expectation{everyoneIsAnswered, webhooksAreTaken, paidAreSeenInTime, webhooksWereSpooled},
	},
	{
		Name: "poison-messages", Shows: "What nobody can read ends as a dead letter, and its neighbours do not wait for it.",
		Strike: []Act{poison(20, 100*time.Millisecond)}, Expect: []Expectation{everyoneIsAnswered, webhooksAreTaken, poisonIsBuried},
	},
	{
		Name: "dead-letter-exchange-missing", Shows: "A dead letter waits until there is somewhere to send it.",
		Strike: []Act{deleteExchange(rabbitmq.ExchangeDeadLetters), poison(5, 200*time.Millisecond)},
		Expect: []Expectation{everyoneIsAnswered, webhooksAreTaken, poisonIsBuried},
	},
}

// pollsAreRare leaves it to webhooks alone that a payment is seen as paid in time.
var pollsAreRare = map[string]string{"POLL_FIRST": "10m", "POLL_MAX": "1h"}

var subscribers = []Drill{
	{
		Name: "foreign-queue-full", Shows: "The queue of another service takes no more events: payments go on, and all others are told in order, at once.",
		Lasts: 16 * time.Second, Strike: []Act{subscribe, foreignQueueFills}, Heal: []Act{foreignQueueIsDeleted},
		Expect: []Expectation{everyoneIsAnswered, webhooksAreTaken, paidAreSeenInTime, subscribersAreTold(4, 10*time.Second)},
	},
	{
		Name: "foreign-queue-leaderless", Shows: "The queue of another service confirms nothing any more: payments and webhooks go on, and all others are told in order, within a minute.",
		Lasts: 20 * time.Second, Strike: []Act{subscribe, foreignQueueIsBound, shortly, shortly, foreignQueueLosesItsLeader},
		Heal:   []Act{foreignQueueHasItsLeaderAgain, shortly, shortly, shortly, foreignQueueIsDeleted},
		Expect: []Expectation{everyoneIsAnswered, webhooksAreTaken, paidAreSeenInTime, subscribersAreTold(4, time.Minute)},
	},
	{
		Name: "rabbitmq-unavailable-while-paying", Shows: "RabbitMQ is away for three minutes and buyers pay: each payment is believed in time, and events come afterwards, in order.",
		Rate: 2, Lasts: 4 * time.Minute, Settings: pollsAreRare, Strike: []Act{subscribe, shortly, kill(devstack.RabbitMQ)}, Heal: []Act{restart(devstack.RabbitMQ)},
		Expect: []Expectation{everyoneIsAnswered, webhooksAreTaken, paidAreSeenInTime, subscribersAreTold(1, 0)},
	},
}

var onPostgres = []Drill{
	{
		Name: "postgres-killed", Shows: "Webhooks go on to the broker, workflows wait, and what was confirmed is there afterwards.",
		Lasts: 12 * time.Second, Strike: []Act{kill(devstack.Postgres)}, Heal: []Act{restart(devstack.Postgres)},
		Expect: []Expectation{everyoneIsAnswered, webhooksAreTaken},
	},
	{
		Name: "postgres-frozen", Shows: "A record that hangs hangs nothing for good.",
		Lasts: 12 * time.Second, Strike: []Act{freeze(devstack.Postgres)}, Heal: []Act{thaw(devstack.Postgres)},
		Expect: []Expectation{everyoneIsAnswered, webhooksAreTaken},
	},
}

var onTemporal = []Drill{
	{
		Name: "temporal-killed", Shows: "Clients are told to come again, webhooks are taken, and every workflow goes on where it was.",
		Lasts: 12 * time.Second, Strike: []Act{kill(devstack.Temporal)}, Heal: []Act{restart(devstack.Temporal)},
		Expect: []Expectation{everyoneIsAnswered, webhooksAreTaken},
	},
	{
		Name: "temporal-frozen", Shows: "A Temporal that hangs costs time and nothing else.",
		Lasts: 12 * time.Second, Strike: []Act{freeze(devstack.Temporal)}, Heal: []Act{thaw(devstack.Temporal)},
		Expect: []Expectation{everyoneIsAnswered, webhooksAreTaken},
	},
}

var house = []Drill{{
	Name: "everything-restarted", Shows: "After a power failure everything starts in any order, and nothing confirmed is missing.",
	Lasts: 2 * time.Second, Strike: []Act{killEverything}, Heal: []Act{restartEverything},
	Expect: []Expectation{everyoneIsAnswered},
}}

// chargesTake keeps the answers to charges back, so that there is always something in the middle of happening.
func chargesTake(delay time.Duration) Act {
	return arm(simulator.Fault{On: simulator.Create, Kind: simulator.KindSlowAfter, Delay: delay})
}

// failing answers every call with the status and does nothing.
func failing(status int) Act {
	var faults []simulator.Fault
	for _, on := range []simulator.Operation{simulator.Create, simulator.Get, simulator.Search} {
		faults = append(faults, simulator.Fault{On: on, Kind: simulator.KindError, Status: status})
	}
	return arm(faults...)
}

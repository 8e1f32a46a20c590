package alerts

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/onlywave/onlywave/test/devstack"
	"github.com/onlywave/onlywave/test/simulator"
)

// All lists every trouble, in the order in which they are made. The last one fails requests, which the windows remember longest.
func All() []Trouble {
	return slices.Concat(ofProcesses(), ofTheProvider(), ofTheRecord(), ofRequests())
}

// ofProcesses are parts that are gone, or cannot reach what they use.
func ofProcesses() []Trouble {
	return []Trouble{
		{
			Shows: "all workers are killed", Alerts: []string{"WorkerAbsent"},
			Strike: []Act{killWorkers}, Heal: []Act{restartWorkers},
		},
		{
			Shows: "all apis are killed", Alerts: []string{"APIAbsent"},
			Strike: []Act{killAPIs}, Heal: []Act{restartAPIs},
		},
		{
			Shows: "the clock of one worker's machine is 20 hours ahead", Alerts: []string{"ClockWrong"},
			Prepare: buildAhead, Strike: []Act{clockAhead}, Heal: []Act{clockRight},
		},
		{
			Shows: "every link to Redis is cut", Alerts: []string{"RedisUnavailable"},
			Strike: []Act{cut("", devstack.Redis)}, During: every(time.Second, order), Heal: []Act{mend("", devstack.Redis)},
		},
		{
			Shows: "every link to RabbitMQ is cut, and buyers go on paying", Alerts: []string{"DependencyUnavailable", "SpoolNotEmpty", "EventsNotPublished"},
			Strike: []Act{order, cut("", devstack.RabbitMQ), pay}, Heal: []Act{mend("", devstack.RabbitMQ)},
		},
		{
			Shows: "the workers' links to RabbitMQ are cut, and buyers go on paying", Alerts: []string{"QueueStands", "QueueWithoutConsumers"},
			Strike: []Act{cut("worker", devstack.RabbitMQ)}, During: every(500*time.Millisecond, order, pay),
			Heal: []Act{mend("worker", devstack.RabbitMQ)},
		},
		{
			Shows: "another service's queue on our events has lost its leader", Alerts: []string{"PublishesUnconfirmed"},
			Strike: []Act{bind(deafQueue, amqp.Table{"x-queue-type": "quorum"}), withoutLeader(deafQueue)},
			During: every(500*time.Millisecond, order), Heal: []Act{withLeader(deafQueue), unbind(deafQueue)},
		},
		{
			Shows: "another service's queue on our events is full, and rejects", Alerts: []string{"PublishesRefused", "EventsGivenUp"},
			Strike: []Act{bind(fullQueue, amqp.Table{"x-max-length": 1, "x-overflow": "reject-publish"})},
			During: every(500*time.Millisecond, order), Heal: []Act{unbind(fullQueue)},
		},
		{
			Shows: "a worker dies and is started again three times", Alerts: []string{"ProcessRestarts"},
			Strike: []Act{times(3, killOneWorker, restartOneWorker, lasts(2*time.Second))},
		},
		{
			Shows: "somebody's transaction locks a table that what is open is counted by", Alerts: []string{"NothingIsCounted"},
			During: lockRuns,
		},
		{
			Shows: "webhooks have gathered while the workers' links to RabbitMQ were cut, and come through", Alerts: []string{"WebhookLag"},
			Strike: []Act{cut("worker", devstack.RabbitMQ), times(10, order, pay), lasts(5 * time.Second), mend("worker", devstack.RabbitMQ)},
		},
		{
			Shows: "a workflow is started that no worker knows, as when an older release runs beside a newer one", Alerts: []string{"WorkflowTasksFail"},
			Strike: []Act{startUnknown}, Heal: []Act{terminateUnknown},
		},
		{
			Shows: "answers of Postgres come 300 ms late, and 40 clients read", Alerts: []string{"APISlow", "PostgresPoolExhausted"},
			Strike: []Act{slow("api", devstack.Postgres, 300*time.Millisecond), slow("api", devstack.PostgresReplica, 300*time.Millisecond)},
			During: readers(40), Heal: []Act{mend("api", devstack.Postgres), mend("api", devstack.PostgresReplica)},
		},
		{
			Shows: "Postgres' replica is killed", Alerts: []string{"PostgresReplicaBehind"},
			Strike: []Act{killReplica}, Heal: []Act{restartReplica},
		},
	}
}

// ofTheProvider are what Mercado Pago answers.
func ofTheProvider() []Trouble {
	return []Trouble{
		{
			Shows: "Mercado Pago answers 503 to every charge", Alerts: []string{"BreakerOpen", "PaymentsStuck"},
			Strike: []Act{arm(simulator.Fault{On: simulator.Create, Kind: simulator.KindError, Status: http.StatusServiceUnavailable})},
			During: every(200*time.Millisecond, order), Heal: []Act{disarm},
		},
		{
			Shows: "a payment is paid, no webhook comes, and Mercado Pago answers 404 to each look", Alerts: []string{"PaymentsBehind"},
			Strike: []Act{
				order, arm(simulator.Fault{On: simulator.Get, Kind: simulator.KindNotFound}, simulator.Fault{On: simulator.Webhook, Kind: simulator.KindLost}), pay,
			},
			Heal: []Act{disarm},
		},
		{
			Shows: "Mercado Pago answers 401 to every charge", Alerts: []string{"ProviderErrors"},
			Strike: []Act{arm(simulator.Fault{On: simulator.Create, Kind: simulator.KindError, Status: http.StatusUnauthorized})},
			During: every(500*time.Millisecond, order), Heal: []Act{disarm},
		},
		{
			Shows: "Mercado Pago says that our account has no Pix key", Alerts: []string{"PaymentsFailing", "ProviderAccountRefused"},
			Strike: []Act{arm(simulator.Fault{On: simulator.Create, Kind: simulator.KindError, Status: http.StatusBadRequest, Code: 13253})},
			During: every(500*time.Millisecond, order), Heal: []Act{disarm},
		},
		{
			Shows: "the answer to a charge is lost, and the search does not know it", Alerts: []string{"PaymentsUnknown", "DeadLetters"},
			Strike: []Act{loseAnswer}, Heal: []Act{disarm, payLost},
		},
	}
}

// ofTheRecord are what is left undone, or does not agree. The months come last: with them go the webhooks that were kept, which
// reconciliation then takes for missed.
func ofTheRecord() []Trouble {
	return []Trouble{
		{
			Shows: "the mail server says that every buyer's mailbox is full", Alerts: []string{"EmailsNotSent"},
			Strike: []Act{fillMailboxes}, During: every(500*time.Millisecond, orderWithEmail), Heal: []Act{renewMailServer, orderWithEmail},
		},
		{
			Shows: "the schedule of reconciliation is paused", Alerts: []string{"ReconciliationBehind"},
			Strike: []Act{pause("reconcile")}, Heal: []Act{resume("reconcile")},
		},
		{
			Shows: "the schedule that wakes quiet payments is paused", Alerts: []string{"ScheduledWorkStands"},
			Strike: []Act{pause("signal-quiet")}, Heal: []Act{resume("signal-quiet")},
		},
		{
			Shows: "an amount in the record is changed by hand", Alerts: []string{"ReconciliationDifferences"},
			Strike: []Act{order, changeAmount(1)}, Heal: []Act{changeAmount(-1), pay},
		},
		{
			Shows: "a trigger of somebody's in Postgres fails every event", Alerts: []string{"ActivitiesFail"},
			Strike: []Act{failEvents, refused}, Heal: []Act{passEvents},
		},
		{
			Shows: "a payment that is rejected in the record, by hand, is paid", Alerts: []string{"PaymentsSurprising"},
			Strike: []Act{order, changeStatus("rejected"), pay},
		},
		{
			Shows: "no webhook is sent of 15 payments that are paid; an hour later (the record is made so much older) it is over", Alerts: []string{"WebhooksMissed"},
			Strike: []Act{arm(simulator.Fault{On: simulator.Webhook, Kind: simulator.KindLost}), times(15, order, pay)},
			Heal:   []Act{disarm, reconcile, anHourPasses},
		},
		{
			Shows: "a pending payment's end is made two hours earlier in the record", Alerts: []string{"PaymentsPastTheirEnd"},
			Strike: []Act{order, endEarlier(2 * time.Hour)}, Heal: []Act{pay},
		},
		{
			Shows: "30 payments are made, and no buyer pays", Alerts: []string{"PaymentsNoneApproved"},
			During: every(time.Second, order), Heal: []Act{order, pay},
		},
		{
			Shows: "the months of the record that lie ahead are dropped; the program makes them again", Alerts: []string{"PartitionsRunOut"},
			Strike: []Act{dropMonths}, Heal: []Act{migrate},
		},
	}
}

// ofRequests are the clients'.
func ofRequests() []Trouble {
	return []Trouble{
		{
			Shows:  "the apis' links to Temporal are cut, and clients go on asking",
			Alerts: []string{"APIErrorBudgetBurnsFast", "APIErrorBudgetBurnsSlowly", "APIErrorBudgetBurnsForDays"},
			Strike: []Act{cut("api", devstack.Temporal)}, During: every(200*time.Millisecond, refused),
			Heal: []Act{mend("api", devstack.Temporal)}, Lasts: 12 * time.Minute,
		},
	}
}

// Choose picks the troubles that provoke the alerts named, divided by commas; "" is all.
func Choose(names string) ([]Trouble, error) {
	if names == "" {
		return All(), nil
	}
	var chosen []Trouble
	for name := range strings.SplitSeq(names, ",") {
		i := slices.IndexFunc(All(), func(t Trouble) bool { return slices.Contains(t.Alerts, name) })
		if i < 0 {
			return nil, fmt.Errorf("there is no alert %q", name)
		}
		chosen = append(chosen, All()[i])
	}
	return chosen, nil
}

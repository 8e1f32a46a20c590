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

// All lists every fault in the order of the run. The last one fails requests, whose alerts resolve last: their windows are the longest.
func All() []Fault {
	return slices.Concat(ofProcesses(), ofTheProvider(), ofData(), ofRequests())
}

// ofProcesses are processes that stop, or cannot reach their dependencies.
func ofProcesses() []Fault {
	return []Fault{
		{
			Shows: "all workers are killed", Alerts: []string{"WorkerAbsent"},
			Strike: []Act{killWorkers}, Heal: []Act{restartWorkers},
		},
		{
			Shows: "all api processes are killed", Alerts: []string{"APIAbsent"},
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
			Shows: "every link to RabbitMQ is cut while buyers pay", Alerts: []string{"DependencyUnavailable", "SpoolNotEmpty", "EventsNotPublished"},
			Strike: []Act{order, cut("", devstack.RabbitMQ), pay}, Heal: []Act{mend("", devstack.RabbitMQ)},
		},
		{
			Shows: "the workers' links to RabbitMQ are cut while buyers pay", Alerts: []string{"QueueStands", "QueueWithoutConsumers"},
			Strike: []Act{cut("worker", devstack.RabbitMQ)}, During: every(500*time.Millisecond, order, pay),
			Heal: []Act{mend("worker", devstack.RabbitMQ)},
		},
		{
			Shows: "another service's queue on onlywave.events has lost its leader", Alerts: []string{"PublishesUnconfirmed"},
			Strike: []Act{bind(deafQueue, amqp.Table{"x-queue-type": "quorum"}), afterEvents(deafQueue, 20), withoutLeader(deafQueue)},
			During: every(500*time.Millisecond, order), Heal: []Act{withLeader(deafQueue), unbind(deafQueue)},
		},
		{
			Shows: "another service's queue on onlywave.events is full and rejects events", Alerts: []string{"PublishesRefused", "EventsGivenUp"},
			Strike: []Act{bind(fullQueue, amqp.Table{"x-max-length": 1, "x-overflow": "reject-publish"})},
			During: every(500*time.Millisecond, order), Heal: []Act{unbind(fullQueue)},
		},
		{
			Shows: "a worker is killed and restarted three times", Alerts: []string{"ProcessRestarts"},
			Strike: []Act{times(3, killOneWorker, restartOneWorker, lasts(2*time.Second))},
		},
		{
			Shows: "a transaction locks a table that the workers' gauges are counted from", Alerts: []string{"NothingIsCounted"},
			During: lockRuns,
		},
		{
			Shows: "webhooks that waited while the workers' links to RabbitMQ were cut are processed late", Alerts: []string{"WebhookLag"},
			Strike: []Act{cut("worker", devstack.RabbitMQ), times(10, order, pay), lasts(5 * time.Second), mend("worker", devstack.RabbitMQ)},
		},
		{
			Shows: "a workflow is started that no worker has registered, as when two releases run side by side", Alerts: []string{"WorkflowTasksFail"},
			Strike: []Act{startUnknown}, Heal: []Act{terminateUnknown},
		},
		{
			Shows: "a payment is pinned to a build of the workers, whose last worker ends", Alerts: []string{"PaymentsWithoutWorkers"},
			Strike: []Act{startPinned}, Heal: []Act{terminatePinned},
		},
		{
			Shows: "Postgres answers 300 ms late while 40 clients read", Alerts: []string{"APISlow", "PostgresPoolExhausted"},
			Strike: []Act{slow("api", devstack.Postgres, 300*time.Millisecond), slow("api", devstack.PostgresReplica, 300*time.Millisecond)},
			During: readers(40), Heal: []Act{mend("api", devstack.Postgres), mend("api", devstack.PostgresReplica)},
		},
		{
			Shows: "Postgres' replica is killed", Alerts: []string{"PostgresReplicaBehind"},
			Strike: []Act{killReplica}, Heal: []Act{restartReplica},
		},
	}
}

// ofTheProvider are faults of Mercado Pago.
func ofTheProvider() []Fault {
	return []Fault{
		{
			Shows: "Mercado Pago answers 503 to every charge", Alerts: []string{"BreakerOpen", "PaymentsStuck"},
			Strike: []Act{arm(simulator.Fault{On: simulator.Create, Kind: simulator.KindError, Status: http.StatusServiceUnavailable})},
			During: every(200*time.Millisecond, order), Heal: []Act{disarm},
		},
		{
			Shows: "a payment is paid, its webhook is lost, and Mercado Pago answers 404 to each read", Alerts: []string{"PaymentsBehind"},
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
			Shows: "Mercado Pago answers that the account has no Pix key", Alerts: []string{"PaymentsFailing", "ProviderAccountRefused"},
			Strike: []Act{arm(simulator.Fault{On: simulator.Create, Kind: simulator.KindError, Status: http.StatusBadRequest, Code: 13253})},
			During: every(500*time.Millisecond, order), Heal: []Act{disarm},
		},
		{
			Shows: "the answer to a charge is lost, and the search does not find the charge", Alerts: []string{"PaymentsUnknown", "DeadLetters"},
			Strike: []Act{loseAnswer}, Heal: []Act{disarm, payLost},
		},
	}
}

// ofData are work that is not done, and data that does not agree. The partitions come last: the stored webhooks are dropped with
// them, and reconciliation then counts them as missed.
func ofData() []Fault {
	return []Fault{
		{
			Shows: "the mail server answers that every mailbox is full", Alerts: []string{"EmailsNotSent"},
			Strike: []Act{fillMailboxes}, During: every(500*time.Millisecond, orderWithEmail), Heal: []Act{restartMailServer, orderWithEmail},
		},
		{
			Shows: "the schedule reconcile is paused", Alerts: []string{"ReconciliationBehind"},
			Strike: []Act{pause("reconcile")}, Heal: []Act{resume("reconcile")},
		},
		{
			Shows: "the schedule signal-quiet is paused", Alerts: []string{"ScheduledWorkStands"},
			Strike: []Act{pause("signal-quiet")}, Heal: []Act{resume("signal-quiet")},
		},
		{
			Shows: "an amount in the database is changed by hand", Alerts: []string{"ReconciliationDifferences"},
			Strike: []Act{order, changeAmount(1)}, Heal: []Act{changeAmount(-1), pay},
		},
		{
			Shows: "a trigger in Postgres makes every insert of an event fail", Alerts: []string{"ActivitiesFail"},
			Strike: []Act{failEvents, refused}, Heal: []Act{passEvents},
		},
		{
			Shows: "a payment that was set to rejected by hand in the database is paid", Alerts: []string{"PaymentsSurprising"},
			Strike: []Act{order, changeStatus("rejected"), pay},
		},
		{
			Shows: "the webhooks of 15 paid payments are lost; the alert resolves an hour later (rows are made an hour older)", Alerts: []string{"WebhooksMissed"},
			Strike: []Act{arm(simulator.Fault{On: simulator.Webhook, Kind: simulator.KindLost}), times(15, order, pay)},
			Heal:   []Act{disarm, reconcile, anHourPasses},
		},
		{
			Shows: "a pending payment's expiry is made two hours earlier in the database", Alerts: []string{"PaymentsPastTheirEnd"},
			Strike: []Act{order, endEarlier(2 * time.Hour)}, Heal: []Act{pay},
		},
		{
			Shows: "a bank takes the money of a payment back, and the deadline for documents is a day away", Alerts: []string{"DisputeDeadlineNear"},
			Strike: []Act{order, pay, chargeback(24 * time.Hour)}, Heal: []Act{winChargeback},
		},
		{
			Shows: "Mercado Pago keeps a refund in process, which is made 25 hours older in the database", Alerts: []string{"RefundsStuck"},
			Strike: []Act{arm(simulator.Fault{On: simulator.CreateRefund, Kind: simulator.KindInProcess, Times: 1}), order, pay, refund, askEarlier(25 * time.Hour)},
			Heal:   []Act{disarm, endRefund},
		},
		{
			Shows: "30 payments are created, and no buyer pays", Alerts: []string{"PaymentsNoneApproved"},
			During: every(time.Second, order), Heal: []Act{order, pay},
		},
		{
			Shows: "the partitions for the months ahead are dropped; onlywave migrate creates them again", Alerts: []string{"PartitionsRunOut"},
			Strike: []Act{dropPartitions}, Heal: []Act{migrate},
		},
	}
}

// ofRequests are requests that fail.
func ofRequests() []Fault {
	return []Fault{
		{
			Shows:  "the api processes' links to Temporal are cut while clients send requests",
			Alerts: []string{"APIErrorBudgetBurnsFast", "APIErrorBudgetBurnsSlowly", "APIErrorBudgetBurnsForDays"},
			Strike: []Act{cut("api", devstack.Temporal)}, During: every(200*time.Millisecond, refused),
			Heal: []Act{mend("api", devstack.Temporal)}, Lasts: 12 * time.Minute,
		},
	}
}

// Choose picks the faults of the named alerts, separated by commas; "" is all.
func Choose(names string) ([]Fault, error) {
	if names == "" {
		return All(), nil
	}
	var chosen []Fault
	for name := range strings.SplitSeq(names, ",") {
		i := slices.IndexFunc(All(), func(t Fault) bool { return slices.Contains(t.Alerts, name) })
		if i < 0 {
			return nil, fmt.Errorf("there is no alert %q", name)
		}
		chosen = append(chosen, All()[i])
	}
	return chosen, nil
}

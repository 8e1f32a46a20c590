package system

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/cli"
	"github.com/onlywave/onlywave/internal/deadletter"
	"github.com/onlywave/onlywave/internal/mercadopago"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/postgres"
	"github.com/onlywave/onlywave/test/documents"
	"github.com/onlywave/onlywave/test/platform"
	"github.com/onlywave/onlywave/test/simulator"
)

const runbook = "docs/runbook/"

// line is one command or query of the runbook, and where it stands first.
type line struct{ text, at string }

// runbookLines are the lines of the blocks with this mark, each once.
func runbookLines(t *testing.T, info string) (lines []line) {
	pages, err := documents.All(".")
	require.NoError(t, err)
	known := map[string]bool{}
	for _, p := range pages {
		if !strings.HasPrefix(p.File, runbook) {
			continue
		}
		for _, b := range p.Blocks {
			for i, text := range strings.Split(strings.TrimSpace(b.Text), "\n") {
				if b.Info == info && !known[text] {
					known[text] = true
					lines = append(lines, line{text, fmt.Sprintf("%s:%d", p.File, b.Line+i)})
				}
			}
		}
	}
	require.NotEmpty(t, lines)
	return lines
}

// Every line that operators type is typed as it stands. Each has objects of its own: a payment, a dead letter, a queue.
func TestTheCommandsOfTheRunbookRun(t *testing.T) {
	t.Parallel()
	env := append(runbookEnv(t), shared.CodecSetting()) // as in the shell that the runbook's README opens with `onlywave codec bash`
	atOnce := make(chan struct{}, 2)                    // each of RabbitMQ's programs takes a processor for seconds; twelve at once take minutes
	for _, l := range runbookLines(t, documents.Runnable) {
		t.Run(l.at, func(t *testing.T) {
			t.Parallel()
			own := prepared(t, l.text)
			atOnce <- struct{}{}
			defer func() { <-atOnce }()
			c := exec.CommandContext(within(t), "bash", "-euo", "pipefail", "-c", l.text)
			c.Env = slices.Concat(env, own)
			output, err := c.CombinedOutput()
			require.NoError(t, err, "%s: %s\n%s", l.at, l.text, output)
		})
	}
}

func TestTheQueriesOfTheRunbookAreUnderstood(t *testing.T) {
	t.Parallel()
	for _, l := range runbookLines(t, documents.Query) {
		answer, err := http.Get(shared.Monitoring.Prometheus + "/api/v1/query?query=" + url.QueryEscape(l.text))
		require.NoError(t, err)
		require.NoError(t, answer.Body.Close())
		require.Equal(t, http.StatusOK, answer.StatusCode, "%s: %s", l.at, l.text)
	}
}

// runbookEnv is the environment of an operator who has set what the runbook's README says, and who may use RabbitMQ's programs.
func runbookEnv(t *testing.T) []string {
	tools, broker, err := shared.Stack.RabbitMQTools()
	require.NoError(t, err)
	env := terminal(t)
	for i, setting := range env {
		if path, ok := strings.CutPrefix(setting, "PATH="); ok {
			env[i] = "PATH=" + tools + ":" + path // Debian's programs in /usr/sbin would become user rabbitmq
		}
	}
	return slices.Concat(broker, slices.DeleteFunc(env, func(s string) bool { return strings.HasPrefix(s, "HOME=") }),
		[]string{"API=" + shared.Front.URL, "PROMETHEUS=" + shared.Monitoring.Prometheus, "METRICS=" + shared.Metrics["worker"]})
}

var variable = regexp.MustCompile(`\$([A-Z_]+)`)

// prepared are the variables of a command, with objects in the state in which an operator meets them.
func prepared(t *testing.T, command string) (env []string) {
	for _, m := range variable.FindAllStringSubmatch(command, -1) {
		switch m[1] {
		case "PAYMENT":
			id := paymentFor(t, command)
			env = append(env, "PAYMENT="+id)
			if strings.Contains(command, "$PROVIDER_PAYMENT") {
				env = append(env, "PROVIDER_PAYMENT="+chargeOf(t, id))
			}
		case "DEAD_LETTER", "FINGERPRINT":
			l := openDeadLetter(t)
			env = append(env, "DEAD_LETTER="+l.ID, "FINGERPRINT="+l.Fingerprint)
		case "FINDING":
			env = append(env, fmt.Sprintf("FINDING=%d", openFinding(t)))
		case "REDRIVE":
			env = append(env, "REDRIVE="+redrive(t))
		case "QUEUE":
			env = append(env, "QUEUE="+foreignQueue(t))
		case "PID":
			env = append(env, fmt.Sprintf("PID=%d", session(t)))
		case "EMAIL_WORKFLOW":
			env = append(env, "EMAIL_WORKFLOW="+emailWorkflow(t))
		}
	}
	return env
}

// ownKey is an idempotency key, and the payment that it means. The name of a test here is longer than a key may be.
func ownKey() (key, paymentID string) {
	key = "runbook-" + uuid.NewString()
	return key, payment.NewID("demo", key)
}

// paymentFor is a payment that waits for its buyer, or what the command needs.
func paymentFor(t *testing.T, command string) string {
	switch {
	case strings.Contains(command, "activity unpause"):
		return pausedPayment(t)
	case strings.Contains(command, "settle"):
		return unknownPayment(t, strings.Contains(command, "found"))
	case strings.Contains(command, "release"):
		key, id := ownKey()
		create(t, key)
		hold(t, id)
		return id
	case strings.Contains(command, "refund") && !strings.Contains(command, "cancel"):
		key, id := ownKey()
		create(t, key)
		require.NoError(t, shared.Provider.Pay(within(t), chargeOf(t, id)))
		_, err := shared.Shops[0].Await(within(t), id, "approved")
		require.NoError(t, err)
		return id
	case strings.Contains(command, "capture"):
		return reservedPayment(t)
	case strings.Contains(command, "give"):
		return chargingPayment(t)
	default:
		key, id := ownKey()
		create(t, key)
		return id
	}
}

// reservedPayment is a card whose money is reserved.
func reservedPayment(t *testing.T) string {
	key, id := ownKey()
	token, err := shared.Provider.CardToken(within(t), "APRO")
	require.NoError(t, err)
	answer, err := shared.Shops[0].Post(within(t), key, platform.Reserving(platform.CardOrder(1050, key, token, 1)))
	require.NoError(t, err)
	require.NoError(t, answer.Decode(nil))
	_, err = shared.Shops[0].Await(within(t), id, "authorized")
	require.NoError(t, err)
	return id
}

func hold(t *testing.T, id string) {
	var out output
	require.NoError(t, cli.Run(within(t), []string{"payments", "hold", id, "--actor", "ana", "--reason", "INC-42"}, operatorEnv(), &out))
}

// chargingPayment is one whose charge Mercado Pago does not take.
func chargingPayment(t *testing.T) string {
	key, id := ownKey()
	refuseToken(t, id, 20)
	accept(t, key, "wait=0")
	eventually(t, func() bool { return inShared(t, `select count(*) from payments where id = $1`, id) == 1 }, "it is in the database")
	hold(t, id)
	return id
}

// unknownPayment is one that has been unknown for long enough to be settled. The provider has no charge of it, or one that no search finds.
func unknownPayment(t *testing.T, charged bool) string {
	key, id := ownKey()
	if charged {
		arm(t, simulator.Fault{On: simulator.Create, Kind: simulator.KindTruncated, Times: 1, ExternalReference: id})
		arm(t, simulator.Fault{On: simulator.Search, Kind: simulator.KindSearchLag, ExternalReference: id})
		arm(t, simulator.Fault{On: simulator.Webhook, Kind: simulator.KindLost, Times: 1, ExternalReference: id})
	}
	arm(t, simulator.Fault{On: simulator.Create, Kind: simulator.KindError, Status: http.StatusNotFound, Times: 1, ExternalReference: id})
	_, err := shared.Shops[0].Create(within(t), key, 1050)
	require.NoError(t, err)
	_, err = shared.Shops[0].Await(within(t), id, "unknown")
	require.NoError(t, err)
	eventually(t, func() bool { return deadLetters(t, id, deadletter.CauseUnknownOutcome, deadletter.Open) == 1 }, "it is parked")
	require.Equal(t, 1, inShared(t, `with aged as (update payments set updated_at = updated_at - interval '10 minutes' where id = $1 returning 1) select count(*) from aged`, id))
	return id
}

// chargeOf is the provider's id of a payment's charge.
func chargeOf(t *testing.T, id string) string {
	ledger, err := shared.Provider.Ledger(within(t), id)
	require.NoError(t, err)
	require.Len(t, ledger, 1)
	return ledger[0].PaymentID
}

// pausedPayment is one whose activity Look waits for its next attempt and was paused by an operator.
func pausedPayment(t *testing.T) string {
	key, id := ownKey()
	create(t, key)
	arm(t, simulator.Fault{On: simulator.Get, Kind: simulator.KindError, Status: http.StatusServiceUnavailable, Times: 5, ExternalReference: id})
	workflow := "payment/" + id
	temporal(t, "workflow", "signal", "--workflow-id", workflow, "--name", "look")
	eventually(t, func() bool {
		return len(described(t, id).GetPendingActivities()) == 1
	}, "the look is an activity that waits")
	newScripts(t, "temporal").run(t, "activity", "pause", id, "--type", "Look", "--actor", "ana", "--reason", "test")
	return id
}

// openDeadLetter is one of a fault of its own, which does not die again.
func openDeadLetter(t *testing.T) deadletter.Message {
	store, err := postgres.Open(t.Context(), shared.Stack.PostgresURL(), 1)
	require.NoError(t, err)
	defer store.Close()
	id := uuid.NewString()
	body, err := json.Marshal(mercadopago.Notification{ID: id, Topic: "topic_of_tomorrow", ReceivedAt: time.Now()})
	require.NoError(t, err)
	l := deadletter.Message{
		ID: deadletter.NewID(id, ""), Source: deadletter.FromWebhook, Cause: deadletter.CauseHandlerPanic, Error: "no", Deaths: 1, DiedAt: time.Now(),
		Fingerprint: strings.ReplaceAll(id, "-", "")[:16],
		Original:    deadletter.Original{ID: id, Exchange: "onlywave.webhooks", Key: "mercadopago.topic_of_tomorrow", Body: body},
	}
	_, err = store.KeepDeadLetters(t.Context(), []deadletter.Message{l})
	require.NoError(t, err)
	return l
}

// redrive is one that only counts.
func redrive(t *testing.T) string {
	var out output
	args := []string{"dead-letters", "redrive", "--fingerprint", openDeadLetter(t).Fingerprint, "--dry-run", "--actor", "ana", "--reason", "INC-42"}
	require.NoError(t, cli.Run(within(t), args, operatorEnv(), &out))
	return strings.TrimSpace(strings.TrimPrefix(out.String(), "redrive "))
}

// openFinding is one that no reconciliation resolves, and that was announced.
func openFinding(t *testing.T) int {
	return inShared(t, `with run as (
    insert into reconciliations (id, window_from, window_to, started_at) values ($1, now(), now(), now() - interval '1 day') returning id
)
insert into findings (reconciliation_id, kind, provider_payment_id, provider_updated_at, detail, found_at, alerted_at)
select id, $2, id, now(), 'an amount that cannot be read', now(), now() from run returning id`, uuid.NewString(), string(payment.Unreadable))
}

// foreignQueue is a queue of another service.
func foreignQueue(t *testing.T) string {
	connection, err := amqp.Dial(shared.Stack.RabbitMQURL())
	require.NoError(t, err)
	defer connection.Close()
	channel, err := connection.Channel()
	require.NoError(t, err)
	queue, err := channel.QueueDeclare("runbook."+uuid.NewString(), true, false, false, false, amqp.Table{"x-queue-type": "quorum"})
	require.NoError(t, err)
	t.Cleanup(func() {
		connection, err := amqp.Dial(shared.Stack.RabbitMQURL())
		require.NoError(t, err)
		defer connection.Close()
		channel, err := connection.Channel()
		require.NoError(t, err)
		_, err = channel.QueueDelete(queue.Name, false, false, false)
		require.NoError(t, err)
	})
	return queue.Name
}

// session is the number of a connection to Postgres that an operator may end.
func session(t *testing.T) uint32 {
	connection, err := pgx.Connect(t.Context(), shared.Stack.PostgresURL())
	require.NoError(t, err)
	t.Cleanup(func() { _ = connection.Close(t.Context()) }) // it was ended
	return connection.PgConn().PID()
}

// emailWorkflow is the workflow that has sent an e-mail about a payment.
func emailWorkflow(t *testing.T) string {
	key, id := ownKey()
	order := strings.Replace(platform.Order(1050, key), `"payer": {`, `"payer": {"notify_by": "email", `, 1)
	answer, err := shared.Shops[0].Post(within(t), key, order)
	require.NoError(t, err)
	require.Equal(t, http.StatusCreated, answer.Status, string(answer.Body))
	var found string
	eventually(t, func() bool {
		all := listed(t, fmt.Sprintf(`WorkflowId STARTS_WITH "email/%s"`, id))
		if len(all) > 0 {
			found = all[0]
		}
		return found != ""
	}, "an e-mail is sent")
	return found
}

package worker

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"

	"github.com/onlywave/onlywave/activities"
	"github.com/onlywave/onlywave/internal/access"
	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/cache"
	"github.com/onlywave/onlywave/internal/deadletter"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/mercadopago"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/rabbitmq"
	"github.com/onlywave/onlywave/internal/redis"
	"github.com/onlywave/onlywave/test/devstack"
	"github.com/onlywave/onlywave/test/devstack/devstacktest"
	"github.com/onlywave/onlywave/test/simulator"
	"github.com/onlywave/onlywave/workflows"
)

// notification says that a payment of the test's own, which the shared Temporal does not know, was updated.
func notification(t *testing.T, name string) mercadopago.Notification {
	id := uuid.NewString()
	return mercadopago.Notification{
		ID: id, Topic: "payment", Action: "payment.updated", ResourceID: "106400160592",
		PaymentID: payment.NewID("shop", t.Name()+name+id), ReceivedAt: time.Now().UTC().Truncate(time.Microsecond),
	}
}

func encode(t *testing.T, n mercadopago.Notification) []byte {
	t.Helper()
	body, err := json.Marshal(n)
	require.NoError(t, err)
	return body
}

func delivery(t *testing.T, n mercadopago.Notification) rabbitmq.Delivery {
	return rabbitmq.Delivery{Message: rabbitmq.Message{ID: n.ID, Body: encode(t, n)}}
}

// signalled says whether a payment's workflow was started.
func (w *Worker) signalled(t *testing.T, id string) bool {
	t.Helper()
	_, err := w.Temporal.DescribeWorkflow(t.Context(), workflows.WorkflowID(id), "")
	if _, missing := errors.AsType[*serviceerror.NotFound](err); missing {
		return false
	}
	require.NoError(t, err)
	return true
}

// kept counts what is in the archive.
func kept(t *testing.T, at env) int {
	t.Helper()
	return count(t, at, "webhook_notifications")
}

func count(t *testing.T, at env, table string) int {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), at.postgres)
	require.NoError(t, err)
	defer conn.Close(context.WithoutCancel(t.Context()))
	var n int
	require.NoError(t, conn.QueryRow(t.Context(), `select count(*) from `+table).Scan(&n))
	return n
}

// open writes the payment that a notification is about.
func open(t *testing.T, w *Worker, id string) payment.Payment {
	t.Helper()
	_, err := w.Database.IssueAPIKey(t.Context(), audit.Actor{Name: "test"}, access.KeyRequest{Environment: "test", ClientID: "shop", Scopes: access.Scopes()}, time.Now())
	require.NoError(t, err)
	p, _, err := w.Database.OpenPayment(t.Context(), payment.Payment{
		ID: id, ClientID: "shop", IdempotencyKey: id, Status: payment.Processing, CreatedAt: time.Now(),
		Request: payment.Request{
			Amount: payment.Money{Centavos: 1050, Currency: payment.BRL}, Method: payment.Method{Type: payment.Pix, ExpiresIn: 3600},
			Payer: payment.Payer{Email: "ana@example.com"},
		},
		Provider: payment.NewProvider(),
	})
	require.NoError(t, err)
	return p
}

func TestANotificationSignalsItsPayment(t *testing.T) {
	t.Parallel()
	at, _ := newEnv(t)
	w, _ := newWorker(t, at)
	n := notification(t, "")
	open(t, w, n.PaymentID)
	require.False(t, w.signalled(t, n.PaymentID))
	for range 2 { // twins do no harm
		require.NoError(t, w.webhook(t.Context(), delivery(t, n)))
		require.True(t, w.signalled(t, n.PaymentID))
	}
}

// That the provider has made the payment is news only to a payment that has given up waiting for it.
func TestWhoLearnsFromACreation(t *testing.T) {
	t.Parallel()
	at, _ := newEnv(t)
	w, _ := newWorker(t, at)
	rows := []struct {
		status payment.Status
		learns bool
		move   func(id string) error
	}{
		{payment.Processing, false, func(string) error { return nil }},
		{payment.Pending, false, func(id string) error {
			state := payment.ProviderState{PaymentID: "42", Status: payment.Pending, UpdatedAt: time.Now()}
			_, err := w.Database.Apply(t.Context(), id, state, time.Now())
			return err
		}},
		{payment.Unknown, true, func(id string) error { _, err := w.Database.Park(t.Context(), id, "silence", time.Now()); return err }},
		{payment.Failed, true, func(id string) error {
			_, err := w.Database.Fail(t.Context(), id, "", "refused", time.Now())
			return err
		}},
	}
	for _, row := range rows {
		n := notification(t, string(row.status))
		open(t, w, n.PaymentID)
		require.NoError(t, row.move(n.PaymentID))
		p, err := w.Database.Payment(t.Context(), n.PaymentID)
		require.NoError(t, err)
		require.Equal(t, row.status, p.Status)

		n.Action = "payment.created"
		require.NoError(t, w.webhook(t.Context(), delivery(t, n)))
		require.Equal(t, row.learns, w.signalled(t, n.PaymentID), row.status)
		n.Action = "payment.updated"
		require.NoError(t, w.webhook(t.Context(), delivery(t, n)))
		require.True(t, w.signalled(t, n.PaymentID), row.status)
	}

	late := notification(t, "late")
	open(t, w, late.PaymentID)
	late.Action, late.ReceivedAt = "payment.created", late.ReceivedAt.Add(createdLag+time.Second)
	require.NoError(t, w.webhook(t.Context(), delivery(t, late)))
	require.True(t, w.signalled(t, late.PaymentID), "the action is not signed: it may be of what came later")

	absent := notification(t, "absent")
	absent.Action = "payment.created"
	require.ErrorContains(t, w.webhook(t.Context(), delivery(t, absent)), "message's fault, invalid", "the database may be behind")
	require.False(t, w.signalled(t, absent.PaymentID))
}

// A young copy of a payment for which the provider has answered spares the database the question whether its creation is news.
func TestACreationIsNoNewsByAYoungCopy(t *testing.T) {
	t.Parallel()
	at, _ := newEnv(t)
	at.postgres = unavailable.postgres
	w, _ := newWorker(t, at)
	store, err := redis.Open(devstacktest.Start(t, devstack.Redis).RedisURL(), w.Log)
	require.NoError(t, err)
	store.AnswerTime = timeout
	t.Cleanup(func() { _ = store.Close() })
	w.Cache = cache.New(store, time.Minute)
	for name, row := range map[string]struct {
		provider string
		age      time.Duration
		asks     bool
	}{
		"answered":               {"42", 0, false},
		"not answered":           {"", 0, true},
		"answered some time ago": {"42", createdLag + time.Second, true},
	} {
		n := notification(t, name)
		n.Action = actionCreated
		p := payment.Payment{ID: n.PaymentID, Status: payment.Pending, CreatedAt: n.ReceivedAt, Provider: payment.Provider{PaymentID: row.provider}}
		_, certain := w.Cache.Keep(t.Context(), p, time.Now().Add(-row.age))
		require.True(t, certain, name)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		err := w.webhook(ctx, delivery(t, n))
		cancel()
		require.Equal(t, row.asks, failure.KindOf(err) == failure.Unavailable, name)
		require.Equal(t, row.asks, err != nil, name)
	}
}

// An unknown payment costs no run for each notification about it. One that has a run is signalled, whatever the database says.
func TestAnUnknownPaymentIsNotSignalled(t *testing.T) {
	t.Parallel()
	at, _ := newEnv(t)
	w, _ := newWorker(t, at)
	n := notification(t, "")
	for range 3 {
		require.ErrorContains(t, w.webhook(t.Context(), delivery(t, n)), "message's fault, invalid")
	}
	require.False(t, w.signalled(t, n.PaymentID))
	require.NoError(t, w.Workflows.Signal(t.Context(), n.PaymentID)) // which starts a run; no worker runs here
	require.NoError(t, w.webhook(t.Context(), delivery(t, n)))
}

// A notification from the provider's panel does not carry our ID.
func TestAPaymentIsFoundWithoutItsIDInTheNotification(t *testing.T) {
	t.Parallel()
	at, provider := newEnv(t)
	w, logged := newWorker(t, at)
	n := notification(t, "")
	id := n.PaymentID
	open(t, w, id)
	state, err := w.Activities.Charge(t.Context(), activities.ChargeInput{PaymentID: id})
	require.NoError(t, err)
	n.PaymentID, n.ResourceID = "", state.PaymentID

	provider.AddFault(simulator.Fault{On: simulator.Get, Kind: simulator.KindError, Times: 1})
	err = w.webhook(t.Context(), delivery(t, n))
	require.Equal(t, failure.Unavailable, failure.KindOf(err), "it waits for the provider")
	require.False(t, isFault(err))
	provider.AddFault(simulator.Fault{On: simulator.Get, Kind: simulator.KindNotFound, Times: 1})
	require.ErrorContains(t, w.webhook(t.Context(), delivery(t, n)), "message's fault, invalid", "it may be too new to be found")
	require.False(t, w.signalled(t, id))
	require.NoError(t, w.webhook(t.Context(), delivery(t, n)))
	require.True(t, w.signalled(t, id))

	client, err := mercadopago.New(mercadopago.Config{BaseURL: at.provider, AccessToken: "TEST-1"})
	require.NoError(t, err)
	foreign := payment.Payment{ID: "order-17-of-the-old-shop", CreatedAt: time.Now(), Request: payment.Request{
		Amount: payment.Money{Centavos: 1050, Currency: payment.BRL}, Method: payment.Method{Type: payment.Pix, ExpiresIn: 3600},
		Payer: payment.Payer{Email: "ana@example.com"},
	}}
	state, err = client.Charge(t.Context(), mercadopago.ChargeRequest{Payment: foreign, Key: "a key"})
	require.NoError(t, err)
	n.ResourceID = state.PaymentID
	require.NoError(t, w.webhook(t.Context(), delivery(t, n)), "a payment that is not ours is left")
	require.True(t, logged.says("not ours"))
}

// isFault says whether a handler gives its message the fault.
func isFault(err error) bool {
	return err != nil && strings.HasPrefix(err.Error(), "message's fault, ")
}

// isDead says whether a handler has given its message up.
func isDead(err error) bool { return err != nil && strings.HasPrefix(err.Error(), "dead letter, ") }

// A deployment may teach us to read it, so it is tried again; in the archive it would hold up all others.
func TestANotificationThatMeansNothingIsAtFault(t *testing.T) {
	t.Parallel()
	at, _ := newEnv(t)
	w, _ := newWorker(t, at)
	for _, body := range []string{"", "{", "[]", "{}", `{"id": "7"}`, `{"id": "` + uuid.NewString() + `", "payment_id": "7"}`} {
		d := rabbitmq.Delivery{Message: rabbitmq.Message{ID: "1", Body: []byte(body)}}
		require.ErrorContains(t, w.webhook(t.Context(), d), "message's fault, unreadable", body)
		require.ErrorContains(t, w.archive(t.Context(), []rabbitmq.Delivery{d}), "dead letter, unreadable", body)
	}
	for _, resource := range []string{"", "abc", "../../etc"} { // it would never be found, and must not be looked for for ever
		n := notification(t, "")
		n.PaymentID, n.ResourceID = "", resource
		require.ErrorContains(t, w.webhook(t.Context(), delivery(t, n)), "message's fault, invalid", resource)
	}
	require.Zero(t, kept(t, at))
}

func TestAMessageIsNotGivenUpForADependencysFault(t *testing.T) {
	t.Parallel()
	w, _ := newWorker(t, unavailable)
	created, updated := notification(t, "created"), notification(t, "updated")
	created.Action = "payment.created" // asks the database
	panel := notification(t, "panel")
	panel.PaymentID = "" // asks the database, too
	for _, n := range []mercadopago.Notification{created, updated, panel} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		err := w.webhook(ctx, delivery(t, n))
		cancel()
		require.Equal(t, failure.Unavailable, failure.KindOf(err), n.Action)
		require.False(t, isFault(err), n.Action)
	}
	err := w.archive(t.Context(), []rabbitmq.Delivery{delivery(t, updated)})
	require.Equal(t, failure.Unavailable, failure.KindOf(err))
	require.False(t, isDead(err))
}

// A payment's run takes so many signals and no more. Its messages must not wait for ever, before all others.
func TestAPaymentThatTakesNoMoreSignalsHoldsUpNoMessage(t *testing.T) {
	t.Parallel()
	stack, err := devstack.Start(t.Context(), devstack.Options{
		Services: []devstack.Service{devstack.Temporal}, TemporalDynamicConfig: map[string]string{"history.maximumSignalsPerExecution": "2"},
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, stack.Stop()) })
	at, _ := newEnv(t)
	at.temporal = stack.TemporalAddress()
	w, _ := newWorker(t, at)
	full, other := notification(t, "full"), notification(t, "other")
	open(t, w, full.PaymentID)
	open(t, w, other.PaymentID)
	for range 2 {
		require.NoError(t, w.webhook(t.Context(), delivery(t, full)))
	}
	require.ErrorContains(t, w.webhook(t.Context(), delivery(t, full)), "message's fault, invalid")
	require.NoError(t, w.webhook(t.Context(), delivery(t, other)))
}

// Every kind has its decision. A new kind needs to be decided here.
func TestWhoseFaultAKindIs(t *testing.T) {
	t.Parallel()
	causes := map[failure.Kind]deadletter.Cause{
		failure.Invalid: deadletter.CauseInvalid, failure.NotFound: deadletter.CauseInvalid, failure.Conflict: deadletter.CauseInvalid,
		failure.Internal:     deadletter.CauseInternal,
		failure.Unauthorized: "", failure.Forbidden: "", failure.Limited: "", failure.Unavailable: "",
	}
	require.Len(t, causes, len(failure.Kinds()))
	for _, kind := range failure.Kinds() {
		cause, ok := causes[kind]
		require.True(t, ok, "%s is not decided", kind)
		failure := &failure.Error{Kind: kind, Message: "x"}
		if cause == "" {
			require.Equal(t, error(failure), decision(failure), kind)
			continue
		}
		require.EqualError(t, decision(failure), "message's fault, "+string(cause)+": x")
	}
	require.NoError(t, decision(nil))
}

// Every new operator presses the panel's test button in the first hour. It makes no work.
func TestThePanelsTestIsNoWork(t *testing.T) {
	t.Parallel()
	at, provider := newEnv(t)
	w, logged := newWorker(t, at)
	n := notification(t, "")
	n.PaymentID, n.ResourceID, n.Body = "", "123456", []byte(`{"action":"payment.updated","data":{"id":"123456"},"live_mode":false,"type":"payment"}`)
	require.NoError(t, w.webhook(t.Context(), delivery(t, n)))
	require.True(t, logged.says("test button"))
	require.Empty(t, provider.Requests(), "the provider is not asked")
	require.NoError(t, w.archive(t.Context(), []rabbitmq.Delivery{delivery(t, n)}))
	require.Equal(t, 1, kept(t, at))
}

// Another system's sales on the account may use the Orders API. Nothing here can go on with them, and no operator need look at them.
func TestAWebhookOfAnOrderIsKeptAndStartsNothing(t *testing.T) {
	t.Parallel()
	at, provider := newEnv(t)
	w, logged := newWorker(t, at)
	w.Metrics = NewMetrics()
	own := notification(t, "own")
	open(t, w, own.PaymentID)
	order := own // even when its address names one of our payments
	order.Topic, order.Action, order.ResourceID = "order", "order.processed", "ORD01JQ4S4KY8HWQ6NA5PXB65B3D3"
	inLowerCase, paymentOfOne, tomorrow := notification(t, "lower"), notification(t, "payment"), notification(t, "tomorrow")
	inLowerCase.Topic, inLowerCase.PaymentID, inLowerCase.ResourceID = "order", "", "ord01jq4s4ky8hwq6na5pxb65b3d3"
	paymentOfOne.PaymentID, paymentOfOne.ResourceID = "", "PAY01KYE10S527BBYXX6KXPE8QAQ2"
	tomorrow.Topic, tomorrow.PaymentID, tomorrow.ResourceID = "tomorrow", "", "8e8f8a"
	for i, n := range []mercadopago.Notification{order, inLowerCase, paymentOfOne, tomorrow} {
		require.NoError(t, w.webhook(t.Context(), delivery(t, n)))
		require.NoError(t, w.archive(t.Context(), []rabbitmq.Delivery{delivery(t, n)}))
		require.Equal(t, i+1, kept(t, at))
		require.Equal(t, i+1, logged.count("nothing that OnlyWave has"), "it is told once")
	}
	require.False(t, w.signalled(t, own.PaymentID))
	require.Empty(t, provider.Requests(), "the provider is not asked")
	for topic, told := range map[string]float64{"order": 2, "payment": 1, "other": 1} {
		require.InDelta(t, told, testutil.ToFloat64(w.Metrics.unserveds.WithLabelValues(topic)), 0, topic)
	}
	require.NoError(t, w.webhook(t.Context(), delivery(t, own)))
	require.True(t, w.signalled(t, own.PaymentID))
}

// An unknown payment may be too new to be known. After the retries its webhook is counted and left, and no operator need look at it.
func TestAWebhookAboutNothingIsLeftInTheEnd(t *testing.T) {
	t.Parallel()
	at, _ := newEnv(t)
	w, logged := newWorker(t, at)
	w.Metrics = NewMetrics()
	ours, provider := notification(t, "ours"), notification(t, "provider's")
	provider.PaymentID = ""
	for i, n := range []mercadopago.Notification{ours, provider} {
		d := delivery(t, n)
		for d.Failures = 0; d.Failures < 3; d.Failures++ {
			require.ErrorContains(t, w.webhook(t.Context(), d), "message's fault, invalid")
		}
		require.NoError(t, w.webhook(t.Context(), d))
		require.Equal(t, 2*i+1, logged.count("webhook of an unknown payment"))

		redriven := delivery(t, n)
		redriven.Headers = map[string]any{rabbitmq.HeaderDeaths: int64(1)}
		require.NoError(t, w.webhook(t.Context(), redriven), "a dead letter from before is closed by sending it again")
	}
	require.InDelta(t, 4, testutil.ToFloat64(w.Metrics.unknowns), 0)
}

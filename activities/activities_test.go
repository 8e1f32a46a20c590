package activities

import (
	"context"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"github.com/onlywave/onlywave/internal/access"
	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/breaker"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/mercadopago"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/postgres"
	"github.com/onlywave/onlywave/internal/postgres/postgrestest"
	"github.com/onlywave/onlywave/internal/providerlimit"
	"github.com/onlywave/onlywave/internal/rabbitmq"
	"github.com/onlywave/onlywave/internal/redis"
	"github.com/onlywave/onlywave/test/devstack"
	"github.com/onlywave/onlywave/test/devstack/devstacktest"
	"github.com/onlywave/onlywave/test/simulator"
)

const (
	timeout     = 30 * time.Second
	unreachable = "127.0.0.1:1" // nothing listens there
)

var silent = slog.New(slog.DiscardHandler)

func TestMain(m *testing.M) {
	devstacktest.Main(m, devstack.Postgres, devstack.RabbitMQ, devstack.Redis)
}

// env is the activities and their dependencies: a database of the test's own and a provider with its ledger.
type env struct {
	*Activities
	database    *postgres.Store
	provider    *simulator.Simulator
	address     string // of the provider
	databaseURL string
	sendsAt     time.Time // when refunds are sent; zero: now
}

func newEnv(t *testing.T) env {
	t.Helper()
	databaseURL := postgrestest.New(t)
	database := openDatabase(t, databaseURL)
	_, err := database.IssueAPIKey(t.Context(), audit.Actor{Name: "test"}, access.KeyRequest{Environment: "test", ClientID: "shop", Scopes: access.Scopes()}, time.Now())
	require.NoError(t, err)

	provider := simulator.New(simulator.Config{AccessToken: "TEST-1"})
	server := httptest.NewServer(provider)
	t.Cleanup(server.Close)
	t.Cleanup(provider.Close) // before its server
	return env{
		Activities: New(Config{Database: database, Provider: newClient(t, server.URL, nil), Breakers: ownBreakers(t)}),
		database:   database, provider: provider, address: server.URL, databaseURL: databaseURL,
	}
}

func openDatabase(t *testing.T, url string) *postgres.Store {
	t.Helper()
	database, err := postgres.Open(t.Context(), url, 4)
	require.NoError(t, err)
	t.Cleanup(database.Close)
	return database
}

// newClient has breakers of its own.
func newClient(t *testing.T, url string, limit *providerlimit.Limit) *mercadopago.Client {
	t.Helper()
	return newGuardedClient(t, url, ownBreakers(t), limit)
}

func newGuardedClient(t *testing.T, url string, breakers *breaker.Fleet, limit *providerlimit.Limit) *mercadopago.Client {
	t.Helper()
	client, err := mercadopago.New(mercadopago.Config{BaseURL: url, AccessToken: "TEST-1", Timeout: timeout, Breakers: breakers, Limit: limit})
	require.NoError(t, err)
	return client
}

// fakeWorkflows stands for Temporal, which these tests do without.
type fakeWorkflows struct {
	signal      func(ctx context.Context, paymentID string) error
	dispute     func(ctx context.Context, paymentID string, of payment.DisputeRef) error
	running     func(ctx context.Context, paymentIDs []string) (map[string]bool, error)
	redriveRuns func(ctx context.Context, redriveID string) (bool, error)
	startEmail  func(ctx context.Context, in EmailInput) error
	attemptNow  func(ctx context.Context, runID string) (Attempts, error)
	attach      func(c payment.Checkout, providerPaymentID string) error
	lookAt      func(checkoutID string) error
	wake        func(checkoutID string) error
}

func (f fakeWorkflows) Attach(_ context.Context, c payment.Checkout, providerPaymentID string) error {
	return f.attach(c, providerPaymentID)
}

func (f fakeWorkflows) LookAtCheckout(_ context.Context, checkoutID string) error {
	return f.lookAt(checkoutID)
}

func (f fakeWorkflows) WakeCheckout(_ context.Context, checkoutID string) error {
	return f.wake(checkoutID)
}

func (f fakeWorkflows) Signal(ctx context.Context, paymentID string) error {
	return f.signal(ctx, paymentID)
}

func (f fakeWorkflows) Dispute(ctx context.Context, paymentID string, of payment.DisputeRef) error {
	return f.dispute(ctx, paymentID, of)
}

func (f fakeWorkflows) Running(ctx context.Context, paymentIDs []string) (map[string]bool, error) {
	return f.running(ctx, paymentIDs)
}

func (f fakeWorkflows) RedriveRuns(ctx context.Context, redriveID string) (bool, error) {
	return f.redriveRuns(ctx, redriveID)
}

func (f fakeWorkflows) AttemptNow(ctx context.Context, _, _, runID string) (Attempts, error) {
	return f.attemptNow(ctx, runID)
}

func (f fakeWorkflows) StartEmail(ctx context.Context, in EmailInput) error {
	return f.startEmail(ctx, in)
}

// ownBreakers are breakers without a Redis, so that no test trips those of another.
func ownBreakers(t *testing.T) *breaker.Fleet {
	t.Helper()
	store, err := redis.Open("redis://"+unreachable, silent)
	require.NoError(t, err)
	t.Cleanup(func() { _ = store.Close() })
	return breaker.NewFleet(store, "test", silent)
}

// creation is what client app shop asks for: a Pix of R$ 10,50 under the test's name as the key.
func creation(t *testing.T) OpenInput {
	key := strings.ReplaceAll(t.Name(), "/", ".")
	return OpenInput{PaymentID: payment.NewID("shop", key), Creation: &payment.Creation{
		ClientID: "shop", IdempotencyKey: key,
		Request: payment.Request{
			Amount: money, Description: "Order 1", Reference: "order-1",
			Method: payment.Method{Type: payment.Pix, ExpiresIn: 3600},
			Payer:  payment.Payer{Email: "ana@example.com", Name: "Ana Souza", TaxID: "12345678909"},
		},
	}}
}

var money = payment.Money{Centavos: 1050, Currency: payment.BRL}

// lose removes a payment's rows, as a restore from an older backup does.
func (w env) lose(t *testing.T, id string) {
	t.Helper()
	for _, statement := range []string{
		`delete from outbox where payment_id = $1`, `delete from payment_events where payment_id = $1`, `delete from operations where payment_id = $1`, `delete from payments where id = $1`,
	} {
		w.execute(t, statement, id)
	}
}

func (w env) execute(t *testing.T, statement string, args ...any) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), w.databaseURL)
	require.NoError(t, err)
	defer conn.Close(context.WithoutCancel(t.Context()))
	_, err = conn.Exec(t.Context(), statement, args...)
	require.NoError(t, err)
}

// backUp keeps a payment's rows as they are; what it returns restores them.
func (w env) backUp(t *testing.T, id string) (restore func()) {
	t.Helper()
	tables := map[string]string{"payments": "id", "operations": "payment_id", "payment_events": "payment_id", "outbox": "payment_id", "ledger_entries": "payment_id"}
	conn, err := pgx.Connect(t.Context(), w.databaseURL)
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close(context.Background()) })
	run := func(statement string, args ...any) {
		_, err := conn.Exec(t.Context(), statement, args...)
		require.NoError(t, err)
	}
	run(`set session_replication_role = replica`) // a restore asks no trigger
	for table, key := range tables {
		run(`create temp table ` + table + `_backup as table ` + table + ` with no data`)
		run(`insert into `+table+`_backup select * from `+table+` where `+key+` = $1`, id)
	}
	return func() {
		for table, key := range tables {
			run(`delete from `+table+` where `+key+` = $1`, id)
			run(`insert into ` + table + ` select * from ` + table + `_backup`)
		}
	}
}

// opened is a payment that is written and not charged yet.
func (w env) opened(t *testing.T) string {
	t.Helper()
	s, err := w.Open(t.Context(), creation(t))
	require.NoError(t, err)
	require.True(t, s.Found)
	return creation(t).PaymentID
}

// openedAt is one that was written at a certain time, and whose Pix runs for a day.
func (w env) openedAt(t *testing.T, at time.Time) string {
	t.Helper()
	in := creation(t)
	in.Creation.Request.Method.ExpiresIn = 24 * 60 * 60
	p, _, err := w.database.OpenPayment(t.Context(), payment.Payment{
		ID: in.PaymentID, ClientID: in.Creation.ClientID, IdempotencyKey: in.Creation.IdempotencyKey,
		Fingerprint: in.Creation.Request.Fingerprint(), Request: in.Creation.Request,
		Status: payment.Processing, Provider: payment.NewProvider(), CreatedAt: at.UTC().Truncate(time.Microsecond),
	})
	require.NoError(t, err)
	return p.ID
}

// charges counts what the provider's ledger says of a payment.
func (w env) charges(id string) int {
	n := 0
	for _, e := range w.provider.Ledger() {
		if e.Kind == simulator.Charge && e.ExternalReference == id {
			n++
		}
	}
	return n
}

// arm lets things go wrong, one after the other, in calls about one payment.
func (w env) arm(id string, faults ...simulator.Fault) {
	for _, f := range faults {
		f.ExternalReference = id
		w.provider.AddFault(f)
	}
}

// publisher is connected to the broker.
func publisher(t *testing.T) *rabbitmq.Publisher {
	t.Helper()
	p := rabbitmq.NewPublisher([]string{devstacktest.Shared().RabbitMQURL()}, silent)
	t.Cleanup(func() { require.NoError(t, p.Close()) })
	require.Eventually(t, func() bool { return p.Ready() == nil }, timeout, 10*time.Millisecond)
	return p
}

// requireActivityError checks the error that Temporal gets: its kind, and whether it is tried again.
func requireActivityError(t *testing.T, err error, kind failure.Kind, again bool) {
	t.Helper()
	e := application(t, err)
	require.Equal(t, string(kind), e.Type(), "%v", err)
	require.Equal(t, again, !e.NonRetryable(), "%v", err)
}

func application(t *testing.T, err error) *temporal.ApplicationError {
	t.Helper()
	require.Error(t, err)
	e, ok := err.(*temporal.ApplicationError) // itself: Temporal looks no further
	require.True(t, ok, "%T", err)
	return e
}

// now is the time as the database keeps it.
func now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

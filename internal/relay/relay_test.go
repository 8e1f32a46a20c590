package relay

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus/testutil"
	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/access"
	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/postgres"
	"github.com/onlywave/onlywave/internal/postgres/postgrestest"
	"github.com/onlywave/onlywave/internal/rabbitmq"
	"github.com/onlywave/onlywave/test/devstack"
	"github.com/onlywave/onlywave/test/devstack/devstacktest"
)

const timeout = 30 * time.Second

var silent = slog.New(slog.DiscardHandler)

func TestMain(m *testing.M) { devstacktest.Main(m, devstack.Postgres, devstack.RabbitMQ) }

// env is a database of the test's own, and a broker.
type env struct {
	database *postgres.Store
	url      string // of the database
	broker   string
	conn     *amqp.Connection // of the subscribers, which are other services

	mu     sync.Mutex
	begun  []string // e-mails, by their notice
	refuse error    // what beginning one answers
}

func newEnv(t *testing.T, broker string) *env {
	t.Helper()
	w := &env{url: postgrestest.New(t), broker: broker}
	var err error
	w.database, err = postgres.Open(t.Context(), w.url, 8)
	require.NoError(t, err)
	t.Cleanup(w.database.Close)
	_, err = w.database.IssueAPIKey(t.Context(), audit.Actor{Name: "test"}, access.KeyRequest{Environment: "test", ClientID: "shop", Scopes: access.Scopes()}, time.Now())
	require.NoError(t, err)
	w.dial(t)
	return w
}

// dial connects the subscribers.
func (w *env) dial(t *testing.T) {
	t.Helper()
	conn, err := amqp.Dial(w.broker)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	w.conn = conn
}

func (w *env) email(_ context.Context, e payment.Event) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.refuse == nil {
		w.begun = append(w.begun, e.NoticeName())
	}
	return w.refuse
}

func (w *env) emails() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.begun)
}

// relay is one process's, which works until the test ends, or until stop.
func (w *env) relay(t *testing.T, repeatAfter time.Duration) (r *Relay, stop func()) {
	t.Helper()
	publisher := rabbitmq.NewPublisher([]string{w.broker}, silent)
	require.Eventually(t, func() bool { return publisher.Ready() == nil }, timeout, 10*time.Millisecond)
	r = New(Config{Database: w.database, Publisher: publisher, Email: w.email, RepeatAfter: repeatAfter, Log: silent})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		require.NoError(t, <-ended)
		_ = publisher.Close() // whatever a silent queue has not confirmed
	})
	t.Cleanup(stop)
	return r, stop
}

// open is a payment by a buyer who wants e-mails, which the process of the relay has written. With a nil relay that process is dead since.
func (w *env) open(t *testing.T, r *Relay, key string) string {
	t.Helper()
	asked := time.Now()
	p, _, err := w.database.OpenPayment(t.Context(), payment.Payment{
		ID: payment.NewID("shop", t.Name()+key), ClientID: "shop", IdempotencyKey: key,
		Request: payment.Request{
			Amount: payment.Money{Centavos: 1050, Currency: payment.BRL}, Method: payment.Method{Type: payment.Pix},
			Payer: payment.Payer{Email: "ana@example.com", NotifyBy: payment.ByEmail},
		},
		Status: payment.Processing, Provider: payment.NewProvider(), CreatedAt: time.Now().UTC().Truncate(time.Microsecond),
	})
	require.NoError(t, err)
	r.Take(t.Context(), payment.Event{PaymentID: p.ID, ClientID: "shop", Seq: 1, Status: p.Status, Data: payment.EventData{Amount: 1050}, At: p.CreatedAt},
		[]postgres.Sink{postgres.ToSubscribers}, asked)
	return p.ID
}

// move is what the provider says of it, at a second of its clock.
func (w *env) move(t *testing.T, r *Relay, id string, status payment.Status, second int) {
	t.Helper()
	asked := time.Now()
	m, err := w.database.Apply(t.Context(), id, payment.ProviderState{
		PaymentID: "mp-" + id, Reference: id, Status: status, Money: payment.Money{Centavos: 1050, Currency: payment.BRL},
		UpdatedAt: time.Date(2026, 3, 1, 12, 0, second, 0, time.UTC),
	}, time.Now().UTC().Truncate(time.Microsecond))
	require.NoError(t, err)
	require.NotNil(t, m.Event)
	r.Take(t.Context(), *m.Event, m.Sinks, asked)
}

// inDatabase asks the database for one number.
func (w *env) inDatabase(t *testing.T, query string, args ...any) (n int) {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), w.url)
	require.NoError(t, err)
	defer conn.Close(context.Background())
	require.NoError(t, conn.QueryRow(context.Background(), query, args...).Scan(&n))
	return n
}

// due makes everything that waits due, as time would.
func (w *env) due(t *testing.T) {
	t.Helper()
	w.inDatabase(t, `with o as (update outbox set due_at = now() returning 1), r as (update event_repeats set due_at = now() returning 1) select count(*) from o`)
}

func (w *env) requireNothingWaits(t *testing.T) {
	t.Helper()
	require.Eventually(t, func() bool { return w.inDatabase(t, `select count(*) from outbox`) == 0 }, timeout, 50*time.Millisecond)
}

func (w *env) channel(t *testing.T) *amqp.Channel {
	t.Helper()
	channel, err := w.conn.Channel()
	require.NoError(t, err)
	return channel
}

// subscriber is a queue of another service.
type subscriber struct {
	name     string
	channel  *amqp.Channel
	mu       sync.Mutex
	received map[string][]int // numbers of events by payment, as they came
}

// bind declares a queue for these events; it goes with the test. A subscriber that does not listen lets it fill.
func (w *env) bind(t *testing.T, args amqp.Table, keys ...string) *subscriber {
	t.Helper()
	s := &subscriber{name: fmt.Sprintf("test-%s-%d", t.Name(), time.Now().UnixNano()), received: map[string][]int{}}
	s.channel = w.channel(t)
	_, err := s.channel.QueueDeclare(s.name, true, false, false, false, args)
	require.NoError(t, err)
	for _, key := range keys {
		require.NoError(t, s.channel.QueueBind(s.name, key, rabbitmq.ExchangeEvents, false, nil))
	}
	t.Cleanup(func() {
		if channel, err := w.conn.Channel(); err == nil {
			_, _ = channel.QueueDelete(s.name, false, false, false)
		}
	})
	return s
}

func (s *subscriber) listen(t *testing.T) *subscriber {
	t.Helper()
	deliveries, err := s.channel.Consume(s.name, "", true, false, false, false, nil)
	require.NoError(t, err)
	go func() {
		for d := range deliveries {
			var e payment.Event
			if json.Unmarshal(d.Body, &e) == nil && e.ID() == d.MessageId && d.RoutingKey == e.Type() {
				s.mu.Lock()
				s.received[e.PaymentID] = append(s.received[e.PaymentID], e.Seq)
				s.mu.Unlock()
			}
		}
	}()
	return s
}

func (s *subscriber) of(id string) []int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.received[id])
}

// receives waits until so many events of a payment have come, and returns their numbers.
func (s *subscriber) receives(t *testing.T, id string, n int) []int {
	t.Helper()
	require.Eventually(t, func() bool { return len(s.of(id)) >= n }, timeout, time.Millisecond, "%d events, received: %v", n, s.of(id))
	return s.of(id)
}

var everything = []string{"payment.*"}

func TestWhatHappensIsPublishedAtOnceAndInOrder(t *testing.T) {
	w := newEnv(t, devstacktest.Shared().RabbitMQURL())
	r, _ := w.relay(t, time.Minute)
	s := w.bind(t, nil, everything...).listen(t)
	var ids []string
	for i := range 20 {
		ids = append(ids, w.open(t, r, fmt.Sprint(i)))
	}
	for second, status := range []payment.Status{payment.Pending, payment.Approved} {
		for _, id := range ids {
			w.move(t, r, id, status, second)
		}
	}
	for _, id := range ids {
		require.Equal(t, []int{1, 2, 3}, s.receives(t, id, 3))
	}
	w.requireNothingWaits(t)
	require.Equal(t, 20, w.inDatabase(t, `select count(*) from payments where published = 3`))
	require.Len(t, w.emails(), 40, "instructions and a receipt for each")
	require.NoError(t, r.Ready())
	require.EqualValues(t, 60, testutil.ToFloat64(r.metrics.events.WithLabelValues("events", published)))
}

// The process that wrote events has died with them in hand; two others take them, each payment once.
func TestWhatAProcessCouldNotPublishOthersPublish(t *testing.T) {
	w := newEnv(t, devstacktest.Shared().RabbitMQURL())
	s := w.bind(t, nil, everything...).listen(t)
	var ids []string
	for i := range 150 {
		id := w.open(t, nil, fmt.Sprint(i))
		w.move(t, nil, id, payment.Pending, 1)
		ids = append(ids, id)
	}
	w.relay(t, time.Minute)
	w.relay(t, time.Minute)
	require.Empty(t, s.of(ids[0]), "it may live yet")
	w.due(t)
	for _, id := range ids {
		s.receives(t, id, 2)
	}
	w.requireNothingWaits(t)
	for _, id := range ids {
		require.Equal(t, []int{1, 2}, s.of(id))
	}
	require.Len(t, w.emails(), 150)
}

// One process publishes a payment's event while another writes the next. The process that has the payment in hand publishes both.
func TestAnotherProcessesEventFollows(t *testing.T) {
	w := newEnv(t, devstacktest.Shared().RabbitMQURL())
	s := w.bind(t, nil, everything...).listen(t)
	r, _ := w.relay(t, time.Minute)
	other, _ := w.relay(t, time.Minute)
	id := w.open(t, r, "")
	w.move(t, other, id, payment.Pending, 1)
	w.move(t, r, id, payment.InReview, 2)
	w.move(t, other, id, payment.Approved, 3)
	require.Equal(t, []int{1, 2, 3, 4}, s.receives(t, id, 4))
	w.requireNothingWaits(t)
	require.Equal(t, []int{1, 2, 3, 4}, s.of(id))
}

// While there is no broker the buyer gets the e-mails, and the subscribers everything, in order, afterwards.
func TestAnUnavailableBrokerHoldsUpItsSubscribersOnly(t *testing.T) {
	stack := devstacktest.Start(t, devstack.RabbitMQ)
	w := newEnv(t, stack.RabbitMQURL())
	r, _ := w.relay(t, time.Minute)
	s := w.bind(t, amqp.Table{"x-queue-type": "quorum"}, everything...)
	// RabbitMQ 3.10 writes its list of quorum queues to disk late.
	require.NoError(t, stack.Process(devstack.RabbitMQ).Restart(t.Context()))
	require.NoError(t, stack.Process(devstack.RabbitMQ).Kill())
	require.Eventually(t, func() bool { return r.Ready() != nil }, timeout, 10*time.Millisecond, "also while there is nothing to publish")
	var ids []string
	for i := range 5 {
		ids = append(ids, w.open(t, r, fmt.Sprint(i)))
	}
	for second, status := range []payment.Status{payment.Pending, payment.Approved} {
		for _, id := range ids {
			w.move(t, r, id, status, second)
		}
	}
	require.Eventually(t, func() bool { return len(w.emails()) == 10 }, timeout, 10*time.Millisecond)
	require.Equal(t, 5, w.inDatabase(t, `select count(*) from outbox where sink = 'events'`))
	require.NoError(t, stack.Process(devstack.RabbitMQ).Restart(t.Context()))
	w.dial(t)
	s.channel = w.channel(t)
	s.listen(t)
	w.due(t)
	for _, id := range ids {
		require.Equal(t, []int{1, 2, 3}, s.receives(t, id, 3))
	}
	w.requireNothingWaits(t)
	require.NoError(t, r.Ready())
}

func TestAFailureThatNothingConfirmsIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &line{log: silent}
		l.tried(errors.New("unavailable"))
		time.Sleep(backoffMax)
		require.Error(t, l.lastFailure())
		time.Sleep(2 * backoffMin)
		require.NoError(t, l.lastFailure())
		l.tried(errors.New("unavailable"))
		require.Error(t, l.lastFailure())
		l.tried(nil)
		require.NoError(t, l.lastFailure())
	})
}

// An e-mail that cannot be begun holds up no event, and is begun later.
func TestAnEmailThatCannotBeBegunHoldsUpNothing(t *testing.T) {
	w := newEnv(t, devstacktest.Shared().RabbitMQURL())
	w.refuse = errors.New("unavailable")
	s := w.bind(t, nil, everything...).listen(t)
	r, _ := w.relay(t, time.Minute)
	id := w.open(t, r, "")
	w.move(t, r, id, payment.Pending, 1)
	w.move(t, r, id, payment.Approved, 2)
	require.Equal(t, []int{1, 2, 3}, s.receives(t, id, 3))
	require.Empty(t, w.emails())
	w.mu.Lock()
	w.refuse = nil
	w.mu.Unlock()
	w.due(t)
	require.Eventually(t, func() bool { return slices.Equal(w.emails(), []string{"instructions", "receipt"}) }, timeout, 10*time.Millisecond)
	w.requireNothingWaits(t)
}

package worker

import (
	"bytes"
	"context"
	"log/slog"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"
	"go.uber.org/goleak"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/onlywave/onlywave/activities"
	"github.com/onlywave/onlywave/internal/breaker"
	"github.com/onlywave/onlywave/internal/deadletter"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/mercadopago"
	"github.com/onlywave/onlywave/internal/payloadcodec"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/postgres"
	"github.com/onlywave/onlywave/internal/postgres/postgrestest"
	"github.com/onlywave/onlywave/internal/rabbitmq"
	"github.com/onlywave/onlywave/internal/redis"
	"github.com/onlywave/onlywave/internal/relay"
	"github.com/onlywave/onlywave/test/devstack"
	"github.com/onlywave/onlywave/test/devstack/devstacktest"
	"github.com/onlywave/onlywave/test/simulator"
	"github.com/onlywave/onlywave/workflows"
)

const (
	timeout     = 3 * time.Minute
	unreachable = "127.0.0.1:1" // nothing listens there
)

func TestMain(m *testing.M) {
	devstacktest.MainWith(m, devstack.Options{
		Services: []devstack.Service{devstack.Postgres, devstack.RabbitMQ, devstack.Temporal}, TemporalDynamicConfig: temporalSettings,
	})
}

// temporalSettings are those of deploy/temporal/server.yaml that tests here rely on.
var temporalSettings = map[string]string{
	"matching.enableFairness": "true", "frontend.enableCancelWorkerPollsOnShutdown": "true",
	"matching.numTaskqueueReadPartitions": "1", "matching.numTaskqueueWritePartitions": "1",
}

// env is where a worker finds what it depends on.
type env struct {
	postgres, rabbitMQ, temporal, namespace, provider string
	searchUntil                                       time.Time // the database was restored
	payloadKeys                                       []string  // none: those of all tests
	live                                              bool
}

// unavailable is an environment in which nothing answers.
var unavailable = env{
	postgres: "postgres://unreachable@" + unreachable + "/nothing?sslmode=disable", rabbitMQ: "amqp://guest:guest@" + unreachable + "/",
	temporal: unreachable, namespace: "default", provider: "http://" + unreachable,
}

// newEnv is the shared services, a database of the test's own and its own provider.
func newEnv(t *testing.T) (env, *simulator.Simulator) {
	t.Helper()
	stack := devstacktest.Shared()
	provider := simulator.New(simulator.Config{AccessToken: "TEST-1"})
	server := httptest.NewServer(provider)
	t.Cleanup(server.Close)
	t.Cleanup(provider.Close) // before its server
	return env{
		postgres: postgrestest.New(t), rabbitMQ: stack.RabbitMQURL(), temporal: stack.TemporalAddress(), namespace: "default", provider: server.URL,
	}, provider
}

// newOwnEnv is newEnv with a namespace of the test's own in Temporal: no other test's worker runs its payments, and what is unfinished at
// its end stays behind there.
func newOwnEnv(t *testing.T) (env, *simulator.Simulator) {
	t.Helper()
	at, provider := newEnv(t)
	at.namespace = "test-" + uuid.NewString()
	namespaces, err := client.NewNamespaceClient(client.Options{HostPort: at.temporal, Logger: sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler))})
	require.NoError(t, err)
	defer namespaces.Close()
	require.NoError(t, namespaces.Register(t.Context(), &workflowservice.RegisterNamespaceRequest{
		Namespace: at.namespace, WorkflowExecutionRetentionPeriod: durationpb.New(24 * time.Hour),
	}))
	return at, provider
}

// newWorker is a worker that does not run yet, and what it logs.
func newWorker(t *testing.T, at env) (*Worker, *journal) {
	t.Helper()
	logged := &journal{}
	log := slog.New(slog.NewTextHandler(logged, nil))
	database, err := postgres.Open(t.Context(), at.postgres, 16) // a test may lock a table, for which the queries of the worker itself wait, too
	require.NoError(t, err)
	t.Cleanup(database.Close)
	keys := at.payloadKeys
	if keys == nil {
		keys = []string{"test:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="}
	}
	temporal := dial(t, at, keys...)
	broker := []string{at.rabbitMQ}
	publisher := rabbitmq.NewPublisher(broker, log)
	t.Cleanup(func() { require.NoError(t, publisher.Close()) })
	store, err := redis.Open("redis://"+unreachable, log) // each worker alone, so that no test trips the breakers of another
	require.NoError(t, err)
	t.Cleanup(func() { _ = store.Close() })
	breakers := breaker.NewFleet(store, "test", log)
	provider, err := mercadopago.New(mercadopago.Config{BaseURL: at.provider, AccessToken: "TEST-1", Breakers: breakers})
	require.NoError(t, err)
	starter := workflows.NewClient(temporal, workflows.Polls{First: time.Minute, Max: time.Hour, AfterExpiry: time.Minute})
	starter.Hash = newCodec(t, at, keys...).Hash
	publishing := relay.New(relay.Config{Database: database, Publisher: publisher, Log: log})
	return &Worker{
		Temporal: temporal, Workflows: starter,
		Activities: activities.New(activities.Config{
			Database: database, Provider: provider, Breakers: breakers, Publisher: publisher, Events: publisher, Relay: publishing,
			Workflows: starter, SearchUntil: at.searchUntil,
		}),
		Database: database, Broker: broker, Publisher: publisher, Relay: publishing, RetryDelay: time.Millisecond, Log: log,
		Provider: provider, AuthenticOnly: at.live,
	}, logged
}

// dial is a client that encrypts payloads with the keys; without keys it does not.
func dial(t *testing.T, at env, keys ...string) client.Client {
	t.Helper()
	options := client.Options{HostPort: at.temporal, Namespace: at.namespace, Logger: sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler))}
	if len(keys) > 0 {
		newCodec(t, at, keys...).Apply(&options)
	}
	temporal, err := client.NewLazyClient(options)
	require.NoError(t, err)
	t.Cleanup(temporal.Close)
	return temporal
}

func newCodec(t *testing.T, at env, keys ...string) *payloadcodec.Codec {
	t.Helper()
	codec, err := payloadcodec.New(at.namespace, keys...)
	require.NoError(t, err)
	return codec
}

// journal is a log that can be read while it is written.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(line []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(line)
}

func (j *journal) says(words string) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.Contains(j.text.String(), words)
}

func (j *journal) count(words string) int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.Count(j.text.String(), words)
}

// run lets the worker work until the function it returns is called, which waits for its end.
func run(t *testing.T, w *Worker) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-ended:
			require.NoError(t, err)
		case <-time.After(timeout):
			require.Fail(t, "the worker does not end")
		}
	})
	t.Cleanup(stop)
	return stop
}

// emptied removes what other tests have left in the shared queues, now and at the test's end.
func emptied(t *testing.T, at env) {
	t.Helper()
	purge := func() {
		conn, err := amqp.Dial(at.rabbitMQ)
		require.NoError(t, err)
		defer conn.Close()
		for _, queue := range rabbitmq.QueueNames() {
			channel, err := conn.Channel()
			require.NoError(t, err)
			_, err = channel.QueuePurge(queue, false)
			require.NoError(t, err)
		}
	}
	purge()
	t.Cleanup(purge)
}

func eventually(t *testing.T, condition func() bool, what string) {
	t.Helper()
	require.Eventually(t, condition, timeout, 50*time.Millisecond, what)
}

// Not parallel: it takes what is in the shared queues.
func TestWhatTheQueuesBringIsDealtWith(t *testing.T) {
	at, _ := newEnv(t)
	w, _ := newWorker(t, at)
	eventually(t, func() bool { return w.Publisher.Ready() == nil }, "the broker")
	emptied(t, at)
	stop := run(t, w)

	publish := func(id, topic string, body []byte) {
		t.Helper()
		require.NoError(t, w.Publisher.Publish(t.Context(), rabbitmq.ExchangeWebhooks, rabbitmq.Message{ID: id, Key: "mercadopago." + topic, Body: body}))
	}
	news, unheard, spooled := notification(t, "news"), notification(t, "unheard"), notification(t, "spooled")
	open(t, w, news.PaymentID)
	open(t, w, spooled.PaymentID)
	unheard.Topic = "topic_of_tomorrow"
	poison := notification(t, "poison")
	poison.Topic = "a\x00b" // JSON can carry it, and Postgres cannot
	long := notification(t, "long")
	long.Topic = incompressible(8 << 10) // Postgres can carry it, and its index cannot
	publish("unreadable", "payment", []byte("not a notification"))
	publish(poison.ID, "topic_of_tomorrow", encode(t, poison))
	publish(long.ID, "topic_of_tomorrow", encode(t, long))
	publish(news.ID, "payment", encode(t, news))
	publish(news.ID, "payment", encode(t, news))
	publish(unheard.ID, unheard.Topic, encode(t, unheard))
	require.NoError(t, w.Database.Spool(t.Context(), spooled.ID, "mercadopago.payment", encode(t, spooled), time.Now()))

	for _, n := range []mercadopago.Notification{news, spooled} {
		eventually(t, func() bool { return w.signalled(t, n.PaymentID) }, "the payment is signalled")
		eventually(t, func() bool {
			p, err := w.Database.Payment(t.Context(), n.PaymentID)
			return err == nil && p.Status == payment.Pending
		}, "and its workflow is run here")
	}
	eventually(t, func() bool { return kept(t, at) == 3 }, "three are archived")
	n, err := w.Database.Unspool(t.Context(), 1, nil)
	require.NoError(t, err)
	require.Zero(t, n, "the spool is empty")

	eventually(t, func() bool { return count(t, at, "dead_letters where source = 'webhook'") == 4 }, "four are dead letters")
	all, err := w.Database.DeadLetters(t.Context(), deadletter.Filter{Source: deadletter.FromWebhook, Limit: 10})
	require.NoError(t, err)
	type dead struct {
		id       string
		cause    deadletter.Cause
		queue    string
		attempts int
	}
	var found []dead
	for _, l := range all {
		require.Equal(t, rabbitmq.ExchangeWebhooks, l.Original.Exchange)
		found = append(found, dead{l.Original.ID, l.Cause, l.Original.Queue, len(l.Trail)})
	}
	require.ElementsMatch(t, []dead{
		{"unreadable", deadletter.CauseUnreadable, rabbitmq.QueueProcess, 4},
		{"unreadable", deadletter.CauseUnreadable, rabbitmq.QueueArchive, 1},
		{poison.ID, deadletter.CauseInvalid, rabbitmq.QueueArchive, 1},
		{long.ID, deadletter.CauseInvalid, rabbitmq.QueueArchive, 1},
	}, found)
	stop()
}

// Not parallel: it counts goroutines.
func TestAWorkerEndsEvenIfNothingWasEverThere(t *testing.T) {
	before := goleak.IgnoreCurrent()
	t.Run("run", func(t *testing.T) {
		w, logged := newWorker(t, unavailable)
		stop := run(t, w)
		for _, line := range []string{"temporal worker not running", "queue=" + rabbitmq.QueueProcess, "queue=" + rabbitmq.QueueArchive} {
			eventually(t, func() bool { return logged.says(line) }, line)
		}
		stop()
	})
	goleak.VerifyNone(t, before)
}

// Consumption pauses with what is in hand, counts nothing, and resumes by itself.
func TestAnUnavailableTemporalIsHeldAgainstNoMessage(t *testing.T) {
	t.Parallel()
	stack := devstacktest.Start(t, devstack.RabbitMQ, devstack.Temporal)
	server := stack.Process(devstack.Temporal)
	require.NoError(t, server.Kill())
	at, _ := newEnv(t)
	at.rabbitMQ, at.temporal = stack.RabbitMQURL(), stack.TemporalAddress()
	w, logged := newWorker(t, at)
	eventually(t, func() bool { return w.Publisher.Ready() == nil }, "the broker")
	var sent []mercadopago.Notification
	for range webhooksInHand + 8 {
		n := notification(t, "")
		open(t, w, n.PaymentID)
		require.NoError(t, w.Publisher.Publish(t.Context(), rabbitmq.ExchangeWebhooks, rabbitmq.Message{
			ID: n.ID, Key: "mercadopago.payment", Body: encode(t, n),
		}))
		sent = append(sent, n)
	}
	stop := run(t, w)
	eventually(t, func() bool { return logged.says("signal payment " + sent[0].PaymentID) }, "a failed attempt")
	stop()

	conn, err := amqp.Dial(at.rabbitMQ)
	require.NoError(t, err)
	defer conn.Close()
	channel, err := conn.Channel()
	require.NoError(t, err)
	for range sent {
		eventually(t, func() bool {
			d, ok, err := channel.Get(rabbitmq.QueueProcess, false)
			return err == nil && ok && d.Headers[rabbitmq.HeaderAttempt] == nil
		}, "each is where it was, and as it was")
	}
	require.NoError(t, channel.Close())

	w, logged = newWorker(t, at)
	stop = run(t, w)
	eventually(t, func() bool { return logged.says("signal payment ") }, "another failed attempt")
	require.NoError(t, server.Restart(t.Context()))
	for _, n := range sent {
		eventually(t, func() bool {
			_, err := w.Temporal.DescribeWorkflow(t.Context(), workflows.WorkflowID(n.PaymentID), "")
			return err == nil
		}, "the payment is signalled")
	}
	stop()
}

func TestAWorkerMayStartBeforeTemporal(t *testing.T) {
	t.Parallel()
	stack := devstacktest.Start(t, devstack.Temporal)
	server := stack.Process(devstack.Temporal)
	require.NoError(t, server.Kill())
	at := unavailable
	at.temporal = stack.TemporalAddress()
	w, logged := newWorker(t, at)
	stop := run(t, w)
	eventually(t, func() bool { return logged.says("temporal worker not running") }, "a failed start")

	require.NoError(t, server.Restart(t.Context()))
	eventually(t, func() bool {
		queue, err := w.Temporal.DescribeTaskQueue(t.Context(), workflows.TaskQueue, enums.TASK_QUEUE_TYPE_WORKFLOW)
		return err == nil && len(queue.GetPollers()) > 0
	}, "the worker polls")
	stop()
}

func TestEveryKindHasALoudness(t *testing.T) {
	t.Parallel()
	decided := map[failure.Kind]slog.Level{
		failure.Unavailable: slog.LevelInfo, failure.Limited: slog.LevelInfo, failure.NotFound: slog.LevelInfo,
		failure.Invalid: slog.LevelWarn, failure.Conflict: slog.LevelWarn,
		failure.Unauthorized: slog.LevelError, failure.Forbidden: slog.LevelError, failure.Internal: slog.LevelError,
	}
	require.Len(t, decided, len(failure.Kinds()))
	for _, kind := range failure.Kinds() {
		want, ok := decided[kind]
		require.True(t, ok, "%s has no level", kind)
		require.Equal(t, want, levelOf(kind), kind)
	}
}

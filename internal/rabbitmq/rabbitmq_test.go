package rabbitmq

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/onlywave/onlywave/test/devstack"
)

const testTimeout = 30 * time.Second

var silent = slog.New(slog.DiscardHandler)

var (
	stack  *devstack.Stack
	broker *devstack.Process
)

func TestMain(m *testing.M) {
	if url := os.Getenv(poisonURLVariable); url != "" {
		liveUntilPoisoned(url, os.Getenv(poisonQueueVariable))
	}
	code, err := runTests(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func runTests(m *testing.M) (code int, err error) {
	ctx := context.Background()
	if stack, err = devstack.Start(ctx, devstack.Options{Services: []devstack.Service{devstack.RabbitMQ}}); err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, stack.Stop(), goleak.Find()) }()
	broker = stack.Process(devstack.RabbitMQ)
	if err := settle(ctx); err != nil {
		return 0, err
	}
	return m.Run(), nil
}

// settle declares the topology and restarts the broker cleanly. RabbitMQ 3.10 writes its list of quorum queues to disk
// late: a queue that was declared just before a kill comes back without a leader, for good.
func settle(ctx context.Context) error {
	conn, err := newConnection([]string{stack.RabbitMQURL()}, "settle", silent).connect(ctx)
	if err != nil {
		return err
	}
	conn.hangUp()
	return broker.Restart(ctx)
}

func TestBackoffDoublesUpToItsLimit(t *testing.T) {
	t.Parallel()
	for attempt := range 100 {
		full := min(time.Second<<min(attempt, 10), 30*time.Second)
		wait := backoff(attempt, time.Second, 30*time.Second)
		require.GreaterOrEqual(t, wait, full/2)
		require.Less(t, wait, full)
	}
}

func TestConnectTriesEveryHost(t *testing.T) {
	closedPort := "amqp://guest:guest@127.0.0.1:1/"
	p := NewPublisher([]string{closedPort, closedPort, "://", stack.RabbitMQURL()}, silent)
	defer p.Close()
	require.Eventually(t, func() bool { return p.Ready() == nil }, testTimeout, 10*time.Millisecond)
}

func TestUnparsableAddressIsNotRepeated(t *testing.T) {
	t.Parallel()
	c := newConnection([]string{"amqp://user:secret@host:port"}, "test", silent)
	_, err := c.connect(t.Context())
	require.ErrorIs(t, err, errNoHost)
	require.NotContains(t, err.Error(), "secret")
}

// A host that accepts the connection and never answers must not block the connection to the others, nor the stop.
func TestSilentHostIsLeftWhenStopped(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	p := NewPublisher([]string{"amqp://" + listener.Addr().String()}, silent)
	conn, err := listener.Accept()
	require.NoError(t, err)
	defer conn.Close()

	began := time.Now()
	require.NoError(t, p.Close())
	require.Less(t, time.Since(began), handshakeTimeout, "no attempt waits for this timeout")
}

func TestSocketGivesUpOnPeerThatDoesNotRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		defer far.Close()
		s := newBufferedConn(near)
		for range 100 {
			n, err := s.Write([]byte("heartbeat"))
			require.NoError(t, err)
			require.Equal(t, 9, n)
		}
		began := time.Now()
		_, err := near.Read(make([]byte, 1)) // ends with the connection
		require.Error(t, err)
		require.Equal(t, writeTimeout, time.Since(began))
		_, err = s.Write([]byte("heartbeat"))
		require.ErrorIs(t, err, net.ErrClosed)
	})
}

func TestSocketKeepsOrder(t *testing.T) {
	t.Parallel()
	near, far := net.Pipe()
	defer far.Close()
	s := newBufferedConn(near)
	defer s.Close()
	for i := range 250 {
		_, err := s.Write([]byte{byte(i)})
		require.NoError(t, err)
	}
	got := make([]byte, 250)
	for i := range got {
		_, err := far.Read(got[i : i+1])
		require.NoError(t, err)
		require.Equal(t, byte(i), got[i])
	}
}

func TestTopologyDeclaredTwice(t *testing.T) {
	conn, _ := dial(t)
	require.NoError(t, declareTopology(conn))
	require.NoError(t, declareTopology(conn))
}

// Others may publish by way of the exchange.
func TestLostBindingIsMadeAnew(t *testing.T) {
	connect(t)
	_, channel := dial(t)
	require.NoError(t, channel.QueueUnbind(QueueProcess, "mercadopago.payment", ExchangeWebhooks, nil))
	newPublisherThat(t, timing{20 * time.Millisecond, replaceAfter, stallTime, reconnectMax})
	require.Eventually(t, func() bool {
		require.NoError(t, channel.PublishWithContext(t.Context(), ExchangeWebhooks, "mercadopago.payment", false, false, amqp.Publishing{}))
		return waiting(t, QueueProcess) > 0
	}, testTimeout, 20*time.Millisecond)
}

// newPublisherThat is connected, declares the topology that often, and replaces a channel that is silent for so long.
func newPublisherThat(t testing.TB, times timing) *Publisher {
	t.Helper()
	p := newPublisher([]string{stack.RabbitMQURL()}, "publisher", times, silent, everywhere...)
	t.Cleanup(func() { _ = p.Close() })
	require.Eventually(t, func() bool { return p.Ready() == nil }, testTimeout, time.Millisecond)
	return p
}

// A publisher does not use a broker with a different topology.
func TestStrangeTopologyIsNotPublishedTo(t *testing.T) {
	connect(t)
	_, channel := dial(t)
	p := newPublisherThat(t, timing{20 * time.Millisecond, replaceAfter, stallTime, reconnectMax})
	strange := func() bool {
		if err := channel.ExchangeDelete(exchangeRetry, false, false); err != nil {
			return false
		}
		return channel.ExchangeDeclare(exchangeRetry, amqp.ExchangeFanout, true, false, false, false, nil) == nil
	}
	require.Eventually(t, func() bool {
		if !strange() { // a publisher was faster
			_, channel = dial(t)
		}
		return p.Ready() != nil
	}, testTimeout, 50*time.Millisecond)
	require.NoError(t, channel.ExchangeDelete(exchangeRetry, false, false))
	require.Eventually(t, func() bool { return p.Ready() == nil }, testTimeout, time.Millisecond)
}

func TestUnknownTopicGoesToArchiveAlone(t *testing.T) {
	p := connect(t)
	require.NoError(t, p.Publish(t.Context(), ExchangeWebhooks, Message{ID: "1", Key: "mercadopago.mp-connect"}))
	require.NoError(t, p.Publish(t.Context(), ExchangeWebhooks, Message{ID: "2", Key: "mercadopago.payment"}))
	require.Equal(t, 1, waiting(t, QueueProcess))
	require.Equal(t, 2, waiting(t, QueueArchive))
}

func TestMessageThatKillsConsumersBecomesDeadLetter(t *testing.T) {
	p := connect(t)
	_, channel := dial(t)
	require.NoError(t, p.Publish(t.Context(), ExchangeWebhooks, Message{ID: "poison", Key: "mercadopago.payment"}))
	deliveries := 0
	for ; waiting(t, QueueDeadLetters) == 0; deliveries++ {
		d := fetch(t, channel, QueueProcess)
		require.NoError(t, d.Nack(false, true))
		require.Eventually(t, func() bool { return waiting(t, QueueProcess)+waiting(t, QueueDeadLetters) == 1 }, testTimeout, time.Millisecond)
	}
	require.EqualValues(t, deliveryLimit+1, deliveries)
	deadLetter := fetch(t, channel, QueueDeadLetters)
	require.Equal(t, "poison", deadLetter.MessageId)
	require.Equal(t, "webhook.delivery-limit", deadLetter.RoutingKey)
}

// everywhere are the destinations of all publishers together.
var everywhere = []string{QueueProcess, QueueArchive, ExchangeEvents, ExchangeDeadLetters, exchangeRetry}

// connect gives a publisher that is connected, and empties the queues.
func connect(t testing.TB) *Publisher {
	t.Helper()
	p := newPublisherThat(t, timing{redeclareEvery, replaceAfter, stallTime, reconnectMax})
	_, channel := dial(t)
	for _, q := range queues {
		_, err := channel.QueuePurge(q.name, false)
		require.NoError(t, err)
	}
	return p
}

// dial gives a plain connection, to use the broker without this package.
func dial(t testing.TB) (*amqp.Connection, *amqp.Channel) {
	t.Helper()
	conn, err := amqp.Dial(stack.RabbitMQURL())
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	channel, err := conn.Channel()
	require.NoError(t, err)
	return conn, channel
}

// waiting counts the messages of a queue that no consumer holds.
func waiting(t testing.TB, queue string) int {
	t.Helper()
	conn, err := amqp.Dial(stack.RabbitMQURL())
	require.NoError(t, err)
	defer conn.Close()
	channel, err := conn.Channel()
	require.NoError(t, err)
	state, err := channel.QueueDeclarePassive(queue, true, false, false, false, nil)
	require.NoError(t, err)
	return state.Messages
}

// fetch takes the next message off a queue, waiting for it.
func fetch(t testing.TB, channel *amqp.Channel, queue string) amqp.Delivery {
	t.Helper()
	var d amqp.Delivery
	require.Eventually(t, func() bool {
		got, ok, err := channel.Get(queue, false)
		if err != nil || !ok {
			return false
		}
		d = got
		return true
	}, testTimeout, 10*time.Millisecond)
	return d
}

func within(t testing.TB, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), d)
	t.Cleanup(cancel)
	return ctx
}

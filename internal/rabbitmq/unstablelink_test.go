package rabbitmq

import (
	"context"
	"io"
	"net"
	"net/url"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// proxy is a TCP proxy before the broker that can cut its connections and can be slow towards the broker.
type proxy struct {
	url   string
	to    string
	chunk int // bytes at a time towards the broker, each after a pause; 0: it is not slow
	pause time.Duration

	mu    sync.Mutex
	conns []net.Conn
}

func newProxy(t *testing.T, chunk int, pause time.Duration) *proxy {
	t.Helper()
	address, err := url.Parse(stack.RabbitMQURL())
	require.NoError(t, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	w := &proxy{to: address.Host, chunk: chunk, pause: pause}
	address.Host = listener.Addr().String()
	w.url = address.String()
	go func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			go w.join(near)
		}
	}()
	t.Cleanup(func() {
		_ = listener.Close()
		w.cut()
	})
	return w
}

func (w *proxy) join(near net.Conn) {
	far, err := net.Dial("tcp", w.to)
	if err != nil {
		_ = near.Close()
		return
	}
	w.mu.Lock()
	w.conns = append(w.conns, near, far)
	w.mu.Unlock()
	go func() {
		_, _ = io.Copy(near, far)
		_ = near.Close()
	}()
	defer far.Close()
	if w.chunk == 0 {
		_, _ = io.Copy(far, near)
		return
	}
	for {
		if _, err := io.CopyN(far, near, int64(w.chunk)); err != nil {
			return
		}
		time.Sleep(w.pause)
	}
}

// cut ends every connection; new ones are accepted.
func (w *proxy) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.conns {
		_ = c.Close()
	}
	w.conns = nil
}

// flapEvery is how long the link lasts after the first message. A message that the consumer has not even seen on 15 connections in a row
// becomes a dead letter, as it must: a poison message ends each process before anything is seen.
const flapEvery = 50 * time.Millisecond

// Each lost connection brings every unacknowledged message one delivery nearer to the broker's limit. No message reaches it.
func TestInnocentMessagesOutliveALinkThatFlaps(t *testing.T) {
	p := connect(t)
	publish(t, p, 5)
	w := newProxy(t, 0, 0)
	c := NewConsumer([]string{w.url}, QueueProcess, 8, silent)
	c.finishTimeout, c.connection.longest, c.times.reconnect = 10*time.Millisecond, 20*time.Millisecond, 20*time.Millisecond
	called := make(chan string, 1000)
	stop := running(t, func(ctx context.Context) error {
		return c.Run(ctx, func(ctx context.Context, d Delivery) error {
			called <- d.ID
			<-ctx.Done()
			return ctx.Err()
		})
	})
	for range 2*deliveryLimit + 5 {
		select {
		case <-called:
		case <-time.After(testTimeout):
			require.Fail(t, "no message comes any more")
		}
		for len(called) > 0 {
			<-called
		}
		<-time.After(flapEvery)
		w.cut()
	}
	stop()
	require.Zero(t, waiting(t, QueueDeadLetters))
	require.Eventually(t, func() bool { return waiting(t, QueueProcess) >= 5 }, testTimeout, 10*time.Millisecond)
	var done seen
	stop = start(t, func(_ context.Context, d Delivery) error {
		done.add(d.ID)
		return nil
	})
	require.Eventually(t, func() bool { return done.count() == 5 && waiting(t, QueueProcess) == 0 }, testTimeout, 10*time.Millisecond)
	stop()
	require.Zero(t, waiting(t, QueueDeadLetters))
}

// On a slow link it takes long to send the copies of a batch that was held too long. Each message still has only one copy.
func TestABatchIsSentBackOnceHoweverSlowTheLink(t *testing.T) {
	p := connect(t)
	const batch = 100
	for i := range batch {
		m := payment(strconv.Itoa(i))
		m.Body = make([]byte, 4<<10)
		require.NoError(t, p.Publish(t.Context(), ExchangeWebhooks, m))
	}
	w := newProxy(t, 4<<10, 70*time.Millisecond) // the batch takes longer than a publish once had
	c := NewConsumer([]string{w.url}, QueueArchive, batch, silent)
	c.holdTime, c.finishTimeout = 0, 10*time.Millisecond
	var calls, handled atomic.Int64
	stop := running(t, func(ctx context.Context) error {
		return c.RunBatches(ctx, batch, 2*time.Second, func(_ context.Context, ds []Delivery) error {
			if calls.Add(1) == 1 {
				return errDependency
			}
			handled.Add(int64(len(ds)))
			return nil
		})
	})
	require.Eventually(t, func() bool { return handled.Load() >= batch }, 3*testTimeout, 10*time.Millisecond, "the copies have come")
	stop() // which waits for what is still on its way
	require.EqualValues(t, batch, handled.Load())
	_, channel := dial(t)
	_, more, err := channel.Get(QueueArchive, true)
	require.NoError(t, err)
	require.False(t, more, "a second copy of a message")
}

// A consumer that is stopped returns within EndTime, even if its handler or the broker hangs.
func TestAStoppedConsumerReturnsInTime(t *testing.T) {
	t.Run("a handler does not heed its context", func(t *testing.T) {
		p := connect(t)
		publish(t, p, 1)
		c := NewConsumer([]string{stack.RabbitMQURL()}, QueueProcess, 1, silent)
		c.finishTimeout = 10 * time.Millisecond
		inHand, finish := make(chan struct{}), make(chan struct{})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() {
			ended <- c.Run(ctx, func(context.Context, Delivery) error {
				close(inHand)
				<-finish
				return nil
			})
		}()
		<-inHand
		cancel()
		require.ErrorIs(t, <-ended, errUnfinished)
		close(finish)
		require.Eventually(t, func() bool { return waiting(t, QueueProcess) == 0 }, testTimeout, 10*time.Millisecond, "it was done in the end")
	})
	t.Run("the broker hangs while it is asked something", func(t *testing.T) {
		connect(t)
		c := NewConsumer([]string{stack.RabbitMQURL()}, QueueProcess, 1, silent)
		c.finishTimeout = 10 * time.Millisecond
		conn, _ := dial(t)
		in, err := c.open(t.Context(), conn, 1)
		require.NoError(t, err)
		require.NoError(t, broker.Pause())
		t.Cleanup(func() { require.NoError(t, broker.Resume()) })
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			_ = in.flush()
		}()
		stopped, stop := context.WithCancel(t.Context())
		stop()
		require.ErrorIs(t, c.await(stopped, ended), errUnfinished)
	})
}

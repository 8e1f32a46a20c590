// Package rabbitmq takes messages to and from RabbitMQ so that none is lost: what Publish accepts is on the disks of a
// quorum queue, and what a Consumer acknowledges has been dealt with or is a dead letter.
//
// Its one rule: a connection that has failed is never used again. A new connection and new channels take its place, and
// nothing is acknowledged on a channel other than the one it came in on. Whatever was in flight when the connection
// failed may arrive twice, under the same ID, so handlers must tolerate duplicates.
//
// A Publisher and a Consumer each keep a connection of their own, because the broker stops reading from a connection
// that publishes when it runs out of memory or disk, and acknowledgements must get through all the same.
package rabbitmq

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

const (
	heartbeat        = 5 * time.Second  // the library gives up after one and a half of these without a sign of life
	handshakeTimeout = 10 * time.Second // from dialling to the topology declared
	goodbyeTimeout   = 2 * time.Second

	reconnectMin = 100 * time.Millisecond
	reconnectMax = 5 * time.Second
)

// errNoHost is all that is said of an address that cannot be parsed: it holds a password.
var errNoHost = errors.New("broker address cannot be parsed")

// connection keeps a process connected to one of several brokers, for as long as it is asked to.
type connection struct {
	urls    []string
	name    string        // as the management pages show it
	longest time.Duration // between two attempts to connect
	log     *slog.Logger

	onlyAsks bool // it declares nothing: what is missing shall be seen to be missing
}

func newConnection(urls []string, name string, log *slog.Logger) *connection {
	return &connection{urls: urls, name: name, longest: reconnectMax, log: log.With("connection", name)}
}

// run connects, declares the topology, and gives the connection to use; when use returns it closes the connection and
// begins again, until ctx ends. Each change between connected and not is logged once.
func (c *connection) run(ctx context.Context, use func(context.Context, *amqp.Connection) error) {
	logged := false
	for attempt := 0; ctx.Err() == nil; attempt++ {
		conn, err := c.connect(ctx)
		if err == nil {
			connected := time.Now()
			logged = false
			c.log.Info("rabbitmq connected", "broker", conn.RemoteAddr())
			err = use(ctx, conn.Connection)
			conn.hangUp()
			if time.Since(connected) > reconnectMax {
				attempt = 0
			}
		}
		if ctx.Err() != nil {
			return
		}
		if !logged {
			logged = true
			c.log.Warn("rabbitmq not connected", "error", err)
		}
		pause(ctx, backoff(attempt, min(reconnectMin, c.longest), c.longest))
	}
}

// connect tries every broker once, in random order, so that a fleet spreads itself over them.
func (c *connection) connect(ctx context.Context) (*link, error) {
	var failures []error
	for _, i := range rand.Perm(len(c.urls)) {
		conn, err := c.dial(ctx, c.urls[i])
		if err == nil {
			return conn, nil
		}
		failures = append(failures, err)
	}
	return nil, errors.Join(failures...)
}

func (c *connection) dial(ctx context.Context, url string) (*link, error) {
	uri, err := amqp.ParseURI(url)
	if err != nil {
		return nil, errNoHost
	}
	limited, cancel := context.WithTimeout(ctx, handshakeTimeout)
	defer cancel()
	var buffered *bufferedConn
	unwatch := func() bool { return true }
	config := amqp.Config{
		Heartbeat:  heartbeat,
		Properties: amqp.NewConnectionProperties(),
		Dial: func(network, address string) (net.Conn, error) {
			var dialer net.Dialer
			raw, err := dialer.DialContext(limited, network, address)
			if err != nil {
				return nil, err
			}
			buffered = newBufferedConn(raw)
			unwatch = context.AfterFunc(limited, func() { _ = buffered.Close() })
			return buffered, nil
		},
	}
	config.Properties.SetClientConnectionName(c.name)

	conn, err := amqp.DialConfig(url, config)
	if err == nil && !c.onlyAsks {
		err = declareTopology(conn)
	}
	if !unwatch() {
		err = errors.Join(err, limited.Err())
	}
	if err != nil {
		if buffered != nil {
			_ = buffered.Close()
		}
		return nil, fmt.Errorf("connect to %s:%d: %w", uri.Host, uri.Port, err)
	}
	return &link{conn, buffered}, nil
}

// link is one AMQP connection and its network connection.
type link struct {
	*amqp.Connection
	network *bufferedConn
}

// hangUp closes the connection, without the broker's consent if that is slow to come. The library's own CloseDeadline is
// no use: a frame that was read before can set the deadline back to the heartbeat's.
func (l *link) hangUp() {
	timer := time.AfterFunc(goodbyeTimeout, func() { _ = l.network.Close() })
	defer timer.Stop()
	_ = l.Close() // an error says that it was closed already
}

// backoff is how long to wait after so many failures: doubling from shortest to longest, a random half of it taken off so
// that processes which failed together do not reconnect together.
func backoff(attempt int, shortest, longest time.Duration) time.Duration {
	wait := longest
	if attempt < 20 {
		wait = min(shortest<<attempt, longest)
	}
	return wait/2 + rand.N(wait/2)
}

// pause waits, and says whether it waited the whole time.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

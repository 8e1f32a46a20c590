package platform

import (
	"io"
	"net"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/test/devstack"
)

// echo is a service that sends back what it receives, and reports it.
func echo(t *testing.T) (address string, heard chan string) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { listener.Close() })
	heard = make(chan string, 100)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				word := make([]byte, 4)
				for {
					if _, err := io.ReadFull(conn, word); err != nil {
						return
					}
					heard <- string(word)
					if _, err := conn.Write(word); err != nil {
						return
					}
				}
			}()
		}
	}()
	return listener.Addr().String(), heard
}

// over links a part to the service and returns the address of the link.
func over(t *testing.T, service string) (*Platform, string) {
	p := &Platform{settings: map[string]string{
		"DATABASE_URL": "postgres://u@" + service + "," + service + "/d?sslmode=disable", "REDIS_URL": "redis://" + service + "/0",
		"RABBITMQ_URLS": "amqp://guest:guest@" + service + "/", "TEMPORAL_ADDRESS": service, "MERCADOPAGO_URL": "http://" + service,
	}}
	t.Cleanup(func() { require.NoError(t, p.Stop()) })
	settings, err := p.linked("worker-2")
	require.NoError(t, err)
	require.Regexp(t, `^postgres://u@127\.0\.0\.1:\d+,127\.0\.0\.1:\d+/d\?sslmode=disable$`, settings["DATABASE_URL"])
	require.Len(t, p.Links("worker-2", devstack.Postgres), 1)
	require.Len(t, p.Links("worker-2", devstack.PostgresReplica), 1)
	require.NotContains(t, settings, "DATABASE_REPLICA_URL")
	require.Regexp(t, `^amqp://guest:guest@127\.0\.0\.1:\d+/$`, settings["RABBITMQ_URLS"])
	for variable, address := range settings {
		require.NotContains(t, address, service, variable)
	}
	return p, settings["TEMPORAL_ADDRESS"]
}

func say(t *testing.T, address, word string) net.Conn {
	conn, err := net.Dial("tcp", address)
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close() })
	require.NoError(t, conn.SetDeadline(time.Now().Add(10*time.Second)))
	_, err = io.WriteString(conn, word)
	require.NoError(t, err)
	return conn
}

func hear(conn net.Conn, length int) (string, error) {
	word := make([]byte, length)
	_, err := io.ReadFull(conn, word)
	return string(word), err
}

func TestALinkHasItsFaultUntilItIsMended(t *testing.T) {
	t.Parallel()
	service, heard := echo(t)
	p, address := over(t, service)
	require.Len(t, p.Links("worker", devstack.Temporal), 1)
	require.Empty(t, p.Links("api", devstack.Temporal))
	link := p.Links("worker-2", devstack.Temporal)[0]
	good := func() {
		t.Helper()
		require.NoError(t, link.Mend())
		word, err := hear(say(t, address, "good"), 4)
		require.NoError(t, err)
		require.Equal(t, "good", word)
		require.Equal(t, "good", <-heard)
	}
	good()

	open := say(t, address, "open")
	require.Equal(t, "open", <-heard)
	_, err := hear(open, 4)
	require.NoError(t, err)
	link.Cut()
	_, err = hear(open, 4)
	require.ErrorIs(t, err, io.EOF, "what was open is closed")
	require.Eventually(t, func() bool { _, err = net.Dial("tcp", address); return err != nil }, 5*time.Second, 10*time.Millisecond, "and nothing new is let in")
	good()

	require.NoError(t, link.Deafen())
	deaf := say(t, address, "done")
	require.Equal(t, "done", <-heard, "what is asked is done")
	require.NoError(t, link.Mend())
	_, err = hear(deaf, 4)
	require.Error(t, err, "and its answer is lost for good")
	good()

	require.NoError(t, link.BlackHole())
	hole := say(t, address, "hole")
	require.NoError(t, hole.SetDeadline(time.Now().Add(300*time.Millisecond)))
	_, err = hear(hole, 4)
	require.ErrorIs(t, err, os.ErrDeadlineExceeded, "nothing comes, and nothing is closed")
	require.Empty(t, heard)
	good()

	require.NoError(t, link.Slow(200*time.Millisecond))
	began := time.Now()
	_, err = hear(say(t, address, "slow"), 4)
	require.NoError(t, err)
	require.GreaterOrEqual(t, time.Since(began), 200*time.Millisecond)
	<-heard
	good()

	require.NoError(t, link.Dribble(1, 50*time.Millisecond))
	began = time.Now()
	_, err = hear(say(t, address, "drip"), 4)
	require.NoError(t, err)
	require.GreaterOrEqual(t, time.Since(began), 150*time.Millisecond)
	<-heard
	good()
}

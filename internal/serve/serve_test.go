package serve

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// server is a running server and its log.
type server struct {
	address string
	log     *syncBuffer
}

type syncBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func start(t *testing.T, o Options) server {
	t.Helper()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := server{address: free.Addr().String(), log: new(syncBuffer)}
	require.NoError(t, free.Close())
	o.Address, o.Log, o.Finish = s.address, slog.New(slog.NewTextHandler(s.log, nil)), 10*time.Second
	if o.PerAddress == 0 {
		o.PerAddress = 100
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- HTTP(ctx, o) }()
	t.Cleanup(func() {
		stop()
		require.NoError(t, <-ended)
	})
	require.Eventually(t, func() bool { return strings.Contains(s.log.String(), "listening") }, 30*time.Second, time.Millisecond)
	return s
}

func (s server) dial(t *testing.T, from string) net.Conn {
	t.Helper()
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	conn, err := dialer.DialContext(t.Context(), "tcp", s.address)
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close() })
	return conn
}

// answers says whether a request on the connection is answered, and false when the connection was closed.
func answers(t *testing.T, conn net.Conn) bool {
	t.Helper()
	_, _ = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: a\r\n\r\n") // it may be closed already
	require.NoError(t, conn.SetReadDeadline(time.Now().Add(30*time.Second)))
	line := make([]byte, 12)
	_, err := io.ReadFull(conn, line)
	require.False(t, os.IsTimeout(err), "neither answered nor closed")
	return err == nil
}

var ok = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })

// One address has its share of connections and other addresses are served; the connections of a balancer are not counted.
func TestOneAddressHasItsShareOfConnections(t *testing.T) {
	t.Parallel()
	const share = 3
	s := start(t, Options{Handler: ok, PerAddress: share, Balancers: []string{"127.0.0.9", "127.1.0.0/16"}})
	var held []net.Conn
	for range share {
		conn := s.dial(t, "127.0.0.2")
		require.True(t, answers(t, conn))
		held = append(held, conn)
	}
	for range 5 {
		require.False(t, answers(t, s.dial(t, "127.0.0.2")))
	}
	require.True(t, answers(t, s.dial(t, "127.0.0.3")), "others are served")
	for _, balancer := range []string{"127.0.0.9", "127.1.2.3"} {
		for range 2 * share {
			require.True(t, answers(t, s.dial(t, balancer)))
		}
	}
	require.Equal(t, 1, strings.Count(s.log.String(), "connections refused"), "a flood is one line")
	require.NoError(t, held[0].Close())
	require.Eventually(t, func() bool { return answers(t, s.dial(t, "127.0.0.2")) }, 30*time.Second, 10*time.Millisecond, "a closed connection does not count")
}

// ReadTimeout holds for a body that arrives byte by byte, too.
func TestABodyHasATotalTime(t *testing.T) {
	t.Parallel()
	ended := make(chan error, 1)
	s := start(t, Options{ReadTimeout: time.Second, Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, err := io.Copy(io.Discard, r.Body)
		ended <- err
	})})
	conn := s.dial(t, "127.0.0.2")
	_, err := io.WriteString(conn, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 60000\r\n\r\n")
	require.NoError(t, err)
	crumbs := time.NewTicker(50 * time.Millisecond)
	defer crumbs.Stop()
	tooLong := time.After(30 * time.Second)
	for {
		select {
		case err := <-ended:
			require.True(t, os.IsTimeout(err), "%v", err)
			return
		case <-crumbs.C:
			_, _ = io.WriteString(conn, "x")
		case <-tooLong:
			require.Fail(t, "the body has no time limit")
		}
	}
}

// A request that is refused because of its header is answered before its body arrives.
func TestARefusalDoesNotWaitForTheBody(t *testing.T) {
	t.Parallel()
	s := start(t, Options{ReadTimeout: time.Hour, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusUnauthorized)
	})})
	conn := s.dial(t, "127.0.0.2")
	_, err := io.WriteString(conn, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 60000\r\n\r\n{")
	require.NoError(t, err)
	require.NoError(t, conn.SetReadDeadline(time.Now().Add(30*time.Second)))
	line := make([]byte, len("HTTP/1.1 401"))
	_, err = io.ReadFull(conn, line)
	require.NoError(t, err)
	require.Equal(t, "HTTP/1.1 401", string(line))
}

// After such a refusal the client can send its next request on the same connection, or the response says that it is closed.
func TestARefusalLeavesTheConnectionUsableOrClosesIt(t *testing.T) {
	t.Parallel()
	const far = 3 << 20 // more than the kernel and net/http hold
	for name, row := range map[string]struct {
		length, sent int
		closed       bool
	}{
		"no body":           {0, 0, false},
		"the whole body":    {60_000, 60_000, false},
		"half of the body":  {60_000, 30_000, true},
		"nothing of it":     {60_000, 0, true},
		"far too long":      {far, 100_000, true},
		"far too long, all": {far, far, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, Options{ReadTimeout: time.Hour, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(http.StatusUnauthorized)
				_, _ = io.WriteString(w, "who are you?")
			})})
			conn := s.dial(t, "127.0.0.2")
			require.NoError(t, conn.SetDeadline(time.Now().Add(30*time.Second)))
			go func() {
				_, _ = fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s", row.length, strings.Repeat("x", row.sent))
			}()
			reader := bufio.NewReader(conn)
			for range 3 {
				answer, err := http.ReadResponse(reader, nil)
				require.NoError(t, err)
				body, err := io.ReadAll(answer.Body)
				require.NoError(t, err)
				require.Equal(t, "who are you?", string(body))
				require.Equal(t, row.closed, answer.Close)
				if answer.Close {
					return
				}
				_, err = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
				require.NoError(t, err)
			}
			require.NotContains(t, s.log.String(), "panic")
		})
	}
}

func TestClientsAreKnownByAddressOrNetwork(t *testing.T) {
	t.Parallel()
	l := &listener{spared: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}
	for address, want := range map[string]string{
		"192.0.2.7:4000": "192.0.2.7/32", "[::ffff:192.0.2.7]:4000": "192.0.2.7/32", "[2001:db8:1:2:3:4:5:6]:4000": "2001:db8:1:2::/64",
		"[fe80::1%eth0]:4000": "fe80::/64", "10.1.2.3:4000": "", "pipe": "",
	} {
		from, counts := l.clientOf(addressed{address: address})
		require.Equal(t, want != "", counts, address)
		if counts {
			require.Equal(t, want, from.String())
		}
	}
}

type addressed struct {
	net.Conn
	address string
}

func (a addressed) RemoteAddr() net.Addr { return a }
func (addressed) Network() string        { return "tcp" }
func (a addressed) String() string       { return a.address }

func TestBalancersAreAddressesOrNetworks(t *testing.T) {
	t.Parallel()
	networks, err := parseNetworks([]string{"10.0.0.7/8", "192.0.2.7", "2001:db8::/32"})
	require.NoError(t, err)
	require.Equal(t, "[10.0.0.0/8 192.0.2.7/32 2001:db8::/32]", fmt.Sprint(networks))
	require.ErrorContains(t, HTTP(t.Context(), Options{Balancers: []string{"nginx"}}), `"nginx" is neither`)
}

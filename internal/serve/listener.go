package serve

import (
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// listener limits how many connections one client has at one time.
type listener struct {
	net.Listener
	most   int
	spared []netip.Prefix
	log    *slog.Logger

	mu      sync.Mutex
	open    map[client]int
	refused int       // since the last line in the log
	logged  time.Time // when that line was written
}

// client is an IPv4 address, or the /64 network of an IPv6 address.
type client = netip.Prefix

// logEvery keeps a flood of connections from flooding the log.
const logEvery = time.Minute

func (l *listener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		from, counts := l.clientOf(conn)
		if !counts {
			return conn, nil
		}
		if l.enter(from) {
			return &counted{Conn: conn, leave: sync.OnceFunc(func() { l.leave(from) })}, nil
		}
		conn.Close()
	}
}

// clientOf returns the client of a connection; false when its connections are not counted.
func (l *listener) clientOf(conn net.Conn) (client, bool) {
	at, err := netip.ParseAddrPort(conn.RemoteAddr().String())
	if err != nil {
		return client{}, false
	}
	address := at.Addr().Unmap().WithZone("")
	if slices.ContainsFunc(l.spared, func(network netip.Prefix) bool { return network.Contains(address) }) {
		return client{}, false
	}
	bits := 32
	if address.Is6() {
		bits = 64
	}
	return netip.PrefixFrom(address, bits).Masked(), true
}

func (l *listener) enter(from client) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open[from] < l.most {
		l.open[from]++
		return true
	}
	l.refused++
	if now := time.Now(); now.Sub(l.logged) >= logEvery {
		l.log.Warn("connections refused: one address has too many", "client", from.Addr().String(), "most", l.most, "refused", l.refused)
		l.logged, l.refused = now, 0
	}
	return false
}

func (l *listener) leave(from client) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open[from]--; l.open[from] == 0 {
		delete(l.open, from)
	}
}

// counted is a connection that counts until it is closed.
type counted struct {
	net.Conn
	leave func()
}

func (c *counted) Close() error {
	defer c.leave()
	return c.Conn.Close()
}

// parseNetworks reads addresses and networks.
func parseNetworks(texts []string) (networks []netip.Prefix, err error) {
	for _, text := range texts {
		network, err := netip.ParsePrefix(text)
		if err != nil {
			address, addressErr := netip.ParseAddr(text)
			if addressErr != nil {
				return nil, fmt.Errorf("%q is neither an address nor a network", text)
			}
			network = netip.PrefixFrom(address, address.BitLen())
		}
		networks = append(networks, network.Masked())
	}
	return networks, nil
}

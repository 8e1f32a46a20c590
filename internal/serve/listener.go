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

// listener accepts at most so many connections of one client at one time.
type listener struct {
	net.Listener
	most   int
	spared []netip.Prefix
	log    *slog.Logger

	mu      sync.Mutex
	open    map[client]int
	refused int       // since the last line in the log
	told    time.Time // when that was
}

// client is who connects: an IPv4 address, or the network of an IPv6 one.
type client = netip.Prefix

// tellEvery keeps a flood out of the log.
const tellEvery = time.Minute

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

// clientOf says who connects, and whether that is counted.
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
	if now := time.Now(); now.Sub(l.told) >= tellEvery {
		l.log.Warn("connections refused: one address has too many", "client", from.Addr().String(), "most", l.most, "refused", l.refused)
		l.told, l.refused = now, 0
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

// counted is a connection that takes a place until it is closed.
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

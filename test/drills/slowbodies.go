package drills

import (
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/onlywave/onlywave/test/platform"
)

// The attack of the drill slow-bodies: one address opens more connections than the balancer has for all clients, begins a request on
// each, and continues a byte at a time.
const (
	attackerAddress  = "127.0.0.3"
	clientsAddress   = "127.0.0.2"
	attackersAtOnce  = 8300
	attackersAtMost  = 60_000 // including those that replace refused ones
	attackCrumbEvery = 2 * time.Second
	attackAgainAfter = 10 * time.Second // faster, and the attack itself would slow this machine down
	// attackBacklog is how many connections the kernel accepts before nginx does (its listen backlog is 511 on Linux).
	attackBacklog = 512
)

// attackBegins are the first bytes of each connection, in turn.
var attackBegins = []string{
	"POST /v1/payments HTTP/1.1\r\nHost: a\r\nContent-Length: 60000\r\n\r\n{",
	"POST /webhooks/mercadopago HTTP/1.1\r\nHost: a\r\nContent-Length: 60000\r\n\r\n{",
	"POST /v1/payments HTTP/1.1\r\nHost: a\r\nX-",
	"",
}

// attack is a running attack and its counters.
type attack struct {
	to       string // host:port
	stop     context.CancelFunc
	running  sync.WaitGroup
	tried    atomic.Int64
	held     atomic.Int64 // connections that lived for some time
	mostHeld atomic.Int64
}

// attackSlowly begins the attack on the balancer.
func attackSlowly(ctx context.Context, s *Scene) error {
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.attack = &attack{to: strings.TrimPrefix(s.Front.URL, "http://"), stop: stop}
	for i := range attackersAtOnce {
		s.attack.running.Go(func() {
			for s.attack.tried.Add(1) <= attackersAtMost {
				s.attack.hold(ctx, attackBegins[i%len(attackBegins)])
				if !platform.Pause(ctx, attackAgainAfter) {
					return
				}
			}
		})
	}
	return nil
}

func endAttack(_ context.Context, s *Scene) error {
	s.attack.stop()
	s.attack.running.Wait()
	return nil
}

// hold keeps one connection for as long as the other side lets it.
func (a *attack) hold(ctx context.Context, text string) {
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(attackerAddress)}}
	conn, err := dialer.DialContext(ctx, "tcp", a.to)
	if err != nil {
		return
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, text); err != nil {
		return
	}
	lived := false
	defer func() {
		if lived {
			a.held.Add(-1)
		}
	}()
	for ctx.Err() == nil {
		_ = conn.SetReadDeadline(time.Now().Add(attackCrumbEvery))
		if _, err := conn.Read(make([]byte, 512)); err != nil && !os.IsTimeout(err) {
			return
		}
		if !lived {
			lived = true
			a.note(a.held.Add(1))
		}
		if text == "" {
			continue
		}
		if _, err := conn.Write([]byte("x")); err != nil {
			return
		}
	}
}

func (a *attack) note(held int64) {
	for {
		most := a.mostHeld.Load()
		if held <= most || a.mostHeld.CompareAndSwap(most, held) {
			return
		}
	}
}

// wasAttacked: the attack was as large as planned, and it held no more connections than one address may.
func wasAttacked(_ context.Context, s *Scene) ([]Objection, error) {
	tried, held := min(s.attack.tried.Load(), attackersAtMost), s.attack.mostHeld.Load()
	s.remark("one address opened %d connections and held at most %d; it may hold %d", tried, held, platform.BalancerConnections)
	if most := int64(platform.BalancerConnections + attackBacklog); tried < attackersAtOnce || held == 0 || held > most {
		return []Objection{object("one address holds its share at most", "", "%d connections opened, %d held, of at most %d", tried, held, most)}, nil
	}
	return nil, nil
}

// cameFrom is the client with connections from another address of this machine.
func cameFrom(shop *platform.Shop, address string) *platform.Shop {
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}
	own := *shop
	own.HTTP = &http.Client{Transport: &http.Transport{DialContext: dialer.DialContext, MaxIdleConnsPerHost: 512}}
	return &own
}

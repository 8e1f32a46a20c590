package system

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/test/drills"
	"github.com/onlywave/onlywave/test/load"
	"github.com/onlywave/onlywave/test/platform"
)

// Not the shared platform, and one for both: each has services that the shared one lacks, and breaks them.
func TestBehindTheBalancerAndWithAReplica(t *testing.T) {
	p := start(t, platform.Options{APIs: 2, Balancer: true, Replica: true, Settings: map[string]string{
		"POLL_FIRST": "2s", "SIMULATOR_RELEASE_AFTER": "1h", "REPLICA_MAX_STALENESS": "2h",
	}})
	t.Run("balancer", func(t *testing.T) { goThroughTheBalancer(t, p) })
	t.Run("replica", func(t *testing.T) { readFromAReplica(t, p) })
}

// Behind the balancer a client sees one API that is always available: also when a process of it is killed, not when nginx is
// reloaded; and what the balancer says by itself reads as if the API had said it.
func goThroughTheBalancer(t *testing.T, p *platform.Platform) {
	t.Run("webhooks and links come and go through it", func(t *testing.T) {
		made, err := p.Front.Create(within(t), "through-nginx", 1050)
		require.NoError(t, err)
		require.NoError(t, p.Provider.Pay(within(t), made.Provider.PaymentID))
		_, err = p.Front.Await(within(t), made.ID, "approved")
		require.NoError(t, err)
		attempts, err := p.Provider.Webhooks(within(t), made.Provider.PaymentID)
		require.NoError(t, err)
		require.NotEmpty(t, attempts)
		require.Contains(t, logOf(t, p, "nginx"), `"place":"/webhooks/mercadopago","status":200`)
		require.NotEqual(t, p.Shops[0].URL, p.Front.URL)
		description, err := p.Front.Get(within(t), "/openapi.json")
		require.NoError(t, err)
		require.Contains(t, string(description.Body), p.Front.URL)
	})
	t.Run("a forged address is not believed", func(t *testing.T) {
		dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP("127.0.0.2")}}
		client := &platform.Shop{URL: p.Front.URL, Key: p.Key, HTTP: &http.Client{Transport: &http.Transport{DialContext: dialer.DialContext}}}
		answer, err := client.Post(within(t), "forged-address", platform.Order(1050, "forged-address"), "X-Forwarded-For", "203.0.113.9", "X-Real-IP", "203.0.113.9",
			"X-Request-Id", "from-afar")
		require.NoError(t, err)
		require.Equal(t, http.StatusCreated, answer.Status, string(answer.Body))
		require.Equal(t, "from-afar", answer.Header.Get("X-Request-Id"))
		log := logOf(t, p, "api") + logOf(t, p, "api-2")
		require.Contains(t, log, `"request_id":"from-afar","remote":"127.0.0.2"`)
		require.NotContains(t, log, "203.0.113.9")
	})
	t.Run("too large a body is refused as the API refuses it", func(t *testing.T) {
		refused := func(shop *platform.Shop) (problem map[string]any, header http.Header) {
			answer, err := shop.Post(within(t), "large", strings.Repeat("x", 2<<20))
			require.NoError(t, err)
			require.Equal(t, http.StatusRequestEntityTooLarge, answer.Status)
			require.NoError(t, json.Unmarshal(answer.Body, &problem), string(answer.Body))
			require.Equal(t, answer.Header.Get("X-Request-Id"), problem["request_id"])
			delete(problem, "request_id")
			return problem, answer.Header
		}
		own, ownHeader := refused(p.Shops[0])
		front, frontHeader := refused(p.Front)
		require.Equal(t, own, front)
		for _, name := range []string{"Content-Type", "Cache-Control", "X-Content-Type-Options"} {
			require.Equal(t, ownHeader.Get(name), frontHeader.Get(name), name)
		}
	})
	t.Run("a reload loses nothing", func(t *testing.T) {
		// Each request has a connection of its own: one that is idle may be closed just when its client writes to it, as HTTP
		// allows at any time, and then the client repeats.
		hasty := &platform.Shop{URL: p.Front.URL, Key: p.Key, HTTP: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}}
		log := underLoad(t, p, hasty, func(ctx context.Context) error {
			for range 5 {
				if err := errors.Join(p.ReloadBalancer(ctx), pause(ctx, 500*time.Millisecond)); err != nil {
					return err
				}
			}
			return nil
		})
		for _, intent := range log.Intents {
			require.Len(t, intent.Answers, 1, "%s was repeated: %+v", intent.Key, intent.Answers)
		}
	})
	t.Run("an API process is killed, and the client's repetition is all it takes", func(t *testing.T) {
		log := underLoad(t, p, p.Front, func(ctx context.Context) error {
			return errors.Join(pause(ctx, time.Second), p.APIs[1].Kill(), pause(ctx, 2*time.Second), p.APIs[1].Restart(ctx))
		})
		require.NoError(t, drills.Settle(within(t), p, log))
		evidence, err := drills.Gather(within(t), p, log)
		require.NoError(t, err)
		require.Empty(t, drills.Check(evidence))
	})
}

// underLoad does something while payments arrive at the balancer, each of which is acknowledged in the end.
func underLoad(t *testing.T, p *platform.Platform, shop *platform.Shop, act func(context.Context) error) *load.Log {
	ctx, cancel := context.WithTimeout(t.Context(), 3*timeout)
	defer cancel()
	acted := make(chan error, 1)
	go func() { acted <- act(ctx) }()
	log, err := load.Run(ctx, load.Options{Shops: []*platform.Shop{shop}, Provider: p.Provider, Rate: 8, Length: 5 * time.Second, Seed: 1})
	require.NoError(t, err)
	require.NoError(t, <-acted)
	require.Equal(t, 40, log.Counts.Asked+log.Counts.Shed)
	require.Equal(t, log.Counts.Asked, log.Counts.Acknowledged, fmt.Sprint(log.Counts))
	return log
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

func logOf(t *testing.T, p *platform.Platform, name string) string {
	text, err := os.ReadFile(filepath.Join(p.Logs, name+".log"))
	require.NoError(t, err)
	return string(text)
}

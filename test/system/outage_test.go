package system

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/onlywave/onlywave/internal/breaker"
	"github.com/onlywave/onlywave/internal/cli"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/rabbitmq"
	"github.com/onlywave/onlywave/internal/redis"
	"github.com/onlywave/onlywave/test/platform"
	"github.com/onlywave/onlywave/test/simulator"
)

// Not the shared platform, and one for all of these: while charges are held back or the workers are dead, no other test gets on.
func TestStandstills(t *testing.T) {
	p := start(t, platform.Options{Workers: 2})
	t.Run("an outage of the provider", func(t *testing.T) { outage(t, p) })
	t.Run("charges are held back", func(t *testing.T) { holdOpen(t, p) })
	t.Run("a redrive loses its workers", func(t *testing.T) { redriveAPile(t, p) })
	t.Run("an e-mail loses its workers", func(t *testing.T) { sendOnce(t, p) })
	t.Run("workers are drained", func(t *testing.T) { drainEach(t, p) })
}

// Mercado Pago fails: the breaker opens for both workers, no window lets more probes through than it may, and once
// Mercado Pago is back every payment finishes by itself, asked for with one key each.
func outage(t *testing.T, p *platform.Platform) {
	require.NoError(t, p.Provider.Arm(within(t), simulator.Fault{On: simulator.Create, Kind: simulator.KindError, Status: http.StatusServiceUnavailable}))

	const payments = 40
	var group errgroup.Group
	for i := range payments {
		group.Go(func() error {
			key, ctx := fmt.Sprint("outage-", i), within(t)
			for {
				answer, err := p.Shops[0].Post(ctx, key, platform.Order(1050, key), "Prefer", "respond-async")
				if err != nil || answer.Status == http.StatusAccepted {
					return err
				}
				if answer.Status != http.StatusServiceUnavailable { // a busy machine's Temporal may ask to repeat it
					return fmt.Errorf("answer %d: %s", answer.Status, answer.Body)
				}
			}
		})
	}
	require.NoError(t, group.Wait(), "accepted, outage or not")

	// A half-open window must have come and gone, so that what it lets through can be counted.
	require.Eventually(t, func() bool { return status(t, p).Openings >= 2 }, timeout, 50*time.Millisecond)
	openings := status(t, p).Openings
	requests := asked(t, p)
	const minimum, inFlight, probes = 10, 16, 3 // of breaker.Config's defaults; calls on their way when it opens are let be
	require.LessOrEqual(t, len(requests), minimum+inFlight+probes*openings)

	require.NoError(t, p.Provider.Disarm(within(t)))
	keys := map[string]bool{}
	for i := range payments {
		id := payment.NewID("demo", fmt.Sprint("outage-", i))
		_, err := p.Shops[0].Await(within(t), id, "pending")
		require.NoError(t, err)
		ledger, err := p.Provider.Ledger(within(t), id)
		require.NoError(t, err)
		require.Len(t, ledger, 1, "one charge")
		keys[ledger[0].IdempotencyKey] = true
	}
	require.Len(t, keys, payments)
	for _, r := range asked(t, p) {
		require.True(t, keys[r.IdempotencyKey], "a key that no charge was made with")
	}
	require.Eventually(t, func() bool { return status(t, p).State == breaker.Closed }, timeout, 50*time.Millisecond)
}

// An operator holds the charges back, and lets them go again.
func holdOpen(t *testing.T, p *platform.Platform) {
	before := asked(t, p)
	environ := []string{"REDIS_URL=" + p.Stack.RedisURL(), "RABBITMQ_URLS=" + p.Stack.RabbitMQURL(), "DATABASE_URL=" + p.Stack.PostgresURL()}
	events := subscribe(t, p.Stack.RabbitMQURL(), "breaker.*")
	command := func(args ...string) (string, error) {
		var out bytes.Buffer
		err := cli.Run(within(t), append([]string{"breakers"}, args...), environ, &out)
		return out.String(), err
	}
	_, err := command("open", "charge")
	require.ErrorContains(t, err, "--reason")
	_, err = command("open", "refunds", "--actor", "ana", "--reason", "maintenance")
	require.ErrorContains(t, err, "there are only the breakers")
	table, err := command("open", "charge", "--actor", "ana", "--reason", "maintenance")
	require.NoError(t, err)
	require.Regexp(t, `charge +closed .* open +ana +maintenance`, table)
	out := <-events
	require.Equal(t, "breaker.open", out.RoutingKey)
	var change breaker.Change
	require.NoError(t, json.Unmarshal(out.Body, &change))
	require.Equal(t, []string{"charge", "ana", "maintenance"}, []string{change.Breaker, change.Actor, change.Reason})

	key := "held-back"
	answer, err := p.Shops[0].Post(within(t), key, platform.Order(1050, key), "Prefer", "wait=1")
	require.NoError(t, err)
	require.Equal(t, http.StatusAccepted, answer.Status)
	require.Len(t, asked(t, p), len(before))

	table, err = command("automatic", "charge", "--actor", "ana", "--reason", "done")
	require.NoError(t, err)
	require.NotContains(t, table, "ana")
	require.Equal(t, "breaker.closed", (<-events).RoutingKey)
	_, err = p.Shops[0].Await(within(t), payment.NewID("demo", key), "pending")
	require.NoError(t, err)
}

// subscribe receives these events as another service would.
func subscribe(t *testing.T, url, key string) <-chan amqp.Delivery {
	t.Helper()
	connection, err := amqp.Dial(url)
	require.NoError(t, err)
	t.Cleanup(func() { _ = connection.Close() })
	channel, err := connection.Channel()
	require.NoError(t, err)
	queue, err := channel.QueueDeclare("", false, true, true, false, nil)
	require.NoError(t, err)
	require.NoError(t, channel.QueueBind(queue.Name, key, rabbitmq.ExchangeEvents, false, nil))
	events, err := channel.ConsumeWithContext(within(t), queue.Name, "", true, true, false, false, nil)
	require.NoError(t, err)
	return events
}

func status(t *testing.T, p *platform.Platform) breaker.Status {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	store, err := redis.Open(p.Stack.RedisURL(), log)
	require.NoError(t, err)
	defer store.Close()
	s, err := breaker.NewFleet(store, "test", log).Status(within(t), breaker.Charge)
	require.NoError(t, err)
	return s
}

// asked are the calls in which the provider was asked for money.
func asked(t *testing.T, p *platform.Platform) []simulator.Request {
	t.Helper()
	all, err := p.Provider.Requests(within(t))
	require.NoError(t, err)
	var posts []simulator.Request
	for _, r := range all {
		if r.Method == http.MethodPost && strings.HasPrefix(r.Path, "/v1/payments") {
			posts = append(posts, r)
		}
	}
	return posts
}

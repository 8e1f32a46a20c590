package system

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/rabbitmq"
	"github.com/onlywave/onlywave/test/drills"
	"github.com/onlywave/onlywave/test/load"
	"github.com/onlywave/onlywave/test/platform"
)

// Under load, with duplicated, forged and replayed webhooks beside, all that the client, the record, the provider, the
// queues and the workflows have written down fits together; and the checker sees it when it does not.
func TestUnderLoadEverythingFitsTogether(t *testing.T) {
	p := startWatched(t, platform.Options{APIs: 2, Workers: 2, Settings: map[string]string{"POLL_FIRST": "2s", "RECONCILE_EVERY": "2s"}})
	ctx, cancel := context.WithTimeout(t.Context(), 3*timeout)
	defer cancel()

	var out bytes.Buffer
	flood := load.Flood{Duplicates: 40, Forged: 60, Replayed: 20}
	log, err := load.Run(ctx, load.Options{
		Shops: p.Shops, Provider: p.Provider, Rate: 5, Length: 6 * time.Second, Seed: 1, Expire: 0.2, Leave: 0.2, Card: 0.5, Flood: flood,
		File: filepath.Join(t.TempDir(), "load.jsonl"), Out: &out,
	})
	require.NoError(t, err)
	require.Equal(t, 30, log.Counts.Asked+log.Counts.Shed)
	require.Equal(t, log.Counts.Asked, log.Counts.Acknowledged, out.String())
	require.Equal(t, flood, load.Flood{Duplicates: log.Counts.Duplicates, Forged: log.Counts.Forged, Replayed: log.Counts.Replayed})
	require.Zero(t, log.Counts.ForgedLetIn)
	require.Contains(t, out.String(), "due → answered")

	require.NoError(t, drills.Settle(ctx, p, log))
	evidence, err := drills.Gather(ctx, p, log)
	require.NoError(t, err)
	require.Empty(t, drills.Check(evidence))

	// Nothing of what was compared is missing.
	require.Equal(t, log.Counts.Acknowledged, len(evidence.Payments))
	require.Equal(t, log.Counts.Acknowledged, len(evidence.Operations))
	require.GreaterOrEqual(t, len(evidence.Workflows), log.Counts.Acknowledged, "a late webhook signals a settled payment")
	require.Greater(t, len(evidence.Ledger), log.Counts.Acknowledged)
	require.GreaterOrEqual(t, len(evidence.Requests), log.Counts.Acknowledged)
	require.GreaterOrEqual(t, len(evidence.Webhooks), log.Counts.Acknowledged+flood.Duplicates)
	require.GreaterOrEqual(t, len(evidence.Archived), delivered(evidence))
	require.LessOrEqual(t, len(evidence.Archived), delivered(evidence)+log.Counts.ReplayedLetIn, "the other API may take a young copy in, once")
	require.GreaterOrEqual(t, len(evidence.Processed), log.Counts.Approved)
	require.NotEmpty(t, evidence.Queues)
	var pages []string
	for _, page := range evidence.Pages {
		pages = append(pages, page.Where)
	}
	require.Subset(t, pages, []string{"api.log", "api-2.log", "worker.log", "worker-2.log", "simulator.log",
		"postgres.log", "rabbitmq.log", "redis.log", "temporal.log", "the headers in queue onlywave.webhooks.process"})

	bury(t, p, log)
	spoil(t, p, log)
}

// bury makes a dead letter, and finds it each time it looks: what is looked at in a queue stays there.
func bury(t *testing.T, p *platform.Platform, log *load.Log) {
	publisher := rabbitmq.NewPublisher([]string{p.Stack.RabbitMQURL()}, slog.New(slog.DiscardHandler))
	defer publisher.Close()
	eventually(t, func() bool { return publisher.Ready() == nil }, "the publisher is connected")
	require.NoError(t, publisher.Publish(within(t), rabbitmq.ExchangeDeadLetters, rabbitmq.Message{
		ID: "dead-letter", Key: "webhook.unreadable", Body: []byte(`{"request_id": "buried"}`), Time: time.Now(),
		Headers: map[string]any{rabbitmq.HeaderCause: "unreadable", rabbitmq.HeaderError: "not for maria.silva@loja.com.br"},
	}))
	for range 2 {
		eventually(t, func() bool {
			evidence, err := drills.Gather(within(t), p, log)
			return err == nil && slices.ContainsFunc(evidence.DeadLetters, func(d drills.DeadLetter) bool {
				return d.RequestID == "buried" && d.MessageID == "dead-letter" && d.Cause == "unreadable"
			})
		}, "the dead letter is part of the evidence")
	}
}

// changed runs a statement in the platform's database.
func changed(t *testing.T, p *platform.Platform, statement string, args ...any) int {
	conn, err := pgx.Connect(within(t), p.Stack.PostgresURL())
	require.NoError(t, err)
	defer conn.Close(t.Context())
	tag, err := conn.Exec(within(t), statement, args...)
	require.NoError(t, err)
	return int(tag.RowsAffected())
}

func delivered(e drills.Evidence) int {
	n := 0
	for _, w := range e.Webhooks {
		if w.Delivered {
			n++
		}
	}
	return n
}

// spoil writes behind the platform's back, and expects the checker to see it.
func spoil(t *testing.T, p *platform.Platform, log *load.Log) {
	victim := log.Intents[0].PaymentID
	require.Equal(t, 1, changed(t, p, `update payments set amount = amount + 1 where id = $1`, victim))
	require.Equal(t, 1, changed(t, p, `delete from payment_events where payment_id = $1 and seq = 2`, victim))
	require.NotZero(t, changed(t, p, `delete from webhook_notifications where payment_id = $1`, victim))
	leak, err := os.OpenFile(filepath.Join(p.Logs, "worker.log"), os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = leak.WriteString(`{"card": "4235647728025682"}` + "\n")
	require.NoError(t, errors.Join(err, leak.Close()))
	evidence, err := drills.Gather(within(t), p, log)
	require.NoError(t, err)
	rules := map[string]bool{}
	for _, o := range drills.Check(evidence) {
		require.Contains(t, []string{victim, ""}, o.PaymentID, o.String())
		rules[o.Rule] = true
	}
	for _, rule := range []string{"every side has the same amount", "the history is complete and allowed", "no confirmed webhook is lost", "no secret is written down"} {
		require.True(t, rules[rule], rule)
	}
	hurried, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	require.ErrorIs(t, drills.Settle(hurried, p, log), context.DeadlineExceeded)
}

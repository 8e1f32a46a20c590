package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/dev"
	"github.com/onlywave/onlywave/drills"
	"github.com/onlywave/onlywave/load"
)

// Under load, with duplicated, forged and replayed webhooks beside, all that the client, the record, the provider, the
// queues and the workflows have written down fits together; and the checker sees it when it does not.
func TestUnderLoadEverythingFitsTogether(t *testing.T) {
	p, err := dev.Start(t.Context(), dev.Options{
		Program: os.Args[0], Env: []string{asProgram + "=1"}, APIs: 2, Workers: 2, Settings: map[string]string{"POLL_FIRST": "2s"},
	})
	require.NoError(t, err)
	defer func() { require.NoError(t, p.Stop()) }()
	ctx, cancel := context.WithTimeout(t.Context(), 3*patience)
	defer cancel()

	var told bytes.Buffer
	flood := load.Flood{Duplicates: 40, Forged: 60, Replayed: 20}
	log, err := load.Run(ctx, load.Options{
		Shops: p.Shops, Provider: p.Provider, Rate: 5, Length: 6 * time.Second, Seed: 1, Expire: 0.2, Leave: 0.2, Flood: flood,
		File: filepath.Join(t.TempDir(), "load.jsonl"), Out: &told,
	})
	require.NoError(t, err)
	require.Equal(t, 30, log.Counts.Asked+log.Counts.Shed)
	require.Equal(t, log.Counts.Asked, log.Counts.Acknowledged, told.String())
	require.Equal(t, flood, load.Flood{Duplicates: log.Counts.Duplicates, Forged: log.Counts.Forged, Replayed: log.Counts.Replayed})
	require.Zero(t, log.Counts.ForgedLetIn)
	require.Contains(t, told.String(), "due → answered")

	require.NoError(t, drills.Settle(ctx, p, log))
	evidence, err := drills.Gather(ctx, p, log)
	require.NoError(t, err)
	require.Empty(t, drills.Check(evidence))

	// Nothing of what was compared is missing.
	require.Len(t, evidence.Payments, log.Counts.Acknowledged)
	require.Len(t, evidence.Operations, log.Counts.Acknowledged)
	require.Len(t, evidence.Workflows, log.Counts.Acknowledged)
	require.Greater(t, len(evidence.Ledger), log.Counts.Acknowledged)
	require.GreaterOrEqual(t, len(evidence.Requests), log.Counts.Acknowledged)
	require.GreaterOrEqual(t, len(evidence.Webhooks), log.Counts.Acknowledged+flood.Duplicates)
	require.Len(t, evidence.Archived, delivered(evidence)+log.Counts.ReplayedLetIn)
	require.NotEmpty(t, evidence.Queues)
	var pages []string
	for _, page := range evidence.Pages {
		pages = append(pages, page.Where)
	}
	require.Subset(t, pages, []string{"api.log", "api-2.log", "worker.log", "worker-2.log", "simulator.log",
		"postgres.log", "rabbitmq.log", "redis.log", "temporal.log", "the headers in queue onlywave.webhooks.process"})

	spoil(t, p, log)
}

// changed runs a statement in the platform's record.
func changed(t *testing.T, p *dev.Platform, statement string, args ...any) int {
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
func spoil(t *testing.T, p *dev.Platform, log *load.Log) {
	victim := log.Intents[0].PaymentID
	require.Equal(t, 1, changed(t, p, `update payments set amount = amount + 1 where id = $1`, victim))
	require.Equal(t, 1, changed(t, p, `delete from payment_events where payment_id = $1 and seq = 2`, victim))
	require.NotZero(t, changed(t, p, `delete from webhook_notifications where payment_id = $1`, victim))
	evidence, err := drills.Gather(within(t), p, log)
	require.NoError(t, err)
	rules := map[string]bool{}
	for _, o := range drills.Check(evidence) {
		require.Contains(t, []string{victim, ""}, o.PaymentID, o.String())
		rules[o.Rule] = true
	}
	for _, rule := range []string{"every side has the same amount", "the history is whole and allowed", "no confirmed webhook is lost"} {
		require.True(t, rules[rule], rule)
	}
	hurried, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	require.ErrorIs(t, drills.Settle(hurried, p, log), context.DeadlineExceeded)
}

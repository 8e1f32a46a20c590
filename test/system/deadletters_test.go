package system

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/cli"
	"github.com/onlywave/onlywave/internal/deadletter"
	"github.com/onlywave/onlywave/internal/mercadopago"
	"github.com/onlywave/onlywave/internal/postgres"
	"github.com/onlywave/onlywave/test/platform"
)

// Three thousand dead letters of three causes, sent again in bulk while every worker is killed in the middle: each notification is
// there in the end, and a second redrive finds nothing to do.
func redriveAPile(t *testing.T, p *platform.Platform) {
	const messages = 3_000
	seedDeadLetters(t, p.Stack.PostgresURL(), messages)
	environ := []string{"DATABASE_URL=" + p.Stack.PostgresURL(), "TEMPORAL_ADDRESS=" + p.Stack.TemporalAddress(), "TEMPORAL_PAYLOAD_KEYS=" + platform.PayloadKeys}
	command := func(out *output, args ...string) error {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
		defer cancel()
		return cli.Run(ctx, append([]string{"dead-letters"}, args...), environ, out)
	}
	redrive := func(out *output, more ...string) error {
		return command(out, append([]string{"redrive", "--source", "webhook", "--actor", "ana", "--reason", "mended", "--watch"}, more...)...)
	}

	var dry output
	require.NoError(t, redrive(&dry, "--dry-run"))
	require.Contains(t, dry.String(), "dry_run: 3000 chosen, 0 sent, 0 failed, 0 died again, 3000 left · handler-panic 1000 · invalid 1000 · unreadable 1000")

	var out output
	done := make(chan error, 1)
	go func() {
		done <- redrive(&out, "--canary", "5", "--canary-wait", "1s", "--stop-after", "10", "--rate", "900")
	}()
	count := func(query string) int { return number(t, p.Stack.PostgresURL(), query) }
	const sent = `select count(*) from redrives where outcome = 'sent'`
	await := func(condition func() bool, what string) {
		require.Eventually(t, condition, 3*time.Minute, 50*time.Millisecond, what)
	}
	await(func() bool { return count(sent) > 300 }, "it is in the middle")
	for _, w := range p.Workers {
		require.NoError(t, w.Kill())
	}
	require.Less(t, count(sent), messages)
	for _, w := range p.Workers {
		require.NoError(t, w.Restart(t.Context()))
	}
	require.NoError(t, <-done, out.String())
	require.Contains(t, out.String(), "canary: 3000 chosen, 5 sent")
	require.Contains(t, out.String(), "done: 3000 chosen, 3000 sent, 0 failed, 0 died again, 0 left")
	require.Equal(t, messages, count(sent))
	require.Equal(t, messages, count(`select count(*) from dead_letters where state = 'redriven' and closed_by = 'ana'`))
	await(func() bool {
		return count(`select count(*) from webhook_notifications where topic = 'topic_of_tomorrow'`) == messages
	}, "every notification is there")

	var again output
	require.NoError(t, redrive(&again))
	require.Contains(t, again.String(), "done: 0 chosen, 0 sent, 0 failed, 0 died again, 0 left · no open dead letter is chosen")
}

// output can be read while it is written.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

func number(t *testing.T, url, query string) int {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	defer conn.Close(t.Context())
	var n int
	require.NoError(t, conn.QueryRow(t.Context(), query).Scan(&n))
	return n
}

// seedDeadLetters keeps notifications of a topic that signals no workflow as dead letters.
func seedDeadLetters(t *testing.T, url string, n int) {
	t.Helper()
	store, err := postgres.Open(t.Context(), url, 1)
	require.NoError(t, err)
	defer store.Close()
	causes := []deadletter.Cause{deadletter.CauseHandlerPanic, deadletter.CauseInvalid, deadletter.CauseUnreadable}
	var batch []deadletter.Message
	for i := range n {
		id := uuid.NewString()
		body, err := json.Marshal(mercadopago.Notification{ID: id, Topic: "topic_of_tomorrow", ReceivedAt: time.Now()})
		require.NoError(t, err)
		batch = append(batch, deadletter.Message{
			ID: deadletter.NewID(id, ""), Source: deadletter.FromWebhook, Cause: causes[i%3], Error: "no", Deaths: 1, DiedAt: time.Now(),
			Fingerprint: deadletter.NewFingerprint(deadletter.FromWebhook, causes[i%3], "no"),
			Original:    deadletter.Original{ID: id, Exchange: "onlywave.webhooks", Key: "mercadopago.topic_of_tomorrow", Body: body},
		})
	}
	_, err = store.KeepDeadLetters(t.Context(), batch)
	require.NoError(t, err)
}

// An operator sees what is dead and why, and gives it up with a reason.
func TestAnOperatorDealsWithADeadLetter(t *testing.T) {
	t.Parallel()
	url := shared.Stack.PostgresURL()
	store, err := postgres.Open(t.Context(), url, 1)
	require.NoError(t, err)
	defer store.Close()
	l := deadletter.Message{
		ID: deadletter.NewID(t.Name(), ""), Source: deadletter.FromWebhook, Cause: deadletter.CauseInvalid, Error: "the database refused",
		Fingerprint: "0123456789abcdef", Deaths: 1, DiedAt: time.Now(), Original: deadletter.Original{ID: t.Name(), Body: []byte("segredo")},
	}
	_, err = store.KeepDeadLetters(t.Context(), []deadletter.Message{l})
	require.NoError(t, err)
	environ := []string{"DATABASE_URL=" + url, "TEMPORAL_ADDRESS=" + shared.Stack.TemporalAddress(), "TEMPORAL_PAYLOAD_KEYS=" + platform.PayloadKeys}
	command := func(args ...string) (string, error) {
		var out output
		err := cli.Run(within(t), append([]string{"dead-letters"}, args...), environ, &out)
		return out.String(), err
	}
	list, err := command("list", "--fingerprint", l.Fingerprint, "--cause", "invalid", "--died-from", "2026-01-01T00:00:00Z")
	require.NoError(t, err)
	require.Contains(t, list, l.ID)
	shown, err := command("show", l.ID)
	require.NoError(t, err)
	require.Contains(t, shown, deadletter.CauseInvalid.Advice())
	require.NotContains(t, list+shown, "segredo")

	_, err = command("discard", l.ID)
	require.ErrorContains(t, err, "--actor must say who does it")
	_, err = command("redrive", "--actor", "ana", "--reason", "all")
	require.ErrorContains(t, err, "must select by ids")
	discarded, err := command("discard", l.ID, "--actor", "ana", "--reason", "a test")
	require.NoError(t, err)
	require.Regexp(t, `(?s)state +discarded.*by +ana.*reason +a test`, discarded)
	list, err = command("list", "--fingerprint", l.Fingerprint)
	require.NoError(t, err)
	require.Equal(t, 1, strings.Count(list, "\n"), fmt.Sprint("no open dead letter: ", list))
}

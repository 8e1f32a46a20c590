package cli

import (
	"bytes"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/deadletter"
	"github.com/onlywave/onlywave/internal/postgres"
	"github.com/onlywave/onlywave/test/devstack"
	"github.com/onlywave/onlywave/test/devstack/devstacktest"
)

// A redrive of one dead letter is refused as REST and the console refuse it, before anything is written to the audit.
func TestARedriveOfAnUnknownDeadLetterIsRefused(t *testing.T) {
	t.Parallel()
	url := devstacktest.Start(t, devstack.Postgres).PostgresURL()
	require.NoError(t, postgres.Migrate(t.Context(), url, slog.New(slog.DiscardHandler)))
	var out bytes.Buffer
	args := []string{"dead-letters", "redrive", deadletter.NewID("m", "q"), "--actor", "ana", "--reason", "fixed"}
	err := Run(t.Context(), args, []string{"DATABASE_URL=" + url, "TEMPORAL_ADDRESS=127.0.0.1:1", "TEMPORAL_PAYLOAD_KEYS=k1:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="}, &out)
	require.ErrorContains(t, err, "there is no dead letter with this id")
	database, err := postgres.Open(t.Context(), url, 1)
	require.NoError(t, err)
	defer database.Close()
	entries, err := database.AuditTrail(t.Context(), audit.Filter{Action: audit.RedriveStart, Limit: 1})
	require.NoError(t, err)
	require.Empty(t, entries)
}

package postgres

import (
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/payment"
)

// payment.Status.Open says which payments are open. The index of open payments must agree, or they are not found.
func TestTheIndexOfOpenPaymentsHasThemAll(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	predicate := s.text(t, `select pg_get_expr(indpred, indrelid) from pg_index where indexrelid = 'payments_open'::regclass`)
	var indexed []payment.Status
	for _, m := range regexp.MustCompile(`'(\w+)'`).FindAllStringSubmatch(predicate, -1) {
		indexed = append(indexed, payment.Status(m[1]))
	}
	require.ElementsMatch(t, payment.OpenStatuses(), indexed, predicate)

	// And the statements that look for open payments can use it.
	for name, statement := range map[string]string{
		"gauges": selectGauges, "quiet": strings.NewReplacer(
			"@after_at", "now()", "@after_id", "'"+firstID+"'", "@silent", "'1 h'", "@ended", "'1 h'", "@again", "'1 h'", "@limit", "1").Replace(quiet),
	} {
		tx, err := s.pool.Begin(t.Context())
		require.NoError(t, err)
		_, err = tx.Exec(t.Context(), `set local enable_seqscan = off`)
		require.NoError(t, err)
		rows, _ := tx.Query(t.Context(), `explain `+statement)
		plan, err := pgx.CollectRows(rows, pgx.RowTo[string])
		require.NoError(t, err, name)
		require.Contains(t, strings.Join(plan, "\n"), "payments_open", name)
		require.NoError(t, tx.Rollback(t.Context()))
	}
}

func TestWhatIsOpenIsFoundByItsStatus(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	for _, status := range payment.Statuses() {
		id := s.open(t, newPayment(string(status))).ID
		_, err := s.pool.Exec(t.Context(), `update payments set status = $2 where id = $1`, id, status)
		require.NoError(t, err)
	}
	f, err := s.Gauges(t.Context())
	require.NoError(t, err)
	quiet, err := s.Quiet(t.Context(), QuietPlan{Limit: 100})
	require.NoError(t, err)
	for status, n := range f.Payments {
		require.Equal(t, 1, n.Count, status)
		require.True(t, status.Open())
	}
	require.Len(t, f.Payments, len(payment.OpenStatuses()))
	require.Len(t, quiet, len(payment.OpenStatuses()))
}

package postgres

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/deadletter"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/postgres/postgrestest"
)

// Old rows, and rows that processes of the version before write during the rollout, get the new values.
func TestStoredValuesOfTheVersionBeforeAreRenamed(t *testing.T) {
	t.Parallel()
	url := postgrestest.At(t, 81)
	s := openStore(t, url)
	write := func(number string) {
		s.reconciled(t, number, timeAt(0))
		require.NoError(t, s.KeepFindings(t.Context(), number, append(found("stranger", "", number), found(payment.Contradiction, "", number)...)))
		l := deadLetter(len(number))
		l.Cause = "dependency-away"
		require.Equal(t, 1, s.keep(t, l))
	}
	write("1")
	require.NoError(t, Migrate(t.Context(), url, silent))
	write("22")
	require.NoError(t, s.KeepFindings(t.Context(), "22", found("stranger", "", "1", "22"))) // duplicates
	require.Len(t, s.openFindings(t, payment.OrphanPayment), 2)
	require.Len(t, s.openFindings(t, payment.Contradiction), 2)
	require.Equal(t, 2, s.number(t, `select count(*) from dead_letters where cause = $1`, deadletter.CauseDependencyUnavailable))
	require.Zero(t, s.number(t, `select count(*) from findings where kind = 'stranger'`))
}

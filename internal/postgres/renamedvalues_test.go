package postgres

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/audit"
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

// Entries of the audit from before its column door became channel keep their channel, and programs of the version before go on with door.
func TestTheAuditKeepsItsChannels(t *testing.T) {
	t.Parallel()
	url := postgrestest.At(t, 170)
	s := openStore(t, url)
	insert := func(door string) {
		_, err := s.pool.Exec(t.Context(), `
insert into audit (id, actor, door, origin, action, object, reason, before, after)
values (gen_random_uuid(), 'ana', $1, '', 'key.create', 'api_key/1', '', '{}', '{}')`, door)
		require.NoError(t, err)
	}
	insert("console")
	require.NoError(t, Migrate(t.Context(), url, silent))
	insert("rest")
	require.NoError(t, s.Audit(t.Context(), audit.Entry{Actor: audit.Actor{Name: "ana", Channel: audit.CommandLine}, Action: audit.KeyRevoke, Object: "api_key/1"}))
	list, err := s.AuditTrail(t.Context(), audit.Filter{Limit: 10})
	require.NoError(t, err)
	channels := []audit.Channel{}
	for _, e := range list {
		channels = append(channels, e.Actor.Channel)
	}
	require.Equal(t, []audit.Channel{audit.CommandLine, audit.REST, audit.Console}, channels)
	require.Equal(t, 3, s.number(t, `select count(*) from audit where door = channel`))
	_, err = s.pool.Exec(t.Context(), `update audit set actor = 'bia'`)
	require.ErrorContains(t, err, "neither changed nor removed")
}

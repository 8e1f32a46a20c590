package postgres

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/access"
	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/metrics/metricstest"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/test/devstack"
	"github.com/onlywave/onlywave/test/devstack/devstacktest"
)

// newPair is a primary and its replica of the test's own, and a Store that follows the replica.
func newPair(t *testing.T, maxAge time.Duration) (*devstack.Stack, *Store) {
	t.Helper()
	stack := devstacktest.Start(t, devstack.Postgres, devstack.PostgresReplica)
	require.NoError(t, Migrate(t.Context(), stack.PostgresURL(), silent))
	s := openStore(t, stack.PostgresURL())
	require.NoError(t, s.Follow(t.Context(), stack.PostgresReplicaURL(), 4, maxAge))
	_, err := s.IssueAPIKey(t.Context(), audit.Actor{Name: "test"}, access.KeyRequest{Environment: "test", ClientID: "shop", Scopes: access.Scopes()}, timeAt(0))
	require.NoError(t, err)
	return stack, s
}

var everything = payment.Filter{ClientID: "shop", Limit: 100}

// listed is a list of all. Only what comes from the replica has an age.
func (s *Store) listed(t require.TestingT) (keys string, age time.Duration) {
	list, age, err := s.Payments(context.Background(), everything)
	require.NoError(t, err)
	return keysOf(list), age
}

// A new payment is found by its id at once. A list may not have it yet, and then its age says so.
func TestListsComeFromTheReplicaAndSayHowOldTheyAre(t *testing.T) {
	t.Parallel()
	stack, s := newPair(t, time.Hour)
	require.Equal(t, "a", s.open(t, newPayment("a")).IdempotencyKey)
	require.Eventually(t, func() bool {
		keys, age := s.listed(t)
		return keys == "a" && age > 0
	}, testTimeout, 10*time.Millisecond)

	require.NoError(t, stack.DelayReplica(t.Context(), time.Hour))
	later := newPayment("b")
	later.CreatedAt = timeAt(1)
	s.open(t, later)
	acknowledged := time.Now()
	looks := s.replica.newest()
	require.Eventually(t, func() bool { return s.replica.newest() != looks }, testTimeout, 10*time.Millisecond, "the primary is ahead")
	for range 3 {
		require.Equal(t, later.ID, s.read(t, later.ID).ID)
		elapsed := time.Since(acknowledged)
		keys, age := s.listed(t)
		require.Equal(t, "a", keys)
		require.Greater(t, age, elapsed)
	}
	require.Regexp(t, `onlywave_postgres_lists_total\{server="replica"\} [1-9]`, metricstest.Text(t, s.Collectors()...))
	require.Regexp(t, `onlywave_postgres_replica_age_seconds \d`, metricstest.Text(t, s.Collectors()...))
	require.Contains(t, metricstest.Text(t, s.Collectors()...), `onlywave_postgres_connections_max{server="replica"} 4`)

	require.NoError(t, stack.DelayReplica(t.Context(), 0))
	require.Eventually(t, func() bool {
		keys, age := s.listed(t)
		return keys == "ba" && age > 0
	}, testTimeout, 10*time.Millisecond)
}

// newest is when the primary was last asked for its position.
func (r *replica) newest() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.marks) == 0 {
		return time.Time{}
	}
	return r.marks[len(r.marks)-1].at
}

func TestListsComeFromThePrimaryWhileTheReplicaIsTooOld(t *testing.T) {
	t.Parallel()
	stack, s := newPair(t, 3*time.Second)
	replicaServes := func() bool {
		_, age := s.listed(t)
		return age > 0
	}
	require.Eventually(t, replicaServes, testTimeout, 10*time.Millisecond)
	require.NoError(t, stack.DelayReplica(t.Context(), time.Hour))
	s.open(t, newPayment("a"))
	require.Eventually(t, func() bool {
		keys, age := s.listed(t)
		require.LessOrEqual(t, age, 3*time.Second)
		return keys == "a" && age == 0
	}, testTimeout, 10*time.Millisecond)
	for range 10 {
		keys, age := s.listed(t)
		require.Equal(t, "a", keys)
		require.Zero(t, age)
	}
	require.NoError(t, stack.DelayReplica(t.Context(), 0))
	require.Eventually(t, replicaServes, testTimeout, 10*time.Millisecond)
}

// A replica that is killed or hangs delays a list by replicaTimeout at most.
func TestAnUnavailableReplicaCostsNothing(t *testing.T) {
	t.Parallel()
	stack, s := newPair(t, time.Hour)
	s.open(t, newPayment("a"))
	served := func() bool {
		keys, age := s.listed(t)
		return keys == "a" && age > 0
	}
	for name, harm := range devstacktest.Harms() {
		require.Eventually(t, served, testTimeout, 10*time.Millisecond, name)
		harm.Do(t, stack.Process(devstack.PostgresReplica))
		for range 5 {
			keys, _ := s.listed(t)
			require.Equal(t, "a", keys, name)
		}
		harm.Heal(t, stack.Process(devstack.PostgresReplica))
		require.Eventually(t, served, testTimeout, 10*time.Millisecond, name)
	}
}

// Without a primary an old list is better than none, as long as it says how old it is.
func TestWithoutAPrimaryListsAreOld(t *testing.T) {
	t.Parallel()
	stack, s := newPair(t, time.Nanosecond)
	s.open(t, newPayment("a"))
	require.Eventually(t, func() bool {
		age, known := s.replica.age()
		keys, fromPrimary := s.listed(t)
		return known && age < time.Minute && keys == "a" && fromPrimary == 0
	}, testTimeout, 10*time.Millisecond)
	require.NoError(t, stack.Process(devstack.Postgres).Kill())
	killed := time.Now()
	elapsed := time.Since(killed)
	keys, age := s.listed(t)
	require.Equal(t, "a", keys)
	require.Greater(t, age, elapsed)
	_, err := s.Payment(t.Context(), newPayment("a").ID)
	require.Equal(t, failure.Unavailable, failure.KindOf(err))
}

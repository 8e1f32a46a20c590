package postgres

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/test/devstack"
	"github.com/onlywave/onlywave/test/devstack/devstacktest"
)

// writers open payments, one after the other and each until it is acknowledged, as activities of workflows do.
type writers struct {
	t     *testing.T
	store *Store
	done  chan struct{}
	all   sync.WaitGroup

	mu           sync.Mutex
	acknowledged []string // ids
}

func startWriters(t *testing.T, s *Store, n int) *writers {
	w := &writers{t: t, store: s, done: make(chan struct{})}
	for i := range n {
		w.all.Go(func() { w.write(i) })
	}
	return w
}

func (w *writers) write(writer int) {
	for i := 0; ; i++ {
		p := newPayment(fmt.Sprintf("%d-%d", writer, i))
		for {
			select {
			case <-w.done:
				return
			default:
			}
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
			_, _, err := w.store.OpenPayment(ctx, p)
			cancel()
			if err == nil {
				break
			}
			if failure.KindOf(err) != failure.Unavailable {
				w.t.Errorf("open payment: %v", err)
				return
			}
		}
		w.mu.Lock()
		w.acknowledged = append(w.acknowledged, p.ID)
		w.mu.Unlock()
	}
}

func (w *writers) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.acknowledged)
}

// goOn waits until more is acknowledged.
func (w *writers) goOn() {
	w.t.Helper()
	before := w.count()
	require.Eventually(w.t, func() bool { return w.count() > before+20 }, testTimeout, 5*time.Millisecond)
}

func (w *writers) stop() []string {
	close(w.done)
	w.all.Wait()
	return w.acknowledged
}

// The primary is killed at the worst time, with the replica behind; the replica is promoted; the old primary comes back.
// The writers go on by themselves, and nothing that was acknowledged is lost.
func TestAPromotionLosesNothingThatWasAcknowledged(t *testing.T) {
	t.Parallel()
	stack, s := newPair(t, time.Hour)
	primary, replica := stack.Process(devstack.Postgres), stack.Process(devstack.PostgresReplica)
	w := startWriters(t, s, 4)
	w.goOn()

	require.NoError(t, replica.Pause())
	require.Eventually(t, func() bool {
		return s.number(t, `select count(*) from pg_stat_activity where wait_event = 'SyncRep'`) > 0
	}, testTimeout, 10*time.Millisecond, "a writer waits for the replica")
	require.NoError(t, primary.Kill())
	require.NoError(t, replica.Resume())
	require.NoError(t, stack.Promote(t.Context()))
	w.goOn()
	require.Eventually(t, func() bool {
		_, age := s.listed(t)
		return age == 0 && !s.replica.fresh()
	}, testTimeout, 10*time.Millisecond, "there is no replica now")
	require.NoError(t, primary.Restart(t.Context()))
	w.goOn()

	acknowledged := w.stop()
	require.Equal(t, len(acknowledged), s.number(t, `select count(*) from payments where id = any($1)`, acknowledged))
	require.Equal(t, 0, s.number(t, `select pg_is_in_recovery()::int`))
	require.Eventually(t, func() bool {
		_, age := s.listed(t)
		return age > 0
	}, testTimeout, 10*time.Millisecond, "lists come from the old primary")
}

// A call that gives up while it waits for the replica leaves its payment on the primary. The next call must wait for the replica too.
func TestAnOpenedPaymentIsAcknowledgedWhenTheReplicaHasIt(t *testing.T) {
	t.Parallel()
	stack, s := newPair(t, time.Hour)
	replica := stack.Process(devstack.PostgresReplica)
	require.NoError(t, replica.Pause())
	p := newPayment("alone")
	for range 2 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		_, _, err := s.OpenPayment(ctx, p)
		cancel()
		require.Equal(t, failure.Unavailable, failure.KindOf(err))
		require.Eventually(t, func() bool {
			return s.number(t, `select count(*) from payments where id = $1`, p.ID) == 1
		}, testTimeout, 10*time.Millisecond, "the primary has it")
	}
	require.NoError(t, replica.Resume())
	require.Equal(t, 1, s.open(t, p).Version)
}

// The same of notifications, whose messages are gone from the queue once they are acknowledged.
func TestANotificationIsAcknowledgedWhenTheReplicaHasIt(t *testing.T) {
	t.Parallel()
	stack, s := newPair(t, time.Hour)
	replica := stack.Process(devstack.PostgresReplica)
	require.NoError(t, replica.Pause())
	batch := []Notification{{ID: "alone", Whole: []byte(`{}`), ReceivedAt: timeAt(0)}}
	for range 2 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		err := s.Archive(ctx, batch)
		cancel()
		require.Equal(t, failure.Unavailable, failure.KindOf(err))
		require.Eventually(t, func() bool {
			return s.number(t, `select count(*) from webhook_notifications`) == 1
		}, testTimeout, 10*time.Millisecond, "the primary has it")
	}
	require.NoError(t, replica.Resume())
	require.NoError(t, s.Archive(t.Context(), batch))
}

// After a promotion the address names the old primary first, which takes no writes.
func TestTheSchemaIsBroughtUpToDateWhereWritesAreTaken(t *testing.T) {
	t.Parallel()
	stack := devstacktest.Start(t, devstack.Postgres, devstack.PostgresReplica)
	pair, err := pgx.ParseConfig(stack.PostgresURL())
	require.NoError(t, err)
	primary, replica := pair.Port, pair.Fallbacks[0].Port
	url := fmt.Sprintf("postgres://%s@127.0.0.1:%d,127.0.0.1:%d/%s?sslmode=disable", pair.User, replica, primary, pair.Database)
	require.NoError(t, Migrate(t.Context(), url, silent))
}

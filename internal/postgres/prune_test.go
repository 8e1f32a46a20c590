package postgres

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/payment"
)

const day = 24 * time.Hour

// year keeps for a year what is not kept for ever.
var year = payment.Retention{Notifications: 365 * day, DeadLetters: 365 * day, Reconciliation: 365 * day, Emails: 365 * day}

// aged is a database with old and new rows of every kind.
func aged(t *testing.T, now time.Time) *Store {
	t.Helper()
	s := newStore(t)
	old, young := now.AddDate(-2, 0, 0), now.AddDate(0, -2, 0)

	_, err := s.MakePartitions(t.Context(), old, old.AddDate(0, 1, 0))
	require.NoError(t, err)
	barely := now.Add(-year.Notifications + time.Second) // in a month of which most is old
	_, err = s.MakePartitions(t.Context(), barely, barely)
	require.NoError(t, err)
	require.NoError(t, s.Archive(t.Context(), []Notification{
		received("barely young", barely), received("old", old), received("old, too", old.AddDate(0, 1, 0)), received("strayed", old.AddDate(0, 3, 0)),
		received("young", young), received("now", now),
	}))

	s.keep(t, deadLetter(1), deadLetter(2), deadLetter(3), deadLetter(4))
	close := func(number int, at time.Time) {
		_, err := s.pool.Exec(t.Context(), `update dead_letters set state = 'discarded', closed_at = $2 where id = $1`, deadLetter(number).ID, at)
		require.NoError(t, err)
	}
	close(1, old)
	close(2, young)
	close(3, old)
	_, err = s.pool.Exec(t.Context(), `insert into redrives (redrive_id, letter_id, actor, reason, at, outcome) values
		(gen_random_uuid(), $1, 'ana', 'mended', $3, 'sent'), (gen_random_uuid(), $2, 'ana', 'mended', $4, 'sent')`,
		deadLetter(1).ID, deadLetter(3).ID, old, young)
	require.NoError(t, err)

	for i, at := range []time.Time{old, old.Add(time.Hour), young} {
		run := s.reconciled(t, fmt.Sprint("run-", i), at)
		require.NoError(t, s.KeepFindings(t.Context(), run.ID, []payment.Finding{
			{Kind: payment.Difference, ProviderPaymentID: fmt.Sprint(i), ProviderUpdatedAt: at, FoundAt: at},
			{Kind: payment.MissedWebhook, ProviderPaymentID: fmt.Sprint(i), ProviderUpdatedAt: at, FoundAt: at},
		}))
	}
	_, err = s.pool.Exec(t.Context(), `update findings set resolved_at = found_at where kind = 'difference'`)
	require.NoError(t, err)
	require.NoError(t, s.KeepFindings(t.Context(), "run-1", []payment.Finding{
		{Kind: payment.OrphanPayment, ProviderPaymentID: "unknown", ProviderUpdatedAt: old, FoundAt: old},
	}))

	asked := s.open(t, newPayment("asked"))
	s.apply(t, asked.ID, answer(asked.ID, payment.Approved, 10))
	quiet := s.open(t, newPayment("quiet")).ID
	_, err = s.pool.Exec(t.Context(), `insert into nudges values ($1, $2), ($3, $4)`, asked.ID, old, quiet, young)
	require.NoError(t, err)
	refunded := s.open(t, newPayment("refunded")).ID
	_, err = s.pool.Exec(t.Context(), `update payments set created_at = $1, updated_at = $1`, old)
	require.NoError(t, err)
	_, err = s.pool.Exec(t.Context(), `update payments set updated_at = $2 where id = $1`, refunded, young)
	require.NoError(t, err)
	s.emailed(t, asked.ID, "old", old)
	s.emailed(t, asked.ID, "barely old", now.Add(-year.Emails-time.Hour))
	s.emailed(t, asked.ID, "young", young)
	s.emailed(t, refunded, "of one that has changed since", old)
	s.emailed(t, payment.NewID("shop", "never written"), "alert", old)
	return s
}

// emailed keeps an e-mail that was sent then.
func (s *Store) emailed(t *testing.T, paymentID, name string, at time.Time) {
	t.Helper()
	require.NoError(t, s.KeepEmail(t.Context(), payment.Email{
		ID: payment.NewEmailID(name), Notice: payment.Receipt, PaymentID: paymentID, Outcome: payment.EmailSent, At: at,
	}))
}

// prune removes all there is to remove.
func (s *Store) prune(t *testing.T, r payment.Retention, now time.Time, batch int) (all payment.Pruned) {
	t.Helper()
	for more := true; more; {
		var pruned payment.Pruned
		var err error
		pruned, more, err = s.Prune(t.Context(), r, now, batch)
		require.NoError(t, err)
		all.Add(pruned)
	}
	return all
}

func TestWhatIsOldGoesAndMoneyStays(t *testing.T) {
	t.Parallel()
	now := time.Now()
	const money = `select md5(coalesce((select string_agg(p::text, '' order by p::text) from payments p), '')
		|| coalesce((select string_agg(o::text, '' order by o::text) from operations o), '')
		|| coalesce((select string_agg(e::text, '' order by e::text) from payment_events e), ''))`
	for _, batch := range []int{1, 1000} {
		s := aged(t, now)
		before := s.text(t, money)
		want := payment.Pruned{Partitions: 2, Notifications: 1, DeadLetters: 1, Findings: 4, Runs: 1, Signals: 1, Emails: 3}
		prunable, err := s.Prunable(t.Context(), year, now)
		require.NoError(t, err)
		require.Equal(t, want, prunable)
		require.Equal(t, want, s.prune(t, year, now, batch))

		require.Equal(t, 1, s.number(t, `select count(*) from webhook_notifications where id = 'young'`))
		require.Equal(t, 1, s.number(t, `select count(*) from webhook_notifications where id = 'now'`))
		require.Equal(t, 1, s.number(t, `select count(*) from webhook_notifications where id = 'barely young'`))
		require.Equal(t, 3, s.number(t, `select count(*) from webhook_notifications`))
		require.NotContains(t, s.partitions(t), partitionOf(now.AddDate(-2, 0, 0)))
		for _, number := range []int{2, 3, 4} { // closed of late, redriven of late, open
			s.deadLetter(t, deadLetter(number).ID)
		}
		require.Equal(t, 1, s.number(t, `select count(*) from redrives`))
		require.Equal(t, 2, s.number(t, `select count(*) from findings where reconciliation_id = 'run-2'`))
		require.Equal(t, 1, s.number(t, `select count(*) from findings where kind = 'orphan_payment'`), "no operator has closed it yet")
		require.Equal(t, 2, s.number(t, `select count(*) from reconciliations where id in ('run-1', 'run-2')`), "the one with the orphan payment, and the newest")
		for name, kept := range map[string]int{"old": 0, "barely old": 0, "alert": 0, "young": 1, "of one that has changed since": 1} {
			require.Equal(t, kept, s.number(t, `select count(*) from emails where id = $1`, payment.NewEmailID(name)), name)
		}
		require.Equal(t, before, s.text(t, money))

		require.Equal(t, payment.Pruned{}, s.prune(t, year, now, batch), "a second time there is nothing")
		prunable, err = s.Prunable(t.Context(), year, now)
		require.NoError(t, err)
		require.Equal(t, payment.Pruned{}, prunable)
		require.Equal(t, before, s.text(t, money))
	}
}

func TestWithoutARetentionEverythingStays(t *testing.T) {
	t.Parallel()
	now := time.Now()
	s := aged(t, now)
	require.Equal(t, payment.Pruned{}, s.prune(t, payment.Retention{}, now.AddDate(100, 0, 0), 1000))
	require.Equal(t, 6, s.number(t, `select count(*) from webhook_notifications`))
	require.Equal(t, 4, s.number(t, `select count(*) from dead_letters`))
	require.Equal(t, 5, s.number(t, `select count(*) from emails`))
}

// Everything is old, as after a year's standstill: where reconciliation goes on is not forgotten.
func TestWhereReconciliationGoesOnIsKept(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	first, last := s.reconciled(t, "first", timeAt(0)), s.reconciled(t, "last", timeAt(0).Add(time.Hour))
	require.NotEqual(t, first.To, last.To)
	now := timeAt(0).AddDate(3, 0, 0)
	require.Equal(t, payment.Pruned{Partitions: len(s.partitions(t)), Runs: 1}, s.prune(t, year, now, 10))
	run, err := s.BeginReconciliation(t.Context(), plan("next", now))
	require.NoError(t, err)
	require.Equal(t, last.To.Add(-10*time.Minute), run.From)
}

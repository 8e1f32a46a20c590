package postgres

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
)

func plan(id string, now time.Time) BeginPlan {
	return BeginPlan{
		ID: id, Now: now, Grace: 2 * time.Minute, Overlap: 10 * time.Minute,
		Deep: 48 * time.Hour, DeepEvery: 24 * time.Hour, Longest: 24 * time.Hour,
	}
}

// reconciled is a run over its whole window.
func (s *Store) reconciled(t *testing.T, id string, now time.Time) payment.Reconciliation {
	t.Helper()
	run, err := s.BeginReconciliation(t.Context(), plan(id, now))
	require.NoError(t, err)
	_, err = s.FinishReconciliation(t.Context(), id, payment.ReconciliationCounts{}, now)
	require.NoError(t, err)
	return run
}

func TestWindowsGoOnWhereTheLastCompleteRunEnded(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	now := timeAt(0)
	window := func(run payment.Reconciliation, from, to time.Time) {
		t.Helper()
		require.Equal(t, from, run.From)
		require.Equal(t, to, run.To)
	}
	to := func(now time.Time) time.Time { return now.Add(-2 * time.Minute) }

	window(s.reconciled(t, "first", now), to(now).Add(-48*time.Hour), to(now))

	next := now.Add(5 * time.Minute)
	window(s.reconciled(t, "next", next), to(now).Add(-10*time.Minute), to(next))
	again, err := s.BeginReconciliation(t.Context(), plan("next", next.Add(time.Hour)))
	require.NoError(t, err)
	window(again, to(now).Add(-10*time.Minute), to(next))

	broken, err := s.BeginReconciliation(t.Context(), plan("broken off", next.Add(5*time.Minute)))
	require.NoError(t, err)
	window(broken, to(next).Add(-10*time.Minute), to(next.Add(5*time.Minute)))
	outage := next.Add(20 * time.Hour)
	window(s.reconciled(t, "after an outage", outage), to(next).Add(-10*time.Minute), to(outage))

	daily := now.Add(24*time.Hour + time.Minute)
	window(s.reconciled(t, "once a day", daily), to(daily).Add(-48*time.Hour), to(daily))
	after := daily.Add(5 * time.Minute)
	window(s.reconciled(t, "after it", after), to(daily).Add(-10*time.Minute), to(after))

	long := after.Add(100 * time.Hour)
	first := s.reconciled(t, "after a long outage", long)
	window(first, to(after).Add(-10*time.Minute), to(after).Add(-10*time.Minute).Add(24*time.Hour))
	second := s.reconciled(t, "catching up", long)
	require.Equal(t, first.To.Add(-10*time.Minute), second.From, "nothing is left out, and nothing is deep until it has caught up")

	runs, err := s.Reconciliations(t.Context(), 3)
	require.NoError(t, err)
	require.Len(t, runs, 3)
	require.Equal(t, "once a day", func() string { r, _ := s.Reconciliations(t.Context(), 4); return r[3].ID }())
}

// A worker with a clock that is 20 hours ahead has had a run. The future was not compared: the others go on where the last run ended.
func TestAClockThatIsAheadSkipsNothing(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	now := time.Now()
	first := s.reconciled(t, "in time", now.Add(-10*time.Minute))
	ahead, err := s.BeginReconciliation(t.Context(), plan("ahead", now.Add(20*time.Hour)))
	require.NoError(t, err)
	require.WithinDuration(t, now, ahead.To, time.Minute, "no window ends in the future")
	_, err = s.pool.Exec(t.Context(), `update reconciliations set window_to = started_at where id = 'ahead'`) // as it was written once
	require.NoError(t, err)
	_, err = s.FinishReconciliation(t.Context(), "ahead", payment.ReconciliationCounts{}, now.Add(20*time.Hour))
	require.NoError(t, err)

	f, err := s.Gauges(t.Context())
	require.NoError(t, err)
	require.WithinDuration(t, first.To, time.Now().Add(-f.Since), time.Minute)
	next := s.reconciled(t, "next", now)
	require.Equal(t, first.To.Add(-10*time.Minute), next.From)
	require.WithinDuration(t, now.Add(-2*time.Minute), next.To, time.Minute)
}

// found are findings of one run about payments of the provider's.
func found(kind payment.FindingKind, detail string, providerPaymentIDs ...string) []payment.Finding {
	var list []payment.Finding
	for _, id := range providerPaymentIDs {
		list = append(list, payment.Finding{Kind: kind, ProviderPaymentID: id, ProviderUpdatedAt: timeAt(0), Detail: detail, FoundAt: timeAt(200)})
	}
	return list
}

func (s *Store) openFindings(t *testing.T, kind payment.FindingKind) []payment.Finding {
	t.Helper()
	list, err := s.Findings(t.Context(), payment.FindingFilter{Kind: kind, Limit: 100})
	require.NoError(t, err)
	return list
}

func TestWhatIsFoundIsKeptOnceHoweverManyRunsFindIt(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	s.reconciled(t, "a", timeAt(300))
	s.reconciled(t, "b", timeAt(301))
	all := append(found(payment.OrphanPayment, "who?", "1", "2"), found(payment.MissedWebhook, MissedChange, "1", "3")...)
	sideBySide(t, 8, func(i int) error { return s.KeepFindings(t.Context(), []string{"a", "b"}[i%2], all) })
	require.Len(t, s.openFindings(t, ""), 4)

	// A later change is another missed notification, and the same orphan payment.
	later := append(found(payment.OrphanPayment, "who?", "1"), found(payment.MissedWebhook, MissedChange, "1")...)
	for i := range later {
		later[i].ProviderUpdatedAt = timeAt(60)
	}
	require.NoError(t, s.KeepFindings(t.Context(), "b", later))
	require.Len(t, s.openFindings(t, payment.OrphanPayment), 2)
	require.Len(t, s.openFindings(t, payment.MissedWebhook), 3)

	// Once it is cleared it may be found again.
	require.NoError(t, s.ClearFindings(t.Context(), []string{"1"}, timeAt(400)))
	require.Len(t, s.openFindings(t, payment.OrphanPayment), 1)
	require.Len(t, s.openFindings(t, payment.MissedWebhook), 3)
	require.NoError(t, s.KeepFindings(t.Context(), "b", later))
	require.Len(t, s.openFindings(t, payment.OrphanPayment), 2)

	totals, err := s.FindingTotals(t.Context())
	require.NoError(t, err)
	require.Equal(t, []payment.FindingTotal{{Kind: payment.MissedWebhook, All: 3, Open: 3}, {Kind: payment.OrphanPayment, All: 3, Open: 2}}, totals)

	a, err := s.FinishReconciliation(t.Context(), "a", payment.ReconciliationCounts{Seen: 7}, timeAt(500))
	require.NoError(t, err)
	b, err := s.FinishReconciliation(t.Context(), "b", payment.ReconciliationCounts{}, timeAt(500))
	require.NoError(t, err)
	require.Equal(t, 7, a.Seen)
	require.Equal(t, 3, a.OrphanPayments+b.OrphanPayments, "each is counted by the run that found it first")
	require.Equal(t, 3, a.Missed+b.Missed)
}

func TestOpenFindingsArePaged(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	s.reconciled(t, "a", timeAt(300))
	require.NoError(t, s.KeepFindings(t.Context(), "a", found(payment.OrphanPayment, "who?", "1", "2", "3", "4", "5")))
	var ids []string
	before := int64(0)
	for range 3 {
		page, err := s.Findings(t.Context(), payment.FindingFilter{Before: before, Limit: 2})
		require.NoError(t, err)
		for _, f := range page {
			ids, before = append(ids, f.ProviderPaymentID), f.ID
		}
	}
	require.Equal(t, []string{"5", "4", "3", "2", "1"}, ids)
}

func TestANotificationIsAboutChangesBeforeIt(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	notified := func(id, resource, action string, at time.Time) {
		n := notification(id)
		n.ResourceID, n.Action, n.ReceivedAt = resource, action, at
		require.NoError(t, s.Archive(t.Context(), []Notification{n}))
	}
	notified("1", "updated", "payment.updated", timeAt(1))
	notified("2", "early, by our clock", "payment.updated", timeAt(0).Add(-notificationSkew))
	notified("3", "too early", "payment.updated", timeAt(0).Add(-notificationSkew-time.Microsecond))
	notified("4", "created only", "payment.created", timeAt(1))
	notified("5", "later", "payment.updated", timeAt(3600))
	other := notification("6")
	other.Topic, other.ResourceID, other.ReceivedAt = "merchant_order", "another topic", timeAt(1)
	require.NoError(t, s.Archive(t.Context(), []Notification{other}))

	names := []string{"updated", "early, by our clock", "too early", "created only", "later", "another topic", "never"}
	missed, err := s.Unheard(t.Context(), found(payment.MissedWebhook, MissedChange, names...))
	require.NoError(t, err)
	require.Equal(t, found(payment.MissedWebhook, MissedChange, "too early", "created only", "another topic", "never"), missed)
	missed, err = s.Unheard(t.Context(), found(payment.MissedWebhook, MissedCreation, names...))
	require.NoError(t, err)
	require.Equal(t, found(payment.MissedWebhook, MissedCreation, "too early", "another topic", "never"), missed)
	missed, err = s.Unheard(t.Context(), nil)
	require.NoError(t, err)
	require.Empty(t, missed)
}

// The provider's dates have whole seconds: a payment may be behind within one, and is until it has moved.
func TestADifferenceOfTheSameTimeStaysUntilThePaymentHasMoved(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	s.reconciled(t, "a", timeAt(300))
	behind, even := s.open(t, newPayment("behind")).ID, s.open(t, newPayment("even")).ID
	var all []payment.Finding
	for id, status := range map[string]payment.Status{behind: payment.Pending, even: payment.Approved} {
		s.apply(t, id, answer(id, status, 10))
		f := found(payment.Difference, "the provider says approved", "mp-"+id)[0]
		f.PaymentID, f.ProviderUpdatedAt, f.ProviderStatus = id, timeAt(10), payment.Approved
		all = append(all, f)
	}
	require.NoError(t, s.KeepFindings(t.Context(), "a", all))
	f, err := s.Gauges(t.Context())
	require.NoError(t, err)
	require.Equal(t, 1, f.Behind.Count)
	require.NoError(t, s.SettleFindings(t.Context(), timeAt(201)))
	open := s.openFindings(t, payment.Difference)
	require.Len(t, open, 1)
	require.Equal(t, behind, open[0].PaymentID)
	_, err = s.ApplyLook(t.Context(), behind, answer(behind, payment.Approved, 10), timeAt(202))
	require.NoError(t, err)
	require.NoError(t, s.SettleFindings(t.Context(), timeAt(203)))
	require.Empty(t, s.openFindings(t, payment.Difference))
}

func TestWhatWasFoundIsSettledLater(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	s.reconciled(t, "a", timeAt(200))
	require.NoError(t, s.KeepFindings(t.Context(), "a", found(payment.MissedWebhook, MissedChange, "late", "archived late", "lost")))
	p := newPayment("behind")
	s.open(t, p)
	behind := found(payment.Difference, "", "7")
	behind[0].PaymentID = p.ID
	require.NoError(t, s.KeepFindings(t.Context(), "a", behind))

	require.NoError(t, s.SettleFindings(t.Context(), timeAt(201)))
	require.Len(t, s.openFindings(t, ""), 4)

	late, archivedLate := notification("late"), notification("archived late")
	late.ResourceID, late.ReceivedAt = "late", timeAt(900)
	archivedLate.ResourceID, archivedLate.ReceivedAt = "archived late", timeAt(1)
	require.NoError(t, s.Archive(t.Context(), []Notification{late, archivedLate}))
	_, err := s.Apply(t.Context(), p.ID, payment.ProviderState{PaymentID: "7", Status: payment.Approved, Money: p.Amount, UpdatedAt: timeAt(0)}, timeAt(901))
	require.NoError(t, err)
	for range 2 {
		require.NoError(t, s.SettleFindings(t.Context(), timeAt(902)))
		require.Equal(t, "lost", s.openFindings(t, "")[0].ProviderPaymentID)
		require.Len(t, s.openFindings(t, ""), 1)
		require.Equal(t, 1, s.number(t, `select count(*) from findings where provider_payment_id = 'late' and resolved_at = $1`, timeAt(900)))
		require.Equal(t, 0, s.number(t, `select count(*) from findings where provider_payment_id = 'archived late'`), "it was never missed")
		require.Equal(t, 1, s.number(t, `select count(*) from findings where kind = 'difference' and resolved_at = $1`, timeAt(902)))
	}
}

func TestFindingsAreAlertedOnce(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	s.reconciled(t, "a", timeAt(300))
	for _, kind := range payment.FindingKinds() {
		require.NoError(t, s.KeepFindings(t.Context(), "a", found(kind, "", "1")))
	}
	waiting, err := s.Unalerted(t.Context(), time.Minute, 10)
	require.NoError(t, err)
	var ids []int64
	for _, f := range waiting {
		require.Contains(t, []payment.FindingKind{payment.Contradiction, payment.OrphanPayment, payment.Unreadable}, f.Kind)
		ids = append(ids, f.ID)
	}
	require.Len(t, ids, 3)
	require.NoError(t, s.Alerted(t.Context(), ids, timeAt(301)))
	waiting, err = s.Unalerted(t.Context(), time.Minute, 10)
	require.NoError(t, err)
	require.Empty(t, waiting)
}

func TestADifferenceIsAlertedWhenTheLookDoesNotHelp(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	s.reconciled(t, "a", timeAt(300))
	id := s.open(t, newPayment("behind")).ID
	difference := found(payment.Difference, "", "7")
	difference[0].PaymentID, difference[0].FoundAt = id, time.Now().Add(-15*time.Minute)
	require.NoError(t, s.KeepFindings(t.Context(), "a", difference))
	waiting := func(age time.Duration) (ids []string) {
		list, err := s.Unalerted(t.Context(), age, 10)
		require.NoError(t, err)
		for _, f := range list {
			ids = append(ids, f.PaymentID)
		}
		return ids
	}
	require.Empty(t, waiting(16*time.Minute))
	require.Equal(t, []string{id}, waiting(14*time.Minute))
	_, err := s.Apply(t.Context(), id, payment.ProviderState{PaymentID: "7", Status: payment.Approved, Money: newPayment("behind").Amount, UpdatedAt: timeAt(0)}, timeAt(901))
	require.NoError(t, err)
	require.Empty(t, waiting(14*time.Minute), "it has caught up, settled or not")
}

func TestAFindingThatAPersonHasClosedStaysClosed(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	s.reconciled(t, "a", timeAt(300))
	keep := func(kind payment.FindingKind, status payment.Status, second int) {
		t.Helper()
		f := found(kind, "what it says", "7")
		f[0].ProviderStatus, f[0].ProviderUpdatedAt = status, timeAt(second)
		require.NoError(t, s.KeepFindings(t.Context(), "a", f))
	}
	for _, kind := range payment.FindingKinds() {
		status := payment.Pending
		if kind == payment.Unreadable {
			status = ""
		}
		keep(kind, status, 0)
		f := s.openFindings(t, kind)[0]
		for range 2 { // doing it again changes nothing
			closed, err := s.CloseFinding(t.Context(), audit.Actor{Name: "ana"}, f.ID, "made in the panel")
			require.NoError(t, err)
			require.Equal(t, []string{"ana", "made in the panel"}, []string{closed.ClosedBy, closed.ClosedReason})
			require.WithinDuration(t, time.Now(), closed.ResolvedAt, testTimeout)
		}
		_, err := s.CloseFinding(t.Context(), audit.Actor{Name: "bia"}, f.ID, "another word")
		require.Equal(t, failure.Conflict, failure.KindOf(err))
		require.ErrorContains(t, err, "by ana")
		keep(kind, status, 0)
		require.Empty(t, s.openFindings(t, kind), "as it was then it is not found again")
	}
	keep(payment.OrphanPayment, payment.Pending, 60)
	keep(payment.Contradiction, payment.Pending, 60)
	require.Empty(t, s.openFindings(t, payment.OrphanPayment), "its status is the same")
	require.Empty(t, s.openFindings(t, payment.Contradiction))
	keep(payment.Contradiction, payment.Approved, 120)
	require.Len(t, s.openFindings(t, payment.Contradiction), 1, "money has come: a person must know")
	keep(payment.Unreadable, "", 60)
	require.Len(t, s.openFindings(t, payment.Unreadable), 1, "what cannot be read may say anything")

	require.NoError(t, s.ClearFindings(t.Context(), []string{"7"}, timeAt(400)))
	_, err := s.CloseFinding(t.Context(), audit.Actor{Name: "ana"}, int64(s.number(t, `select max(id) from findings where kind = 'contradiction'`)), "late")
	require.Equal(t, failure.Conflict, failure.KindOf(err))
	_, err = s.CloseFinding(t.Context(), audit.Actor{Name: "ana"}, 987654321, "none")
	require.Equal(t, failure.NotFound, failure.KindOf(err))
}

package postgres

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/deadletter"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
)

// What belongs to a payment is read, and nothing of another.
func TestWhatBelongsToAPaymentIsRead(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	p, other := s.open(t, newPayment("a")).ID, s.open(t, newPayment("b")).ID

	news := notification("n1")
	older := notification("n0")
	older.ReceivedAt = timeAt(0).Add(-time.Minute)
	foreign := notification("n2")
	foreign.ResourceID = "7"
	require.NoError(t, s.Archive(t.Context(), []Notification{news, older, foreign}))
	notes, err := s.Notifications(t.Context(), news.ResourceID, 10)
	require.NoError(t, err)
	require.Equal(t, []Archived{{"n1", "payment", "payment.updated", news.ReceivedAt}, {"n0", "payment", "payment.updated", older.ReceivedAt}}, notes)

	for _, of := range []string{p, other} {
		require.NoError(t, s.KeepEmail(t.Context(), payment.Email{ID: payment.NewEmailID(of + "/receipt"), Notice: payment.Receipt, PaymentID: of, Outcome: payment.EmailSent, At: timeAt(1)}))
	}
	emails, err := s.Emails(t.Context(), p)
	require.NoError(t, err)
	require.Len(t, emails, 1)
	require.Equal(t, payment.NewEmailID(p+"/receipt"), emails[0].ID)

	run, err := s.BeginReconciliation(t.Context(), plan("run", time.Now()))
	require.NoError(t, err)
	require.NoError(t, s.KeepFindings(t.Context(), run.ID, []payment.Finding{
		{Kind: payment.Contradiction, PaymentID: p, ProviderPaymentID: "1", ProviderUpdatedAt: timeAt(0), FoundAt: timeAt(1)},
		{Kind: payment.Contradiction, PaymentID: other, ProviderPaymentID: "2", ProviderUpdatedAt: timeAt(0), FoundAt: timeAt(1)},
	}))
	findings, err := s.FindingsOf(t.Context(), p, 10)
	require.NoError(t, err)
	require.Len(t, findings, 1)
	require.Equal(t, "1", findings[0].ProviderPaymentID)

	actor := audit.Actor{Name: "ana", Channel: audit.CommandLine}
	for _, object := range []string{"payment/" + p, "payment/" + other, "dead_letter/" + p} {
		require.NoError(t, s.Audit(t.Context(), audit.Entry{Actor: actor, Action: audit.PaymentSettle, Object: object, Reason: "r"}))
	}
	entries, err := s.AuditOf(t.Context(), []string{"payment/" + p, "dead_letter/" + p}, 10)
	require.NoError(t, err)
	require.Len(t, entries, 2)
	require.Equal(t, "dead_letter/"+p, entries[0].Object, "the newest first")
}

// The backlog of a payment is what no sink has got yet.
func TestTheBacklogOfAPaymentIsWhatWaits(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	p := s.open(t, newPayment("a")).ID
	b, err := s.Backlog(t.Context(), p)
	require.NoError(t, err)
	require.Zero(t, b.Published)
	require.Len(t, b.Sinks, 1)
	require.Equal(t, ToSubscribers, b.Sinks[0].Sink)
	require.Equal(t, 1, b.Sinks[0].Seq)

	_, err = s.KeepDelivered(t.Context(), ToSubscribers, []Delivered{{PaymentID: p, Seq: 1, Refused: []int{1}}}, time.Minute)
	require.NoError(t, err)
	b, err = s.Backlog(t.Context(), p)
	require.NoError(t, err)
	require.Equal(t, 1, b.Published)
	require.Empty(t, b.Sinks)
	require.Len(t, b.Refused, 1)
	require.Equal(t, []int{1, 1}, []int{b.Refused[0].Seq, b.Refused[0].Failures})

	_, err = s.Backlog(t.Context(), payment.NewID("shop", "none"))
	require.Equal(t, failure.NotFound, failure.KindOf(err))
}

func TestTheRedrivesOfSomeDeadLettersAreRead(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	mine, others := deadLetter(1), deadLetter(2)
	s.keep(t, mine, others)
	_, err := s.TakeForRedrive(t.Context(), deadletter.Batch{RedriveID: payment.NewID("redrive", "1"), Actor: "ana", Reason: "r", Before: time.Now().Add(time.Hour), Upto: 10})
	require.NoError(t, err)
	list, err := s.RedrivesOf(t.Context(), []string{mine.ID}, 10)
	require.NoError(t, err)
	require.Len(t, list, 1)
	require.Equal(t, mine.ID, list[0].DeadLetterID)
	list, err = s.RedrivesOf(t.Context(), nil, 10)
	require.NoError(t, err)
	require.Empty(t, list)
}

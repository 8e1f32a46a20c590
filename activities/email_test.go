package activities

import (
	"context"
	"log/slog"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/testsuite"

	"github.com/onlywave/onlywave/internal/access"
	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/deadletter"
	"github.com/onlywave/onlywave/internal/email"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/postgres/postgrestest"
	"github.com/onlywave/onlywave/test/mailsink"
)

const buyer = "ana@example.com"

// mailing is a env with a mail server; what is begun is remembered, and begun no further.
type mailing struct {
	env
	url  string // of the database
	sink *mailsink.Sink

	mu       sync.Mutex
	begun    []EmailInput
	starting error  // what Start answers
	taken    func() // is called when the mail server has an e-mail; nil: nothing is
}

func newMailing(t *testing.T, operators ...string) *mailing {
	t.Helper()
	m := &mailing{url: postgrestest.New(t)}
	m.sink = mailsink.New(slog.New(sinkLog{m}))
	m.database = openDatabase(t, m.url)
	m.Activities = New(Config{Database: m.database, Breakers: ownBreakers(t), Workflows: fakeWorkflows{startEmail: m.start}})
	_, err := m.database.IssueAPIKey(t.Context(), audit.Actor{Name: "test"}, access.KeyRequest{Environment: "test", ClientID: "shop", Scopes: access.Scopes()}, time.Now())
	require.NoError(t, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	served := make(chan error, 1)
	go func() { served <- m.sink.ServeSMTP(t.Context(), listener) }()
	t.Cleanup(func() { require.NoError(t, <-served) })
	sender, err := email.New(email.Config{URL: "smtp://" + listener.Addr().String() + "?tls=none", From: "payments@shop.example"})
	require.NoError(t, err)
	m.mail = newMail(Mail{Sender: sender, Operators: operators}, ownBreakers(t))
	return m
}

func (m *mailing) start(_ context.Context, in EmailInput) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.begun = append(m.begun, in)
	return m.starting
}

// sinkLog notices when the mail server has an e-mail, before the server answers.
type sinkLog struct{ *mailing }

func (sinkLog) Enabled(context.Context, slog.Level) bool { return true }

func (l sinkLog) Handle(_ context.Context, r slog.Record) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if r.Message == "e-mail" && l.taken != nil {
		l.taken()
	}
	return nil
}

func (l sinkLog) WithAttrs([]slog.Attr) slog.Handler { return l }
func (l sinkLog) WithGroup(string) slog.Handler      { return l }

// asked is a payment whose buyer wants e-mails.
func asked(t *testing.T) OpenInput {
	in := creation(t)
	in.Creation.Request.Payer.NotifyBy = payment.ByEmail
	in.Creation.Request.Payer.Language = payment.English
	return in
}

// pending is one of those for which the buyer has to pay.
func (m *mailing) pending(t *testing.T) EmailInput {
	t.Helper()
	id := asked(t).PaymentID
	_, err := m.Open(t.Context(), asked(t))
	require.NoError(t, err)
	m.apply(t, id, payment.Pending)
	return EmailInput{Name: id + "/instructions", Notice: payment.HowToPay, PaymentID: id}
}

// apply brings the payment to the provider's answer.
func (m *mailing) apply(t *testing.T, id string, status payment.Status) {
	t.Helper()
	at := now()
	_, err := m.Apply(t.Context(), ApplyInput{PaymentID: id, State: payment.ProviderState{
		PaymentID: "106400160592", Reference: id, Status: status, Money: money, QRCode: "00020126", UpdatedAt: at, ExpiresAt: at.Add(time.Hour),
	}})
	require.NoError(t, err)
}

func (m *mailing) requireSent(t *testing.T, in EmailInput, want payment.EmailOutcome) {
	t.Helper()
	done, err := m.SendEmail(t.Context(), in)
	require.NoError(t, err)
	require.Equal(t, want, done.Outcome)
}

func TestAnEmailSentTwiceIsOne(t *testing.T) {
	t.Parallel()
	m := newMailing(t)
	in := m.pending(t)
	for range 2 {
		m.requireSent(t, in, payment.EmailSent)
	}
	mails := m.sink.Mails(buyer)
	require.Len(t, mails, 1)
	require.Equal(t, payment.NewEmailID(in.Name)+"@shop.example", mails[0].MessageID)
	require.Contains(t, mails[0].Subject, "Pay R$ 10.50")
	kept, err := m.database.Email(t.Context(), payment.NewEmailID(in.Name))
	require.NoError(t, err)
	require.Equal(t, []any{payment.HowToPay, in.PaymentID, payment.EmailSent}, []any{kept.Notice, kept.PaymentID, kept.Outcome})
}

// An e-mail that the mail server has taken without confirming it is sent again, with the same Message-ID.
func TestALostAnswerMakesATwinWithTheSameMessageID(t *testing.T) {
	t.Parallel()
	m := newMailing(t)
	in := m.pending(t)
	m.sink.AddFault(mailsink.Fault{Kind: mailsink.KindLost})
	_, err := m.SendEmail(t.Context(), in)
	requireActivityError(t, err, failure.Unavailable, true)
	for range 2 {
		m.requireSent(t, in, payment.EmailSent)
	}
	mails := m.sink.Mails(buyer)
	require.Len(t, mails, 2)
	require.Equal(t, mails[0].MessageID, mails[1].MessageID)
}

// While the database can be read and not written, one e-mail goes out and not one with each attempt.
func TestAnEmailThatTheDatabaseCannotTakeIsSentOnce(t *testing.T) {
	t.Parallel()
	m := newMailing(t)
	in := m.pending(t)
	blocked := m.block(t)
	var heartbeat converter.EncodedValues
	for range 3 {
		env := activityEnvironment()
		env.RegisterActivity(m.SendEmail)
		env.SetOnActivityHeartbeatListener(func(_ *activity.Info, details converter.EncodedValues) { heartbeat = details })
		if heartbeat != nil {
			var ids []string
			require.NoError(t, heartbeat.Get(&ids))
			env.SetHeartbeatDetails(ids)
		}
		_, err := env.ExecuteActivity(m.SendEmail, in)
		require.Error(t, err)
		require.NotNil(t, heartbeat)
	}
	blocked()
	env := activityEnvironment()
	env.RegisterActivity(m.SendEmail)
	env.SetHeartbeatDetails([]string{payment.NewEmailID(in.Name)})
	_, err := env.ExecuteActivity(m.SendEmail, in)
	require.NoError(t, err)
	m.requireSent(t, in, payment.EmailSent)
	require.Len(t, m.sink.Mails(buyer), 1)
}

func activityEnvironment() *testsuite.TestActivityEnvironment {
	suite := testsuite.WorkflowTestSuite{}
	suite.SetLogger(log.NewStructuredLogger(silent))
	return suite.NewTestActivityEnvironment()
}

// block has the database refuse what became of e-mails, until the end that it returns.
func (m *mailing) block(t *testing.T) (end func()) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), m.url)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	run := func(statement string) {
		t.Helper()
		_, err := conn.Exec(t.Context(), statement)
		require.NoError(t, err)
	}
	run(`alter table emails add constraint blocked check (false)`)
	return func() { t.Helper(); run(`alter table emails drop constraint blocked`) }
}

func TestAWrongAddressIsAnOutcome(t *testing.T) {
	t.Parallel()
	m := newMailing(t)
	in := m.pending(t)
	m.sink.AddFault(mailsink.Fault{Kind: mailsink.KindRefuse})
	for range 2 { // it is not tried again
		m.requireSent(t, in, payment.EmailRefused)
	}
	require.Empty(t, m.sink.Mails(""))
}

func TestWhatPassesIsTriedAgain(t *testing.T) {
	t.Parallel()
	m := newMailing(t)
	in := m.pending(t)
	for fault, kind := range map[mailsink.Kind]failure.Kind{
		mailsink.KindLater: failure.Unavailable, mailsink.KindFull: failure.Limited, mailsink.KindForbid: failure.Unauthorized,
	} {
		m.sink.AddFault(mailsink.Fault{Kind: fault})
		_, err := m.SendEmail(t.Context(), in)
		requireActivityError(t, err, kind, true)
		require.NotContains(t, err.Error(), "@")
	}
	m.requireSent(t, in, payment.EmailSent)
}

func TestNoInstructionsAreSentForWhatIsPaid(t *testing.T) {
	t.Parallel()
	m := newMailing(t)
	in := m.pending(t)
	m.apply(t, in.PaymentID, payment.Approved)
	m.requireSent(t, in, payment.EmailNeedless)
	m.requireSent(t, EmailInput{Name: in.PaymentID + "/receipt", Notice: payment.Receipt, PaymentID: in.PaymentID}, payment.EmailSent)
	mails := m.sink.Mails(buyer)
	require.Len(t, mails, 1)
	require.Equal(t, "Payment of R$ 10.50 approved", mails[0].Subject)
}

// When to come again is the retry policy's to say, which waits ever longer: the breaker's word would bring all that wait at once.
func TestAFailingMailServerIsLeftAlone(t *testing.T) {
	t.Parallel()
	m := newMailing(t)
	in := m.pending(t)
	m.sink.AddFault(mailsink.Fault{Kind: mailsink.KindLater, Times: 1000})
	for range 10 {
		_, err := m.SendEmail(t.Context(), in)
		requireActivityError(t, err, failure.Unavailable, true)
	}
	_, err := m.SendEmail(t.Context(), in)
	requireActivityError(t, err, failure.Unavailable, true)
	require.ErrorContains(t, err, "breaker")
	require.Zero(t, application(t, err).NextRetryDelay())
}

func TestASlowMailServerKeepsFewActivities(t *testing.T) {
	t.Parallel()
	m := newMailing(t)
	in := m.pending(t)
	for range emailsAtOnce {
		m.mail.places <- struct{}{}
	}
	_, err := m.SendEmail(t.Context(), in)
	requireActivityError(t, err, failure.Limited, true)
	require.Zero(t, application(t, err).NextRetryDelay())
	<-m.mail.places
	m.requireSent(t, in, payment.EmailSent)
}

func TestWithoutAMailServerAnEmailWaitsForOne(t *testing.T) {
	t.Parallel()
	_, err := newEnv(t).SendEmail(t.Context(), EmailInput{})
	requireActivityError(t, err, failure.Unavailable, true)
}

// An e-mail is known by its name, so that each is sent once, however often a payment comes to a status.
func TestEachNoticeHasItsEmail(t *testing.T) {
	t.Parallel()
	id := creation(t).PaymentID
	names := map[payment.Status]string{
		payment.Pending: "instructions", payment.Approved: "receipt", payment.PartiallyRefunded: "refund-4", payment.Refunded: "refund-4",
	}
	for status, name := range names {
		e := payment.Event{PaymentID: id, Seq: 4, Status: status}
		require.Equal(t, EmailInput{Name: id + "/" + name, Notice: e.Notice(), PaymentID: id}, ToBuyer(e))
	}
}

func TestOperatorsAreAlertedOnceAnHourOfACause(t *testing.T) {
	t.Parallel()
	m := newMailing(t, "ops@example.com", "gone@example.com", "more@example.com")
	m.publisher = publisher(t)
	deadLetter := func(id string, at time.Time, cause deadletter.Cause) DeadLetterInput {
		return DeadLetterInput{PaymentID: id, WorkflowID: "payment/" + id, RunID: "run", Cause: cause, Error: "no answer in time", At: at,
			Trail: []deadletter.Attempt{{Attempt: 1}}}
	}
	at := time.Date(2026, 3, 1, 12, 59, 0, 0, time.UTC)
	a, b := payment.NewID("shop", "a"), payment.NewID("shop", "b")
	for _, in := range []DeadLetterInput{
		deadLetter(a, at, deadletter.CauseUnknownOutcome), deadLetter(b, at.Add(-time.Hour/2), deadletter.CauseUnknownOutcome),
		deadLetter(b, at, deadletter.CauseInternal), deadLetter(b, at.Add(time.Minute), deadletter.CauseInternal),
	} {
		require.NoError(t, m.DeadLetter(t.Context(), in))
	}
	var names []string
	for _, in := range m.begun {
		names = append(names, in.Name)
	}
	require.Equal(t, []string{
		"operators/unknown-outcome/2026-03-01T12", "operators/unknown-outcome/2026-03-01T12",
		"operators/internal/2026-03-01T12", "operators/internal/2026-03-01T13",
	}, names)

	m.sink.AddFault(mailsink.Fault{Kind: mailsink.KindRefuse, To: "gone@example.com"})
	m.sink.AddFault(mailsink.Fault{Kind: mailsink.KindLater, To: "more@example.com"})
	_, err := m.SendEmail(t.Context(), m.begun[0])
	requireActivityError(t, err, failure.Unavailable, true)
	for range 2 { // and no operator is alerted twice
		m.requireSent(t, m.begun[0], payment.EmailSent)
	}
	require.Empty(t, m.sink.Mails("gone@example.com"))
	for _, operator := range []string{"ops@example.com", "more@example.com"} {
		mails := m.sink.Mails(operator)
		require.Len(t, mails, 1, operator)
		require.Contains(t, mails[0].Text, a)
		require.Contains(t, mails[0].Text, "onlywave dead-letters list --cause unknown-outcome")
	}
}

// An operator who cannot be reached for a day must not keep the alert from the others.
func TestAnOperatorsMailboxKeepsNoAlertFromTheOthers(t *testing.T) {
	t.Parallel()
	for fault, kind := range map[mailsink.Kind]failure.Kind{mailsink.KindFull: failure.Limited, mailsink.KindLater: failure.Unavailable} {
		m := newMailing(t, "full@example.com", "ops@example.com")
		m.sink.AddFault(mailsink.Fault{Kind: fault, To: "full@example.com", Times: 2})
		in := alarm()
		for range 2 {
			_, err := m.SendEmail(t.Context(), in)
			requireActivityError(t, err, kind, true)
			require.Len(t, m.sink.Mails("ops@example.com"), 1)
		}
		m.requireSent(t, in, payment.EmailSent)
		require.Len(t, m.sink.Mails("full@example.com"), 1)
	}
}

func alarm() EmailInput {
	return EmailInput{Name: "operators/internal/2026-03-01T12", Notice: payment.Alert, PaymentID: payment.NewID("shop", "a"),
		DeadLetter: &DeadLetterInput{Cause: deadletter.CauseInternal}}
}

// An operator is known by their address, not by their place in the list: the list may change before the next attempt.
func TestAnOperatorIsAlertedWhateverBecomesOfTheOthers(t *testing.T) {
	t.Parallel()
	m := newMailing(t, "first@example.com", "ops@example.com")
	m.sink.AddFault(mailsink.Fault{Kind: mailsink.KindFull, To: "ops@example.com"})
	in := alarm()
	_, err := m.SendEmail(t.Context(), in)
	requireActivityError(t, err, failure.Limited, true)
	m.mail.Operators = []string{"ops@example.com"}
	m.requireSent(t, in, payment.EmailSent)
	require.Len(t, m.sink.Mails("ops@example.com"), 1)
}

// A mail server that is slow may take an e-mail when the activity's time is over; that it did is known all the same.
func TestAnEmailThatIsTakenTooLateIsNotSentAgain(t *testing.T) {
	t.Parallel()
	m := newMailing(t)
	in := m.pending(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	m.taken = cancel
	_, err := m.SendEmail(ctx, in)
	require.NoError(t, err)
	require.Error(t, ctx.Err())
	m.requireSent(t, in, payment.EmailSent)
	require.Len(t, m.sink.Mails(buyer), 1)
}

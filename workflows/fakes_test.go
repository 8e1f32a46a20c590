package workflows

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"github.com/onlywave/onlywave/activities"
	"github.com/onlywave/onlywave/internal/command"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
)

const (
	paymentID  = "864f878f-658f-5fb2-bfc1-f88228e1d455"
	providerID = "106400160592"
)

var started = time.Date(2026, 1, 5, 12, 0, 0, 0, time.UTC)

// polls are as the configuration has them by default.
var polls = Polls{First: time.Minute, Max: time.Hour, AfterExpiry: 30 * time.Second}

// fakeActivities stands in for the database and the provider: its methods carry the names of the activities, and it
// remembers which were called.
type fakeActivities struct {
	closed activities.LookInput // the last order to close

	mu          sync.Mutex
	calls       []string
	row         activities.State
	provider    payment.Status // what the provider would say; empty: it does not know the payment
	expires     time.Time
	keepsEnd    bool // the Pix is ours to close at its end
	close       func(attempt int) error
	capture     func(attempt int) error
	captured    int64  // centavos
	print       string // of the card that was entered last
	rejected    []activities.RejectCardInput
	challenge   *payment.Challenge
	now         func() time.Time
	charge      func(attempt int) error // nil: works
	look        func(attempt int) error
	publish     func(attempt int) error
	apply       func(attempt int) error
	open        func(attempt int) error
	deadLetter  func(attempt int) error
	asked       []activities.ChargeInput
	failed      []activities.GiveUpInput
	charges     int
	looks       int
	history     []payment.Status // what the payment came to
	older       bool             // the activities are as before the outbox: what happened is the run's own to publish
	events      []payment.Event  // that such a run has published
	deadLetters []activities.DeadLetterInput
	settled     []command.Order
	ordered     []command.Order // audited, holds, releases, given up and found
	attempts    int             // how often the next attempt was made due
	tries       map[string]int
	looked      []payment.Urgency // of the looks that became activities
	disputes    []activities.DisputesInput
	keep        func(attempt int) error // nil: works
	email       bool                    // the buyer wants e-mails
	emailed     bool                    // each call of Publish asked for the e-mail
}

func (w *fakeActivities) called(activity string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls = append(w.calls, activity)
	if w.tries == nil {
		w.tries = map[string]int{}
	}
	w.tries[activity]++
	return w.tries[activity]
}

func (w *fakeActivities) Open(_ context.Context, in activities.OpenInput) (activities.State, error) {
	if n := w.called("Open"); w.open != nil {
		if err := w.open(n); err != nil {
			return activities.State{}, err
		}
	}
	written := !w.row.Found && in.Creation != nil
	if written {
		w.row = activities.State{
			Found: true, Fingerprint: in.Creation.Request.Fingerprint(), Status: payment.Processing,
			Method: payment.Pix, Money: in.Creation.Request.Amount, Email: w.email, Version: 1,
			AskedAt: started, Since: started,
		}
		if w.history = []payment.Status{payment.Processing}; w.older {
			w.row.Event = &payment.Event{PaymentID: paymentID, Seq: 1, Status: payment.Processing}
		}
		if in.Creation.Request.OnPage() {
			w.row.Status, w.row.OnPage, w.row.Method, w.row.ExpiresAt = payment.Pending, true, payment.Card, w.expires
			w.history = []payment.Status{payment.Pending}
		}
		if w.keepsEnd {
			w.row.KeepsEnd, w.row.ExpiresAt = true, w.expires
		}
	}
	row := w.row
	row.New = written
	return row, nil
}

func (w *fakeActivities) Charge(_ context.Context, in activities.ChargeInput) (payment.ProviderState, error) {
	w.asked = append(w.asked, in)
	if n := w.called("Charge"); w.charge != nil {
		if err := w.charge(n); err != nil {
			return payment.ProviderState{}, err
		}
	}
	w.charges++
	if w.provider == "" {
		w.provider = payment.Pending
	}
	return w.answer(), nil
}

func (w *fakeActivities) Look(ctx context.Context, in activities.LookInput) (activities.Seen, error) {
	if !activity.GetInfo(ctx).IsLocalActivity {
		w.looked = append(w.looked, in.Urgency)
	}
	if n := w.called("Look"); w.look != nil {
		if err := w.look(n); err != nil {
			return activities.Seen{}, err
		}
	}
	w.looks++
	if w.provider == "" {
		return activities.Seen{}, nil
	}
	return activities.Seen{Found: true, State: w.answer()}, nil
}

// Close closes the Pix unless it was paid, as the provider does.
func (w *fakeActivities) Close(_ context.Context, in activities.LookInput) (activities.Seen, error) {
	w.closed = in
	if n := w.called("Close"); w.close != nil {
		if err := w.close(n); err != nil {
			return activities.Seen{}, err
		}
	}
	if w.provider == payment.Pending {
		w.provider = payment.Expired // as Apply understands it
	}
	return activities.Seen{Found: true, State: w.answer()}, nil
}

func (w *fakeActivities) answer() payment.ProviderState {
	return payment.ProviderState{PaymentID: providerID, Reference: paymentID, Status: w.provider, Money: payment.Money{Centavos: 1050, Currency: payment.BRL}, Captured: w.captured, Challenge: w.challengeNow(), ExpiresAt: w.expires}
}

// challengeNow is the challenge while the payment waits for it.
func (w *fakeActivities) challengeNow() *payment.Challenge {
	if w.provider != payment.Pending {
		return nil
	}
	return w.challenge
}

func (w *fakeActivities) Apply(_ context.Context, in activities.ApplyInput) (activities.Moved, error) {
	if n := w.called("Apply"); w.apply != nil {
		if err := w.apply(n); err != nil {
			return activities.Moved{}, err
		}
	}
	w.row.ProviderPaymentID = in.State.PaymentID
	return w.move(in.State.Status), nil
}

// TakeCard takes the first card only, and the same one again.
func (w *fakeActivities) TakeCard(_ context.Context, in activities.CardInput) (activities.CardTaken, error) {
	w.called("TakeCard")
	switch {
	case w.print == in.Print:
		return activities.CardTaken{Moved: activities.Moved{Status: w.row.Status}, Attempt: w.row.Attempt, Current: true}, nil
	case w.row.Status != payment.Pending || w.row.ProviderPaymentID != "":
		return activities.CardTaken{Moved: activities.Moved{Status: w.row.Status}, Why: "it takes no card"}, nil
	}
	w.print = in.Print
	w.row.Attempt++
	return activities.CardTaken{Moved: w.move(payment.Processing), Attempt: w.row.Attempt, New: true, Current: true}, nil
}

func (w *fakeActivities) RejectCard(_ context.Context, in activities.RejectCardInput) (activities.Moved, error) {
	w.called("RejectCard")
	w.rejected = append(w.rejected, in)
	w.provider = ""
	return w.move(payment.Pending), nil
}

func (w *fakeActivities) EndEntry(_ context.Context, in activities.EndEntryInput) (activities.Moved, error) {
	w.called("EndEntry")
	return w.move(in.Status), nil
}

func (w *fakeActivities) KeepDisputes(_ context.Context, in activities.DisputesInput) (activities.DisputesKept, error) {
	w.disputes = append(w.disputes, in)
	if n := w.called("KeepDisputes"); w.keep != nil {
		if err := w.keep(n); err != nil {
			return activities.DisputesKept{}, err
		}
	}
	return activities.DisputesKept{Version: len(w.history) + 1}, nil
}

func (w *fakeActivities) Fail(_ context.Context, in activities.GiveUpInput) (activities.Moved, error) {
	w.called("Fail")
	w.failed = append(w.failed, in)
	return w.move(payment.Failed), nil
}

func (w *fakeActivities) Park(context.Context, activities.GiveUpInput) (activities.Moved, error) {
	w.called("Park")
	if w.row.Status.Answered() {
		return activities.Moved{Status: w.row.Status}, nil
	}
	return w.move(payment.Unknown), nil
}

func (w *fakeActivities) Settle(_ context.Context, in activities.SettleInput) (activities.Moved, error) {
	w.called("Settle")
	w.settled = append(w.settled, in.Order)
	return w.move(payment.Failed), nil
}

func (w *fakeActivities) AuditOrder(_ context.Context, in activities.OrderInput) error {
	w.called("AuditOrder")
	w.ordered = append(w.ordered, in.Order)
	return nil
}

func (w *fakeActivities) Hold(_ context.Context, in activities.HoldInput) (payment.Hold, error) {
	w.called("Hold")
	w.ordered = append(w.ordered, in.Order)
	w.row.Hold = in.Hold
	return w.row.Hold, nil
}

func (w *fakeActivities) Release(_ context.Context, in activities.OrderInput) (payment.Hold, error) {
	w.called("Release")
	w.ordered = append(w.ordered, in.Order)
	w.row.Hold = payment.Hold{}
	return w.row.Hold, nil
}

func (w *fakeActivities) ExpireHold(context.Context, activities.HoldInput) (payment.Hold, error) {
	w.called("ExpireHold")
	w.row.Hold = payment.Hold{}
	return w.row.Hold, nil
}

func (w *fakeActivities) GiveUp(_ context.Context, in activities.GiveUpOrder) (activities.Moved, error) {
	w.called("GiveUp")
	w.ordered = append(w.ordered, in.Order)
	if !in.MaySent {
		return w.move(payment.Failed), nil
	}
	return w.move(payment.Unknown), nil
}

func (w *fakeActivities) SettleFound(_ context.Context, in activities.FoundInput) (activities.Moved, error) {
	w.called("SettleFound")
	w.ordered = append(w.ordered, in.Order)
	w.row.ProviderPaymentID = in.State.PaymentID
	return w.move(in.State.Status), nil
}

func (w *fakeActivities) AttemptNow(context.Context) (activities.Attempts, error) {
	w.called("AttemptNow")
	w.attempts++
	return activities.Attempts{Due: 1}, nil
}

func (w *fakeActivities) move(to payment.Status) activities.Moved {
	if w.row.Status == to {
		return activities.Moved{Status: to}
	}
	w.row.Status = to
	w.row.Event = nil
	w.history = append(w.history, to)
	if !w.older {
		return activities.Moved{Status: to, Version: len(w.history)}
	}
	return activities.Moved{Status: to, Event: &payment.Event{PaymentID: paymentID, Seq: len(w.history), Status: to}}
}

func (w *fakeActivities) Publish(_ context.Context, in activities.PublishInput) error {
	if n := w.called("Publish"); w.publish != nil {
		if err := w.publish(n); err != nil {
			return err
		}
	}
	w.emailed = in.Email && (w.emailed || len(w.events) == 0)
	w.events = append(w.events, in.Events...)
	return nil
}

func (w *fakeActivities) DeadLetter(_ context.Context, in activities.DeadLetterInput) error {
	if n := w.called("DeadLetter"); w.deadLetter != nil {
		if err := w.deadLetter(n); err != nil {
			return err
		}
	}
	w.deadLetters = append(w.deadLetters, in)
	return nil
}

// statuses are those of the events that the run has published itself.
func (w *fakeActivities) statuses() []payment.Status {
	var list []payment.Status
	for _, e := range w.events {
		list = append(list, e.Status)
	}
	return list
}

func (w *fakeActivities) count(activity string) int {
	n := 0
	for _, c := range w.calls {
		if c == activity {
			n++
		}
	}
	return n
}

func creation() *payment.Creation {
	request := payment.Request{
		Amount: payment.Money{Centavos: 1050, Currency: payment.BRL},
		Method: payment.Method{Type: payment.Pix, ExpiresIn: 3600},
		Payer:  payment.Payer{Email: "ana@example.com"},
	}
	return &payment.Creation{ClientID: "shop", IdempotencyKey: "order-1042", Request: request, Fingerprint: request.Fingerprint()}
}

func newEnv(t *testing.T, w *fakeActivities) *testsuite.TestWorkflowEnvironment {
	suite := testsuite.WorkflowTestSuite{}
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	env := suite.NewTestWorkflowEnvironment()
	env.SetStartTime(started)
	env.RegisterWorkflow(Payment)
	env.RegisterActivity(w)
	env.SetTestTimeout(20 * time.Second)
	return env
}

// post sends a creation's update after a while, as a client app's POST does, and reports its outcome.
func post(env *testsuite.TestWorkflowEnvironment, after time.Duration, fingerprint string, outcome func(error)) {
	env.RegisterDelayedCallback(func() {
		env.UpdateWorkflow(UpdateCreate, UpdateCreate+fingerprint+after.String(), &testsuite.TestUpdateCallback{
			OnAccept:   func() {},
			OnReject:   outcome,
			OnComplete: func(_ any, err error) { outcome(err) },
		}, fingerprint, false)
	}, after)
}

// signal sends the signal to look after a while.
func signal(env *testsuite.TestWorkflowEnvironment, after time.Duration, change func()) {
	env.RegisterDelayedCallback(func() {
		change()
		env.SignalWorkflow(SignalLook, nil)
	}, after)
}

func start(env *testsuite.TestWorkflowEnvironment, c *payment.Creation) {
	env.ExecuteWorkflow(Payment, PaymentInput{PaymentID: paymentID, Creation: c, Polls: polls})
}

func transient(kind failure.Kind) error {
	return temporal.NewApplicationError("unavailable", string(kind))
}

func refusal(kind failure.Kind) error {
	return temporal.NewNonRetryableApplicationError("no", string(kind), nil)
}

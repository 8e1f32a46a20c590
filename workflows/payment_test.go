package workflows

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"github.com/onlywave/onlywave/activities"
	"github.com/onlywave/onlywave/internal/payment"
)

const (
	paymentID  = "864f878f-658f-5fb2-bfc1-f88228e1d455"
	providerID = "106400160592"
)

var started = time.Date(2026, 1, 5, 12, 0, 0, 0, time.UTC)

// world stands in for the record and the provider: its methods carry the names of the steps, and it
// remembers which were called.
type world struct {
	mu       sync.Mutex
	calls    []string
	row      activities.State
	provider payment.Status // what the provider would say; empty: it has never heard of the payment
	expires  time.Time
	charge   func(attempt int) error // nil: works
	look     func(attempt int) error
	publish  func(attempt int) error
	charges  int
	looks    int
	events   []payment.Event
	tries    map[string]int
}

func (w *world) called(step string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls = append(w.calls, step)
	if w.tries == nil {
		w.tries = map[string]int{}
	}
	w.tries[step]++
	return w.tries[step]
}

func (w *world) Open(_ context.Context, in activities.OpenInput) (activities.State, error) {
	w.called("Open")
	if !w.row.Found && in.Creation != nil {
		w.row = activities.State{
			Found: true, Fingerprint: in.Creation.Request.Fingerprint(), Status: payment.Processing,
			Method: payment.Pix, Money: in.Creation.Request.Amount,
			Event: &payment.Event{PaymentID: paymentID, Seq: 1, Status: payment.Processing},
		}
	}
	return w.row, nil
}

func (w *world) Charge(context.Context, activities.ChargeInput) (payment.ProviderState, error) {
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

func (w *world) Look(context.Context, activities.LookInput) (activities.Seen, error) {
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

func (w *world) answer() payment.ProviderState {
	return payment.ProviderState{PaymentID: providerID, Reference: paymentID, Status: w.provider, Money: payment.Money{Centavos: 1050, Currency: payment.BRL}, ExpiresAt: w.expires}
}

func (w *world) Apply(_ context.Context, in activities.ApplyInput) (activities.Moved, error) {
	w.called("Apply")
	w.row.ProviderPaymentID = in.State.PaymentID
	return w.move(in.State.Status), nil
}

func (w *world) Fail(context.Context, activities.GiveUpInput) (activities.Moved, error) {
	w.called("Fail")
	return w.move(payment.Failed), nil
}

func (w *world) Park(context.Context, activities.GiveUpInput) (activities.Moved, error) {
	w.called("Park")
	return w.move(payment.Unknown), nil
}

func (w *world) move(to payment.Status) activities.Moved {
	if w.row.Status == to {
		return activities.Moved{Status: to}
	}
	w.row.Status = to
	w.row.Event = nil
	return activities.Moved{Status: to, Event: &payment.Event{PaymentID: paymentID, Seq: 2 + len(w.events), Status: to}}
}

func (w *world) Publish(_ context.Context, in activities.PublishInput) error {
	if n := w.called("Publish"); w.publish != nil {
		if err := w.publish(n); err != nil {
			return err
		}
	}
	w.events = append(w.events, in.Events...)
	return nil
}

func (w *world) published() []payment.Status {
	var list []payment.Status
	for _, e := range w.events {
		list = append(list, e.Status)
	}
	return list
}

func (w *world) count(step string) int {
	n := 0
	for _, c := range w.calls {
		if c == step {
			n++
		}
	}
	return n
}

func creation() *activities.Creation {
	return &activities.Creation{ClientID: "shop", IdempotencyKey: "order-1042", Request: payment.Request{
		Amount: payment.Money{Centavos: 1050, Currency: payment.BRL},
		Method: payment.Method{Type: payment.Pix, ExpiresIn: 3600},
		Payer:  payment.Payer{Email: "ana@example.com"},
	}}
}

func newEnv(t *testing.T, w *world) *testsuite.TestWorkflowEnvironment {
	suite := testsuite.WorkflowTestSuite{}
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	env := suite.NewTestWorkflowEnvironment()
	env.SetStartTime(started)
	env.RegisterWorkflow(Payment)
	env.RegisterActivity(w)
	env.SetTestTimeout(20 * time.Second)
	return env
}

// post sends a creation's update after a while, as a client app's POST does, and tells its outcome.
func post(env *testsuite.TestWorkflowEnvironment, after time.Duration, fingerprint string, outcome func(error)) {
	env.RegisterDelayedCallback(func() {
		env.UpdateWorkflow(UpdateCreate, UpdateCreate+fingerprint+after.String(), &testsuite.TestUpdateCallback{
			OnAccept:   func() {},
			OnReject:   outcome,
			OnComplete: func(_ any, err error) { outcome(err) },
		}, fingerprint)
	}, after)
}

func nudge(env *testsuite.TestWorkflowEnvironment, after time.Duration, change func()) {
	env.RegisterDelayedCallback(func() {
		change()
		env.SignalWorkflow(SignalLook, nil)
	}, after)
}

func start(env *testsuite.TestWorkflowEnvironment, c *activities.Creation) {
	env.ExecuteWorkflow(Payment, PaymentInput{PaymentID: paymentID, Creation: c, Polls: DefaultPolls()})
}

func transient(kind payment.Kind) error {
	return temporal.NewApplicationError("away", string(kind))
}

func refusal(kind payment.Kind) error {
	return temporal.NewNonRetryableApplicationError("no", string(kind), nil)
}

func TestAPixIsChargedPaidAndPublished(t *testing.T) {
	w := &world{expires: started.Add(time.Hour)}
	env := newEnv(t, w)
	answers := 0
	post(env, 0, creation().Request.Fingerprint(), func(err error) { require.NoError(t, err); answers++ })
	nudge(env, 30*time.Second, func() { w.provider = payment.Approved })
	start(env, creation())

	require.NoError(t, env.GetWorkflowError())
	require.Equal(t, 1, answers)
	require.Equal(t, []string{"Open", "Charge", "Apply", "Publish", "Look", "Apply", "Publish"}, w.calls)
	require.Equal(t, []payment.Status{payment.Processing, payment.Pending, payment.Approved}, w.published())
}

func TestALostWebhookCostsUntilTheNextPoll(t *testing.T) {
	w := &world{expires: started.Add(24 * time.Hour)}
	env := newEnv(t, w)
	env.RegisterDelayedCallback(func() { w.provider = payment.Approved }, 5*time.Minute)
	start(env, creation())

	require.NoError(t, env.GetWorkflowError())
	require.Equal(t, payment.Approved, w.row.Status)
	require.Equal(t, 3, w.looks, "at 1, 3 and 7 minutes")
	require.Equal(t, 7*time.Minute, env.Now().Sub(started).Truncate(time.Second))
}

func TestPollsWidenAndTheEndIsAskedFor(t *testing.T) {
	w := &world{expires: started.Add(time.Hour)}
	env := newEnv(t, w)
	env.RegisterDelayedCallback(func() { w.provider = payment.Expired }, time.Hour)
	start(env, creation())

	require.NoError(t, env.GetWorkflowError())
	require.Equal(t, []payment.Status{payment.Processing, payment.Pending, payment.Expired}, w.published())
	require.Equal(t, time.Hour+30*time.Second, env.Now().Sub(started).Truncate(time.Second))
	require.Equal(t, 6, w.looks, "at 1, 3, 7, 15 and 31 minutes, and once after the end")
}

func TestManyNudgesAreOneLook(t *testing.T) {
	w := &world{expires: started.Add(time.Hour)}
	env := newEnv(t, w)
	env.RegisterDelayedCallback(func() {
		for range 100 {
			env.SignalWorkflow(SignalLook, nil)
		}
		w.provider = payment.Approved
	}, 10*time.Second)
	start(env, creation())

	require.NoError(t, env.GetWorkflowError())
	require.Equal(t, payment.Approved, w.row.Status)
	require.LessOrEqual(t, w.looks, 2, "100 nudges")
}

func TestANudgeBeforeTheChargeHasReturnedIsAnsweredAfterIt(t *testing.T) {
	w := &world{provider: payment.Approved, row: activities.State{}}
	env := newEnv(t, w)
	w.charge = func(attempt int) error {
		if attempt == 1 {
			env.SignalWorkflow(SignalLook, nil)
			return transient(payment.Unavailable)
		}
		return nil
	}
	start(env, creation())

	require.NoError(t, env.GetWorkflowError())
	require.Equal(t, payment.Approved, w.row.Status)
	require.Equal(t, 2, w.count("Charge"))
	require.Equal(t, 1, w.looks)
	require.Equal(t, []payment.Status{payment.Processing, payment.Approved}, w.published())
}

func TestARefusedChargeFailsThePayment(t *testing.T) {
	w := &world{charge: func(int) error { return refusal(payment.Invalid) }}
	env := newEnv(t, w)
	answers := 0
	post(env, 0, creation().Request.Fingerprint(), func(err error) { require.NoError(t, err); answers++ })
	start(env, creation())

	require.NoError(t, env.GetWorkflowError())
	require.Equal(t, payment.Failed, w.row.Status)
	require.Equal(t, 1, answers)
	require.Equal(t, 1, w.count("Charge"))
}

// Silence, a key the provider calls spent, an answer about something else, a bug, a wrong credential:
// none of them says that no money moved.
func TestWhatIsNotARefusalLeavesThePaymentUnknownNeverFailed(t *testing.T) {
	for _, kind := range []payment.Kind{payment.Unavailable, payment.Limited, payment.Internal, payment.Unauthorized, payment.Forbidden, payment.Conflict} {
		t.Run(string(kind), func(t *testing.T) {
			w := &world{}
			w.charge = func(int) error {
				if kind == payment.Conflict {
					return refusal(kind)
				}
				return transient(kind)
			}
			env := newEnv(t, w)
			// A day and a half later the provider turns out to have charged after all.
			nudge(env, 36*time.Hour, func() { w.provider = payment.Approved })
			start(env, creation())

			require.NoError(t, env.GetWorkflowError())
			require.Equal(t, []payment.Status{payment.Processing, payment.Unknown, payment.Approved}, w.published())
			require.Zero(t, w.count("Fail"))
			require.Zero(t, w.charges)
		})
	}
}

func TestALookThatFailsIsRepeatedAsAnActivityOfItsOwn(t *testing.T) {
	w := &world{expires: started.Add(time.Hour)}
	w.look = func(attempt int) error {
		if attempt <= 3 {
			return transient(payment.Unavailable)
		}
		return nil
	}
	env := newEnv(t, w)
	nudge(env, 10*time.Second, func() { w.provider = payment.Approved })
	start(env, creation())

	require.NoError(t, env.GetWorkflowError())
	require.Equal(t, payment.Approved, w.row.Status)
	require.Equal(t, 4, w.count("Look"))
}

func TestAnAnswerAboutSomethingElseIsNotApplied(t *testing.T) {
	w := &world{expires: started.Add(time.Hour)}
	w.look = func(attempt int) error {
		if attempt == 1 {
			return refusal(payment.Conflict)
		}
		return nil
	}
	env := newEnv(t, w)
	nudge(env, 10*time.Second, func() { w.provider = payment.Approved })
	start(env, creation())

	require.NoError(t, env.GetWorkflowError())
	require.Equal(t, []payment.Status{payment.Processing, payment.Pending, payment.Approved}, w.published())
	require.Equal(t, 2, w.count("Look"), "the nudge's, and the next poll's")
}

func TestABrokerThatIsAwayDelaysTheEventsAndKeepsTheirOrder(t *testing.T) {
	w := &world{provider: payment.Approved}
	w.publish = func(attempt int) error {
		if attempt <= 5 {
			return transient(payment.Unavailable)
		}
		return nil
	}
	env := newEnv(t, w)
	start(env, creation())

	require.NoError(t, env.GetWorkflowError())
	require.Equal(t, []payment.Status{payment.Processing, payment.Approved}, w.published())
}

func TestARepeatedPOSTJoinsAndAnotherRequestIsAConflict(t *testing.T) {
	w := &world{expires: started.Add(time.Hour)}
	env := newEnv(t, w)
	var joined, refused []error
	post(env, 0, creation().Request.Fingerprint(), func(err error) { joined = append(joined, err) })
	post(env, time.Second, creation().Request.Fingerprint(), func(err error) { joined = append(joined, err) })
	post(env, time.Second, "another", func(err error) { refused = append(refused, err) })
	nudge(env, time.Minute/2, func() { w.provider = payment.Approved })
	start(env, creation())

	require.NoError(t, env.GetWorkflowError())
	require.Equal(t, []error{nil, nil}, joined)
	require.Len(t, refused, 1)
	app, ok := errors.AsType[*temporal.ApplicationError](refused[0])
	require.True(t, ok)
	require.Equal(t, string(payment.Conflict), app.Type())
	require.Equal(t, 1, w.charges)
}

func TestALateNudgeWakesASettledPaymentForOneLook(t *testing.T) {
	w := &world{provider: payment.Refunded, row: activities.State{Found: true, Status: payment.Approved, ProviderPaymentID: providerID}}
	env := newEnv(t, w)
	nudge(env, 0, func() {})
	start(env, nil)

	require.NoError(t, env.GetWorkflowError())
	require.Equal(t, []string{"Open", "Look", "Apply", "Publish"}, w.calls)
	require.Equal(t, payment.Refunded, w.row.Status)
}

func TestAPOSTOnASettledPaymentAnswersAndEndsTheRun(t *testing.T) {
	fingerprint := creation().Request.Fingerprint()
	w := &world{row: activities.State{Found: true, Status: payment.Approved, Fingerprint: fingerprint}}
	env := newEnv(t, w)
	answers := 0
	post(env, 0, fingerprint, func(err error) { require.NoError(t, err); answers++ })
	start(env, creation())

	require.NoError(t, env.GetWorkflowError())
	require.Equal(t, 1, answers)
	require.Equal(t, []string{"Open"}, w.calls)
}

// After a crash of everything, or a reset, the row says that the charge was asked for and not whether
// it was answered: it is asked for again, under the same key.
func TestANudgeOnAnUnfinishedPaymentChargesAgain(t *testing.T) {
	w := &world{provider: payment.Approved, row: activities.State{Found: true, Status: payment.Processing}}
	env := newEnv(t, w)
	nudge(env, 0, func() {})
	start(env, nil)

	require.NoError(t, env.GetWorkflowError())
	require.Equal(t, payment.Approved, w.row.Status)
	require.Equal(t, 1, w.count("Charge"))
}

func TestANudgeForAPaymentThatDoesNotExistEnds(t *testing.T) {
	w := &world{}
	env := newEnv(t, w)
	nudge(env, 0, func() {})
	start(env, nil)

	require.NoError(t, env.GetWorkflowError())
	require.Equal(t, []string{"Open"}, w.calls)
}

func TestACancelledRunStopsWithoutTouchingThePayment(t *testing.T) {
	w := &world{expires: started.Add(time.Hour)}
	env := newEnv(t, w)
	env.RegisterDelayedCallback(env.CancelWorkflow, time.Second)
	start(env, creation())

	require.True(t, temporal.IsCanceledError(env.GetWorkflowError()))
	require.Equal(t, payment.Pending, w.row.Status)
}

func TestTheQueryShowsWhatTheMailboxWaitsFor(t *testing.T) {
	w := &world{expires: started.Add(time.Hour)}
	env := newEnv(t, w)
	var view View
	env.RegisterDelayedCallback(func() {
		answer, err := env.QueryWorkflow(QueryState)
		require.NoError(t, err)
		require.NoError(t, answer.Get(&view))
	}, 30*time.Second)
	nudge(env, 40*time.Second, func() { w.provider = payment.Approved })
	start(env, creation())

	require.Equal(t, payment.Pending, view.Status)
	require.Equal(t, providerID, view.ProviderPaymentID)
	require.WithinDuration(t, started.Add(time.Minute), view.NextPoll, 2*time.Second)
}

func TestGapsDoubleUpToTheWidest(t *testing.T) {
	p := Polls{First: time.Minute, Max: 10 * time.Minute}
	var gaps []time.Duration
	for looks := range 6 {
		gaps = append(gaps, p.gap(looks)/time.Minute)
	}
	require.Equal(t, []time.Duration{1, 2, 4, 8, 10, 10}, gaps)
	require.True(t, slices.IsSorted(gaps))
	require.Equal(t, 10*time.Minute, p.gap(1000))
}

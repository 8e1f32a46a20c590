package workflows

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"github.com/onlywave/onlywave/activities"
	"github.com/onlywave/onlywave/internal/command"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
)

// refusals are the outcomes of orders: nil was carried out.
type refusals struct{ list []error }

// kinds are their kinds; "" was carried out.
func (r *refusals) kinds() []failure.Kind {
	kinds := []failure.Kind{}
	for _, err := range r.list {
		kind := failure.Kind("")
		if app, ok := errors.AsType[*temporal.ApplicationError](err); ok {
			kind = failure.Kind(app.Type())
		}
		kinds = append(kinds, kind)
	}
	return kinds
}

var ana = command.Order{Actor: "ana", Reason: "the buyer is on the phone"}

// update orders a command after a while, as REST, the console and the command line do.
func (r *refusals) update(env *testsuite.TestWorkflowEnvironment, after time.Duration, name command.Name, o command.Order) {
	env.RegisterDelayedCallback(func() {
		env.UpdateWorkflow(string(name), string(name)+after.String(), &testsuite.TestUpdateCallback{
			OnAccept: func() {}, OnReject: func(err error) { r.list = append(r.list, err) },
			OnComplete: func(_ any, err error) { r.list = append(r.list, err) },
		}, o)
	}, after)
}

// send signals a command after a while, as the Web UI does.
func send(env *testsuite.TestWorkflowEnvironment, after time.Duration, name command.Name, argument string) {
	env.RegisterDelayedCallback(func() { env.SignalWorkflow(string(name), json.RawMessage(argument)) }, after)
}

func view(t *testing.T, env *testsuite.TestWorkflowEnvironment) View {
	t.Helper()
	answer, err := env.QueryWorkflow(QueryState)
	require.NoError(t, err)
	var v View
	require.NoError(t, answer.Get(&v))
	return v
}

// pays makes the provider answer that it was paid, and signals.
func pays(env *testsuite.TestWorkflowEnvironment, w *fakeActivities, after time.Duration) {
	signal(env, after, func() { w.provider = payment.Approved })
}

// A signal and the update of the same name do the same: no call is made while the payment is held, and the webhook that came meanwhile
// is answered after the release.
func TestAHeldPaymentMakesNoCall(t *testing.T) {
	for _, by := range []string{"update", "signal"} {
		t.Run(by, func(t *testing.T) {
			w := &fakeActivities{}
			env := newEnv(t, w)
			var outcomes refusals
			if by == "update" {
				outcomes.update(env, 5*time.Second, command.Hold, ana)
				outcomes.update(env, 10*time.Hour, command.Release, ana)
			} else {
				send(env, 5*time.Second, command.Hold, `{"actor": "ana", "reason": "the buyer is on the phone"}`)
				send(env, 10*time.Hour, command.Release, `{"actor": "ana", "reason": "the buyer is on the phone"}`)
			}
			pays(env, w, time.Hour)
			env.RegisterDelayedCallback(func() {
				require.Equal(t, 1, w.charges)
				require.Zero(t, w.looks, "neither a poll nor the webhook")
				require.Equal(t, payment.Pending, w.row.Status)
				require.WithinDuration(t, started.Add(payment.HoldDefault), view(t, env).HeldUntil, time.Minute)
			}, 9*time.Hour)
			start(env, creation())
			require.NoError(t, env.GetWorkflowError())
			require.Equal(t, payment.Approved, w.row.Status)
			require.Equal(t, 1, w.looks)
			require.Equal(t, []int{1, 1}, []int{w.count("Hold"), w.count("Release")})
			require.NotContains(t, outcomes.kinds(), failure.Conflict)
			for _, o := range w.ordered {
				require.NotEmpty(t, o.ID)
				require.Equal(t, paymentID, o.PaymentID)
			}
		})
	}
}

func TestAHoldEndsByItself(t *testing.T) {
	w := &fakeActivities{}
	env := newEnv(t, w)
	var outcomes refusals
	o := ana
	o.Until = started.Add(2 * time.Hour)
	outcomes.update(env, 5*time.Second, command.Hold, o)
	env.RegisterDelayedCallback(func() { require.Zero(t, w.looks) }, 2*time.Hour-time.Second)
	pays(env, w, time.Hour)
	start(env, creation())
	require.NoError(t, env.GetWorkflowError())
	require.Equal(t, []failure.Kind{""}, outcomes.kinds())
	require.Equal(t, 1, w.count("ExpireHold"))
	require.Equal(t, payment.Approved, w.row.Status)
}

// The hold is in the database: a run that begins under it makes no call, and charges after the release.
func TestARunThatFindsAHoldKeepsIt(t *testing.T) {
	w := &fakeActivities{row: activities.State{
		Found: true, Status: payment.Processing, Method: payment.Pix, Money: creation().Request.Amount, Fingerprint: creation().Fingerprint,
		Hold: payment.Hold{Until: started.Add(time.Hour), Actor: "ana", At: started},
	}}
	env := newEnv(t, w)
	send(env, 10*time.Minute, command.Release, `"please"`)
	signal(env, 20*time.Minute, func() {})
	env.RegisterDelayedCallback(func() { require.Zero(t, w.count("Charge")+w.count("Look")) }, time.Hour-time.Second)
	pays(env, w, 2*time.Hour)
	start(env, creation())
	require.NoError(t, env.GetWorkflowError())
	require.Equal(t, 1, w.charges)
	require.True(t, w.asked[0].Search, "an earlier run may have charged")
}

// A hold ends the wait for the next attempt to charge. The attempt after the release knows that one was made before.
func TestAHoldStopsTheAttemptsToCharge(t *testing.T) {
	away := true
	w := &fakeActivities{}
	w.charge = func(int) error {
		if away {
			return transient(failure.Unavailable)
		}
		return nil
	}
	env := newEnv(t, w)
	var outcomes refusals
	outcomes.update(env, 30*time.Second, command.Hold, ana)
	tried := 0
	env.RegisterDelayedCallback(func() { tried, away = w.count("Charge"), false }, time.Minute)
	env.RegisterDelayedCallback(func() { require.Equal(t, tried, w.count("Charge")) }, 59*time.Minute)
	outcomes.update(env, time.Hour, command.Release, ana)
	pays(env, w, 2*time.Hour)
	start(env, creation())
	require.NoError(t, env.GetWorkflowError())
	require.Equal(t, []failure.Kind{"", ""}, outcomes.kinds())
	require.Equal(t, payment.Approved, w.row.Status)
	last := w.asked[len(w.asked)-1]
	require.True(t, last.Again && last.Search)
	require.NotContains(t, w.history, payment.Unknown)
}

func TestRetryMakesTheWaitingAttemptDue(t *testing.T) {
	w := &fakeActivities{charge: func(n int) error {
		if n < 8 {
			return transient(failure.Unavailable)
		}
		return nil
	}}
	env := newEnv(t, w)
	var outcomes refusals
	outcomes.update(env, 5*time.Second, command.Retry, command.Order{Actor: "ana"})
	outcomes.update(env, 6*time.Second, command.Look, command.Order{Actor: "ana"})
	outcomes.update(env, 7*time.Second, command.Settle, ana)
	pays(env, w, 2*time.Hour)
	start(env, creation())
	require.NoError(t, env.GetWorkflowError())
	require.Equal(t, []failure.Kind{"", "", failure.Conflict}, outcomes.kinds())
	require.Equal(t, 2, w.attempts)
	require.Equal(t, 2, w.count("AuditOrder"))
}

func TestRetryLooksWhenNoActivityWaits(t *testing.T) {
	w := &fakeActivities{}
	env := newEnv(t, w)
	var outcomes refusals
	env.RegisterDelayedCallback(func() { w.provider = payment.Approved }, 4*time.Second)
	outcomes.update(env, 5*time.Second, command.Retry, command.Order{Actor: "ana"})
	start(env, creation())
	require.NoError(t, env.GetWorkflowError())
	require.Equal(t, []failure.Kind{""}, outcomes.kinds())
	require.Equal(t, payment.Approved, w.row.Status)
	require.Zero(t, w.attempts)
}

// Money: whatever becomes of the attempts, a payment that may have been charged is never failed.
func TestGivingUpNeverFailsWhatMayBeCharged(t *testing.T) {
	for name, row := range map[string]struct {
		found   payment.Status // what the provider has when it is searched
		look    func(int) error
		hold    bool
		want    payment.Status
		kinds   []failure.Kind
		letters int
	}{
		"the provider has none":       {want: payment.Unknown, kinds: []failure.Kind{""}, letters: 1},
		"the provider has it":         {found: payment.Approved, want: payment.Approved, kinds: []failure.Kind{failure.Conflict}},
		"the provider does not say":   {look: func(int) error { return transient(failure.Unavailable) }, want: payment.Unknown, kinds: []failure.Kind{""}, letters: 1},
		"the provider has another's":  {look: func(int) error { return refusal(failure.Conflict) }, want: payment.Unknown, kinds: []failure.Kind{""}, letters: 1},
		"the payment is held as well": {hold: true, want: payment.Unknown, kinds: []failure.Kind{"", ""}, letters: 1},
	} {
		t.Run(name, func(t *testing.T) {
			w := &fakeActivities{charge: func(int) error { return transient(failure.Unavailable) }, look: row.look}
			env := newEnv(t, w)
			var outcomes refusals
			if row.hold {
				outcomes.update(env, 10*time.Second, command.Hold, ana)
			}
			env.RegisterDelayedCallback(func() { w.provider = row.found }, 19*time.Second)
			outcomes.update(env, 20*time.Second, command.GiveUp, ana)
			env.RegisterDelayedCallback(func() {
				require.Equal(t, row.want, w.row.Status)
				require.Len(t, w.deadLetters, row.letters)
				require.Equal(t, payment.Hold{}, w.row.Hold)
				w.look, w.provider = nil, payment.Approved // let the run end
			}, 10*time.Minute)
			tries := 0
			env.RegisterDelayedCallback(func() { tries = w.count("Charge") }, 19*time.Second)
			signal(env, time.Hour, func() {})
			start(env, creation())
			require.NoError(t, env.GetWorkflowError())
			require.Equal(t, row.kinds, outcomes.kinds())
			require.NotContains(t, w.history, payment.Failed)
			require.Equal(t, tries, w.count("Charge"), "no attempt after it was given up")
		})
	}
}

// A charge that was never sent fails, and the order after it finds nothing to give up.
func TestGivingUpFailsWhatWasNeverSent(t *testing.T) {
	w := &fakeActivities{}
	env := newEnv(t, w)
	var outcomes refusals
	env.RegisterDelayedCallback(func() {
		env.SignalWorkflow(string(command.GiveUp), json.RawMessage(`{"actor": "ana", "reason": "a wrong order"}`))
	}, 0)
	outcomes.update(env, time.Second, command.GiveUp, ana)
	start(env, creation())
	require.NoError(t, env.GetWorkflowError())
	require.Equal(t, payment.Failed, w.row.Status)
	require.Zero(t, w.count("Charge"))
	require.Equal(t, 1, w.count("GiveUp"))
}

func TestAChargeThatWasFoundSettlesThePayment(t *testing.T) {
	found := ana
	found.Outcome, found.ProviderPaymentID = command.Found, providerID
	for name, row := range map[string]struct {
		look  func(int) error
		has   payment.Status
		kinds []failure.Kind
		want  payment.Status
	}{
		"the provider has it":    {has: payment.Approved, kinds: []failure.Kind{"", failure.Conflict}, want: payment.Approved},
		"it is another's":        {look: func(int) error { return refusal(failure.Conflict) }, kinds: []failure.Kind{failure.Conflict, failure.Conflict}, want: payment.Unknown},
		"the provider has none":  {kinds: []failure.Kind{failure.Conflict, failure.Conflict}, want: payment.Unknown},
		"it says nothing for it": {look: func(int) error { return transient(failure.Unavailable) }, kinds: []failure.Kind{failure.Unavailable, failure.Unavailable}, want: payment.Unknown},
	} {
		t.Run(name, func(t *testing.T) {
			w := &fakeActivities{charge: func(int) error { return refusal(failure.Conflict) }}
			env := newEnv(t, w)
			var outcomes refusals
			env.RegisterDelayedCallback(func() { w.look, w.provider = row.look, row.has }, 9*time.Second)
			outcomes.update(env, 10*time.Second, command.Settle, found)
			outcomes.update(env, 29*time.Second, command.Settle, found)
			env.RegisterDelayedCallback(func() {
				require.Equal(t, row.want, w.row.Status)
				w.look, w.provider = nil, payment.Approved
			}, 50*time.Second)
			post(env, 9*time.Second, creation().Request.Fingerprint(), func(err error) { require.NoError(t, err) })
			start(env, creation())
			require.NoError(t, env.GetWorkflowError())
			require.Subset(t, append(row.kinds, failure.NotFound), outcomes.kinds())
			require.Zero(t, w.count("Settle"))
			if row.want == payment.Approved {
				require.Equal(t, 1, w.count("SettleFound"))
				require.Equal(t, "ana", w.ordered[0].Actor)
			}
		})
	}
}

// An order that is not valid, or not possible, changes nothing. An update is refused before it leaves a trace in the history.
func TestRefusedOrdersChangeNothing(t *testing.T) {
	w := &fakeActivities{}
	env := newEnv(t, w)
	var outcomes refusals
	nameless, card, far := ana, ana, ana
	nameless.Actor, card.Reason, far.Until = "", "card 4235 6477 2802 5682", started.Add(8*24*time.Hour)
	outcomes.update(env, 1*time.Second, command.Hold, command.Order{Actor: "ana"})
	outcomes.update(env, 2*time.Second, command.Hold, nameless)
	outcomes.update(env, 3*time.Second, command.Hold, card)
	outcomes.update(env, 4*time.Second, command.Hold, far)
	outcomes.update(env, 5*time.Second, command.Release, ana)
	outcomes.update(env, 6*time.Second, command.GiveUp, ana)
	outcomes.update(env, 7*time.Second, command.Settle, ana)
	for after, argument := range map[time.Duration]string{
		11 * time.Second: `null`, 12 * time.Second: `"held"`, 13 * time.Second: `{"actor": "ana"}`, 14 * time.Second: `[1]`,
		15 * time.Second: `{"actor": "ana", "reason": "card 4235 6477 2802 5682"}`,
	} {
		send(env, after, command.Hold, argument)
		env.RegisterDelayedCallback(func() {
			require.Contains(t, view(t, env).Refused, "The signal `hold`", argument)
			require.NotContains(t, view(t, env).Refused, "4235")
		}, after+500*time.Millisecond)
	}
	send(env, 16*time.Second, command.Release, `{"actor": "ana", "reason": "why"}`)
	env.RegisterDelayedCallback(func() {
		require.Contains(t, view(t, env).Refused, "the payment is not held")
		require.Empty(t, w.ordered)
		require.Equal(t, payment.Hold{}, w.row.Hold)
	}, 17*time.Second)
	pays(env, w, 20*time.Second)
	start(env, creation())
	require.NoError(t, env.GetWorkflowError())
	invalid, conflict := failure.Invalid, failure.Conflict
	require.Equal(t, []failure.Kind{invalid, invalid, invalid, invalid, conflict, conflict, conflict}, outcomes.kinds())
}

// Orders on a payment that is not there change nothing, and the run ends.
func TestWhatIsNotThereTakesNoOrders(t *testing.T) {
	w := &fakeActivities{}
	env := newEnv(t, w)
	var outcomes refusals
	outcomes.update(env, 0, command.Hold, ana)
	send(env, 0, command.GiveUp, `{"actor": "ana", "reason": "a wrong order"}`)
	start(env, nil)
	require.NoError(t, env.GetWorkflowError())
	require.Equal(t, []failure.Kind{failure.NotFound}, outcomes.kinds())
	require.Empty(t, w.ordered)
}

// A run that was started by hand has no polls, and need not name the payment.
func TestARunStartedByHandPolls(t *testing.T) {
	w := &fakeActivities{row: activities.State{Found: true, Status: payment.Pending, Method: payment.Pix, ProviderPaymentID: providerID}, provider: payment.Pending}
	env := newEnv(t, w)
	env.SetStartWorkflowOptions(client.StartWorkflowOptions{ID: WorkflowID(paymentID), TaskQueue: TaskQueue})
	env.RegisterDelayedCallback(func() { require.Equal(t, 1, w.looks) }, 90*time.Second)
	pays(env, w, 2*time.Minute)
	env.ExecuteWorkflow(Payment, PaymentInput{})
	require.NoError(t, env.GetWorkflowError())
	require.Equal(t, payment.Approved, w.row.Status)
}

package workflows

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"github.com/onlywave/onlywave/activities"
	"github.com/onlywave/onlywave/internal/deadletter"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
)

// doubtful is a refusal that follows an attempt which may have charged.
func doubtful(int) error {
	return temporal.NewNonRetryableApplicationError("no", string(failure.Invalid), nil, activities.Doubt{Earlier: true})
}

// One answer is lost, the next attempt is refused, and the search lags behind: a charged payment must not become a failed one.
func TestARefusalAfterALostAnswerIsBelievedAfterTenMinutesOfSearchingOnly(t *testing.T) {
	const found = 390 * time.Second // as it was seen: the search knew the payment six and a half minutes later
	silent := func(n int) error {
		if n <= 3 {
			return transient(failure.Unavailable)
		}
		return nil
	}
	rows := map[string]struct {
		provider payment.Status
		known    time.Duration // when the provider's search knows it
		signal   time.Duration // when a notification says so; 0: never
		look     func(int) error
		want     []payment.Status
		least    time.Duration
		most     time.Duration
	}{
		"charged, known at once":         {provider: payment.Approved, want: []payment.Status{payment.Processing, payment.Unknown, payment.Approved}, least: 20 * time.Second, most: time.Minute},
		"charged, known late":            {known: found, want: []payment.Status{payment.Processing, payment.Unknown, payment.Approved}, least: found, most: 10*time.Minute + time.Second},
		"charged, a notification comes":  {known: found, signal: found, want: []payment.Status{payment.Processing, payment.Unknown, payment.Approved}, least: found, most: found + time.Second},
		"not charged":                    {want: []payment.Status{payment.Processing, payment.Unknown, payment.Failed}, least: 10 * time.Minute, most: 10*time.Minute + time.Second},
		"not charged, signals of others": {signal: time.Second, want: []payment.Status{payment.Processing, payment.Unknown, payment.Failed}, least: 10 * time.Minute, most: 10*time.Minute + time.Second},
		"the search is silent at first":  {look: silent, want: []payment.Status{payment.Processing, payment.Unknown, payment.Failed}, least: 10 * time.Minute, most: 11 * time.Minute},
	}
	for name, row := range rows {
		t.Run(name, func(t *testing.T) {
			w := &fakeActivities{provider: row.provider, look: row.look, charge: doubtful}
			env := newEnv(t, w)
			if row.known > 0 {
				env.RegisterDelayedCallback(func() { w.provider = payment.Approved }, row.known)
			}
			if row.signal > 0 {
				signal(env, row.signal, func() {})
			}
			answers := 0
			post(env, 0, creation().Request.Fingerprint(), func(err error) { require.NoError(t, err); answers++ })
			start(env, creation())
			require.NoError(t, env.GetWorkflowError())
			require.Equal(t, row.want, w.history)
			took := env.Now().Sub(started)
			require.GreaterOrEqual(t, took, row.least)
			require.LessOrEqual(t, took, row.most)
			require.Equal(t, 1, answers)
			require.Empty(t, w.deadLetters, "it ends by itself, so nothing is reported")
			require.Equal(t, 1, w.count("Charge"))
		})
	}
}

// Ten minutes have passed and the provider has not answered the last search: operators are alerted, the payment stays unknown, and
// what an answer says is believed, however late.
func TestARefusalThatCannotBeCheckedLeavesThePaymentUnknown(t *testing.T) {
	for name, row := range map[string]struct {
		provider payment.Status
		want     []payment.Status
	}{
		"charged":     {payment.Approved, []payment.Status{payment.Processing, payment.Unknown, payment.Approved}},
		"not charged": {"", []payment.Status{payment.Processing, payment.Unknown, payment.Failed}},
	} {
		t.Run(name, func(t *testing.T) {
			w := &fakeActivities{charge: doubtful}
			env := newEnv(t, w)
			w.look = func(int) error {
				if env.Now().Sub(started) < 2*time.Hour {
					return refusal(failure.Conflict)
				}
				w.provider = row.provider
				return nil
			}
			env.RegisterDelayedCallback(func() {
				require.Equal(t, payment.Unknown, w.row.Status)
				require.Len(t, w.deadLetters, 1)
				require.Equal(t, deadletter.CauseUnknownOutcome, w.deadLetters[0].Cause)
			}, time.Hour)
			start(env, creation())
			require.NoError(t, env.GetWorkflowError())
			require.Equal(t, row.want, w.history)
			require.Len(t, w.deadLetters, 1)
		})
	}
}

// A run that was cancelled while it searched has reported nothing. The next one reports.
func TestARunThatFindsAPaymentUnknownReportsIt(t *testing.T) {
	w := &fakeActivities{row: activities.State{Found: true, Status: payment.Unknown, Fingerprint: creation().Request.Fingerprint()}}
	env := newEnv(t, w)
	signal(env, time.Hour, func() { w.provider = payment.Approved })
	start(env, creation())
	require.NoError(t, env.GetWorkflowError())
	require.Len(t, w.deadLetters, 1)
	require.Equal(t, deadletter.CauseUnknownOutcome, w.deadLetters[0].Cause)
	require.Equal(t, payment.Approved, w.row.Status)
	require.Zero(t, w.count("Charge"))
}

// The activity that follows a quick try must know that it may not be the first to charge, unless the try was not begun.
func TestAnActivityKnowsOfTheQuickTryBeforeIt(t *testing.T) {
	untried := temporal.NewApplicationError("no quick try", string(failure.Unavailable), activities.Doubt{Untried: true})
	for name, row := range map[string]struct {
		quick error
		again bool
	}{
		"no answer": {transient(failure.Unavailable), true},
		"a bug":     {transient(failure.Internal), true},
		"not begun": {untried, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := &fakeActivities{provider: payment.Approved}
			w.charge = func(attempt int) error {
				if attempt == 1 {
					return row.quick
				}
				return nil
			}
			env := newEnv(t, w)
			start(env, creation())
			require.NoError(t, env.GetWorkflowError())
			require.Equal(t, []activities.ChargeInput{{PaymentID: paymentID, Opened: opened()}, {PaymentID: paymentID, Again: row.again}}, w.asked)
			require.Equal(t, []payment.Status{payment.Processing, payment.Approved}, w.history)
		})
	}
}

// opened is the payment as a run hands it to the quick try, whose input is not in the history.
func opened() *activities.Opened {
	return &activities.Opened{Creation: *creation(), AskedAt: started, At: started}
}

// A workflow task that failed, at once or late, has left its payment behind, and may have charged. The one that does it all
// again must know.
func TestAQuickTryKnowsThatItMayNotBeTheFirst(t *testing.T) {
	for name, left := range map[string]bool{"first": false, "again": true} {
		t.Run(name, func(t *testing.T) {
			w, known := &fakeActivities{provider: payment.Approved}, opened()
			if left {
				known = nil
				_, err := w.Open(t.Context(), activities.OpenInput{PaymentID: paymentID, Creation: creation()})
				require.NoError(t, err)
			}
			env := newEnv(t, w)
			start(env, creation())
			require.NoError(t, env.GetWorkflowError())
			require.Equal(t, []activities.ChargeInput{{PaymentID: paymentID, Again: left, Search: left, Opened: known}}, w.asked)
		})
	}
}

// A failure that the buyer can put right keeps its code, also when the refusal came after trouble and was believed late.
func TestAFailureKeepsItsCode(t *testing.T) {
	for name, refusal := range map[string]activities.Doubt{
		"at once":       {Code: failure.CodeTaxID},
		"after a doubt": {Code: failure.CodeTaxID, Earlier: true},
	} {
		t.Run(name, func(t *testing.T) {
			w := &fakeActivities{charge: func(int) error {
				return temporal.NewNonRetryableApplicationError("the tax id is wrong", string(failure.Invalid), nil, refusal)
			}}
			env := newEnv(t, w)
			start(env, creation())
			require.NoError(t, env.GetWorkflowError())
			require.Len(t, w.failed, 1)
			require.Equal(t, failure.CodeTaxID, w.failed[0].Code)
			require.Equal(t, "the tax id is wrong", w.failed[0].Why)
		})
	}
}

// An operator has settled the payment, and a reset has left that out: the run learns it from the database, and ends.
func TestAnUnknownPaymentThatIsSettledInTheDatabaseEnds(t *testing.T) {
	w := &fakeActivities{charge: func(int) error { return refusal(failure.Conflict) }}
	env := newEnv(t, w)
	signal(env, time.Hour, func() { w.row.Status = payment.Failed })
	start(env, creation())

	require.NoError(t, env.GetWorkflowError())
	require.Less(t, env.Now().Sub(started), time.Hour+time.Minute)
}

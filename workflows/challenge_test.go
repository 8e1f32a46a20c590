package workflows

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
)

// challenged is a card's payment that waits for a challenge, for 15 minutes.
func challenged() *fakeActivities {
	return &fakeActivities{expires: started.Add(15 * time.Minute), challenge: &payment.Challenge{}}
}

// Nobody finishes the challenge. The run looks, and then closes the payment, once.
func TestAChallengeThatNobodyFinishesIsClosed(t *testing.T) {
	w := challenged()
	env := newEnv(t, w)
	start(env, creation())

	require.NoError(t, env.GetWorkflowError())
	require.Equal(t, []payment.Status{payment.Processing, payment.Pending, payment.Expired}, w.history)
	require.Equal(t, 15*time.Minute+polls.AfterExpiry, env.Now().Sub(started).Truncate(time.Second))
	require.Equal(t, 1, w.count("Close"))
	require.Equal(t, []string{"Look", "Close", "Apply"}, withoutApplyOf(w.calls, 4), "it looks before it closes")
}

// withoutApplyOf are the last calls, without the Apply of the look.
func withoutApplyOf(calls []string, n int) []string {
	last := calls[len(calls)-n:]
	return []string{last[0], last[2], last[3]}
}

// What the look finds at the end counts: the buyer has passed, or the bank is still reviewing.
func TestAChallengeThatIsOverIsNotClosed(t *testing.T) {
	for _, status := range []payment.Status{payment.Approved, payment.Rejected, payment.InReview} {
		w := challenged()
		env := newEnv(t, w)
		env.RegisterDelayedCallback(func() { w.provider, w.challenge = status, nil }, 15*time.Minute+time.Second)
		env.RegisterDelayedCallback(env.CancelWorkflow, time.Hour) // one in review goes on
		start(env, creation())

		require.Equal(t, status, w.row.Status)
		require.Zero(t, w.count("Close"), status)
	}
}

// While the provider does not answer the look, nothing is closed.
func TestAChallengeIsNotClosedUnseen(t *testing.T) {
	w := challenged()
	w.look = func(int) error {
		if w.expires.Before(w.now()) {
			return refusal(failure.Internal)
		}
		return nil
	}
	env := newEnv(t, w)
	w.now = env.Now
	env.RegisterDelayedCallback(env.CancelWorkflow, time.Hour)
	start(env, creation())

	require.Equal(t, payment.Pending, w.row.Status)
	require.Zero(t, w.count("Close"))
}

// A signal after the page brings the news; what the page itself has said is nowhere.
func TestAChallengeIsPassed(t *testing.T) {
	w := challenged()
	env := newEnv(t, w)
	signal(env, 3*time.Minute, func() { w.provider, w.challenge = payment.Approved, nil })
	start(env, creation())

	require.NoError(t, env.GetWorkflowError())
	require.Equal(t, []payment.Status{payment.Processing, payment.Pending, payment.Approved}, w.history)
	require.Zero(t, w.count("Close"))
}

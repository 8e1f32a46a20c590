package workflows

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"github.com/onlywave/onlywave/activities"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
)

// postman stands in for the mail server's activity.
type postman struct {
	tries int
	send  func(try int) error // nil: works
}

func (p *postman) SendEmail(context.Context, activities.EmailInput) (activities.Emailed, error) {
	p.tries++
	if p.send != nil {
		if err := p.send(p.tries); err != nil {
			return activities.Emailed{}, err
		}
	}
	return activities.Emailed{Outcome: payment.EmailSent}, nil
}

func sendEmail(t *testing.T, p *postman) (activities.Emailed, time.Duration, error) {
	env := newEnv(t, &fakeActivities{})
	env.RegisterActivity(p)
	env.ExecuteWorkflow(Email, activities.EmailInput{Name: paymentID + "/receipt", Notice: payment.Receipt, PaymentID: paymentID})
	require.True(t, env.IsWorkflowCompleted())
	var done activities.Emailed
	if err := env.GetWorkflowError(); err != nil {
		return done, env.Now().Sub(started), err
	}
	return done, env.Now().Sub(started), env.GetWorkflowResult(&done)
}

func TestAnEmailIsTriedForADay(t *testing.T) {
	t.Parallel()
	away := func(int) error {
		return temporal.NewApplicationErrorWithOptions("away", string(failure.Unavailable), temporal.ApplicationErrorOptions{NextRetryDelay: 5 * time.Hour})
	}
	p := &postman{send: away}
	_, took, err := sendEmail(t, p)
	require.Error(t, err)
	require.Equal(t, 20*time.Hour, took)

	p = &postman{send: func(try int) error {
		if try < 5 {
			return away(try)
		}
		return nil
	}}
	done, _, err := sendEmail(t, p)
	require.NoError(t, err)
	require.Equal(t, payment.EmailSent, done.Outcome)
}

func TestAnEmailAboutNothingIsGivenUpAtOnce(t *testing.T) {
	t.Parallel()
	p := &postman{send: func(int) error { return refusal(failure.NotFound) }}
	_, _, err := sendEmail(t, p)
	require.Error(t, err)
	require.Equal(t, 1, p.tries)
}

// A run from before the outbox passes on whether its buyer is to be told: it has no activity more for it.
func TestARunFromBeforeTheOutboxTellsItsBuyer(t *testing.T) {
	t.Parallel()
	for _, told := range []bool{false, true} {
		w := &fakeActivities{older: true, email: told}
		env := newEnv(t, w)
		nudge(env, 20*time.Second, func() { w.provider = payment.Approved })
		start(env, creation())
		require.NoError(t, env.GetWorkflowError())
		require.Equal(t, []string{"Open", "Charge", "Apply", "Publish", "Look", "Apply", "Publish"}, w.calls)
		require.Equal(t, told, w.told)
	}
}

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

// fakeMail stands in for the mail server's activity.
type fakeMail struct {
	tries int
	send  func(try int) error // nil: works
}

func (p *fakeMail) SendEmail(context.Context, activities.EmailInput) (activities.Emailed, error) {
	p.tries++
	if p.send != nil {
		if err := p.send(p.tries); err != nil {
			return activities.Emailed{}, err
		}
	}
	return activities.Emailed{Outcome: payment.EmailSent}, nil
}

func sendEmail(t *testing.T, p *fakeMail) (activities.Emailed, time.Duration, error) {
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
	unavailable := func(int) error {
		return temporal.NewApplicationErrorWithOptions("unavailable", string(failure.Unavailable), temporal.ApplicationErrorOptions{NextRetryDelay: 5 * time.Hour})
	}
	p := &fakeMail{send: unavailable}
	_, took, err := sendEmail(t, p)
	require.Error(t, err)
	require.Equal(t, 20*time.Hour, took)

	p = &fakeMail{send: func(try int) error {
		if try < 5 {
			return unavailable(try)
		}
		return nil
	}}
	done, _, err := sendEmail(t, p)
	require.NoError(t, err)
	require.Equal(t, payment.EmailSent, done.Outcome)
}

func TestAnEmailAboutNothingIsGivenUpAtOnce(t *testing.T) {
	t.Parallel()
	p := &fakeMail{send: func(int) error { return refusal(failure.NotFound) }}
	_, _, err := sendEmail(t, p)
	require.Error(t, err)
	require.Equal(t, 1, p.tries)
}

// A run from before the outbox passes on whether its buyer wants e-mails. It needs no further activity for that.
func TestARunFromBeforeTheOutboxEmailsItsBuyer(t *testing.T) {
	t.Parallel()
	for _, email := range []bool{false, true} {
		w := &fakeActivities{older: true, email: email}
		env := newEnv(t, w)
		signal(env, 20*time.Second, func() { w.provider = payment.Approved })
		start(env, creation())
		require.NoError(t, env.GetWorkflowError())
		require.Equal(t, []string{"Open", "Charge", "Apply", "Publish", "Look", "Apply", "Publish"}, w.calls)
		require.Equal(t, email, w.emailed)
	}
}

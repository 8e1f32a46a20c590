package activities

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/command"
	"github.com/onlywave/onlywave/internal/deadletter"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
)

func TestSettlingTwiceIsSettlingOnce(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	id := w.opened(t)
	in := SettleInput{Order: command.Order{Command: command.Settle, PaymentID: id, Actor: "ana", Reason: "the panel has none"}}
	early, err := w.Settle(t.Context(), in)
	require.NoError(t, err)
	require.Equal(t, payment.Processing, early.Status, "only an unknown one is settled")

	_, err = w.database.Park(t.Context(), id, "silence", time.Now().Add(time.Minute-command.Age))
	require.NoError(t, err)
	_, err = w.Settle(t.Context(), in)
	require.Equal(t, failure.Conflict, failure.Kind(application(t, err).Type()), "the search may not know the charge yet")
	require.ErrorContains(t, err, "may not find the payment yet")
	w.execute(t, `update payments set updated_at = updated_at - interval '10 minutes' where id = $1`, id)
	_, err = w.database.KeepDeadLetters(t.Context(), []deadletter.Message{{
		ID: deadletter.NewID(id, ""), Source: deadletter.FromWorkflow, Cause: deadletter.CauseUnknownOutcome, PaymentID: id,
		State: deadletter.Open, Deaths: 1, DiedAt: time.Now(),
	}})
	require.NoError(t, err)
	first, err := w.Settle(t.Context(), in)
	require.NoError(t, err)
	require.Equal(t, payment.Failed, first.Status)
	second, err := w.Settle(t.Context(), in)
	require.NoError(t, err)
	require.Equal(t, payment.Failed, second.Status)
	require.Equal(t, first, second)

	events, err := w.database.Events(t.Context(), id, 0, 10)
	require.NoError(t, err)
	require.Len(t, events, 3)
	require.Equal(t, []string{"ana", "the panel has none"}, []string{events[2].Data.Actor, events[2].Data.Reason})
	p, err := w.database.Payment(t.Context(), id)
	require.NoError(t, err)
	require.NotContains(t, p.Failure, "panel", "the reason is not for client apps")
	require.NotEmpty(t, p.Failure)
	operations, err := w.database.Operations(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, payment.OutcomeSettled, operations[0].Outcome)
	l, err := w.database.DeadLetter(t.Context(), deadletter.NewID(id, ""))
	require.NoError(t, err)
	require.Equal(t, deadletter.Resolved, l.State)
	require.Zero(t, w.charges(id))
}

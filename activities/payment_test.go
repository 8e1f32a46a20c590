package activities

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
)

func TestOpeningTwiceIsOpeningOnce(t *testing.T) {
	t.Parallel()
	w, in := newEnv(t), creation(t)
	first, err := w.Open(t.Context(), in)
	require.NoError(t, err)
	require.Equal(t, State{
		Found: true, ClientID: "shop", Fingerprint: in.Creation.Request.Fingerprint(), Status: payment.Processing,
		Method: payment.Pix, Money: money, New: true, AskedAt: first.AskedAt, Version: 1,
		ExpiresAt: first.AskedAt.Add(time.Hour), KeepsEnd: true, Since: first.Since,
	}, first)
	second, err := w.Open(t.Context(), in)
	require.NoError(t, err)
	require.False(t, second.New)
	first.New = false
	require.Equal(t, first, second)
	loaded, err := w.Open(t.Context(), OpenInput{PaymentID: in.PaymentID})
	require.NoError(t, err)
	require.Equal(t, first, loaded)

	_, err = w.Apply(t.Context(), ApplyInput{PaymentID: in.PaymentID, State: said(in.PaymentID, payment.Pending, 1)})
	require.NoError(t, err)
	moved, err := w.Open(t.Context(), in)
	require.NoError(t, err)
	require.Equal(t, payment.Pending, moved.Status)
	require.Equal(t, "42", moved.ProviderPaymentID)
}

// Whoever reaches Temporal can start a run. What the API would refuse writes nothing.
func TestOpeningChecksWhatTheRunWasStartedWith(t *testing.T) {
	t.Parallel()
	w, in := newEnv(t), creation(t)
	wrong := in
	wrong.Creation = &payment.Creation{ClientID: "shop", IdempotencyKey: in.Creation.IdempotencyKey, Request: in.Creation.Request}
	wrong.Creation.Request.Payer.Email = "not an address"
	_, err := w.Open(t.Context(), wrong)
	requireActivityError(t, err, failure.Invalid, false)
	_, err = w.database.Payment(t.Context(), in.PaymentID)
	require.Equal(t, failure.NotFound, failure.KindOf(err))

	_, err = w.Open(t.Context(), in)
	require.NoError(t, err)
	wrong.Again = true
	_, err = w.Open(t.Context(), wrong)
	require.NoError(t, err, "what the run was started with was checked then, by the rules of then")
}

// A row that is lost is written anew as it was: it was asked for when it was, whatever the time is now.
func TestALostRowIsOpenedAsItWas(t *testing.T) {
	t.Parallel()
	w, in := newEnv(t), creation(t)
	in.AskedAt = time.Now().Add(-3 * time.Hour)
	var rows []payment.Payment
	for range 2 {
		state, err := w.Open(t.Context(), in)
		require.NoError(t, err)
		require.True(t, state.New)
		p, err := w.database.Payment(t.Context(), in.PaymentID)
		require.NoError(t, err)
		require.WithinDuration(t, in.AskedAt, p.CreatedAt, time.Microsecond)
		require.WithinDuration(t, time.Now(), p.UpdatedAt, time.Hour, "when it was written")
		require.Equal(t, p.CreatedAt, state.AskedAt)
		rows = append(rows, p)
		w.lose(t, in.PaymentID)
	}
	rows[0].UpdatedAt = rows[1].UpdatedAt
	require.Equal(t, rows[0], rows[1])
}

func TestAPaymentThatWasNotMadeIsNotFound(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	s, err := w.Open(t.Context(), OpenInput{PaymentID: creation(t).PaymentID})
	require.NoError(t, err)
	require.Equal(t, State{}, s)
}

// said is an answer of the provider's, at a second of its clock.
func said(id string, status payment.Status, second int) payment.ProviderState {
	return payment.ProviderState{
		PaymentID: "42", Reference: id, Status: status, RawStatus: string(status), Money: money,
		UpdatedAt: time.Date(2026, time.March, 1, 12, 0, second, 0, time.UTC),
	}
}

func TestMovingTwiceIsMovingOnce(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	id := w.opened(t)
	moves := []struct {
		status payment.Status
		run    func() (Moved, error)
	}{
		{payment.Unknown, func() (Moved, error) { return w.Park(t.Context(), GiveUpInput{PaymentID: id, Why: "silence"}) }},
		{payment.Failed, func() (Moved, error) { return w.Fail(t.Context(), GiveUpInput{PaymentID: id, Why: "refused"}) }},
		{payment.Pending, func() (Moved, error) {
			return w.Apply(t.Context(), ApplyInput{PaymentID: id, State: said(id, payment.Pending, 1)})
		}},
	}
	for i, move := range moves {
		for range 2 {
			moved, err := move.run()
			require.NoError(t, err)
			require.Equal(t, Moved{Status: move.status, Version: i + 2, Since: moved.Since}, moved)
		}
	}
	events, err := w.database.Events(t.Context(), id, 0, 10)
	require.NoError(t, err)
	require.Len(t, events, 1+len(moves))
}

// What the database will never take is left to a person at once.
func TestAnAnswerThatTheDatabaseRefusesIsNotTriedAgain(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	id := w.opened(t)
	state := said(id, payment.Refunded, 1)
	state.Refunded = money.Centavos + 1
	for range 2 {
		_, err := w.Apply(t.Context(), ApplyInput{PaymentID: id, State: state})
		requireActivityError(t, err, failure.Conflict, false)
	}
	state.Refunded, state.RawStatus = 0, "a\x00b"
	_, err := w.Apply(t.Context(), ApplyInput{PaymentID: id, State: state})
	requireActivityError(t, err, failure.Invalid, false)
}

// Of one moment a look's answer counts when it is further in the payment's life, and a creation's does not, however late it comes.
func TestOfOneMomentALookWins(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	id := w.opened(t)
	apply := func(status payment.Status, looked bool) payment.Status {
		m, err := w.Apply(t.Context(), ApplyInput{PaymentID: id, State: said(id, status, 1), Looked: looked})
		require.NoError(t, err)
		return m.Status
	}
	require.Equal(t, payment.Pending, apply(payment.Pending, false))
	require.Equal(t, payment.Pending, apply(payment.Approved, false))
	require.Equal(t, payment.Approved, apply(payment.Approved, true))
	require.Equal(t, payment.Approved, apply(payment.Pending, false))
	require.Equal(t, payment.Approved, apply(payment.Pending, true))
}

func TestWithoutTheDatabaseEveryActivityIsTriedAgain(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	a := New(Config{
		Database: openDatabase(t, "postgres://nobody@"+unreachable+"/nothing?sslmode=disable"),
		Provider: newClient(t, "http://"+unreachable, nil), Breakers: ownBreakers(t),
	})
	in := creation(t)
	activities := map[string]func(context.Context) error{
		"open": func(ctx context.Context) error { _, err := a.Open(ctx, in); return err },
		"load": func(ctx context.Context) error { _, err := a.Open(ctx, OpenInput{PaymentID: in.PaymentID}); return err },
		"charge": func(ctx context.Context) error {
			_, err := a.Charge(ctx, ChargeInput{PaymentID: in.PaymentID})
			return err
		},
		"apply": func(ctx context.Context) error {
			_, err := a.Apply(ctx, ApplyInput{PaymentID: in.PaymentID})
			return err
		},
		"fail": func(ctx context.Context) error {
			_, err := a.Fail(ctx, GiveUpInput{PaymentID: in.PaymentID})
			return err
		},
		"park": func(ctx context.Context) error {
			_, err := a.Park(ctx, GiveUpInput{PaymentID: in.PaymentID})
			return err
		},
	}
	for name, activity := range activities {
		t.Log(name)
		requireActivityError(t, activity(t.Context()), failure.Unavailable, true)
	}
	for _, move := range []func(context.Context, GiveUpInput) (Moved, error){w.Fail, w.Park} {
		_, err := move(t.Context(), GiveUpInput{PaymentID: in.PaymentID})
		requireActivityError(t, err, failure.NotFound, false)
	}
}

package activities

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/cache"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/test/devstack/devstacktest"
)

// Each activity that changes a payment leaves a copy of what it committed, also when it runs again and finds it done.
func TestEachStepLeavesACopy(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	store := openStore(t, devstacktest.Shared().RedisURL())
	store.AnswerTime = timeout
	copies := cache.New(store, time.Minute)
	w.cache = copies
	in := creation(t)
	id := in.PaymentID
	copied := func() payment.Payment {
		p, age, err := copies.Payment(t.Context(), id, func(context.Context, string) (payment.Payment, error) {
			return payment.Payment{}, &failure.Error{Kind: failure.Unavailable}
		})
		require.NoError(t, err)
		require.Zero(t, age)
		return p
	}
	twice := func(do func() error) {
		for range 2 {
			require.NoError(t, do())
			want, err := w.database.Payment(t.Context(), id)
			require.NoError(t, err)
			want.Payer, want.IdempotencyKey, want.Fingerprint = payment.Payer{}, "", ""
			require.Equal(t, want, copied())
			require.NoError(t, store.Client().Del(t.Context(), "onlywave:payment:{"+id+"}").Err()) // as if it had ended before
		}
	}
	_, err := w.Open(t.Context(), in)
	require.NoError(t, err)
	require.Zero(t, store.Client().Exists(t.Context(), "onlywave:payment:{"+id+"}").Val(), "the API copies it if POST answers with it")
	twice(func() error { _, err := w.Open(t.Context(), in); return err })
	twice(func() error { _, err := w.Park(t.Context(), GiveUpInput{PaymentID: id, Why: "no answer"}); return err })
	twice(func() error {
		_, err := w.Apply(t.Context(), ApplyInput{PaymentID: id, State: said(id, payment.Pending, 1)})
		return err
	})
}

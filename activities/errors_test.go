package activities

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"github.com/onlywave/onlywave/internal/payment"
)

// Every kind has its verdict here. A new kind needs one, and fails this test until it is decided.
func TestEveryKindHasItsVerdict(t *testing.T) {
	t.Parallel()
	const quiet, loud = temporal.ApplicationErrorCategoryBenign, temporal.ApplicationErrorCategoryUnspecified
	decided := map[payment.Kind]struct {
		again    bool
		category temporal.ApplicationErrorCategory
	}{
		payment.Invalid:      {false, loud},
		payment.NotFound:     {false, loud},
		payment.Conflict:     {false, loud},
		payment.Unavailable:  {true, quiet},
		payment.Limited:      {true, quiet},
		payment.Unauthorized: {true, loud},
		payment.Forbidden:    {true, loud},
		payment.Internal:     {true, loud},
	}
	require.Len(t, decided, len(payment.Kinds()))
	for _, kind := range payment.Kinds() {
		want, ok := decided[kind]
		require.True(t, ok, "%s has no verdict", kind)
		cause := errors.New("the cause")
		failure := &payment.Error{Kind: kind, Message: "what happened", RetryAfter: 7 * time.Second, Err: cause}
		for _, err := range []error{failure, fmt.Errorf("step 1: %w", failure)} {
			told := application(t, verdict(err))
			require.Equal(t, string(kind), told.Type())
			require.Equal(t, want.again, !told.NonRetryable(), kind)
			require.Equal(t, want.category, told.Category(), kind)
			require.Equal(t, 7*time.Second, told.NextRetryDelay())
			require.Equal(t, "what happened", told.Message())
			require.ErrorIs(t, told, cause)
		}
	}
}

// The workflow reads back why the provider refused.
func TestTheCodeOfARefusalIsTold(t *testing.T) {
	t.Parallel()
	refusal := fmt.Errorf("charge: %w", &payment.Error{Kind: payment.Invalid, Message: "no", Code: payment.FailureTaxID})
	for name, err := range map[string]error{"at once": verdict(refusal), "in doubt": doubt(t.Context(), true, refusal)} {
		var told Doubt
		require.NoError(t, application(t, err).Details(&told), name)
		require.Equal(t, payment.FailureTaxID, told.Code, name)
	}
	require.False(t, application(t, verdict(&payment.Error{Kind: payment.Invalid})).HasDetails())
}

func TestAForeignErrorHasAVerdictToo(t *testing.T) {
	t.Parallel()
	requireVerdict(t, verdict(errors.New("surprise")), payment.Internal, true)
	require.Equal(t, "surprise", application(t, verdict(errors.New("surprise"))).Message())
	require.Zero(t, application(t, verdict(errors.New("surprise"))).NextRetryDelay())
	requireVerdict(t, verdict(fmt.Errorf("read: %w", context.DeadlineExceeded)), payment.Unavailable, true)
	requireVerdict(t, verdict(&payment.Error{Kind: payment.Conflict}), payment.Conflict, false)
}

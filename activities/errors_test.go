package activities

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"github.com/onlywave/onlywave/internal/failure"
)

// Every kind is mapped here. A new kind fails this test until it is mapped, too.
func TestEveryKindHasItsMapping(t *testing.T) {
	t.Parallel()
	const quiet, loud = temporal.ApplicationErrorCategoryBenign, temporal.ApplicationErrorCategoryUnspecified
	decided := map[failure.Kind]struct {
		again    bool
		category temporal.ApplicationErrorCategory
	}{
		failure.Invalid:      {false, loud},
		failure.NotFound:     {false, loud},
		failure.Conflict:     {false, loud},
		failure.Unavailable:  {true, quiet},
		failure.Limited:      {true, quiet},
		failure.Unauthorized: {true, loud},
		failure.Forbidden:    {true, loud},
		failure.Internal:     {true, loud},
	}
	require.Len(t, decided, len(failure.Kinds()))
	for _, kind := range failure.Kinds() {
		want, ok := decided[kind]
		require.True(t, ok, "%s is not mapped", kind)
		cause := errors.New("the cause")
		failure := &failure.Error{Kind: kind, Message: "what happened", RetryAfter: 7 * time.Second, Err: cause}
		for _, err := range []error{failure, fmt.Errorf("activity 1: %w", failure)} {
			got := application(t, activityError(err))
			require.Equal(t, string(kind), got.Type())
			require.Equal(t, want.again, !got.NonRetryable(), kind)
			require.Equal(t, want.category, got.Category(), kind)
			require.Equal(t, 7*time.Second, got.NextRetryDelay())
			require.Equal(t, "what happened", got.Message())
			require.ErrorIs(t, got, cause)
		}
	}
}

// The workflow reads back why the provider refused.
func TestTheCodeOfARefusalIsADetailOfTheError(t *testing.T) {
	t.Parallel()
	refusal := fmt.Errorf("charge: %w", &failure.Error{Kind: failure.Invalid, Message: "no", Code: failure.CodeTaxID})
	for name, err := range map[string]error{"at once": activityError(refusal), "in doubt": doubt(true, refusal)} {
		var details Doubt
		require.NoError(t, application(t, err).Details(&details), name)
		require.Equal(t, failure.CodeTaxID, details.Code, name)
	}
	require.False(t, application(t, activityError(&failure.Error{Kind: failure.Invalid})).HasDetails())
}

func TestAForeignErrorIsMappedToo(t *testing.T) {
	t.Parallel()
	requireActivityError(t, activityError(errors.New("surprise")), failure.Internal, true)
	require.Equal(t, "surprise", application(t, activityError(errors.New("surprise"))).Message())
	require.Zero(t, application(t, activityError(errors.New("surprise"))).NextRetryDelay())
	requireActivityError(t, activityError(fmt.Errorf("read: %w", context.DeadlineExceeded)), failure.Unavailable, true)
	requireActivityError(t, activityError(&failure.Error{Kind: failure.Conflict}), failure.Conflict, false)
}

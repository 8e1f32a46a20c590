package failure

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestKinds(t *testing.T) {
	limited := &Error{Kind: Limited, Message: "slow down", RetryAfter: time.Minute}
	wrapped := fmt.Errorf("charge: %w", limited)
	require.Equal(t, Limited, KindOf(wrapped))
	require.Equal(t, time.Minute, RetryAfter(wrapped))
	require.Equal(t, Internal, KindOf(errors.New("boom")))
	require.Equal(t, Unavailable, KindOf(fmt.Errorf("read: %w", context.DeadlineExceeded)))
	require.Zero(t, RetryAfter(errors.New("boom")))
	require.Equal(t, "slow down: boom", (&Error{Message: "slow down", Err: errors.New("boom")}).Error())
}

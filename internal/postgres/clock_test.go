package postgres

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/telemetry/telemetrytest"
)

func TestTheClocksAreCompared(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	now, err := s.Now(t.Context())
	require.NoError(t, err)
	require.WithinDuration(t, time.Now(), now, patience)
	require.Equal(t, time.UTC, now.Location())
	require.Regexp(t, `(?m)^onlywave_clock_ahead_seconds -?0\.0`, telemetrytest.Text(t, s.Collectors()...))
	away := openStore(t, "postgres://nobody@127.0.0.1:1/nothing?sslmode=disable")
	require.NotContains(t, telemetrytest.Text(t, away.Collectors()...), "\nonlywave_clock_ahead_seconds")
}

// What a clock that is ahead has written has an age below nothing, and is not taken for new.
func TestAnAgeBelowNothingIsShown(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	p := newPayment("ahead")
	p.CreatedAt = time.Now().Add(20 * time.Hour)
	s.open(t, p)
	f, err := s.Figures(t.Context())
	require.NoError(t, err)
	require.InDelta(t, -20*time.Hour, f.Payments[payment.Processing].Oldest, float64(time.Minute))
}

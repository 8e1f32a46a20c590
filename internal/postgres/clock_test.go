package postgres

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/metrics/metricstest"
	"github.com/onlywave/onlywave/internal/payment"
)

func TestTheClocksAreCompared(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	now, err := s.Now(t.Context())
	require.NoError(t, err)
	require.WithinDuration(t, time.Now(), now, testTimeout)
	require.Equal(t, time.UTC, now.Location())
	require.Regexp(t, `(?m)^onlywave_clock_ahead_seconds (-?0\.0|-?[0-9.]+e-)`, metricstest.Text(t, s.Collectors()...))
	const wrong = "\nonlywave_clock_ahead_seconds 72000\n"
	s.clock.ahead.Store(int64(20 * time.Hour))
	require.Contains(t, metricstest.Text(t, s.Collectors()...), wrong)
	require.NoError(t, s.Ready(t.Context()), "which compares them anew")
	require.NotContains(t, metricstest.Text(t, s.Collectors()...), wrong)
	long := time.Now().Add(-clockKnown)
	s.clock.compared.Store(&long)
	require.NotContains(t, metricstest.Text(t, s.Collectors()...), "\nonlywave_clock_ahead_seconds", "what is no longer known is not shown")
	unavailable := openStore(t, "postgres://nobody@127.0.0.1:1/nothing?sslmode=disable")
	require.NotContains(t, metricstest.Text(t, unavailable.Collectors()...), "\nonlywave_clock_ahead_seconds")
}

// A process whose clock is ahead dates what it writes as the others do.
func TestAClockThatIsAheadIsPutRight(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	within := func(ahead time.Duration) {
		t.Helper()
		require.WithinDuration(t, time.Now().Add(-ahead), s.Clock(), time.Second)
	}
	within(0)
	s.clock.ahead.Store(int64(20 * time.Hour))
	within(20 * time.Hour)
	s.clock.ahead.Store(int64(-20 * time.Hour))
	within(-20 * time.Hour)
	s.clock.ahead.Store(int64(clockNoise / 2))
	within(0)

	s.clock.ahead.Store(int64(20 * time.Hour))
	s.pool.Reset() // the next statement is sent over a new connection
	_ = s.number(t, `select 1`)
	within(0)
	s.clock.ahead.Store(int64(20 * time.Hour))
	_, err := s.Now(t.Context())
	require.NoError(t, err)
	within(0)
}

// A row that was written with a clock that is ahead has a negative age.
func TestANegativeAgeIsShown(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	p := newPayment("ahead")
	p.CreatedAt = time.Now().Add(20 * time.Hour)
	s.open(t, p)
	f, err := s.Gauges(t.Context())
	require.NoError(t, err)
	require.InDelta(t, -20*time.Hour, f.Payments[payment.Processing].Oldest, float64(time.Minute))
}

package postgres

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"
)

const (
	// clockNoise is a difference that networks and busy machines make; a smaller one is not corrected.
	clockNoise = 5 * time.Second
	// clockKnown is how long a comparison of the clocks is shown.
	clockKnown = time.Minute
)

const askTime = `select clock_timestamp()`

// Now is the time by Postgres' clock, to the microsecond. Use it where processes must agree on what is past. A process with a clock that
// is ahead would otherwise mark work of the future as done.
func (s *Store) Now(ctx context.Context) (time.Time, error) {
	asked := time.Now()
	now, err := readRow(ctx, s.pool, pgx.RowTo[time.Time], askTime)
	if err == nil {
		s.clock.compare(asked, now)
	}
	return now.UTC(), interpret("ask for the time", err)
}

// Clock is the time by Postgres' clock, without a query: this process's clock, corrected by the last known difference. Each new connection
// and Ready measure the difference. Clock dates what is written.
func (s *Store) Clock() time.Time {
	now := time.Now()
	if ahead := time.Duration(s.clock.ahead.Load()); ahead > clockNoise || ahead < -clockNoise {
		now = now.Add(-ahead)
	}
	return now.UTC()
}

// clock is by how much our own clock is ahead of Postgres', in nanoseconds, as it was last found.
type clock struct {
	ahead    atomic.Int64
	compared atomic.Pointer[time.Time] // nil: never
}

// compare takes it that Postgres looked at its clock in the middle between the question and the answer.
func (c *clock) compare(asked, postgres time.Time) {
	middle := asked.Add(time.Since(asked) / 2).Round(0) // without what is measured by another clock
	c.ahead.Store(int64(middle.Sub(postgres)))
	c.compared.Store(&asked)
}

// connected compares the clocks over a connection that is new.
func (c *clock) connected(ctx context.Context, conn *pgx.Conn) error {
	var now time.Time
	asked := time.Now()
	err := conn.QueryRow(ctx, askTime).Scan(&now)
	if err == nil {
		c.compare(asked, now)
	}
	return err
}

// clockAhead shows by how much this process's clock is ahead; nothing while Postgres does not answer.
type clockAhead struct{ *clock }

var clockDesc = prometheus.NewDesc("onlywave_clock_ahead_seconds",
	"By how much this process's clock is ahead of Postgres', to some milliseconds; negative: behind.", nil, nil)

func (clockAhead) Describe(to chan<- *prometheus.Desc) { to <- clockDesc }

func (c clockAhead) Collect(to chan<- prometheus.Metric) {
	if at := c.compared.Load(); at != nil && time.Since(*at) < clockKnown {
		to <- prometheus.MustNewConstMetric(clockDesc, prometheus.GaugeValue, time.Duration(c.ahead.Load()).Seconds())
	}
}

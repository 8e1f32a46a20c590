package postgres

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// clockTime is how long a scrape waits for the time.
const clockTime = time.Second

// Now is the time by Postgres' clock, to the microsecond. It decides wherever processes must agree on what is past: one whose own clock is
// ahead would let the others believe that what is to come has been done.
func (s *Store) Now(ctx context.Context) (time.Time, error) {
	var now time.Time
	err := s.pool.QueryRow(ctx, `select clock_timestamp()`).Scan(&now)
	return now.UTC(), interpret("ask for the time", err)
}

// clock shows by how much this process's clock is ahead of Postgres', when it is asked; nothing while Postgres does not answer.
type clock struct{ *Store }

var clockDesc = prometheus.NewDesc("onlywave_clock_ahead_seconds",
	"By how much this process's clock is ahead of Postgres', to some milliseconds; negative: behind.", nil, nil)

func (clock) Describe(to chan<- *prometheus.Desc) { to <- clockDesc }

func (c clock) Collect(to chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), clockTime)
	defer cancel()
	asked := time.Now()
	now, err := c.Now(ctx)
	if err != nil {
		return // that Postgres is away is told by its own metric
	}
	middle := asked.Add(time.Since(asked) / 2)
	to <- prometheus.MustNewConstMetric(clockDesc, prometheus.GaugeValue, middle.Round(0).Sub(now).Seconds())
}

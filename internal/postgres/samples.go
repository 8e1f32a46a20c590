package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// SampleKind is what a sample is of.
type SampleKind string

// The kinds.
const (
	BreakerSample SampleKind = "breaker" // its value: 0 closed, 1 half-open, 2 open
	QueueSample   SampleKind = "queue"   // its value: waiting messages
)

// Sample is one value in one minute.
type Sample struct {
	Minute time.Time
	Kind   SampleKind
	Name   string
	Value  int64
}

// claimMinute makes the caller the one that writes the samples of this minute, and removes old ones.
const claimMinute = `
with old as (
    delete from samples where minute < now() - interval '2 days'
)
insert into samples (minute, kind, name, value) values (date_trunc('minute', now()), 'sampler', '', 0)
on conflict do nothing
returning minute`

// ClaimMinute returns the present minute if no worker has claimed it yet; false: another has. A minute whose worker stops before it has
// written its samples has none.
func (s *Store) ClaimMinute(ctx context.Context) (minute time.Time, claimed bool, err error) {
	rows, err := readRows(ctx, s.pool, pgx.RowTo[time.Time], claimMinute)
	if err != nil || len(rows) == 0 {
		return time.Time{}, false, interpret("claim the minute of the samples", err)
	}
	return rows[0], true, nil
}

const keepSamples = `
insert into samples (minute, kind, name, value)
select @minute, * from unnest(@kinds::text[], @names::text[], @values::bigint[])
on conflict do nothing`

// KeepSamples writes the samples of a minute. Writing them again changes nothing.
func (s *Store) KeepSamples(ctx context.Context, minute time.Time, samples []Sample) error {
	var kinds, names []string
	var values []int64
	for _, one := range samples {
		kinds, names, values = append(kinds, string(one.Kind)), append(names, one.Name), append(values, one.Value)
	}
	_, err := s.pool.Exec(ctx, keepSamples, pgx.NamedArgs{"minute": minute, "kinds": kinds, "names": names, "values": values})
	return interpret("keep samples", err)
}

// Samples are those since a time, by kind, name and minute. They may come from the replica.
func (s *Store) Samples(ctx context.Context, since time.Time) ([]Sample, error) {
	found, _, err := list(ctx, s, "read samples",
		`select minute, kind, name, value from samples where minute >= @since and kind <> 'sampler' order by kind, name, minute`,
		pgx.NamedArgs{"since": since}, pgx.RowToStructByPos[Sample])
	return found, err
}

package postgres

import (
	"context"
	"time"

	"github.com/onlywave/onlywave/internal/postgres/migrations"
)

// MakePartitions makes the missing partitions of the notifications, from the month of from to the month of upto,
// and returns their names. Several may make them at once.
func (s *Store) MakePartitions(ctx context.Context, from, upto time.Time) (made []string, err error) {
	made, err = migrations.MakePartitions(ctx, s.pool, from, upto)
	return made, interpret("make partitions of the notifications", err)
}

// MakePartitionsAhead makes those that will be needed soon.
func (s *Store) MakePartitionsAhead(ctx context.Context, now time.Time) (made []string, err error) {
	return s.MakePartitions(ctx, now, migrations.Ahead(now))
}

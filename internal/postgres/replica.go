package postgres

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/onlywave/onlywave/internal/failure"
)

const (
	lookEvery      = time.Second
	lookTime       = 2 * time.Second
	replicaTimeout = time.Second      // of a list, which then has time left to ask the primary
	marksKept      = 10 * time.Minute // a replica that is further behind is of an unknown age
)

// replica answers lists, and knows how old its answers are. The age does not come from the replica's clock (on a quiet primary its last
// change is old and yet the newest) but from positions in the log: once a second the primary is asked for its own, and
// with every answer the replica says up to where it has replayed. What it shows is then at most as old as the primary's last
// position that it has passed. Only this process's clock is used, and nothing is written.
type replica struct {
	pool    *pgxpool.Pool
	primary *pgxpool.Pool
	maxAge  time.Duration
	stop    context.CancelFunc
	looking sync.WaitGroup

	mu     sync.Mutex
	marks  []mark    // the primary's positions, oldest first
	shows  time.Time // all that was acknowledged before; zero: unknown
	serves bool      // it answered when it was last asked
}

// mark is a position that the primary's log had reached when it was asked.
type mark struct {
	position int64
	at       time.Time
}

// Follow lets lists come from a replica that is at most maxAge behind. Its address may name several hosts: the one that is a
// replica is used, also when that is another one than before. To be called once, before the Store is used.
func (s *Store) Follow(ctx context.Context, url string, maxConns int32, maxAge time.Duration) error {
	pool, err := openPool(ctx, url, maxConns, pgconn.ValidateConnectTargetSessionAttrsStandby, nil)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx)) // while the process drains it still answers
	s.replica = &replica{pool: pool, primary: s.pool, maxAge: maxAge, stop: stop}
	s.replica.looking.Go(func() { s.replica.watch(ctx) })
	return nil
}

func (r *replica) close() {
	if r != nil {
		r.stop()
		r.looking.Wait()
		r.pool.Close()
	}
}

func (r *replica) watch(ctx context.Context) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		r.look(ctx)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// How far the primary has written, and the replica replayed: null, if it was promoted.
const (
	selectWritten  = `select (pg_current_wal_lsn() - '0/0')::bigint`
	selectReplayed = `select case when pg_is_in_recovery() then (pg_last_wal_replay_lsn() - '0/0')::bigint end`
)

// look asks both how far they are.
func (r *replica) look(ctx context.Context) {
	ask := func(pool *pgxpool.Pool, question string) (position *int64, err error) {
		ctx, cancel := context.WithTimeout(ctx, lookTime)
		defer cancel()
		return position, pool.QueryRow(ctx, question).Scan(&position)
	}
	at := time.Now() // before it is asked: what is acknowledged later may be behind its position
	if position, err := ask(r.primary, selectWritten); err == nil {
		r.passed(*position, at)
	}
	position, err := ask(r.pool, selectReplayed)
	switch {
	case err != nil:
	case position == nil:
		r.pool.Reset() // it was promoted: the next connections find the replica, if there is one
	default:
		r.replayed(*position)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.serves = position != nil
}

// passed stores a position of the primary.
func (r *replica) passed(position int64, at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	// After a promotion the log may go on from before where the old primary was.
	r.marks = slices.DeleteFunc(r.marks, func(m mark) bool { return m.position >= position || at.Sub(m.at) > marksKept })
	r.marks = append(r.marks, mark{position, at})
}

// replayed is the greatest possible age of the rows of a replica that has replayed up to a position; false: it is unknown.
func (r *replica) replayed(position int64) (age time.Duration, known bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, m := range slices.Backward(r.marks) {
		if m.position <= position {
			if m.at.After(r.shows) {
				r.shows = m.at
			}
			return time.Since(m.at), true
		}
	}
	return 0, false
}

// age of what the replica showed when it was last heard of; false: unknown.
func (r *replica) age() (age time.Duration, known bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return time.Since(r.shows), !r.shows.IsZero()
}

// fresh is true as long as the replica is worth asking.
func (r *replica) fresh() bool {
	if r == nil {
		return false
	}
	age, known := r.age()
	r.mu.Lock()
	defer r.mu.Unlock()
	return known && age <= r.maxAge && r.serves
}

// failed sends all lists to the primary until the replica has answered a look again.
func (r *replica) failed() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.serves = false
}

// list asks for rows, of the replica when that is fresh, else of the primary, and of the replica after all when the primary is
// unavailable. age says how old they are at most: all that was acknowledged longer ago is in them.
func list[T any](ctx context.Context, s *Store, doing, query string, args pgx.NamedArgs, scan pgx.RowToFunc[T]) (found []T, age time.Duration, err error) {
	if s.replica.fresh() {
		found, age, known := listReplica(ctx, s.replica, query, args, scan)
		if known && age <= s.replica.maxAge {
			s.metrics.listed(fromReplica)
			return found, age, nil
		}
		if ctx.Err() == nil {
			s.replica.failed()
		}
	}
	found, err = readRows(ctx, s.pool, scan, query, args)
	if err = interpret(doing, err); err == nil {
		s.metrics.listed(fromPrimary)
		return found, 0, nil
	}
	if s.replica != nil && failure.KindOf(err) == failure.Unavailable {
		if found, age, known := listReplica(ctx, s.replica, query, args, scan); known {
			s.metrics.listed(fromReplica)
			return found, age, nil
		}
	}
	return nil, 0, err
}

// listReplica asks how far the replica is and for the rows, in this order and at once: they are at least of that position.
func listReplica[T any](ctx context.Context, r *replica, query string, args pgx.NamedArgs, scan pgx.RowToFunc[T]) (found []T, age time.Duration, known bool) {
	ctx, cancel := context.WithTimeout(ctx, replicaTimeout)
	defer cancel()
	var position *int64
	var batch pgx.Batch
	batch.Queue(selectReplayed).QueryRow(func(row pgx.Row) error { return row.Scan(&position) })
	batch.Queue(query, args).Query(func(rows pgx.Rows) (err error) {
		found, err = pgx.CollectRows(rows, scan)
		return err
	})
	if err := r.pool.SendBatch(ctx, &batch).Close(); err != nil || position == nil {
		return nil, 0, false
	}
	age, known = r.replayed(*position)
	return found, age, known
}

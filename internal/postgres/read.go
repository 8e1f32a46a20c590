package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// readRow reads the one row of a query that changes nothing; pgx.ErrNoRows when there is none.
func readRow[T any](ctx context.Context, pool *pgxpool.Pool, scan pgx.RowToFunc[T], query string, args ...any) (found T, err error) {
	return found, read(ctx, pool, func(conn *pgxpool.Conn) error {
		rows, _ := conn.Query(ctx, query, args...) // rows know the error, too
		found, err = pgx.CollectExactlyOneRow(rows, scan)
		return err
	})
}

// readRows reads all rows of a query that changes nothing.
func readRows[T any](ctx context.Context, pool *pgxpool.Pool, scan pgx.RowToFunc[T], query string, args ...any) (found []T, err error) {
	return found, read(ctx, pool, func(conn *pgxpool.Conn) error {
		rows, _ := conn.Query(ctx, query, args...)
		found, err = pgx.CollectRows(rows, scan)
		return err
	})
}

// readTries is how often a read is asked at most. Sessions that end at once end one after another, so that the second try may meet one, too.
const readTries = 3

// read asks again when the connection ended meanwhile: sessions end whenever Postgres restarts, fails over or an administrator says so, and a
// pool finds that only by using them. ask may only read. What the server refused, or took too long for, is not asked again.
func read(ctx context.Context, pool *pgxpool.Pool, ask func(*pgxpool.Conn) error) error {
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return err
	}
	for tries := 1; ; tries++ {
		err = ask(conn)
		ended := conn.Conn().IsClosed()
		conn.Release()
		if err == nil || !ended || tries == readTries || ctx.Err() != nil {
			return err
		}
		var acquireErr error
		if conn, acquireErr = living(ctx, pool); acquireErr != nil {
			return err
		}
	}
}

// living is a connection that answers. Connections that do not answer are closed: when one session was ended, all may have been.
func living(ctx context.Context, pool *pgxpool.Pool) (*pgxpool.Conn, error) {
	for tries := pool.Stat().MaxConns(); ; tries-- {
		conn, err := pool.Acquire(ctx)
		if err != nil {
			return nil, err
		}
		if err = conn.Ping(ctx); err == nil {
			return conn, nil
		}
		conn.Release()
		if tries <= 0 {
			return nil, err
		}
	}
}

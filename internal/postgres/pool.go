package postgres

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/onlywave/onlywave/internal/tracing"
)

// connectTimeout is how long a server may take to accept a connection, unless the address says otherwise. While a primary that
// vanished is named first, each new connection waits so long for it before it finds the next one.
const connectTimeout = 5 * time.Second

// keepAlive detects in 20 seconds that the other end of an idle connection is gone, because a primary that vanished closes nothing.
// A call in flight ends with its own context.
var keepAlive = net.KeepAliveConfig{Enable: true, Idle: 10 * time.Second, Interval: 5 * time.Second, Count: 2}

// sessionSettings apply to every session, unless the address says otherwise. Callers give up much earlier and
// cancel their statement. If the cancel request is lost, these timeouts end the statement, so that it holds no lock for ever.
var sessionSettings = map[string]string{
	"application_name":                    "onlywave",
	"statement_timeout":                   "30s", // the slowest of ours, on a busy server, takes a few
	"lock_timeout":                        "5s",  // it is better to fail, and to be retried, than to wait in a growing queue
	"idle_in_transaction_session_timeout": "30s", // the longest pause within a transaction is 15 s, for a batch of the spool
}

// openPool makes a pool for an address. When that names several hosts and no
// target_session_attrs, fits says which of them will do. connected is called for each new connection, unless it is nil.
func openPool(ctx context.Context, url string, maxConns int32, fits pgconn.ValidateConnectFunc,
	connected func(context.Context, *pgx.Conn) error,
) (*pgxpool.Pool, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("parse the database's address: %w", err)
	}
	config.MaxConns, config.AfterConnect = maxConns, connected
	connect := &config.ConnConfig.Config
	connect.ConnectTimeout = cmp.Or(connect.ConnectTimeout, connectTimeout)
	connect.DialFunc = (&net.Dialer{KeepAliveConfig: keepAlive}).DialContext
	for name, value := range sessionSettings {
		if _, set := connect.RuntimeParams[name]; !set {
			connect.RuntimeParams[name] = value
		}
	}
	choose(connect, fits)
	// A server that was writable when we came, and is not any more, is not the primary: the next connection finds that.
	closes := connect.OnPgError
	connect.OnPgError = func(c *pgconn.PgConn, err *pgconn.PgError) bool { return err.Code != readOnly && closes(c, err) }
	if tracing.On() {
		config.ConnConfig.Tracer = queryTracer{}
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("open the database pool: %w", err)
	}
	return pool, nil
}

// choose sets which of several hosts is used, unless the address does.
func choose(connect *pgconn.Config, fits pgconn.ValidateConnectFunc) {
	if connect.ValidateConnect == nil && slices.ContainsFunc(connect.Fallbacks, func(f *pgconn.FallbackConfig) bool {
		return f.Host != connect.Host || f.Port != connect.Port
	}) {
		connect.ValidateConnect = fits
	}
}

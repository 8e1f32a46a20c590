package postgres

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
)

func TestFailuresAndTheirKinds(t *testing.T) {
	t.Parallel()
	server := func(code string) error { return &pgconn.PgError{Code: code, Message: "whatever"} }
	rows := map[string]struct {
		err  error
		want failure.Kind
	}{
		"no row":                      {pgx.ErrNoRows, failure.NotFound},
		"connection failure":          {server("08006"), failure.Unavailable},
		"wrong password":              {server("28P01"), failure.Unavailable},
		"serialization failure":       {server("40001"), failure.Unavailable},
		"deadlock":                    {server("40P01"), failure.Unavailable},
		"too many connections":        {server("53300"), failure.Unavailable},
		"disk full":                   {server("53100"), failure.Unavailable},
		"statement cancelled":         {server("57014"), failure.Unavailable},
		"shutting down":               {server("57P01"), failure.Unavailable},
		"starting up":                 {server("57P03"), failure.Unavailable},
		"input or output":             {server("58030"), failure.Unavailable},
		"lock not available":          {server("55P03"), failure.Unavailable},
		"read-only":                   {server("25006"), failure.Unavailable},
		"no table":                    {server("42P01"), failure.Unavailable},
		"no column":                   {server("42703"), failure.Unavailable},
		"no database":                 {server("3D000"), failure.Unavailable},
		"unique":                      {server("23505"), failure.Conflict},
		"not a uuid":                  {server("22P02"), failure.Invalid},
		"not a character":             {server("22P05"), failure.Invalid},
		"NUL":                         {server("22021"), failure.Invalid},
		"number out of range":         {server("22003"), failure.Invalid},
		"too long for an index":       {server("54000"), failure.Invalid},
		"not null":                    {server("23502"), failure.Conflict},
		"foreign key":                 {server("23503"), failure.Conflict},
		"check":                       {server("23514"), failure.Conflict},
		"syntax":                      {server("42601"), failure.Internal},
		"not allowed":                 {server("42501"), failure.Internal},
		"column is not what we think": {pgx.ScanArgError{Err: errors.New("cannot scan")}, failure.Internal},
		"connection lost":             {io.ErrUnexpectedEOF, failure.Unavailable},
		"no time left":                {context.DeadlineExceeded, failure.Unavailable},
		"no longer wanted":            {context.Canceled, failure.Unavailable},
	}
	for name, row := range rows {
		err := interpret("read payment 1", row.err)
		require.Equal(t, row.want, failure.KindOf(err), name)
		require.ErrorIs(t, err, row.err, name)
		require.ErrorContains(t, err, "read payment 1", name)
	}
	require.NoError(t, interpret("read payment 1", nil))
}

func TestARefusedConnectionIsUnavailable(t *testing.T) {
	t.Parallel()
	s := openStore(t, "postgres://nobody@127.0.0.1:1/nothing?sslmode=disable")
	_, err := s.Payment(t.Context(), payment.NewID("shop", "k"))
	require.Equal(t, failure.Unavailable, failure.KindOf(err))
	require.Equal(t, failure.Unavailable, failure.KindOf(s.Ready(t.Context())))
	_, err = s.Unspool(t.Context(), 1, nil)
	require.Equal(t, failure.Unavailable, failure.KindOf(err))
}

func TestATextThatIsNoIDIsInvalid(t *testing.T) {
	t.Parallel()
	_, err := newStore(t).Payment(t.Context(), "not-a-uuid")
	require.Equal(t, failure.Invalid, failure.KindOf(err))
}

// A row that cannot be read stays so. This is a bug, not an outage, and a retry does not help.
func TestARowThatCannotBeReadIsABug(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	id := s.open(t, newPayment("unreadable")).ID
	_, err := s.pool.Exec(t.Context(), `update payments set method = '"pix"' where id = $1`, id)
	require.NoError(t, err)
	_, err = s.Payment(t.Context(), id)
	require.Equal(t, failure.Internal, failure.KindOf(err))
}

// A move that timed out may have been stored. A repeated move is stored once.
func TestAMoveThatTimedOutCanBeRepeated(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	id := s.open(t, newPayment("slow")).ID
	holder, err := s.pool.Begin(t.Context())
	require.NoError(t, err)
	_, err = holder.Exec(t.Context(), `select from payments where id = $1 for update`, id)
	require.NoError(t, err)
	hurried, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err = s.Apply(hurried, id, answer(id, payment.Pending, 1), timeAt(1))
	require.Equal(t, failure.Unavailable, failure.KindOf(err))
	require.ErrorIs(t, err, context.DeadlineExceeded)

	require.NoError(t, holder.Rollback(t.Context()))
	require.Equal(t, payment.Pending, s.apply(t, id, answer(id, payment.Pending, 1)).Status)
	require.Equal(t, []payment.Status{payment.Processing, payment.Pending}, s.history(t, id))
}

package postgres

import (
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onlywave/onlywave/internal/failure"
)

// readOnly is the code with which a server says that it is a replica, or was demoted.
const readOnly = "25006"

// interpret gives a failure its kind, and says what was being done. nil stays nil.
func interpret(doing string, err error) error {
	if err == nil {
		return nil
	}
	return &failure.Error{Kind: kindOf(err), Message: message(err), Err: fmt.Errorf("%s: %w", doing, err)}
}

func kindOf(err error) failure.Kind {
	if errors.Is(err, pgx.ErrNoRows) {
		return failure.NotFound
	}
	if _, ok := errors.AsType[pgx.ScanArgError](err); ok {
		return failure.Internal // a row that we cannot read stays so
	}
	pgErr, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		// The server did not answer: no connection, a broken one, or a timeout.
		return failure.Unavailable
	}
	switch class := pgErr.Code[:2]; {
	case class == "08", // connection exception
		class == "28",         // authorization: a password that is being changed
		class == "40",         // serialization failure, deadlock
		class == "53",         // insufficient resources
		class == "57",         // operator intervention: shutdown, cancelled, crash
		class == "58",         // system error
		pgErr.Code == "55P03", // lock not available
		pgErr.Code == readOnly,
		pgErr.Code == "42P01", // a table is missing: migrations have not run yet
		pgErr.Code == "42703", // a column is missing: likewise
		pgErr.Code == "3D000": // the database is missing: not made yet
		return failure.Unavailable
	case class == "23": // integrity constraint violation, such as a unique or a check one: the stored rows do not allow it, and a retry does not help
		return failure.Conflict
	case class == "22", // data exception: no uuid, number, JSON, text without NUL, or one out of range
		class == "54": // too long or too deep, as what an index must hold
		return failure.Invalid
	}
	return failure.Internal
}

func message(err error) string {
	switch kindOf(err) {
	case failure.NotFound:
		return "not found"
	case failure.Unavailable:
		return "the database is unavailable"
	}
	return "the database refused the request"
}

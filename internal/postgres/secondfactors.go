package postgres

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/onlywave/onlywave/internal/access"
	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/failure"
)

// SetSecondFactor gives a user a second factor, which the code of the time step has proved to work, and recovery codes by their
// hashes. It ends all sessions of the user but those of the new generation, which it returns. Kind NotFound when there is none.
func (s *Store) SetSecondFactor(ctx context.Context, actor audit.Actor, name, sealed string, step int64, recovery [][]byte) (generation string, err error) {
	generation = uuid.NewString()
	err = s.changeUser(ctx, actor, audit.UserSecondFactor, name, func(tx pgx.Tx, u access.User) (before, after audit.Values, err error) {
		_, err = tx.Exec(ctx, `update users set second_factor = $2, last_step = $3, wrong_codes = 0, generation = $4 where name = $1`,
			name, sealed, step, generation)
		if err != nil {
			return nil, nil, err
		}
		return secondFactorState(u.SecondFactor), secondFactorState(sealed), replaceRecovery(ctx, tx, name, recovery)
	})
	return generation, err
}

// ClearSecondFactor takes a user's second factor and recovery codes away, for a user who has lost both, and ends all sessions
// of the user. Kind NotFound when there is no such user.
func (s *Store) ClearSecondFactor(ctx context.Context, actor audit.Actor, name string) error {
	return s.changeUser(ctx, actor, audit.UserSecondFactorReset, name, func(tx pgx.Tx, u access.User) (before, after audit.Values, err error) {
		_, err = tx.Exec(ctx, `update users set second_factor = '', last_step = 0, wrong_codes = 0, generation = $2 where name = $1`, name, uuid.NewString())
		if err != nil {
			return nil, nil, err
		}
		return secondFactorState(u.SecondFactor), secondFactorState(""), replaceRecovery(ctx, tx, name, nil)
	})
}

// SetRecoveryCodes replaces a user's recovery codes. Kind NotFound when there is no such user.
func (s *Store) SetRecoveryCodes(ctx context.Context, actor audit.Actor, name string, recovery [][]byte) error {
	return s.changeUser(ctx, actor, audit.UserRecoveryCodes, name, func(tx pgx.Tx, _ access.User) (before, after audit.Values, err error) {
		return nil, nil, replaceRecovery(ctx, tx, name, recovery)
	})
}

func secondFactorState(sealed string) audit.Values {
	if sealed == "" {
		return audit.Values{"second_factor": "none"}
	}
	return audit.Values{"second_factor": "authenticator app"}
}

func replaceRecovery(ctx context.Context, tx pgx.Tx, name string, hashes [][]byte) error {
	if _, err := tx.Exec(ctx, `delete from recovery_codes where user_name = $1`, name); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `insert into recovery_codes (user_name, hash) select $1, unnest($2::bytea[])`, name, hashes)
	return err
}

// RecoveryCodes counts the recovery codes that a user has left, and says whether the one with the hash is one of them.
func (s *Store) RecoveryCodes(ctx context.Context, name string, hash []byte) (left int, has bool, err error) {
	counted, err := readRow(ctx, s.pool, pgx.RowToStructByPos[struct {
		Left int
		Has  bool
	}], `select count(*), coalesce(bool_or(hash = $2), false) from recovery_codes where user_name = $1 and used_at is null`, name, hash)
	return counted.Left, counted.Has, interpret("count the recovery codes of user "+name, err)
}

// Proof is what a user has shown in addition to the password. The zero Proof is nothing.
type Proof struct {
	Step         int64  // of the newest code of an app; 0: none
	RecoveryHash []byte // of a recovery code; nil: none
}

// LogIn marks a proof as used and writes the log-in to the audit, both or neither. Kind Conflict when the proof was used before, by the
// user or by an attacker.
func (s *Store) LogIn(ctx context.Context, e audit.Entry, name string, p Proof) error {
	used := &failure.Error{Kind: failure.Conflict, Message: "this code was used before"}
	return s.audited(ctx, "log in "+name, func(tx pgx.Tx) (audit.Entry, error) {
		statement, args := `update users set wrong_codes = 0 where name = $1`, []any{name}
		switch {
		case p.Step != 0:
			statement, args = `update users set wrong_codes = 0, last_step = $2 where name = $1 and last_step < $2`, []any{name, p.Step}
		case p.RecoveryHash != nil:
			statement = `
with used as (
    update recovery_codes set used_at = now() where user_name = $1 and hash = $2 and used_at is null returning user_name
)
update users u set wrong_codes = 0 from used where u.name = used.user_name`
			args = []any{name, p.RecoveryHash}
		}
		tag, err := tx.Exec(ctx, statement, args...)
		if err == nil && tag.RowsAffected() == 0 {
			err = used
		}
		return e, err
	})
}

// WrongCode counts a log-in with the right password and a wrong code.
func (s *Store) WrongCode(ctx context.Context, name string) error {
	_, err := s.pool.Exec(ctx, `update users set wrong_codes = wrong_codes + 1 where name = $1`, name)
	return interpret("count a wrong code of user "+name, err)
}

// LogIns lists the last log-ins of a user, right and refused, the newest first.
func (s *Store) LogIns(ctx context.Context, name string, limit int) ([]audit.Entry, error) {
	list, err := readRows(ctx, s.pool, scanAudit,
		selectAudit+` and object = $1 and action in ('log_in', 'log_in.refused') order by at desc limit $2`, userObject(name), limit)
	return list, interpret("list the log-ins of user "+name, err)
}

package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/onlywave/onlywave/internal/access"
	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/failure"
)

const insertUser = `
insert into users (name, role, password_hash, generation, created_at)
values (@name, @role, @password_hash, @generation, @at)
on conflict do nothing`

// AddUser makes a user, with a generation of sessions of its own. Kind Conflict when the name is taken, Invalid when there can
// be no such user.
func (s *Store) AddUser(ctx context.Context, actor audit.Actor, u access.User) error {
	if wrong := append(actor.Fields(), u.Fields()...); len(wrong) > 0 {
		return &failure.Error{Kind: failure.Invalid, Message: "the user is not valid", Fields: wrong}
	}
	return s.audited(ctx, "add user "+u.Name, func(tx pgx.Tx) (audit.Entry, error) {
		tag, err := tx.Exec(ctx, insertUser, pgx.NamedArgs{
			"name": u.Name, "role": u.Role, "password_hash": u.PasswordHash, "generation": uuid.NewString(), "at": u.CreatedAt,
		})
		if err == nil && tag.RowsAffected() == 0 {
			err = &failure.Error{Kind: failure.Conflict, Message: "there is a user " + u.Name + " already"}
		}
		return audit.Entry{Actor: actor, Action: audit.UserAdd, Object: userObject(u.Name), After: audit.Values{"role": string(u.Role)}}, err
	})
}

// RemoveUser ends a user and all sessions of the user; kind NotFound when there is none.
func (s *Store) RemoveUser(ctx context.Context, actor audit.Actor, name string) error {
	return s.changeUser(ctx, actor, audit.UserRemove, name, func(tx pgx.Tx, u access.User) (before, after audit.Values, err error) {
		_, err = tx.Exec(ctx, `delete from users where name = $1`, name)
		return audit.Values{"role": string(u.Role)}, nil, err
	})
}

// RevokeUser ends all sessions of a user, who may log in again; kind NotFound when there is none.
func (s *Store) RevokeUser(ctx context.Context, actor audit.Actor, name string) error {
	return s.changeUser(ctx, actor, audit.UserRevoke, name, func(tx pgx.Tx, _ access.User) (before, after audit.Values, err error) {
		_, err = tx.Exec(ctx, `update users set generation = $2 where name = $1`, name, uuid.NewString())
		return nil, nil, err
	})
}

// SetPassword gives a user another password and ends all sessions of the user but those of the new generation, which it
// returns; kind NotFound when there is none.
func (s *Store) SetPassword(ctx context.Context, actor audit.Actor, name, hash string) (generation string, err error) {
	generation = uuid.NewString()
	err = s.changeUser(ctx, actor, audit.UserPassword, name, func(tx pgx.Tx, _ access.User) (before, after audit.Values, err error) {
		_, err = tx.Exec(ctx, `update users set password_hash = $2, generation = $3 where name = $1`, name, hash, generation)
		return nil, nil, err
	})
	return generation, err
}

// changeUser changes an existing user and writes that to the audit, both or neither.
func (s *Store) changeUser(ctx context.Context, actor audit.Actor, action audit.Action, name string,
	change func(tx pgx.Tx, u access.User) (before, after audit.Values, err error),
) error {
	if wrong := actor.Fields(); len(wrong) > 0 {
		return &failure.Error{Kind: failure.Invalid, Message: "the change is not valid", Fields: wrong}
	}
	return s.audited(ctx, "change user "+name, func(tx pgx.Tx) (audit.Entry, error) {
		rows, _ := tx.Query(ctx, selectUser+`where name = $1 for update`, name)
		u, err := pgx.CollectExactlyOneRow(rows, scanUser)
		if err != nil {
			return audit.Entry{}, err
		}
		before, after, err := change(tx, u)
		return audit.Entry{Actor: actor, Action: action, Object: userObject(name), Before: before, After: after}, err
	})
}

func userObject(name string) string { return "user/" + name }

const selectUser = `select name, role, password_hash, generation::text, created_at, second_factor, wrong_codes from users `

// User reads one user; kind NotFound when there is none.
func (s *Store) User(ctx context.Context, name string) (access.User, error) {
	u, err := readRow(ctx, s.pool, scanUser, selectUser+`where name = $1`, name)
	return u, interpret("read user "+name, err)
}

// Users lists all of them by name.
func (s *Store) Users(ctx context.Context) ([]access.User, error) {
	list, err := readRows(ctx, s.pool, scanUser, selectUser+`order by name`)
	return list, interpret("list users", err)
}

func scanUser(row pgx.CollectableRow) (access.User, error) {
	u, err := pgx.RowToStructByPos[access.User](row)
	u.CreatedAt = u.CreatedAt.UTC()
	return u, err
}

// lastLogIns reads one row of each user's in the audit, by its index on objects.
const lastLogIns = `
select u.name, l.at
from users u cross join lateral (
    select at from audit where object = 'user/' || u.name and action = $1 order by at desc, id desc limit 1) l`

// LastLogIns is when each user last logged in, by name. Users who never did are missing.
func (s *Store) LastLogIns(ctx context.Context) (map[string]time.Time, error) {
	type logIn struct {
		Name string
		At   time.Time
	}
	list, err := readRows(ctx, s.pool, pgx.RowToStructByPos[logIn], lastLogIns, audit.LogIn)
	found := make(map[string]time.Time, len(list))
	for _, l := range list {
		found[l.Name] = l.At.UTC()
	}
	return found, interpret("read the last log-ins", err)
}

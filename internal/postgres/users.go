package postgres

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/onlywave/onlywave/internal/payment"
)

const insertUser = `
insert into users (name, role, password_hash, generation, created_at)
values (@name, @role, @password_hash, @generation, @at)
on conflict do nothing
returning name`

// AddUser makes a user, with a generation of sessions of his own; kind Conflict when the name is taken.
func (s *Store) AddUser(ctx context.Context, u payment.User) error {
	var added string
	err := interpret("add user "+u.Name, s.pool.QueryRow(ctx, insertUser, pgx.NamedArgs{
		"name": u.Name, "role": u.Role, "password_hash": u.PasswordHash, "generation": uuid.NewString(), "at": u.CreatedAt,
	}).Scan(&added))
	if payment.KindOf(err) == payment.NotFound {
		err = &payment.Error{Kind: payment.Conflict, Message: "there is a user " + u.Name + " already"}
	}
	return err
}

// RemoveUser ends a user and all his sessions; kind NotFound when there is none.
func (s *Store) RemoveUser(ctx context.Context, name string) error {
	var removed string
	return interpret("remove user "+name, s.pool.QueryRow(ctx, `delete from users where name = $1 returning name`, name).Scan(&removed))
}

// RevokeUser ends all sessions of a user, who may log in again; kind NotFound when there is none.
func (s *Store) RevokeUser(ctx context.Context, name string) error {
	var found string
	return interpret("revoke user "+name, s.pool.QueryRow(ctx,
		`update users set generation = $2 where name = $1 returning name`, name, uuid.NewString()).Scan(&found))
}

// SetPassword gives a user another password, which ends all his sessions; kind NotFound when there is none.
func (s *Store) SetPassword(ctx context.Context, name, hash string) error {
	var found string
	return interpret("set the password of user "+name, s.pool.QueryRow(ctx,
		`update users set password_hash = $2, generation = $3 where name = $1 returning name`, name, hash, uuid.NewString()).Scan(&found))
}

const selectUser = `select name, role, password_hash, generation::text, created_at from users `

// User reads one user; kind NotFound when there is none.
func (s *Store) User(ctx context.Context, name string) (payment.User, error) {
	u, err := readRow(ctx, s.pool, scanUser, selectUser+`where name = $1`, name)
	return u, interpret("read user "+name, err)
}

// Users lists all of them by name.
func (s *Store) Users(ctx context.Context) ([]payment.User, error) {
	list, err := readRows(ctx, s.pool, scanUser, selectUser+`order by name`)
	return list, interpret("list users", err)
}

func scanUser(row pgx.CollectableRow) (payment.User, error) {
	u, err := pgx.RowToStructByPos[payment.User](row)
	u.CreatedAt = u.CreatedAt.UTC()
	return u, err
}

package postgres

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/command"
)

// RequestCommand stores an order that one of our front ends is about to send to the payment's workflow. The order's ID decides: a second
// call changes nothing.
func (s *Store) RequestCommand(ctx context.Context, o command.Order) error {
	_, err := s.pool.Exec(ctx, `
insert into command_requests (id, payment_id, requested, channel, origin)
values ($1, $2, $3, $4, $5)
on conflict (id) do nothing`, o.ID, o.PaymentID, o, o.Channel, o.From)
	return interpret("store the request to "+string(o.Command)+" payment "+o.PaymentID, err)
}

// RequestedBy is who requested an order. An order that no front end has stored, or another one than the stored one, came through Temporal:
// then nothing is known but the name that it gives.
func (s *Store) RequestedBy(ctx context.Context, o command.Order) (audit.Actor, error) {
	by := audit.Actor{Name: o.Actor, Channel: audit.Temporal}
	err := s.pool.QueryRow(ctx, `select channel, origin from command_requests where id = $1 and requested = $2`, o.ID, o).Scan(&by.Channel, &by.From)
	if errors.Is(err, pgx.ErrNoRows) {
		return by, nil
	}
	return by, interpret("read who requested to "+string(o.Command)+" payment "+o.PaymentID, err)
}

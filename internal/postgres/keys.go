package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onlywave/onlywave/internal/payment"
)

const insertAPIKey = `
with client as (
    insert into clients (id, name) values (@client_id, @client_id) on conflict (id) do nothing
)
insert into api_keys (id, client_id, hash, scopes, created_at)
values (@id, @client_id, @hash, @scopes, @at)`

// IssueAPIKey makes a key for a client app, which need not be known yet, and stores its hash. The
// result is the key's text: it cannot be read again.
func (s *Store) IssueAPIKey(ctx context.Context, environment, clientID string, scopes []payment.Scope, at time.Time) (string, error) {
	text, k := payment.NewAPIKey(environment, clientID, scopes, at)
	_, err := s.pool.Exec(ctx, insertAPIKey, pgx.NamedArgs{
		"id": k.ID, "client_id": k.ClientID, "hash": k.Hash, "scopes": k.Scopes, "at": k.CreatedAt,
	})
	return text, interpret("issue API key "+k.ID, err)
}

const revokeAPIKey = `update api_keys set revoked_at = coalesce(revoked_at, $2) where id = $1 returning id`

// RevokeAPIKey ends a key; kind NotFound when there is none.
func (s *Store) RevokeAPIKey(ctx context.Context, id string, at time.Time) error {
	var found string
	return interpret("revoke API key "+id, s.pool.QueryRow(ctx, revokeAPIKey, id, at).Scan(&found))
}

const selectAPIKey = `
select id, client_id, hash, scopes, created_at, expires_at, revoked_at
from api_keys where id = $1`

// APIKey reads a key by the id inside its text; kind NotFound when there is none.
func (s *Store) APIKey(ctx context.Context, id string) (payment.APIKey, error) {
	k, err := readRow(ctx, s.pool, func(row pgx.CollectableRow) (payment.APIKey, error) {
		var k payment.APIKey
		var expires, revoked *time.Time
		err := row.Scan(&k.ID, &k.ClientID, &k.Hash, &k.Scopes, &k.CreatedAt, &expires, &revoked)
		if expires != nil {
			k.ExpiresAt = *expires
		}
		if revoked != nil {
			k.RevokedAt = *revoked
		}
		return k, err
	}, selectAPIKey, id)
	return k, interpret("read API key "+id, err)
}

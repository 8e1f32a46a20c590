package postgres

import (
	"context"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onlywave/onlywave/internal/access"
	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/failure"
)

const insertAPIKey = `
with client as (
    insert into clients (id, name) values (@client_id, @client_id) on conflict (id) do nothing
)
insert into api_keys (id, client_id, hash, scopes, created_at, expires_at)
values (@id, @client_id, @hash, @scopes, @at, @expires_at)`

// IssueAPIKey makes a key for a client app, which need not be known yet, and stores its hash. The
// result is the key's text: it cannot be read again. Kind Invalid when there can be no such key.
func (s *Store) IssueAPIKey(ctx context.Context, actor audit.Actor, r access.KeyRequest, at time.Time) (string, error) {
	if wrong := append(actor.Fields(), r.Fields(at)...); len(wrong) > 0 {
		return "", &failure.Error{Kind: failure.Invalid, Message: "the API key is not valid", Fields: wrong}
	}
	text, k := access.NewAPIKey(r.Environment, r.ClientID, r.Scopes, at)
	k.ExpiresAt = r.ExpiresAt
	err := s.audited(ctx, "issue API key "+k.ID, func(tx pgx.Tx) (audit.Entry, error) {
		_, err := tx.Exec(ctx, insertAPIKey, pgx.NamedArgs{
			"id": k.ID, "client_id": k.ClientID, "hash": k.Hash, "scopes": k.Scopes, "at": k.CreatedAt, "expires_at": orNull(k.ExpiresAt),
		})
		after := audit.Values{"client": k.ClientID, "environment": r.Environment, "scopes": scopeList(k.Scopes)}
		if !k.ExpiresAt.IsZero() {
			after["expires"] = k.ExpiresAt.UTC().Format(time.RFC3339)
		}
		return audit.Entry{Actor: actor, Action: audit.KeyCreate, Object: "api_key/" + k.ID, After: after}, err
	})
	return text, err
}

func scopeList(scopes []access.Scope) string {
	words := make([]string, len(scopes))
	for i, s := range scopes {
		words[i] = string(s)
	}
	return strings.Join(words, " ")
}

// revokeAPIKey changes a key that is in force only: the first revocation counts.
const revokeAPIKey = `update api_keys set revoked_at = $2 where id = $1 and revoked_at is null`

// RevokeAPIKey ends a key; doing it again changes nothing. Kind NotFound when there is none.
func (s *Store) RevokeAPIKey(ctx context.Context, actor audit.Actor, id string, at time.Time) error {
	if wrong := actor.Fields(); len(wrong) > 0 {
		return &failure.Error{Kind: failure.Invalid, Message: "the revocation is not valid", Fields: wrong}
	}
	return s.audited(ctx, "revoke API key "+id, func(tx pgx.Tx) (audit.Entry, error) {
		rows, _ := tx.Query(ctx, selectAPIKey+`where id = $1`, id)
		k, err := pgx.CollectExactlyOneRow(rows, scanAPIKey)
		if err != nil {
			return audit.Entry{}, noAPIKey(id, err)
		}
		tag, err := tx.Exec(ctx, revokeAPIKey, id, at)
		if err != nil || tag.RowsAffected() == 0 {
			return audit.Entry{}, err
		}
		return audit.Entry{
			Actor: actor, Action: audit.KeyRevoke, Object: "api_key/" + id,
			Before: audit.Values{"client": k.ClientID, "state": k.State(at)},
			After:  audit.Values{"client": k.ClientID, "state": "revoked"},
		}, nil
	})
}

const selectAPIKey = `select id, client_id, hash, scopes, created_at, expires_at, revoked_at from api_keys `

// APIKey reads a key by the id inside its text; kind NotFound when there is none.
func (s *Store) APIKey(ctx context.Context, id string) (access.APIKey, error) {
	k, err := readRow(ctx, s.pool, scanAPIKey, selectAPIKey+`where id = $1`, id)
	return k, noAPIKey(id, err)
}

// noAPIKey is the error of a read of one key.
func noAPIKey(id string, err error) error {
	err = interpret("read API key "+id, err)
	if failure.KindOf(err) == failure.NotFound {
		return &failure.Error{Kind: failure.NotFound, Message: "there is no API key with this id", Err: err}
	}
	return err
}

// APIKeys lists the keys of a client app, or of all, by client and age.
func (s *Store) APIKeys(ctx context.Context, clientID string) ([]access.APIKey, error) {
	list, err := readRows(ctx, s.pool, scanAPIKey, selectAPIKey+`where $1 = '' or client_id = $1 order by client_id, created_at, id`, clientID)
	return list, interpret("list API keys", err)
}

func scanAPIKey(row pgx.CollectableRow) (access.APIKey, error) {
	var k access.APIKey
	var expires, revoked *time.Time
	err := row.Scan(&k.ID, &k.ClientID, &k.Hash, &k.Scopes, &k.CreatedAt, &expires, &revoked)
	if expires != nil {
		k.ExpiresAt = expires.UTC()
	}
	if revoked != nil {
		k.RevokedAt = revoked.UTC()
	}
	return k, err
}

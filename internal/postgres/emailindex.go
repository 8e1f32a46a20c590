package postgres

import (
	"context"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onlywave/onlywave/internal/blindindex"
	"github.com/onlywave/onlywave/internal/payment"
)

// IndexEmails makes the Store write the index of the buyer's e-mail address with each new payment, and find payments by it. Without keys
// it does neither. Call it before the Store is used.
func (s *Store) IndexEmails(keys blindindex.Keys) { s.emailKeys = keys }

// CanFindEmails says whether the Store has a key to find payments by e-mail.
func (s *Store) CanFindEmails() bool { return len(s.emailKeys) > 0 }

const selectByEmail = selectPayment + `where id in (
    select newest.id
    from unnest(@indexes::bytea[]) indexed (email) cross join lateral (
        select id, created_at from payments
        where payer_email_index = indexed.email and (@status = '' or status = @status)
        order by created_at desc, id desc limit @limit) newest
    order by newest.created_at desc, newest.id desc limit @limit)
order by created_at desc, id desc`

// PaymentsByEmail lists the payments of all client apps whose buyer has this e-mail address, the newest first; an empty status is any.
// complete is false while some payments are not indexed under the Store's keys, and so are not found.
func (s *Store) PaymentsByEmail(ctx context.Context, email string, status payment.Status, limit int) (found []payment.Payment, complete bool, err error) {
	found, err = readRows(ctx, s.pool, scanPayment, selectByEmail,
		pgx.NamedArgs{"indexes": s.emailKeys.Indexes(email), "status": status, "limit": limit})
	if err != nil {
		return nil, false, interpret("find payments by e-mail", err)
	}
	missing, err := s.unindexed(ctx, s.emailKeys, 1)
	return found, len(missing) == 0, err
}

// selectUnindexed has the payments without an index, and those whose index is of another key. The order is that of the database's index,
// so that the planner uses it however many rows it expects.
const selectUnindexed = `
(select id from payments where payer_email_index is null and payer ->> 'email' ~ '\S'
 order by payer_email_index, created_at desc, id desc limit @limit)
union all
(select of_other.id
 from unnest(@lows::bytea[], @highs::bytea[]) gap (low, high) cross join lateral (
     select id from payments where payer_email_index > gap.low and payer_email_index < gap.high
     order by payer_email_index, created_at desc, id desc limit @limit) of_other)
limit @limit`

func (s *Store) unindexed(ctx context.Context, keys blindindex.Keys, limit int) ([]string, error) {
	lows, highs := keys.Gaps()
	ids, err := readRows(ctx, s.pool, pgx.RowTo[string], selectUnindexed, pgx.NamedArgs{"lows": lows, "highs": highs, "limit": limit})
	return ids, interpret("find payments that are not indexed", err)
}

const (
	emailRound = 100_000 // payments that are looked for at a time
	emailBatch = 500     // payments of one transaction, so that no other transaction waits long for any of them
)

// IndexOldEmails indexes the payments that are not indexed under the first key, until they all are or the time is over, and says how many
// it has indexed and whether there may be more. Running it again, also at the same time, indexes only what is left.
func (s *Store) IndexOldEmails(ctx context.Context, until time.Time) (indexed int, more bool, err error) {
	if !s.CanFindEmails() {
		return 0, false, nil
	}
	for {
		ids, err := s.unindexed(ctx, s.emailKeys[:1], emailRound)
		if err != nil || len(ids) == 0 {
			return indexed, false, err
		}
		slices.Sort(ids)
		for batch := range slices.Chunk(ids, emailBatch) {
			if time.Now().After(until) {
				return indexed, true, nil
			}
			if err := s.indexEmails(ctx, batch); err != nil {
				return indexed, true, interpret("index payments by e-mail", err)
			}
			indexed += len(batch)
		}
	}
}

// selectEmails locks the rows, so that no address is indexed that is removed meanwhile. All transactions lock in the same order.
const selectEmails = `select id::text, coalesce(payer ->> 'email', '') from payments where id = any($1) order by id for update`

const updateEmailIndexes = `
update payments p set payer_email_index = indexed.email from unnest($1::uuid[], $2::bytea[]) indexed (id, email) where p.id = indexed.id`

func (s *Store) indexEmails(ctx context.Context, ids []string) error {
	return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		var (
			id, email string
			locked    []string
			indexes   [][]byte
		)
		rows, _ := tx.Query(ctx, selectEmails, ids) // rows know the error, too
		if _, err := pgx.ForEachRow(rows, []any{&id, &email}, func() error {
			locked, indexes = append(locked, id), append(indexes, s.emailKeys.Index(email))
			return nil
		}); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, updateEmailIndexes, locked, indexes)
		return err
	})
}

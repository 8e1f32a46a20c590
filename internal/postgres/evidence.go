package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/payment"
)

const selectEvidence = `select id, dispute_id, payment_id, files, status, actor, asked_at, sent_at from dispute_evidence `

func scanEvidence(row pgx.CollectableRow) (e payment.Evidence, err error) {
	var sent *time.Time
	err = row.Scan(&e.ID, &e.DisputeID, &e.PaymentID, &e.Files, &e.Status, &e.Actor, &e.AskedAt, &sent)
	e.AskedAt, e.SentAt = e.AskedAt.UTC(), utc(sent)
	return e, err
}

// Evidence reads what one request has sent about a dispute; kind NotFound when there is none.
func (s *Store) Evidence(ctx context.Context, id string) (payment.Evidence, error) {
	e, err := readRow(ctx, s.pool, scanEvidence, selectEvidence+`where id = $1`, id)
	return e, interpret("read evidence "+id, err)
}

// EvidenceOf lists what was sent about a dispute, oldest first.
func (s *Store) EvidenceOf(ctx context.Context, disputeID string) ([]payment.Evidence, error) {
	list, err := readRows(ctx, s.pool, scanEvidence, selectEvidence+`where dispute_id = $1 order by asked_at, id`, disputeID)
	return list, interpret("list the evidence of dispute "+disputeID, err)
}

// AskEvidence stores that documents are about to be sent, with its entry in the audit, before the provider gets them. What is stored already
// changes only if it was refused: then it is sent again.
func (s *Store) AskEvidence(ctx context.Context, e payment.Evidence, entry audit.Entry) error {
	return s.audited(ctx, "ask for evidence "+e.ID, func(tx pgx.Tx) (audit.Entry, error) {
		_, err := tx.Exec(ctx, `
insert into dispute_evidence (id, dispute_id, payment_id, files, status, actor, asked_at) values ($1, $2, $3, $4, 'sending', $5, $6)
on conflict (id) do update set status = 'sending' where dispute_evidence.status = 'refused'`,
			e.ID, e.DisputeID, e.PaymentID, e.Files, e.Actor, e.AskedAt)
		return entry, err
	})
}

// RefuseEvidence stores that the provider does not take the documents. What has arrived stays.
func (s *Store) RefuseEvidence(ctx context.Context, id string) error {
	_, err := s.pool.Exec(ctx, `update dispute_evidence set status = 'refused' where id = $1 and status = 'sending'`, id)
	return interpret("refuse evidence "+id, err)
}

// KeepEvidence stores that documents have arrived, with the event that tells of it, once.
func (s *Store) KeepEvidence(ctx context.Context, id string, at time.Time) (e payment.Evidence, err error) {
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		rows, _ := tx.Query(ctx, selectPayment+`where id = (select payment_id from dispute_evidence where id = $1) for update`, id)
		p, err := pgx.CollectExactlyOneRow(rows, scanPayment)
		if err != nil {
			return err
		}
		rows, _ = tx.Query(ctx, selectDispute+`where id = (select dispute_id from dispute_evidence where id = $1)`, id)
		d, err := pgx.CollectExactlyOneRow(rows, scanDispute)
		if err != nil {
			return err
		}
		if err := evidenceArrived(ctx, tx, &p, d, `id = $2`, id, at); err != nil {
			return err
		}
		rows, _ = tx.Query(ctx, selectEvidence+`where id = $1`, id)
		e, err = pgx.CollectExactlyOneRow(rows, scanEvidence)
		return err
	})
	return e, interpret("keep evidence "+id, err)
}

// evidenceArrived stores that evidence of a dispute has arrived, as far as that is not stored, with an event for each. The payment's row is
// locked.
func evidenceArrived(ctx context.Context, tx pgx.Tx, p *payment.Payment, d payment.Dispute, which string, value any, at time.Time) error {
	tag, err := tx.Exec(ctx, `update dispute_evidence set status = 'sent', sent_at = $3 where dispute_id = $1 and `+which+` and status <> 'sent'`, d.ID, value, at)
	if err != nil {
		return err
	}
	for range tag.RowsAffected() {
		e := d.Event(payment.DisputeEvidenceSent)
		if err := tell(ctx, tx, p, payment.EventData{Dispute: &e}, at); err != nil {
			return err
		}
	}
	return nil
}

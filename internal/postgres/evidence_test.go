package postgres

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
)

// evidenceAsked is a chargeback about which documents are being sent.
func (s *Store) evidenceAsked(t *testing.T, key string) (payment.Payment, payment.Evidence) {
	t.Helper()
	p := s.disputed(t, key)
	_, _, err := s.KeepDisputes(t.Context(), p.ID, []payment.ProviderDispute{chargeback(payment.DisputeEvidenceWanted, 4)}, timeAt(40))
	require.NoError(t, err)
	d := payment.DisputeID(p.ID, payment.Chargeback, "233000061680860000")
	e := payment.Evidence{
		ID: payment.EvidenceID(d, "k"), DisputeID: d, PaymentID: p.ID, Actor: "shop", AskedAt: timeAt(50), Status: payment.EvidenceSending,
		Files: []payment.DocumentInfo{payment.NewDocument("nota.pdf", []byte("%PDF-1.7")).DocumentInfo},
	}
	for range 2 {
		require.NoError(t, s.AskEvidence(t.Context(), e, s.evidenceEntry(e)))
	}
	return p, e
}

func (s *Store) evidenceEntry(e payment.Evidence) audit.Entry {
	return audit.Entry{
		ID: payment.NewAuditID("evidence " + e.ID), Actor: audit.Actor{Name: "shop", Channel: audit.REST}, Action: audit.DisputeEvidence, Object: "payment/" + e.PaymentID,
	}
}

func TestEvidenceIsKeptOnce(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	p, e := s.evidenceAsked(t, "evidence")
	stored, err := s.Evidence(t.Context(), e.ID)
	require.NoError(t, err)
	require.Equal(t, e, stored)
	entries, err := s.AuditTrail(t.Context(), audit.Filter{Object: "payment/" + p.ID, Limit: 10})
	require.NoError(t, err)
	require.Len(t, entries, 1, "however often it is asked for")

	sideBySide(t, 5, func(int) error {
		_, err := s.KeepEvidence(context.Background(), e.ID, timeAt(60))
		return err
	})
	e.Status, e.SentAt = payment.EvidenceSent, timeAt(60)
	list, err := s.EvidenceOf(t.Context(), e.DisputeID)
	require.NoError(t, err)
	require.Equal(t, []payment.Evidence{e}, list)
	require.NoError(t, s.RefuseEvidence(t.Context(), e.ID), "what has arrived stays")
	require.NoError(t, s.AskEvidence(t.Context(), e, s.evidenceEntry(e)))
	list, err = s.EvidenceOf(t.Context(), e.DisputeID)
	require.NoError(t, err)
	require.Equal(t, []payment.Evidence{e}, list)
	require.Equal(t, []string{"dispute.opened", "dispute.evidence_sent"}, s.changes(t, p.ID))

	_, err = s.Evidence(t.Context(), payment.EvidenceID(e.DisputeID, "another"))
	require.Equal(t, failure.NotFound, failure.KindOf(err))
	_, err = s.KeepEvidence(t.Context(), payment.EvidenceID(e.DisputeID, "another"), timeAt(60))
	require.Equal(t, failure.NotFound, failure.KindOf(err))
}

func TestRefusedEvidenceMayBeSentAgain(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	p, e := s.evidenceAsked(t, "refused evidence")
	require.NoError(t, s.RefuseEvidence(t.Context(), e.ID))
	stored, err := s.Evidence(t.Context(), e.ID)
	require.NoError(t, err)
	require.Equal(t, payment.EvidenceRefused, stored.Status)
	require.NoError(t, s.AskEvidence(t.Context(), e, s.evidenceEntry(e)))
	stored, err = s.Evidence(t.Context(), e.ID)
	require.NoError(t, err)
	require.Equal(t, payment.EvidenceSending, stored.Status)
	require.Equal(t, []string{"dispute.opened"}, s.changes(t, p.ID))
}

// Nobody repeats the request whose answer was lost: the provider's word about the dispute settles it.
func TestADisputeWithDocumentsSettlesWhatWasBeingSent(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	p, e := s.evidenceAsked(t, "lost evidence")
	reviewed := chargeback(payment.DisputeInReview, 6)
	reviewed.Documented = true
	for range 2 {
		_, _, err := s.KeepDisputes(t.Context(), p.ID, []payment.ProviderDispute{reviewed}, timeAt(70))
		require.NoError(t, err)
	}
	stored, err := s.Evidence(t.Context(), e.ID)
	require.NoError(t, err)
	require.Equal(t, payment.EvidenceSent, stored.Status)
	require.Equal(t, timeAt(70), stored.SentAt)
	require.Equal(t, []string{"dispute.opened", "dispute.evidence_sent", "dispute.updated"}, s.changes(t, p.ID))
}

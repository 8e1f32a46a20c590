package worker

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/evidence"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/test/simulator"
)

// contested is a payment with a chargeback that waits for documents.
func (s disputeShop) contested(key string) (payment.Payment, payment.Dispute) {
	s.t.Helper()
	p := s.charge(key, true)
	id, err := s.provider.OpenChargeback(p.Provider.PaymentID)
	require.NoError(s.t, err)
	require.NoError(s.t, s.Workflows.Dispute(s.t.Context(), p.ID, payment.DisputeRef{Kind: payment.Chargeback, ID: id}))
	s.tells(p.ID, "dispute.opened")
	d, err := s.Database.Dispute(s.t.Context(), payment.DisputeID(p.ID, payment.Chargeback, id))
	require.NoError(s.t, err)
	return p, d
}

func (s disputeShop) send(ctx context.Context, d payment.Dispute, key, content string) (payment.Evidence, bool, error) {
	actions := evidence.Actions{Store: s.Database, Provider: s.Provider, Engine: s.Workflows}
	return actions.Send(ctx, audit.Actor{Name: "shop", Channel: audit.REST}, d, key, []payment.Document{payment.NewDocument("nota.pdf", []byte(content))})
}

const pdf = "%PDF-1.7 nota"

// Documents arrive once, however their answers are lost and however often they are sent, and the dispute goes on.
func TestEvidenceArrivesOnce(t *testing.T) {
	t.Parallel()
	s := newDisputeShop(t)
	for name, faults := range map[string][]simulator.Fault{
		"at once":                     nil,
		"its answer was lost":         {{On: simulator.Documents, Kind: simulator.KindLostAnswer, Times: 1}},
		"nothing was answered at all": {{On: simulator.Documents, Kind: simulator.KindLostAnswer, Times: 1}, {On: simulator.Chargebacks, Kind: simulator.KindError, After: 1, Times: 1}},
		"it was refused meanwhile":    {{On: simulator.Documents, Kind: simulator.KindErrorAfter, Status: 400, Times: 1}},
	} {
		p, d := s.contested("evidence " + name)
		s.provider.SetFaults(faults)
		_, _, err := s.send(t.Context(), d, "k", pdf)
		if err != nil {
			require.Equal(t, failure.Unavailable, failure.KindOf(err), name)
		}
		s.provider.SetFaults(nil)
		for range 2 {
			sent, replayed, err := s.send(t.Context(), d, "k", pdf)
			require.NoError(t, err, name)
			require.True(t, replayed, name)
			require.Equal(t, payment.EvidenceSent, sent.Status, name)
			require.Equal(t, "shop", sent.Actor)
		}
		require.Len(t, s.provider.EvidenceOf(d.ProviderID), 1, name)
		s.tells(p.ID, "dispute.opened", "dispute.evidence_sent", "dispute.updated")
		list, err := s.Database.Disputes(t.Context(), p.ID)
		require.NoError(t, err)
		require.Equal(t, payment.DisputeInReview, list[0].Status, name)

		_, _, err = s.send(t.Context(), d, "k", pdf+" another")
		require.ErrorIs(t, err, evidence.ErrKeyReused, name)
		_, _, err = s.send(t.Context(), d, "l", pdf)
		require.ErrorContains(t, err, "the dispute is in_review", name)
	}
}

func TestEvidenceThatIsNotWanted(t *testing.T) {
	t.Parallel()
	s := newDisputeShop(t)
	_, d := s.contested("late evidence")
	_, _, err := s.send(t.Context(), d, "k", "a text")
	require.Equal(t, failure.Invalid, failure.KindOf(err))
	e, _ := err.(*failure.Error)
	require.Equal(t, "/files/0", e.Fields[0].Pointer)

	refusing := []simulator.Fault{{On: simulator.Documents, Kind: simulator.KindError, Status: 400, Times: 1}}
	s.provider.SetFaults(refusing)
	_, _, err = s.send(t.Context(), d, "k", pdf)
	require.Equal(t, failure.Conflict, failure.KindOf(err))
	list, err := s.Database.EvidenceOf(t.Context(), d.ID)
	require.NoError(t, err)
	require.Equal(t, payment.EvidenceRefused, list[0].Status)

	require.NoError(t, s.provider.MoveDeadline(d.ProviderID, -time.Second))
	_, _, err = s.send(t.Context(), d, "k", pdf)
	require.ErrorContains(t, err, "the deadline was")
	d.Kind = payment.Claim
	_, _, err = s.send(t.Context(), d, "k", pdf)
	require.ErrorContains(t, err, "documents can be sent for a chargeback only")
	require.Empty(t, s.provider.EvidenceOf(d.ProviderID))
	require.False(t, time.Now().Before(list[0].AskedAt))
}

package mercadopago

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/test/simulator"
)

// contested is a chargeback that waits for documents.
func contested(t *testing.T) (s *simulator.Simulator, c *Client, id string) {
	t.Helper()
	s, c = simulated(t, simulator.Config{})
	state, err := c.Charge(t.Context(), ChargeRequest{Payment: somePayment("contested"), Key: "key-1"})
	require.NoError(t, err)
	require.NoError(t, s.Pay(state.PaymentID))
	id, err = s.OpenChargeback(state.PaymentID)
	require.NoError(t, err)
	return s, c, id
}

func documents() []payment.Document {
	return []payment.Document{payment.NewDocument("nota 1, ção.pdf", []byte("%PDF-1.7 nota")), payment.NewDocument("entrega.png", []byte("\x89PNG\r\n\x1a\n"+strings.Repeat("x", 2<<20)))}
}

func TestDocumentsArriveAsTheyAre(t *testing.T) {
	t.Parallel()
	s, c, id := contested(t)
	require.NoError(t, c.SendDocuments(t.Context(), id, "key-1", documents()))
	arrived := s.EvidenceOf(id)
	require.Equal(t, []simulator.Evidence{
		{Name: "nota 1, ção.pdf", Type: "application/pdf", Size: 13}, {Name: "entrega.png", Type: "image/png", Size: 8 + 2<<20},
	}, arrived)
	d, err := c.Chargeback(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, payment.DisputeInReview, d.Status)

	err = c.SendDocuments(t.Context(), id, "key-1", documents())
	require.Equal(t, failure.Conflict, failure.KindOf(err), "they are looked at")
	require.Len(t, s.EvidenceOf(id), 2, "and nothing was added")
}

func TestDocumentsThatAreNotTaken(t *testing.T) {
	t.Parallel()
	s, c, id := contested(t)
	send := func(chargeback, key string, content string) failure.Kind {
		return failure.KindOf(c.SendDocuments(t.Context(), chargeback, key, []payment.Document{payment.NewDocument("a.pdf", []byte(content))}))
	}
	require.Equal(t, failure.Invalid, send(id, "k", "a text"))
	require.Equal(t, failure.Invalid, send(id, "k", "%PDF-"+strings.Repeat(" ", payment.EvidenceMaxBytes)))
	require.Equal(t, failure.Invalid, send("../1", "k", "%PDF-"))
	require.Equal(t, failure.Invalid, send(id, "", "%PDF-"))
	require.Equal(t, failure.NotFound, send("1", "k", "%PDF-"))
	require.NoError(t, s.MoveDeadline(id, -time.Second))
	require.Equal(t, failure.Conflict, send(id, "k", "%PDF-"))
	require.Empty(t, s.EvidenceOf(id))
}

// A lost answer is a doubt: the chargeback itself says whether the documents are there.
func TestTheAnswerToDocumentsIsLost(t *testing.T) {
	t.Parallel()
	s, c, id := contested(t)
	s.SetFaults([]simulator.Fault{{On: simulator.Documents, Kind: simulator.KindLostAnswer, Times: 1}})
	require.Equal(t, failure.Unavailable, failure.KindOf(c.SendDocuments(t.Context(), id, "key-1", documents())))
	d, err := c.Chargeback(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, payment.DisputeInReview, d.Status)
}

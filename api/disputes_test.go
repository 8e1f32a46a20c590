package api

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/payment"
)

func TestDisputesAreListed(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	p := decode[Payment](t, f.create(t, "k", goodBody))
	at := time.Date(2026, 11, 27, 14, 12, 35, 0, time.UTC)
	dispute := func(number string, kind payment.DisputeKind, status payment.DisputeStatus, opened time.Time) payment.Dispute {
		return payment.Dispute{
			ID: payment.DisputeID(p.ID, kind, number), PaymentID: p.ID, ClientID: "shop", Kind: kind, ProviderID: number, Status: status,
			Amount: 1050, Currency: payment.BRL, OpenedAt: opened, UpdatedAt: opened.Add(time.Second),
		}
	}
	wanted := dispute("233000061680860000", payment.Chargeback, payment.DisputeEvidenceWanted, at)
	wanted.Deadline = at.Add(240 * time.Hour)
	rival := dispute("1", payment.Claim, payment.DisputeOpen, at)
	rival.ClientID, rival.PaymentID = "rival", payment.NewID("rival", "k")
	f.database.disputes = []payment.Dispute{dispute("5281510459", payment.Mediation, payment.DisputeLost, at.Add(time.Hour)), wanted, rival}
	golden(t, "disputes", f.get(t, "/v1/payments/"+p.ID+"/disputes"))

	list := func(query string) DisputeList {
		w := f.get(t, "/v1/disputes"+query)
		require.Equal(t, http.StatusOK, w.Code, w.Body)
		return decode[DisputeList](t, w)
	}
	require.Len(t, list("").Data, 2, "the client app's own")
	first := list("?limit=1")
	require.Len(t, first.Data, 1)
	second := list("?limit=1&cursor=" + first.NextCursor)
	require.Equal(t, wanted.ID, second.Data[0].ID)
	require.Empty(t, second.NextCursor)
	require.Len(t, list("?status=lost").Data, 1)
	require.Empty(t, list("?status=won").Data)
	require.Equal(t, http.StatusBadRequest, f.get(t, "/v1/disputes?status=approved").Code)
	require.Equal(t, http.StatusBadRequest, f.get(t, "/v1/disputes?status=won&cursor="+first.NextCursor).Code, "the cursor is of another list")
	require.Equal(t, http.StatusNotFound, f.get(t, "/v1/payments/"+payment.NewID("rival", "k")+"/disputes").Code)
	f.database.unavailable = errUnavailable
	require.Equal(t, http.StatusServiceUnavailable, f.get(t, "/v1/disputes").Code)
}

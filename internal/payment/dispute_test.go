package payment

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestADisputeIsOneHoweverOftenItIsTold(t *testing.T) {
	t.Parallel()
	require.Equal(t, DisputeID("p", Claim, "1"), DisputeID("p", Mediation, "1"), "a claim goes on as a mediation")
	require.NotEqual(t, DisputeID("p", Claim, "1"), DisputeID("p", Chargeback, "1"))
	require.NotEqual(t, DisputeID("p", Claim, "1"), DisputeID("q", Claim, "1"))
	require.True(t, OurID(DisputeID("p", Chargeback, "233000061680860000")))
}

func TestWhatHasHappenedToADispute(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	p := Payment{ID: "p", Request: Request{Amount: Money{Centavos: 1050, Currency: BRL}}}
	news := func(s DisputeStatus, second int) ProviderDispute {
		return ProviderDispute{ID: "1", Kind: Chargeback, Status: s, UpdatedAt: at.Add(time.Duration(second) * time.Second)}
	}
	opened := NewDispute(p, news(DisputeEvidenceWanted, 1), at)
	require.EqualValues(t, 1050, opened.Amount, "the provider has not said how much")
	require.Equal(t, []DisputeChange{DisputeOpened}, opened.Since(Dispute{}))
	require.Equal(t, []DisputeChange{DisputeOpened, DisputeIsLost}, NewDispute(p, news(DisputeLost, 1), at).Since(Dispute{}), "nobody has told us before")

	for name, row := range map[string]struct {
		news ProviderDispute
		want []DisputeChange
	}{
		"the same again":     {news(DisputeEvidenceWanted, 1), nil},
		"newer, and no news": {news(DisputeEvidenceWanted, 2), nil},
		"older":              {news(DisputeWon, 0), nil},
		"in review":          {news(DisputeInReview, 2), []DisputeChange{DisputeUpdated}},
		"won":                {news(DisputeWon, 2), []DisputeChange{DisputeIsWon}},
		"lost":               {news(DisputeLost, 2), []DisputeChange{DisputeIsLost}},
		"closed":             {news(DisputeClosed, 2), []DisputeChange{DisputeIsClosed}},
	} {
		require.Equal(t, row.want, opened.With(p, row.news, at).Since(opened), name)
	}
	later := news(DisputeEvidenceWanted, 3)
	later.Deadline = at.Add(time.Hour)
	require.Equal(t, []DisputeChange{DisputeUpdated}, opened.With(p, later, at).Since(opened), "another deadline")
	lost := opened.With(p, news(DisputeLost, 2), at)
	require.Equal(t, []DisputeChange{DisputeIsWon}, lost.With(p, news(DisputeWon, 3), at).Since(lost), "the bank has decided anew")
}

// The payment's own word decides about the money, so the dispute says the same even if the chargeback itself does not.
func TestTheChargebackFollowsThePaymentsWord(t *testing.T) {
	t.Parallel()
	for detail, want := range map[string]DisputeStatus{
		"settled": DisputeLost, "reimbursed": DisputeWon, "in_process": DisputeOpen, "another word": DisputeOpen, "": DisputeOpen,
	} {
		p := Payment{ID: "p", Provider: Provider{Status: "charged_back", StatusDetail: detail}}
		require.Equal(t, want, NewDispute(p, ProviderDispute{ID: "1", Kind: Chargeback, Status: DisputeOpen}, time.Time{}).Status, detail)
		require.Equal(t, DisputeOpen, NewDispute(p, ProviderDispute{ID: "1", Kind: Claim, Status: DisputeOpen}, time.Time{}).Status, detail)
	}
}

package console

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/postgres"
	"github.com/onlywave/onlywave/internal/session"
)

func TestFindingsOfReconciliationAreShown(t *testing.T) {
	t.Parallel()
	e := newEnv(t, session.Options{})
	run, err := e.store.BeginReconciliation(t.Context(), postgres.BeginPlan{ID: "run", Now: born, Deep: time.Hour, DeepEvery: time.Hour, Longest: time.Hour})
	require.NoError(t, err)
	var found []payment.Finding
	for i := range pageSize + 1 {
		found = append(found, payment.Finding{Kind: payment.OrphanPayment, ProviderPaymentID: fmt.Sprint(i), ProviderUpdatedAt: born, Detail: "<b>not ours</b>", FoundAt: born})
	}
	found = append(found, payment.Finding{Kind: payment.MissedWebhook, ProviderPaymentID: "m", ProviderUpdatedAt: born, Detail: "updated", FoundAt: born})
	require.NoError(t, e.store.KeepFindings(t.Context(), run.ID, found))
	b := e.as(e.viewer)
	p := b.get("/console/reconciliation")
	require.Contains(t, p.says(".numbers"), fmt.Sprintf("%d orphan payment", pageSize+1))
	require.Equal(t, []string{"running"}, p.column("runs", "State"))
	orphans := b.get("/console/reconciliation?kind=orphan_payment")
	require.Len(t, orphans.column("findings", "Kind"), pageSize)
	require.Equal(t, "<b>not ours</b>", orphans.column("findings", "Detail")[0])
	require.Zero(t, orphans.Find("#findings form").Length(), "a viewer sees no buttons")
	next, _ := orphans.Find(".more a").Attr("href")
	require.Equal(t, []string{"0"}, b.get(next).column("findings", "Provider's id"))
	require.Equal(t, http.StatusUnprocessableEntity, b.get("/console/reconciliation?kind=nonsense").status)
}

func TestAFindingIsClosedWithAReason(t *testing.T) {
	t.Parallel()
	e := newEnv(t, session.Options{})
	run, err := e.store.BeginReconciliation(t.Context(), postgres.BeginPlan{ID: "run", Now: born, Deep: time.Hour, DeepEvery: time.Hour, Longest: time.Hour})
	require.NoError(t, err)
	require.NoError(t, e.store.KeepFindings(t.Context(), run.ID, []payment.Finding{
		{Kind: payment.OrphanPayment, ProviderPaymentID: "7", ProviderUpdatedAt: born, FoundAt: born},
		{Kind: payment.OrphanPayment, ProviderPaymentID: "8", ProviderUpdatedAt: born, FoundAt: born},
	}))
	found, err := e.store.Findings(t.Context(), payment.FindingFilter{Limit: 10})
	require.NoError(t, err)
	button := fmt.Sprint("close-", found[0].ID)
	b := e.as(e.operator)
	shown := b.get("/console/reconciliation?kind=orphan_payment")
	for _, reason := range []string{"", " ", "4111 1111 1111 1111", strings.Repeat("é", audit.MaxReason+1)} {
		require.Equal(t, http.StatusUnprocessableEntity, b.press(shown, button, "reason", reason).status)
	}
	for range 2 {
		p := b.press(shown, button, "reason", "made in the panel")
		require.Equal(t, "The finding is closed.", p.says(".notice"))
		require.Equal(t, []string{"7"}, p.column("findings", "Provider's id"))
		require.Contains(t, p.says("h2"), "Open findings: orphan payment", "the same page is shown again")
	}
	require.Equal(t, http.StatusConflict, b.press(shown, button, "reason", "another word").status)
	require.Equal(t, http.StatusNotFound, b.post("/console/reconciliation/findings/987654/close", "reason", "a").status)
	require.Equal(t, http.StatusNotFound, b.post("/console/reconciliation/findings/x/close", "reason", "a").status)
	require.Contains(t, e.logs.String(), `"action":"close"`)
	require.Equal(t, http.StatusForbidden, e.as(e.viewer).post(fmt.Sprintf("/console/reconciliation/findings/%d/close", found[1].ID), "reason", "a").status)
}

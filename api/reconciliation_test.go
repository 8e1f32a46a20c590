package api

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/access"
	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
)

func (m *memory) Reconciliations(_ context.Context, limit int) ([]payment.Reconciliation, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.runs[:min(limit, len(m.runs))], m.unavailable
}

func (m *memory) FindingTotals(context.Context) ([]payment.FindingTotal, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var totals []payment.FindingTotal
	for _, kind := range payment.FindingKinds() {
		n := 0
		for _, f := range m.findings {
			if f.Kind == kind {
				n++
			}
		}
		if n > 0 {
			totals = append(totals, payment.FindingTotal{Kind: kind, All: n + 1, Open: n})
		}
	}
	return totals, m.unavailable
}

func (m *memory) Findings(_ context.Context, filter payment.FindingFilter) ([]payment.Finding, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var found []payment.Finding
	for _, f := range m.findings {
		if (filter.Kind == "" || f.Kind == filter.Kind) && (filter.Before == 0 || f.ID < filter.Before) && len(found) < filter.Limit {
			found = append(found, f)
		}
	}
	return found, m.unavailable
}

func (m *memory) CloseFinding(_ context.Context, actor audit.Actor, id int64, reason string) (payment.Finding, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range m.findings {
		f := &m.findings[i]
		switch {
		case f.ID != id:
			continue
		case f.ClosedBy == "":
			f.ClosedBy, f.ClosedReason, f.ResolvedAt = actor.Name, reason, born
		case f.ClosedBy != actor.Name || f.ClosedReason != reason:
			return *f, &failure.Error{Kind: failure.Conflict, Message: "closed"}
		}
		return *f, m.unavailable
	}
	return payment.Finding{}, &failure.Error{Kind: failure.NotFound}
}

func TestAFindingIsClosedWithAReason(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.database.findings = []payment.Finding{{ID: 2, Kind: payment.OrphanPayment, ProviderPaymentID: "106400160593", ProviderStatus: payment.Approved, ProviderUpdatedAt: born, FoundAt: born}}
	const path = "/v1/reconciliation/findings/2/close"
	for body, pointer := range map[string]string{
		`{}`: "/reason", `{"reason": "  "}`: "/reason", `{"reason": 1}`: "/reason", `{"reason": "card 4235 6477 2802 5682"}`: "/reason",
		`{"reason": "a", "actor": "me"}`: "/actor",
	} {
		w := f.post(t, path, "", body)
		require.Equal(t, http.StatusUnprocessableEntity, w.Code, body)
		require.Equal(t, pointer, decode[Problem](t, w).Errors[0].Pointer, body)
	}
	reader := "Bearer " + f.addKey("ana", access.ScopeOperationsRead)
	require.Equal(t, http.StatusForbidden, f.post(t, path, "", `{"reason": "a"}`, "Authorization", reader).Code)
	for range 2 {
		w := f.post(t, path, "", `{"reason": " made in the panel "}`)
		require.Equal(t, http.StatusOK, w.Code, "%s", w.Body)
		closed := decode[Finding](t, w)
		require.Equal(t, []string{"shop", "made in the panel", "approved"}, []string{closed.ClosedBy, closed.Reason, closed.ProviderStatus})
		require.Equal(t, born, closed.ResolvedAt)
	}
	require.Equal(t, http.StatusConflict, f.post(t, path, "", `{"reason": "another"}`).Code)
	for _, none := range []string{"3", "x", "-1", "99999999999999999999"} {
		require.Equal(t, http.StatusNotFound, f.post(t, "/v1/reconciliation/findings/"+none+"/close", "", `{"reason": "a"}`).Code, none)
	}
}

func TestReconciliation(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.database.runs = []payment.Reconciliation{
		{ID: "run-2", From: born.Add(-10 * time.Minute), To: born.Add(5 * time.Minute), StartedAt: born.Add(7 * time.Minute)},
		{ID: "run-1", From: born.Add(-15 * time.Minute), To: born, StartedAt: born.Add(2 * time.Minute), FinishedAt: born.Add(3 * time.Minute),
			Counts: payment.ReconciliationCounts{Seen: 1, Differences: 2, Contradictions: 3, OrphanPayments: 4, Unreadable: 5, Missed: 6, Quiet: 7, Signalled: 8, Others: 9}},
	}
	f.database.findings = []payment.Finding{
		{ID: 2, Kind: payment.OrphanPayment, ProviderPaymentID: "106400160593", ProviderUpdatedAt: born, ProviderStatus: payment.Approved, Detail: "there is no payment", FoundAt: born.Add(3 * time.Minute)},
		{ID: 1, Kind: payment.MissedWebhook, PaymentID: payment.NewID("shop", "k"), ProviderPaymentID: "106400160592", ProviderUpdatedAt: born, Detail: "the payment changed", FoundAt: born.Add(3 * time.Minute)},
	}
	golden(t, "reconciliation", f.get(t, "/v1/reconciliation"))
	only := decode[Reconciliation](t, f.get(t, "/v1/reconciliation?kind=missed_webhook"))
	require.Len(t, only.Findings, 1)
	require.Len(t, only.Runs, 2)

	require.Equal(t, http.StatusForbidden, f.get(t, "/v1/reconciliation", "Authorization", "Bearer "+f.readKey).Code)
	require.Equal(t, http.StatusBadRequest, f.get(t, "/v1/reconciliation?kind=suspicion").Code)
	require.Equal(t, http.StatusBadRequest, f.get(t, "/v1/reconciliation?cursor=x").Code)
	f.database.setUnavailable(errUnavailable)
	require.Equal(t, http.StatusServiceUnavailable, f.get(t, "/v1/reconciliation").Code)
}

func TestOpenFindingsArePaged(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	empty := f.get(t, "/v1/reconciliation")
	require.Contains(t, empty.Body.String(), `"runs":[]`)
	require.Contains(t, empty.Body.String(), `"findings":[]`)
	require.Len(t, decode[Reconciliation](t, empty).Totals, len(payment.FindingKinds()))

	for i := range 25 {
		f.database.findings = append(f.database.findings, payment.Finding{ID: int64(25 - i), Kind: payment.OrphanPayment, ProviderPaymentID: fmt.Sprint(i), FoundAt: born})
	}
	next, seen := "", 0
	for pages := 1; ; pages++ {
		page := decode[Reconciliation](t, f.get(t, "/v1/reconciliation?kind=orphan_payment&limit=10"+next))
		for _, finding := range page.Findings {
			seen++
			require.Equal(t, int64(26-seen), finding.ID)
		}
		if page.NextCursor == "" {
			require.Equal(t, 3, pages)
			break
		}
		next = "&cursor=" + page.NextCursor
	}
	require.Equal(t, 25, seen)
	require.Equal(t, http.StatusBadRequest, f.get(t, "/v1/reconciliation?limit=10"+next).Code, "a cursor is valid with the same filters only")
}

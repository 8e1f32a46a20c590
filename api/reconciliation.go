package api

import (
	"context"
	"net/http"
	"strconv"

	"github.com/gin-gonic/gin"

	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
)

// lastRuns is how many runs the response has.
const lastRuns = 10

// getReconciliation shows the last runs, the totals and one page of open findings.
func (s *Server) getReconciliation(c *gin.Context) error {
	q := query{values: c.Request.URL.Query()}
	filter := payment.FindingFilter{Kind: q.findingKind(), Limit: q.limit()}
	if len(q.wrong) > 0 {
		return refuse(queryInvalid, "", q.wrong...)
	}
	list := q.name("findings", "", "kind")
	err := s.cursors.resume(list, q.values.Get("cursor"), func(position string) (err error) {
		filter.Before, err = strconv.ParseInt(position, 10, 64)
		return err
	})
	if err != nil {
		return err
	}
	view, err := s.reconciliation(c.Request.Context())
	if err != nil {
		return err
	}
	limit := filter.Limit
	filter.Limit++ // one more shows whether there is a next page
	found, err := s.findings.List(c.Request.Context(), filter)
	if err != nil {
		return err
	}
	shown, next := page(s.cursors, list, found, limit, func(f payment.Finding) string { return strconv.FormatInt(f.ID, 10) })
	for _, f := range shown {
		view.Findings = append(view.Findings, findingView(f))
	}
	view.NextCursor = next
	c.PureJSON(http.StatusOK, view)
	return nil
}

// reconciliation is the view without its findings. A kind without findings has a total, too.
func (s *Server) reconciliation(ctx context.Context) (Reconciliation, error) {
	view := Reconciliation{Runs: []ReconciliationRun{}, Totals: []FindingTotal{}, Findings: []Finding{}}
	runs, err := s.config.Database.Reconciliations(ctx, lastRuns)
	if err != nil {
		return view, err
	}
	for _, r := range runs {
		view.Runs = append(view.Runs, runView(r))
	}
	totals, err := s.config.Database.FindingTotals(ctx)
	if err != nil {
		return view, err
	}
	for _, kind := range payment.FindingKinds() {
		total := FindingTotal{Kind: FindingKind(kind)}
		for _, t := range totals {
			if t.Kind == kind {
				total.All, total.Open = t.All, t.Open
			}
		}
		view.Totals = append(view.Totals, total)
	}
	return view, nil
}

func (q *query) findingKind() payment.FindingKind {
	f := payment.FindingFilter{Kind: payment.FindingKind(q.values.Get("kind")), Limit: 1}
	for _, wrong := range f.Fields() {
		q.refuse(wrong.Pointer, wrong.Detail)
	}
	return f.Kind
}

// closeFinding closes a finding for good. The same request again changes nothing.
func (s *Server) closeFinding(c *gin.Context) error {
	var body CloseFindingRequest
	wrong, err := s.readJSON(c, "CloseFindingRequest", &body)
	if err != nil {
		return err
	}
	if len(wrong) > 0 { // report all at once: what the contract refuses, and what the rules refuse
		return invalid(addFields(wrong, audit.ReasonFields(body.Reason)))
	}
	id, err := strconv.ParseInt(c.Param("id"), 10, 64)
	if err != nil {
		return &failure.Error{Kind: failure.NotFound, Message: "there is no finding with this id"}
	}
	f, err := s.findings.Close(c.Request.Context(), actor(c), id, body.Reason)
	if err != nil {
		return err
	}
	event(c).paymentID = f.PaymentID
	c.PureJSON(http.StatusOK, findingView(f))
	return nil
}

func runView(r payment.Reconciliation) ReconciliationRun {
	return ReconciliationRun{
		ID: r.ID, From: r.From, To: r.To, StartedAt: r.StartedAt, FinishedAt: r.FinishedAt,
		Seen: r.Counts.Seen, Differences: r.Counts.Differences, Contradictions: r.Counts.Contradictions,
		OrphanPayments: r.Counts.OrphanPayments, Unreadable: r.Counts.Unreadable, MissedWebhooks: r.Counts.Missed,
		Quiet: r.Counts.Quiet, Signalled: r.Counts.Signalled, Others: r.Counts.Others,
	}
}

func findingView(f payment.Finding) Finding {
	return Finding{
		ID: f.ID, Kind: FindingKind(f.Kind), PaymentID: f.PaymentID, ProviderPaymentID: f.ProviderPaymentID,
		ProviderUpdatedAt: f.ProviderUpdatedAt, ProviderStatus: string(f.ProviderStatus), Detail: f.Detail, FoundAt: f.FoundAt,
		ResolvedAt: f.ResolvedAt, ClosedBy: f.ClosedBy, Reason: f.ClosedReason,
	}
}

package api

import (
	"fmt"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/workflows"
)

// Limits of a redrive.
const (
	canaryWaitMax = 24 * 60 * 60 // seconds
	canaryDefault = 60           // seconds to wait
	idsMax        = 100
)

// redriveDeadLetters sends many letters again, in stages.
func (s *Server) redriveDeadLetters(c *gin.Context) error {
	key, err := idempotencyKey(c.Request.Header)
	if err != nil {
		return err
	}
	var body RedriveRequest
	wrong, err := s.readJSON(c, "RedriveRequest", &body)
	if err != nil {
		return err
	}
	wrong = addFields(wrong, body.fields())
	if len(wrong) > 0 {
		return &payment.Error{Kind: payment.Invalid, Message: "the request is not valid", Fields: wrong}
	}
	return s.startRedrive(c, key, body.input(), nil)
}

// fields finds what is wrong with the values.
func (b RedriveRequest) fields() []payment.Field {
	wrong := payment.ReasonFields(b.Reason)
	filter := b.Filter.filter()
	for _, f := range filter.Fields() {
		wrong = append(wrong, payment.Field{Pointer: "/filter/" + f.Pointer, Detail: f.Detail})
	}
	between := func(name string, n, limit int) {
		if n < 0 || n > limit {
			wrong = append(wrong, payment.Field{Pointer: "/" + name, Detail: fmt.Sprintf("must be a whole number from 0 to %d", limit)})
		}
	}
	between("canary", b.Canary, workflows.CanaryMax)
	between("canary_wait", b.CanaryWait, canaryWaitMax)
	between("rate", b.Rate, workflows.RateMax)
	between("stop_after_errors", b.StopAfterErrors, workflows.StopAfterMax)
	if len(filter.IDs) > idsMax {
		wrong = append(wrong, payment.Field{Pointer: "/filter/ids", Detail: fmt.Sprintf("must have at most %d", idsMax)})
	}
	for i, id := range filter.IDs {
		if !payment.ValidID(id) {
			wrong = append(wrong, payment.Field{Pointer: fmt.Sprintf("/filter/ids/%d", i), Detail: "must be the id of a dead letter"})
		}
	}
	if len(filter.IDs) == 0 && filter.Source == "" && filter.Cause == "" && filter.Fingerprint == "" && filter.PaymentID == "" {
		wrong = append(wrong, payment.Field{Pointer: "/filter", Detail: "must choose by ids, source, cause, fingerprint or payment_id: nobody means all of them"})
	}
	return wrong
}

func (f RedriveFilter) filter() payment.LetterFilter {
	return payment.LetterFilter{
		IDs: f.Ids, Source: payment.Source(f.Source), Cause: payment.Cause(f.Cause), Fingerprint: f.Fingerprint, PaymentID: f.PaymentID,
		DiedFrom: f.DiedFrom.UTC(), DiedTo: f.DiedTo.UTC(),
	}
}

func (b RedriveRequest) input() workflows.RedriveInput {
	in := workflows.RedriveInput{
		Reason: b.Reason, Filter: b.Filter.filter(), DryRun: b.DryRun, Canary: b.Canary, Rate: b.Rate, StopAfter: b.StopAfterErrors,
		CanaryWait: time.Duration(b.CanaryWait) * time.Second,
	}
	if b.CanaryWait == 0 {
		in.CanaryWait = canaryDefault * time.Second
	}
	return in
}

// startRedrive answers with the redrive that belongs to the key, which it starts unless it is there. refused is why
// it may not be started, or nil.
func (s *Server) startRedrive(c *gin.Context, key string, in workflows.RedriveInput, refused error) error {
	joined, err := workflows.RedriveOnce(c.Request.Context(), s.config.Redrives, event(c).clientID, key, &in, refused)
	if err != refused && payment.KindOf(err) == payment.Conflict {
		return refuse(keyReused, "this key belongs to another redrive; repeat that request, or use a new key for a new redrive")
	}
	if err != nil {
		return err
	}
	if joined {
		c.Header("Idempotency-Replayed", "true")
	}
	view := s.redriveView(in.ID, workflows.RedriveProgress{State: workflows.RedriveCounting})
	c.Header("Location", view.Links.Self)
	c.PureJSON(http.StatusAccepted, view)
	return nil
}

// getRedrive shows how a redrive stands.
func (s *Server) getRedrive(c *gin.Context) error {
	id := c.Param("id")
	if !payment.ValidID(id) {
		return errNoRedrive
	}
	progress, err := s.config.Redrives.RedriveProgress(c.Request.Context(), id)
	if err != nil {
		return err
	}
	c.PureJSON(http.StatusOK, s.redriveView(id, progress))
	return nil
}

func (s *Server) redriveView(id string, p workflows.RedriveProgress) Redrive {
	v := Redrive{
		ID: id, State: RedriveState(p.State), Note: p.Note, Matching: p.Matching,
		Sent: p.Standing.Sent, Failed: p.Standing.Failed, DiedAgain: p.Standing.DiedAgain, Left: p.Standing.Left,
		Links: Links{Self: s.config.PublicURL + "/v1/redrives/" + id, Temporal: s.temporalLink(workflows.RedriveWorkflowID(id))},
	}
	for _, n := range p.Causes {
		v.Causes = append(v.Causes, CauseCount{Cause: string(n.Cause), Letters: n.Letters})
	}
	return v
}

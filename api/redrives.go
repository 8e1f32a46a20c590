package api

import (
	"errors"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/onlywave/onlywave/internal/deadletter"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/workflows"
)

// redriveDeadLetters sends many dead letters again, in stages.
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
	plan := body.plan()
	if len(wrong) > 0 { // report all at once: what the contract refuses, and what the rules refuse
		return invalid(addFields(wrong, plan.Fields()))
	}
	started, err := s.deadLetters.Redrive(c.Request.Context(), actor(c), key, plan)
	if err != nil {
		return redriveRefused(err)
	}
	return s.answerStarted(c, started)
}

func (f RedriveFilter) filter() deadletter.Filter {
	return deadletter.Filter{
		IDs: f.Ids, Source: deadletter.Source(f.Source), Cause: deadletter.Cause(f.Cause), Fingerprint: f.Fingerprint, PaymentID: f.PaymentID,
		DiedFrom: f.DiedFrom.UTC(), DiedTo: f.DiedTo.UTC(),
	}
}

func (b RedriveRequest) plan() deadletter.Plan {
	p := deadletter.Plan{
		Reason: b.Reason, Filter: b.Filter.filter(), DryRun: b.DryRun, Canary: b.Canary, Rate: b.Rate, StopAfter: b.StopAfterErrors,
		CanaryWait: deadletter.DefaultCanaryWait,
	}
	if b.CanaryWait != nil { // 0: do not wait
		p.CanaryWait = time.Duration(*b.CanaryWait) * time.Second
	}
	return p
}

// redriveRefused gives the conflict of an Idempotency-Key that was used for another redrive its own code.
func redriveRefused(err error) error {
	if errors.Is(err, deadletter.ErrKeyUsed) {
		return refuse(keyReused, "this Idempotency-Key was used for another redrive; send that request again, or use a new key for a new redrive")
	}
	return err
}

// answerStarted answers with the redrive that belongs to the key.
func (s *Server) answerStarted(c *gin.Context, started deadletter.Started) error {
	if started.Joined {
		c.Header("Idempotency-Replayed", "true")
	}
	view := s.redriveView(started.ID, workflows.RedriveProgress{State: workflows.RedriveCounting})
	c.Header("Location", view.Links.Self)
	c.PureJSON(http.StatusAccepted, view)
	return nil
}

// getRedrive shows the progress of a redrive.
func (s *Server) getRedrive(c *gin.Context) error {
	id := c.Param("id")
	if !payment.ValidID(id) {
		return errNoRedrive
	}
	progress, err := s.config.Workflows.RedriveProgress(c.Request.Context(), id)
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
		v.Causes = append(v.Causes, CauseCount{Cause: string(n.Cause), Letters: n.Count})
	}
	return v
}

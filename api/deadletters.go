package api

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/deadletter"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/workflows"
)

// listDeadLetters shows one page of dead letters, the latest first; open ones unless the query asks for others.
func (s *Server) listDeadLetters(c *gin.Context) error {
	q := query{values: c.Request.URL.Query()}
	filter := q.deadLetterFilter()
	if len(q.wrong) > 0 {
		return refuse(queryInvalid, "", q.wrong...)
	}
	list := q.name("dead-letters", event(c).clientID, "state", "source", "cause", "fingerprint", "payment_id", "died_from", "died_to")
	if err := s.cursors.resume(list, q.values.Get("cursor"), after(&filter.After)); err != nil {
		return err
	}
	limit := filter.Limit
	filter.Limit++ // one more shows whether there is a next page
	found, err := s.deadLetters.List(c.Request.Context(), filter)
	if err != nil {
		return err
	}
	shown, next := page(s.cursors, list, found, limit, func(l deadletter.Message) string {
		return formatPosition(payment.Position{CreatedAt: l.DiedAt, ID: l.ID})
	})
	view := DeadLetterList{Data: make([]DeadLetter, 0, len(shown)), NextCursor: next}
	for _, l := range shown {
		view.Data = append(view.Data, s.deadLetterView(l))
	}
	c.PureJSON(http.StatusOK, view)
	return nil
}

func (q *query) deadLetterFilter() deadletter.Filter {
	f := deadletter.Filter{
		State:       deadletter.Open, // unless another is asked for
		Source:      deadletter.Source(q.values.Get("source")),
		Cause:       deadletter.Cause(q.values.Get("cause")),
		Fingerprint: q.values.Get("fingerprint"),
		PaymentID:   q.values.Get("payment_id"),
		DiedFrom:    q.time("died_from"),
		DiedTo:      q.time("died_to"),
		Limit:       q.limit(),
	}
	if q.values.Has("state") {
		f.State = deadletter.ParseState(q.values.Get("state"))
	}
	for _, wrong := range f.Fields() {
		q.refuse(wrong.Pointer, wrong.Detail)
	}
	return f
}

// getDeadLetter shows one dead letter, with what to do about it and its redrives.
func (s *Server) getDeadLetter(c *gin.Context) error {
	l, err := s.deadLetter(c)
	if err != nil {
		return err
	}
	return s.answerDeadLetter(c, l)
}

// deadLetter is the dead letter in the path.
func (s *Server) deadLetter(c *gin.Context) (deadletter.Message, error) {
	l, err := s.deadLetters.Show(c.Request.Context(), c.Param("id"))
	event(c).paymentID = l.PaymentID
	return l, err
}

func (s *Server) answerDeadLetter(c *gin.Context, l deadletter.Message) error {
	redrives, err := s.config.Database.Redrives(c.Request.Context(), l.ID)
	if err != nil {
		return err
	}
	view := s.deadLetterView(l)
	for _, a := range l.Trail {
		view.Trail = append(view.Trail, Attempt{Attempt: a.Attempt, At: a.At, Error: a.Error})
	}
	for _, r := range redrives {
		view.Redrives = append(view.Redrives, DeadLetterRedrive{
			ID: r.RedriveID, Actor: r.Actor, Reason: r.Reason, At: r.At, Outcome: DeadLetterRedriveOutcome(r.Outcome), Error: r.Error,
		})
	}
	c.PureJSON(http.StatusOK, view)
	return nil
}

// discardDeadLetter closes a dead letter for good. The same request again changes nothing.
func (s *Server) discardDeadLetter(c *gin.Context) error {
	var body DiscardRequest
	wrong, err := s.readJSON(c, "DiscardRequest", &body)
	if err != nil {
		return err
	}
	if len(wrong) > 0 { // report all at once: what the contract refuses, and what the rules refuse
		return invalid(addFields(wrong, audit.ReasonFields(body.Reason)))
	}
	l, err := s.deadLetters.Discard(c.Request.Context(), actor(c), c.Param("id"), body.Reason)
	if err != nil {
		return err
	}
	event(c).paymentID = l.PaymentID
	return s.answerDeadLetter(c, l)
}

// redriveDeadLetter sends one dead letter again.
func (s *Server) redriveDeadLetter(c *gin.Context) error {
	key, err := idempotencyKey(c.Request.Header)
	if err != nil {
		return err
	}
	started, err := s.deadLetters.RedriveOne(c.Request.Context(), actor(c), key, c.Param("id"), "")
	if err != nil {
		return redriveRefused(err)
	}
	return s.answerStarted(c, started)
}

var errNoRedrive = &failure.Error{Kind: failure.NotFound, Message: "there is no redrive with this id"}

// deadLetterView is a dead letter as lists show it. The body of its message is never shown.
func (s *Server) deadLetterView(l deadletter.Message) DeadLetter {
	v := DeadLetter{
		ID: l.ID, State: DeadLetterState(l.State), Source: DeadLetterSource(l.Source), Cause: string(l.Cause), Advice: l.Cause.Advice(),
		Fingerprint: l.Fingerprint, Error: l.Error, PaymentID: l.PaymentID, WorkflowID: l.WorkflowID, RunID: l.RunID,
		Message: DeadMessage{
			ID: l.Original.ID, Queue: l.Original.Queue, Exchange: l.Original.Exchange, Key: l.Original.Key, Size: len(l.Original.Body),
		},
		Deaths: l.Deaths, DiedAt: l.DiedAt, ReceivedAt: l.ReceivedAt, ClosedAt: l.ClosedAt, ClosedBy: l.ClosedBy, Reason: l.Reason,
		Links: Links{Self: s.config.PublicURL + "/v1/dead-letters/" + l.ID},
	}
	if l.PaymentID != "" {
		v.Links.Temporal = s.temporalLink(workflows.WorkflowID(l.PaymentID))
	}
	return v
}

// temporalLink is the address of a workflow in the Web UI; "" when none is configured.
func (s *Server) temporalLink(workflowID string) string {
	return workflows.WebLink(s.config.TemporalUIURL, s.config.TemporalNamespace, workflowID)
}

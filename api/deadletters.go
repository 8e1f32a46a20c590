package api

import (
	"context"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/workflows"
)

// deadLetters is the record of what could not be finished.
type deadLetters interface {
	DeadLetter(ctx context.Context, id string) (payment.DeadLetter, error) // kind NotFound when there is none
	DeadLetters(ctx context.Context, f payment.LetterFilter) ([]payment.DeadLetter, error)
	DiscardDeadLetter(ctx context.Context, id, actor, reason string) (payment.DeadLetter, error)
	Redrives(ctx context.Context, letterID string) ([]payment.Redrive, error)
}

// listDeadLetters shows one page of dead letters, those that died last first; open ones unless told otherwise.
func (s *Server) listDeadLetters(c *gin.Context) error {
	q := query{values: c.Request.URL.Query()}
	filter := q.letterFilter()
	if len(q.wrong) > 0 {
		return refuse(queryInvalid, "", q.wrong...)
	}
	list := q.name("dead-letters", event(c).clientID, "state", "source", "cause", "fingerprint", "payment_id", "died_from", "died_to")
	if err := s.cursors.resume(list, q.values.Get("cursor"), after(&filter.After)); err != nil {
		return err
	}
	limit := filter.Limit
	filter.Limit++ // one more tells whether there is a next page
	found, err := s.config.DeadLetters.DeadLetters(c.Request.Context(), filter)
	if err != nil {
		return err
	}
	shown, next := page(s.cursors, list, found, limit, func(l payment.DeadLetter) string {
		return formatPosition(payment.Position{CreatedAt: l.DiedAt, ID: l.ID})
	})
	view := DeadLetterList{Data: make([]DeadLetter, 0, len(shown)), NextCursor: next}
	for _, l := range shown {
		view.Data = append(view.Data, s.letterView(l))
	}
	c.PureJSON(http.StatusOK, view)
	return nil
}

func (q *query) letterFilter() payment.LetterFilter {
	f := payment.LetterFilter{
		State:       payment.LetterOpen,
		Source:      payment.Source(q.values.Get("source")),
		Cause:       payment.Cause(q.values.Get("cause")),
		Fingerprint: q.values.Get("fingerprint"),
		PaymentID:   q.values.Get("payment_id"),
		DiedFrom:    q.time("died_from"),
		DiedTo:      q.time("died_to"),
		Limit:       q.limit(),
	}
	switch state := q.values.Get("state"); {
	case state == "any":
		f.State = ""
	case q.values.Has("state"):
		f.State = payment.LetterState(state)
	}
	for _, wrong := range f.Fields() {
		q.refuse(wrong.Pointer, wrong.Detail)
	}
	return f
}

// getDeadLetter shows one letter, with what to do about it and what was done.
func (s *Server) getDeadLetter(c *gin.Context) error {
	l, err := s.letter(c)
	if err != nil {
		return err
	}
	return s.answerLetter(c, l)
}

// letter is the dead letter that the path names.
func (s *Server) letter(c *gin.Context) (payment.DeadLetter, error) {
	none := &payment.Error{Kind: payment.NotFound, Message: "there is no dead letter with this id"}
	id := c.Param("id")
	if !payment.ValidID(id) {
		return payment.DeadLetter{}, none
	}
	l, err := s.config.DeadLetters.DeadLetter(c.Request.Context(), id)
	if payment.KindOf(err) == payment.NotFound {
		return payment.DeadLetter{}, none
	}
	event(c).paymentID = l.PaymentID
	return l, err
}

func (s *Server) answerLetter(c *gin.Context, l payment.DeadLetter) error {
	redrives, err := s.config.DeadLetters.Redrives(c.Request.Context(), l.ID)
	if err != nil {
		return err
	}
	view := s.letterView(l)
	for _, a := range l.Trail {
		view.Trail = append(view.Trail, Attempt{Attempt: a.Attempt, At: a.At, Error: a.Error})
	}
	for _, r := range redrives {
		view.Redrives = append(view.Redrives, LetterRedrive{
			ID: r.RedriveID, Actor: r.Actor, Reason: r.Reason, At: r.At, Outcome: LetterRedriveOutcome(r.Outcome), Error: r.Error,
		})
	}
	c.PureJSON(http.StatusOK, view)
	return nil
}

// discardDeadLetter gives a letter up for good. Doing it again in the same words changes nothing.
func (s *Server) discardDeadLetter(c *gin.Context) error {
	var body DiscardRequest
	wrong, err := s.readJSON(c, "DiscardRequest", &body)
	if err != nil {
		return err
	}
	wrong = addFields(wrong, payment.ReasonFields(body.Reason))
	if len(wrong) > 0 {
		return &payment.Error{Kind: payment.Invalid, Message: "the request is not valid", Fields: wrong}
	}
	l, err := s.letter(c)
	if err != nil {
		return err
	}
	if l, err = s.config.DeadLetters.DiscardDeadLetter(c.Request.Context(), l.ID, event(c).clientID, strings.TrimSpace(body.Reason)); err != nil {
		return err
	}
	return s.answerLetter(c, l)
}

// redriveDeadLetter sends one letter again.
func (s *Server) redriveDeadLetter(c *gin.Context) error {
	key, err := idempotencyKey(c.Request.Header)
	if err != nil {
		return err
	}
	l, err := s.letter(c)
	if err != nil {
		return err
	}
	in := workflows.RedriveInput{Filter: payment.LetterFilter{IDs: []string{l.ID}}}
	return s.startRedrive(c, key, in, l.Redrivable())
}

var errNoRedrive = &payment.Error{Kind: payment.NotFound, Message: "there is no redrive with this id"}

// letterView shows a letter, without what only one letter at a time is shown with. Its body is never shown.
func (s *Server) letterView(l payment.DeadLetter) DeadLetter {
	v := DeadLetter{
		ID: l.ID, State: LetterState(l.State), Source: LetterSource(l.Source), Cause: string(l.Cause), Advice: l.Cause.Advice(),
		Fingerprint: l.Fingerprint, Error: l.Error, PaymentID: l.PaymentID, WorkflowID: l.WorkflowID, RunID: l.RunID,
		Message: DeadMessage{
			ID: l.Message.ID, Queue: l.Message.Queue, Exchange: l.Message.Exchange, Key: l.Message.Key, Size: len(l.Message.Body),
		},
		Deaths: l.Deaths, DiedAt: l.DiedAt, ReceivedAt: l.ReceivedAt, ClosedAt: l.ClosedAt, ClosedBy: l.ClosedBy, Reason: l.Reason,
		Links: Links{Self: s.config.PublicURL + "/v1/dead-letters/" + l.ID},
	}
	if l.PaymentID != "" {
		v.Links.Temporal = s.temporalLink(workflows.WorkflowID(l.PaymentID))
	}
	return v
}

// temporalLink is a workflow in the Web UI, or "" where none is configured.
func (s *Server) temporalLink(workflowID string) string {
	return workflows.WebLink(s.config.TemporalUIURL, s.config.TemporalNamespace, workflowID)
}

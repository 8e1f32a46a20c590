package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/settle"
	"github.com/onlywave/onlywave/workflows"
)

// workflowClient is a *workflows.Client, as far as payments need it; tests of this package have no Temporal.
type workflowClient interface {
	Create(ctx context.Context, in workflows.CreateInput) (*workflows.Answer, error)
	Begun(ctx context.Context, clientID, paymentID string) (bool, error)
	settle.Engine
}

// createPayment answers with the payment that belongs to the key, which it creates unless it is there. A payment that the
// provider has answered for is read and no more: a repeated request must not wake a settled payment's workflow.
func (s *Server) createPayment(c *gin.Context) error {
	ctx := c.Request.Context()
	key, err := idempotencyKey(c.Request.Header)
	if err != nil {
		return err
	}
	request, err := s.readPaymentRequest(c)
	if err != nil {
		return err
	}
	e := event(c)
	e.paymentID = payment.NewID(e.clientID, key)
	p, readErr := s.payments.Stored(ctx, e.paymentID)
	existed := readErr == nil
	if existed && p.Fingerprint != request.Fingerprint() {
		return errKeyReused
	}
	if existed && p.Status.Answered() {
		s.answerCreated(c, p, existed, "")
		return nil
	}
	// The record may be away or hang, or have nothing to say yet: the workflow decides.
	wish := readPreference(c.Request.Header)
	p, err = s.create(ctx, workflows.CreateInput{
		PaymentID: e.paymentID, Creation: payment.Creation{ClientID: e.clientID, IdempotencyKey: key, Request: request}, Wait: wish.wait,
		Unread: readErr != nil && failure.KindOf(readErr) != failure.NotFound,
	})
	if err != nil {
		return createError(err)
	}
	s.answerCreated(c, p, existed, wish.applied)
	return nil
}

// create has the payment created. A run that has closed goes on answering, and what it has written may be lost since, as after a
// restore from an older backup: then the payment is asked for once more, within the same wait.
func (s *Server) create(ctx context.Context, in workflows.CreateInput) (payment.Payment, error) {
	until := time.Now().Add(in.Wait)
	answer, err := s.config.Workflows.Create(ctx, in)
	if err != nil {
		return payment.Payment{}, err
	}
	p, lost := s.created(ctx, in, answer)
	if !lost {
		return p, nil
	}
	s.config.Log.ErrorContext(ctx, "the database has lost what was answered before", "payment_id", in.PaymentID, "version", answer.Version)
	in.Lost, in.Wait = answer, time.Until(until)
	if answer, err = s.config.Workflows.Create(ctx, in); err != nil {
		return payment.Payment{}, err
	}
	p, _ = s.created(ctx, in, answer)
	return p, nil
}

// createError is what the caller is told when his payment was not created. The request is known to be right, so whatever else
// went wrong, such as the provider refusing our own credentials, is not about him.
func createError(err error) error {
	switch failure.KindOf(err) {
	case failure.Conflict:
		return errKeyReused
	case failure.Limited, failure.Unavailable:
		return err
	}
	return &failure.Error{Kind: failure.Internal, Err: err}
}

var errKeyReused = refuse(keyReused, "this key belongs to a payment with another body; repeat that body, or use a new key for a new payment")

// readPaymentRequest finds all that is wrong with the body at once, in its shape and in its values.
func (s *Server) readPaymentRequest(c *gin.Context) (payment.Request, error) {
	var body PaymentRequest
	wrong, err := s.readJSON(c, "PaymentRequest", &body)
	if err != nil {
		return payment.Request{}, err
	}
	request := body.request().Normalized()
	if e, ok := errors.AsType[*failure.Error](request.Validate()); ok {
		wrong = addFields(wrong, e.Fields)
	}
	if len(wrong) > 0 {
		return payment.Request{}, invalid(wrong)
	}
	return request, nil
}

// created is the payment after Create: it exists for certain, so when the database cannot show it, now or yet, what was asked
// for is what there is to say. lost says that the database does not have what the run has answered.
func (s *Server) created(ctx context.Context, in workflows.CreateInput, answer *workflows.Answer) (p payment.Payment, lost bool) {
	p, err := s.payments.Refresh(ctx, in.PaymentID)
	if err == nil {
		return p, answer != nil && p.Version < answer.Version
	}
	if failure.KindOf(err) != failure.NotFound {
		s.config.Log.WarnContext(ctx, "created payment not read", "payment_id", in.PaymentID, "error", err)
	}
	now := time.Now().UTC().Truncate(time.Microsecond)
	return payment.Payment{
		ID: in.PaymentID, ClientID: in.ClientID, Request: in.Request, Status: payment.Processing,
		Provider: payment.Provider{Name: payment.MercadoPago}, CreatedAt: now, UpdatedAt: now,
	}, answer != nil && failure.KindOf(err) == failure.NotFound
}

func (s *Server) answerCreated(c *gin.Context, p payment.Payment, existed bool, applied string) {
	view := s.fullView(p)
	c.Header("Location", view.Links.Self)
	if existed {
		c.Header("Idempotency-Replayed", "true")
	}
	if applied != "" {
		c.Header("Preference-Applied", applied)
	}
	status := http.StatusCreated
	if !p.Status.Answered() {
		status = http.StatusAccepted
	}
	c.PureJSON(status, view)
}

// getPayment shows one payment, and how old the answer is when the database was unavailable.
func (s *Server) getPayment(c *gin.Context) error {
	p, age, err := s.own(c)
	if err != nil {
		return err
	}
	if age > 0 {
		c.Header("Data-Age", dataAge(age))
	}
	c.PureJSON(http.StatusOK, s.fullView(p))
	return nil
}

// own is the payment that the path names, if the caller has it. An age above 0 is that of a cached copy, see lookup.Payments.
func (s *Server) own(c *gin.Context) (payment.Payment, time.Duration, error) {
	e, id := event(c), c.Param("id")
	if payment.ValidID(id) {
		e.paymentID = id
	}
	return s.payments.Find(c.Request.Context(), e.clientID, id)
}

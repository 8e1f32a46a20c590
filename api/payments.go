package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/workflows"
)

// createPayment creates the payment that belongs to the key, or joins it. When the provider has answered for the payment, it is only
// read: a repeated request must not start another run of the workflow.
func (s *Server) createPayment(c *gin.Context) error {
	ctx := c.Request.Context()
	key, err := idempotencyKey(c.Request.Header)
	if err != nil {
		return err
	}
	creation, err := s.readCreation(c)
	if err != nil {
		return err
	}
	e := event(c)
	creation.ClientID, creation.IdempotencyKey = e.clientID, key
	e.paymentID = payment.NewID(e.clientID, key)
	p, readErr := s.payments.Stored(ctx, e.paymentID)
	existed := readErr == nil
	if existed && p.Fingerprint != creation.Print() {
		return errKeyReused
	}
	if existed && p.Status.Answered() {
		s.answerCreated(c, p, existed, "")
		return nil
	}
	if failure.KindOf(readErr) == failure.NotFound {
		if err := creation.Request.InTime(time.Now()); err != nil {
			return err
		}
	}
	if err := s.nameCustomer(c, &creation); err != nil && !(existed && failure.KindOf(err) == failure.Invalid) {
		return err // a payment that is there has its customer, who may have been removed since
	}
	// The payment is new, or not answered for yet, or the database is unavailable: the workflow decides.
	prefer := readPreference(c.Request.Header)
	p, err = s.create(ctx, workflows.CreateInput{
		PaymentID: e.paymentID, Creation: creation, Wait: prefer.wait,
		Unread: readErr != nil && failure.KindOf(readErr) != failure.NotFound,
	})
	if err != nil {
		return createError(err)
	}
	s.answerCreated(c, p, existed, prefer.applied)
	return nil
}

// create asks the workflow for the payment. A run that has closed still answers, but its rows may be lost, as after a restore from an
// older backup: then create asks once more, within the same wait.
func (s *Server) create(ctx context.Context, in workflows.CreateInput) (payment.Payment, error) {
	began := time.Now()
	answer, err := s.config.Workflows.Create(ctx, in)
	if err != nil {
		return payment.Payment{}, err
	}
	p, lost := s.created(ctx, in, answer, began)
	if !lost {
		return p, nil
	}
	s.config.Log.ErrorContext(ctx, "the database has lost what was answered before", "payment_id", in.PaymentID, "version", answer.Version)
	in.Lost, in.Wait = answer, time.Until(began.Add(in.Wait))
	if answer, err = s.config.Workflows.Create(ctx, in); err != nil {
		return payment.Payment{}, err
	}
	p, _ = s.created(ctx, in, answer, began)
	return p, nil
}

// createError is the error for the client when no payment was created. The request is known to be valid, so any other kind, such as
// the provider refusing our own credentials, is our fault.
func createError(err error) error {
	switch failure.KindOf(err) {
	case failure.Conflict:
		return errKeyReused
	case failure.Limited, failure.Unavailable:
		return err
	}
	return &failure.Error{Kind: failure.Internal, Err: err}
}

var errKeyReused = refuse(keyReused, "this Idempotency-Key was used for a payment with another body; send that body again, or use a new key for a new payment")

// readCreation reports everything that is wrong with the body at once, in its shape and in its values.
func (s *Server) readCreation(c *gin.Context) (payment.Creation, error) {
	var body PaymentRequest
	wrong, err := s.readJSON(c, "PaymentRequest", &body)
	if err != nil {
		return payment.Creation{}, err
	}
	creation := body.creation()
	wrong = addFields(wrong, body.Method.strange())
	if creation.Request.OnPage() && (s.config.PayPages == nil || !s.config.PayPages.TakesCards()) {
		wrong.Add("/method/token", "must be the token that Mercado Pago makes of the card in the buyer's browser; this installation takes no cards on its pay page, because MERCADOPAGO_PUBLIC_KEY is not set")
	}
	if e, ok := errors.AsType[*failure.Error](creation.Validate()); ok {
		wrong = addFields(wrong, e.Fields)
	}
	if len(wrong) > 0 {
		return payment.Creation{}, invalid(wrong)
	}
	return creation, nil
}

// created is the payment after Create. It exists for certain: when the database does not have it or is unavailable, created makes it
// from the request. lost says that the database lacks what the run has answered. began is when Create was called.
func (s *Server) created(ctx context.Context, in workflows.CreateInput, answer *workflows.Answer, began time.Time) (p payment.Payment, lost bool) {
	version := 0
	if answer != nil {
		version = answer.Version
	}
	p, err := s.payments.Written(ctx, in.PaymentID, version, began)
	if err == nil {
		return p, answer != nil && p.Version < answer.Version
	}
	if failure.KindOf(err) != failure.NotFound {
		s.config.Log.WarnContext(ctx, "created payment not read", "payment_id", in.PaymentID, "error", err)
	}
	now := time.Now().UTC().Truncate(time.Microsecond)
	return payment.Payment{
		ID: in.PaymentID, ClientID: in.ClientID, Request: in.Request, Status: payment.Processing,
		Provider: payment.NewProvider(), CreatedAt: now, UpdatedAt: now,
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
	p, age, err := s.ownPayment(c)
	if err != nil {
		return err
	}
	if age > 0 {
		c.Header("Data-Age", dataAge(age))
	}
	c.PureJSON(http.StatusOK, s.fullView(p))
	return nil
}

// ownPayment is the payment in the path, if it belongs to the client app. An age above 0 is the age of a cached copy, see lookup.Payments.
func (s *Server) ownPayment(c *gin.Context) (payment.Payment, time.Duration, error) {
	e, id := event(c), c.Param("id")
	if payment.ValidID(id) {
		e.paymentID = id
	}
	return s.payments.Find(c.Request.Context(), e.clientID, id)
}

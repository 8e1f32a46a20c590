package api

import (
	"errors"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/onlywave/onlywave/internal/access"
	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/command"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
)

// createRefund asks for the refund that belongs to the key, or shows it as it stands.
func (s *Server) createRefund(c *gin.Context) error {
	key, err := idempotencyKey(c.Request.Header)
	if err != nil {
		return err
	}
	var body RefundRequest
	wrong, err := s.readJSON(c, "RefundRequest", &body)
	if err != nil {
		return err
	}
	request := payment.RefundRequest{
		Amount: body.Amount, All: body.All, Reason: body.Reason, Metadata: body.Metadata, IdempotencyKey: key,
	}
	if wrong = addFields(wrong, request.Fields()); len(wrong) > 0 {
		return invalid(wrong)
	}
	p, _, err := s.ownPayment(c)
	if err != nil {
		return err
	}
	ctx, id := c.Request.Context(), payment.RefundID(p.ID, key)
	r, err := s.config.Database.Refund(ctx, p.ID, id)
	existed := err == nil
	if failure.KindOf(err) == failure.NotFound {
		_, err = s.commands.Do(ctx, actor(c), command.Order{
			PaymentID: p.ID, Command: command.Refund, ID: id, Reason: request.Reason, Refund: &request, ByClient: true,
		})
		if stored, read := s.config.Database.Refund(ctx, p.ID, id); read == nil { // also when the answer of the workflow was lost
			r, err = stored, nil
		} else if err == nil || errors.Is(err, command.ErrRunning) {
			err = read
		}
	}
	switch {
	case err != nil:
		return refundError(err)
	case r.Fingerprint != request.Fingerprint():
		return errRefundKeyReused
	}
	s.answerRefund(c, p, r, existed)
	return nil
}

var errRefundKeyReused = refuse(keyReused, "this Idempotency-Key was used for another refund of the payment; send that body again, or use a new key for a new refund")

// refundError names the field of the request that a refusal of the workflow is about.
func refundError(err error) error {
	if e, ok := errors.AsType[*failure.Error](err); ok && e.Kind == failure.Invalid && len(e.Fields) == 0 {
		return invalid(failure.Fields{{Pointer: "/amount", Detail: e.Message}})
	}
	return err
}

func (s *Server) answerRefund(c *gin.Context, p payment.Payment, r payment.OperationRecord, existed bool) {
	if existed {
		c.Header("Idempotency-Replayed", "true")
	}
	status := http.StatusCreated
	if r.Outcome.RefundStatus() == payment.RefundPending {
		status = http.StatusAccepted
	}
	c.PureJSON(status, refundView(p, r))
}

// listRefunds shows all refunds of a payment, oldest first. They are few: each gives back at least one centavo, and people ask for them.
func (s *Server) listRefunds(c *gin.Context) error {
	p, _, err := s.ownPayment(c)
	if err != nil {
		return err
	}
	refunds, err := s.config.Database.Refunds(c.Request.Context(), p.ID)
	if err != nil {
		return err
	}
	view := RefundList{Data: make([]Refund, 0, len(refunds))}
	for _, r := range refunds {
		view.Data = append(view.Data, refundView(p, r))
	}
	c.PureJSON(http.StatusOK, view)
	return nil
}

// getRefund shows one refund.
func (s *Server) getRefund(c *gin.Context) error {
	p, _, err := s.ownPayment(c)
	if err != nil {
		return err
	}
	if !payment.ValidID(c.Param("refund_id")) {
		return &failure.Error{Kind: failure.NotFound, Message: "there is no refund with this id"}
	}
	r, err := s.config.Database.Refund(c.Request.Context(), p.ID, c.Param("refund_id"))
	if failure.KindOf(err) == failure.NotFound {
		return &failure.Error{Kind: failure.NotFound, Message: "there is no refund with this id", Err: err}
	}
	if err != nil {
		return err
	}
	c.PureJSON(http.StatusOK, refundView(p, r))
	return nil
}

// cancelPayment closes a payment that is not paid.
func (s *Server) cancelPayment(c *gin.Context) error {
	var body CancelRequest
	wrong, err := s.readJSON(c, "CancelRequest", &body)
	if err != nil {
		return err
	}
	if body.Reason != "" {
		wrong = addFields(wrong, audit.ReasonFields(body.Reason))
	}
	if len(wrong) > 0 {
		return invalid(wrong)
	}
	if body.OnPaid == OnPaidRefund && !event(c).allows(access.ScopeRefundsWrite) {
		return &failure.Error{Kind: failure.Forbidden, Message: "the API key does not have the scope " + string(access.ScopeRefundsWrite) + ", which on_paid: refund needs"}
	}
	p, _, err := s.ownPayment(c)
	if err != nil {
		return err
	}
	if p, err = s.commands.Do(c.Request.Context(), actor(c), command.Order{
		PaymentID: p.ID, Command: command.Cancel, Reason: body.Reason, OnPaid: command.OnPaid(body.OnPaid), ByClient: true,
	}); err != nil {
		return err
	}
	c.PureJSON(http.StatusOK, s.view(p))
	return nil
}

func refundView(p payment.Payment, r payment.OperationRecord) Refund {
	v := Refund{
		ID: r.ProviderKey, PaymentID: p.ID, Status: RefundStatus(r.Outcome.RefundStatus()), Amount: r.Amount, Currency: Currency(p.Amount.Currency),
		Origin: RefundOrigin(r.Origin), Reason: r.Reason, Metadata: r.Metadata, ProviderRefundID: r.ProviderID, CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt,
	}
	if r.FailureCode != "" {
		v.Failure = Failure{Code: string(r.FailureCode), Message: r.FailureCode.Message(), Pointer: r.FailureCode.Pointer()}
	}
	return v
}

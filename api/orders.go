package api

import (
	"errors"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/command"
	"github.com/onlywave/onlywave/internal/failure"
)

// lookAtPayment, retryPayment, releasePayment and giveUpPayment order a command of which the reason is all there is to say.
func (s *Server) lookAtPayment(c *gin.Context) error  { return s.orderWithReason(c, command.Look) }
func (s *Server) retryPayment(c *gin.Context) error   { return s.orderWithReason(c, command.Retry) }
func (s *Server) releasePayment(c *gin.Context) error { return s.orderWithReason(c, command.Release) }
func (s *Server) giveUpPayment(c *gin.Context) error  { return s.orderWithReason(c, command.GiveUp) }

func (s *Server) orderWithReason(c *gin.Context, name command.Name) error {
	var body OrderRequest
	wrong, err := s.readJSON(c, "OrderRequest", &body)
	if err != nil {
		return err
	}
	return s.order(c, wrong, command.Order{Command: name, Reason: body.Reason})
}

// holdPayment stops all calls to the provider for a payment.
func (s *Server) holdPayment(c *gin.Context) error {
	var body HoldRequest
	wrong, err := s.readJSON(c, "HoldRequest", &body)
	if err != nil {
		return err
	}
	return s.order(c, wrong, command.Order{Command: command.Hold, Reason: body.Reason, Until: body.Until})
}

// settlePayment settles an unknown payment, as failed or by the charge that the operator has found.
func (s *Server) settlePayment(c *gin.Context) error {
	var body SettleRequest
	wrong, err := s.readJSON(c, "SettleRequest", &body)
	if err != nil {
		return err
	}
	if body.Status != SettleFailed && body.Status != SettleFound {
		wrong = addFields(wrong, []failure.Field{{Pointer: "/status", Detail: "must be failed or found"}})
	}
	if len(wrong) > 0 { // report all at once: what the contract refuses, and what the rules refuse
		wrong = addFields(wrong, audit.ReasonFields(body.Reason))
	}
	return s.order(c, wrong, command.Order{
		Command: command.Settle, Reason: body.Reason, Outcome: command.Outcome(body.Status), ProviderPaymentID: body.ProviderPaymentID,
	})
}

// order orders a command on the payment of the path, of any client app.
func (s *Server) order(c *gin.Context, wrong failure.Fields, o command.Order) error {
	if len(wrong) > 0 {
		return invalid(wrong)
	}
	o.PaymentID = c.Param("id")
	p, err := s.commands.Do(c.Request.Context(), actor(c), o)
	status := http.StatusOK
	if errors.Is(err, command.ErrRunning) {
		status, err = http.StatusAccepted, nil
	}
	if err != nil {
		return err
	}
	event(c).paymentID = p.ID
	c.PureJSON(status, s.view(p))
	return nil
}

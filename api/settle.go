package api

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/command"
	"github.com/onlywave/onlywave/internal/failure"
)

// settlePayment settles an unknown payment of any client app as failed. The same request again changes nothing.
func (s *Server) settlePayment(c *gin.Context) error {
	var body SettleRequest
	wrong, err := s.readJSON(c, "SettleRequest", &body)
	if err != nil {
		return err
	}
	if body.Status != SettleFailed {
		wrong = addFields(wrong, []failure.Field{{Pointer: "/status", Detail: "must be failed"}})
	}
	if len(wrong) > 0 { // report all at once: what the contract refuses, and what the rules refuse
		return invalid(addFields(wrong, audit.ReasonFields(body.Reason)))
	}
	p, err := s.commands.Do(c.Request.Context(), actor(c), command.Order{PaymentID: c.Param("id"), Command: command.Settle, Reason: body.Reason})
	if err != nil {
		return err
	}
	event(c).paymentID = p.ID
	c.PureJSON(http.StatusOK, s.view(p))
	return nil
}

package api

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/command"
)

// capturePayment takes the reserved money of a card. One that is captured already, by as much, is answered as it is.
func (s *Server) capturePayment(c *gin.Context) error {
	var body CaptureRequest
	wrong, err := s.readJSON(c, "CaptureRequest", &body)
	if err != nil {
		return err
	}
	if body.Reason != "" {
		wrong = addFields(wrong, audit.ReasonFields(body.Reason))
	}
	if len(wrong) > 0 {
		return invalid(wrong)
	}
	p, _, err := s.ownPayment(c)
	if err != nil {
		return err
	}
	if p, err = s.commands.Do(c.Request.Context(), actor(c), command.Order{
		PaymentID: p.ID, Command: command.Capture, Reason: body.Reason, Amount: body.Amount, ByClient: true,
	}); err != nil {
		return err
	}
	c.PureJSON(http.StatusOK, s.view(p))
	return nil
}

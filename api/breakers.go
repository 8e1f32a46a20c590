package api

import (
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/onlywave/onlywave/internal/breaker"
)

// listBreakers lists all circuit breakers.
func (s *Server) listBreakers(c *gin.Context) error {
	all, err := s.config.Breakers.Statuses(c.Request.Context())
	if err != nil {
		return err
	}
	list := BreakerList{Data: make([]Breaker, 0, len(all))}
	for _, b := range all {
		list.Data = append(list.Data, breakerView(b))
	}
	c.PureJSON(http.StatusOK, list)
	return nil
}

// getBreaker shows one circuit breaker.
func (s *Server) getBreaker(c *gin.Context) error {
	b, err := s.config.Breakers.Status(c.Request.Context(), c.Param("name"))
	if err != nil {
		return err
	}
	c.PureJSON(http.StatusOK, breakerView(b))
	return nil
}

// setBreaker overrides a circuit breaker in the name of the client app, or makes it automatic again.
func (s *Server) setBreaker(c *gin.Context) error {
	var body BreakerSetting
	wrong, err := s.readJSON(c, "BreakerSetting", &body)
	if err != nil {
		return err
	}
	setting := breaker.Setting{To: breaker.State(body.State), Reason: body.Reason}
	if len(wrong) > 0 { // report all at once: what the contract refuses, and what the rules refuse
		return invalid(addFields(wrong, setting.Fields()))
	}
	if err := s.config.Breakers.Force(c.Request.Context(), actor(c), c.Param("name"), setting); err != nil {
		return err
	}
	return s.getBreaker(c)
}

// breakerView shows the state that applies to calls, whether it is automatic or set by an operator.
func breakerView(b breaker.Status) Breaker {
	v := Breaker{
		Name: b.Name, State: BreakerState(b.State), Automatic: b.Forced == "", Actor: b.Actor, Reason: b.Reason,
		Since: b.Since, Until: b.Until, Openings: b.Openings, Forcings: b.Forcings,
	}
	if !v.Automatic {
		v.State, v.Until = BreakerState(b.Forced), time.Time{}
	}
	return v
}

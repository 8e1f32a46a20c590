package api

import (
	"context"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"
)

const readyTimeout = 2 * time.Second

// live says that the process answers, whatever it depends on: restarting it would mend nothing else.
func (s *Server) live(c *gin.Context) error {
	event(c).quiet = true
	c.PureJSON(http.StatusOK, Health{Status: HealthStatusLive})
	return nil
}

// ready says whether requests should come here. One dependency that is away must not take every process out of the balancer
// at once: without Temporal payments can be read, without the broker or the record webhooks are still taken in.
func (s *Server) ready(c *gin.Context) error {
	event(c).quiet = true
	if s.draining.Load() {
		c.PureJSON(http.StatusServiceUnavailable, Health{Status: HealthStatusDraining})
		return nil
	}
	ctx, cancel := context.WithTimeout(c.Request.Context(), readyTimeout)
	defer cancel()
	health, away := Health{Status: HealthStatusReady, Dependencies: map[string]HealthDependencies{}}, 0
	for name, err := range s.config.Ready(ctx) {
		health.Dependencies[name] = Ok
		if err != nil {
			health.Dependencies[name] = Away // why is not for strangers
			away++
		}
	}
	status := http.StatusOK
	switch {
	case away > 0 && away == len(health.Dependencies):
		health.Status, status = HealthStatusUnavailable, http.StatusServiceUnavailable
	case away > 0:
		health.Status = HealthStatusDegraded
	}
	c.PureJSON(status, health)
	return nil
}

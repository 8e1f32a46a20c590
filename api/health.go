package api

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/gin-gonic/gin"
)

const (
	readyTimeout = 2 * time.Second
	// readyAge is how old the answer to a readiness probe may be: anybody may ask, and must not decide how often we ask.
	readyAge = time.Second
)

// live says that the process answers, whatever it depends on: restarting it would mend nothing else.
func (s *Server) live(c *gin.Context) error {
	event(c).quiet = true
	c.PureJSON(http.StatusOK, Health{Status: HealthLive})
	return nil
}

// ready says whether requests should come here, and no more: it is public. What is unavailable, and why, is shown at the
// metrics address.
func (s *Server) ready(c *gin.Context) error {
	event(c).quiet = true
	if s.draining.Load() || !s.readiness.now(c.Request.Context()) {
		c.PureJSON(http.StatusServiceUnavailable, Health{Status: HealthNotReady})
		return nil
	}
	c.PureJSON(http.StatusOK, Health{Status: HealthOk})
	return nil
}

// readiness remembers for readyAge whether anything that the API depends on is available. One dependency that is unavailable
// must not take every process out of the balancer at once: without Temporal payments can be read, without the broker or the
// database webhooks are still taken in.
type readiness struct {
	ask func(context.Context) map[string]error // dependencies by name; nil means available

	mu    sync.Mutex // held while the dependencies are asked, so that they are asked once at a time
	ready bool
	known time.Time
}

func (r *readiness) now(ctx context.Context) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if time.Since(r.known) < readyAge {
		return r.ready
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readyTimeout) // others wait for the same answer
	defer cancel()
	dependencies := r.ask(ctx)
	r.ready = len(dependencies) == 0
	for _, err := range dependencies {
		r.ready = r.ready || err == nil
	}
	r.known = time.Now()
	return r.ready
}

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
	// readyAge is how old the answer to a readiness probe may be. The probe is public, and must not decide how often we ask.
	readyAge = time.Second
)

// live says that the process answers. It does not look at dependencies: a restart would not help them.
func (s *Server) live(c *gin.Context) error {
	event(c).quiet = true
	c.PureJSON(http.StatusOK, Health{Status: HealthLive})
	return nil
}

// ready says whether to send requests to this process, and no more, because it is public. The metrics address shows which dependency
// is unavailable, and why.
func (s *Server) ready(c *gin.Context) error {
	event(c).quiet = true
	if s.draining.Load() || !s.readiness.now(c.Request.Context()) {
		c.PureJSON(http.StatusServiceUnavailable, Health{Status: HealthNotReady})
		return nil
	}
	c.PureJSON(http.StatusOK, Health{Status: HealthOk})
	return nil
}

// readiness remembers for readyAge whether any dependency is available. One unavailable dependency must not take every process out of
// the load balancer: without Temporal payments can still be read, and without RabbitMQ or Postgres webhooks are still stored.
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
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readyTimeout) // other requests wait for the same answer
	defer cancel()
	dependencies := r.ask(ctx)
	r.ready = len(dependencies) == 0
	for _, err := range dependencies {
		r.ready = r.ready || err == nil
	}
	r.known = time.Now()
	return r.ready
}

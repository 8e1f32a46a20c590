package api

import (
	"context"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/onlywave/onlywave/internal/lookup"
)

// How long a request may take, by what it waits for. A database that hangs counts as unavailable.
const (
	databaseTimeout = lookup.Timeout
	workflowTimeout = FinishTime       // Temporal, and whatever the workflow itself waits for
	providerTimeout = 10 * time.Second // Mercado Pago, and its turn at the provider rate limit
)

// within gives a step of a request a deadline; 0: none.
func within(timeout time.Duration, step func(*gin.Context) error) func(*gin.Context) error {
	if timeout == 0 {
		return step
	}
	return func(c *gin.Context) error {
		request := c.Request
		ctx, cancel := context.WithTimeout(request.Context(), timeout)
		defer cancel()
		c.Request = request.WithContext(ctx)
		defer func() { c.Request = request }()
		return step(c)
	}
}

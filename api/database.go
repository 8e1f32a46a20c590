package api

import (
	"context"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/onlywave/onlywave/internal/access"
	"github.com/onlywave/onlywave/internal/finding"
	"github.com/onlywave/onlywave/internal/lookup"
	"github.com/onlywave/onlywave/internal/payment"
)

// database is what the API reads from Postgres, and what it writes there itself: the spool, and the end of a finding.
type database interface {
	Payment(ctx context.Context, id string) (payment.Payment, error) // kind NotFound when there is none
	// Payments may come from a replica: age says how old the list is at most.
	Payments(ctx context.Context, f payment.Filter) (list []payment.Payment, age time.Duration, err error)
	Events(ctx context.Context, paymentID string, afterSeq, limit int) ([]payment.Event, error)
	APIKey(ctx context.Context, id string) (access.APIKey, error) // kind NotFound when there is none
	Spool(ctx context.Context, id, routingKey string, body []byte, at time.Time) error
	Reconciliations(ctx context.Context, limit int) ([]payment.Reconciliation, error)
	FindingTotals(ctx context.Context) ([]payment.FindingTotal, error)
	finding.Store
}

// How long a request may take, by what it waits for. A database that hangs counts as unavailable.
const (
	databaseTimeout = lookup.Timeout
	workflowTimeout = FinishTime // Temporal, and whatever the workflow itself waits for
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

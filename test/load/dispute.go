package load

import (
	"context"

	"github.com/onlywave/onlywave/internal/payment"
)

// Dispute is what a buyer does about a payment that is paid, and how that ends.
type Dispute string

// The disputes.
const (
	ChargebackWon  Dispute = "chargeback won"
	ChargebackLost Dispute = "chargeback lost"
	ChargebackOpen Dispute = "chargeback"
	MediationWon   Dispute = "mediation won"
	MediationLost  Dispute = "mediation lost"
	ClaimOpen      Dispute = "claim"
)

// Disputes lists every one.
func Disputes() []Dispute {
	return []Dispute{ChargebackWon, ChargebackLost, ChargebackOpen, MediationWon, MediationLost, ClaimOpen}
}

// drawDispute decides whether the buyer disputes the payment. It draws last, so that everything else is as it would be without disputes. A
// payment of which money is given back is not disputed.
func (c *customer) drawDispute() {
	x, what := c.random.Float64(), Disputes()[c.random.IntN(len(Disputes()))]
	if x >= c.generator.Dispute || len(c.Refunds) > 0 || c.Panel > 0 {
		return
	}
	c.Dispute = what
}

// dispute plays the dispute. Each step is tried until the provider takes it, or the run ends.
func (c *customer) dispute(ctx context.Context) {
	if c.Dispute == "" || payment.Status(c.Status) != payment.Approved {
		return
	}
	id := ""
	for _, step := range c.quarrel(&id) {
		for wait := repeatMin; step(ctx) != nil; wait = min(2*wait, repeatMax) {
			if !sleep(ctx, wait) {
				return
			}
		}
		if !sleep(ctx, c.think) {
			return
		}
	}
	c.log.disputed(c.Intent)
}

// quarrel are the steps of the dispute, the first of which makes its id.
func (c *customer) quarrel(id *string) []func(context.Context) error {
	open := func(open func(context.Context, string) (string, error)) func(context.Context) error {
		return func(ctx context.Context) (err error) {
			*id, err = open(ctx, c.ProviderPaymentID)
			return err
		}
	}
	end := func(end func(context.Context, string, bool) error, won bool) func(context.Context) error {
		return func(ctx context.Context) error { return end(ctx, *id, won) }
	}
	mediate := func(ctx context.Context) error { return c.Provider.MediateClaim(ctx, *id) }
	switch c.Dispute {
	case ChargebackOpen:
		return []func(context.Context) error{open(c.Provider.OpenChargeback)}
	case ChargebackWon, ChargebackLost:
		return []func(context.Context) error{open(c.Provider.OpenChargeback), end(c.Provider.EndChargeback, c.Dispute == ChargebackWon)}
	case MediationWon, MediationLost:
		return []func(context.Context) error{open(c.Provider.OpenClaim), mediate, end(c.Provider.EndClaim, c.Dispute == MediationWon)}
	}
	return []func(context.Context) error{open(c.Provider.OpenClaim)}
}

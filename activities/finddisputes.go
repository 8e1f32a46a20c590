package activities

import (
	"context"
	"math/rand/v2"

	"go.temporal.io/sdk/activity"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/mercadopago"
	"github.com/onlywave/onlywave/internal/payment"
)

// mostOpenClaims is how many pages of open claims one run reads.
const mostOpenClaims = 20

// findChargebacks has the chargebacks of payments read that the provider's statement calls charged back, if one is missing here or has ended
// there. It returns how many it has asked for.
func (a *Activities) findChargebacks(ctx context.Context, chargedBack []payment.Payment) (asked int, err error) {
	for _, p := range chargedBack {
		known, err := a.database.Disputes(ctx, p.ID)
		if err != nil {
			return asked, err
		}
		if p.Provider.Explains(known) {
			continue
		}
		shown, err := a.provider.Chargebacks(ctx, p.Provider.PaymentID)
		if err != nil {
			return asked, err
		}
		for _, d := range shown {
			n, err := a.askAbout(ctx, p, known, d)
			if err != nil {
				return asked, err
			}
			asked += n
		}
	}
	return asked, nil
}

// findClaims has claims read that are missing here or have changed there: it looks at all that are open, and at two pages of those that are
// closed, the first and another by chance, so that a run needs no memory and each page has its turn. It returns how many it has asked for.
func (a *Activities) findClaims(ctx context.Context) (asked int, err error) {
	for page := range mostOpenClaims {
		n, pages, err := a.findClaimsOn(ctx, mercadopago.OpenClaims, page)
		asked += n
		if err != nil {
			return asked, err
		}
		if page+1 >= pages {
			break
		}
	}
	n, pages, err := a.findClaimsOn(ctx, mercadopago.ClosedClaims, 0)
	asked += n
	if err == nil && pages > 1 {
		n, _, err = a.findClaimsOn(ctx, mercadopago.ClosedClaims, 1+rand.IntN(pages-1))
		asked += n
	}
	return asked, err
}

// findClaimsOn is findClaims for one page; pages is how many there are.
func (a *Activities) findClaimsOn(ctx context.Context, which mercadopago.ClaimStatus, page int) (asked, pages int, err error) {
	found, err := a.provider.AccountClaims(ctx, which, page)
	if err = ignoreRefused(err); err != nil {
		return 0, 0, err
	}
	for _, d := range found.Claims {
		for _, providerPaymentID := range d.Payments {
			p, err := a.database.PaymentByProvider(ctx, payment.MercadoPago, providerPaymentID)
			if failure.KindOf(err) == failure.NotFound {
				continue // another sale of the account
			}
			if err != nil {
				return asked, found.Pages, err
			}
			known, err := a.database.Disputes(ctx, p.ID)
			if err != nil {
				return asked, found.Pages, err
			}
			n, err := a.askAbout(ctx, p, known, d)
			if err != nil {
				return asked, found.Pages, err
			}
			asked += n
		}
	}
	return asked, found.Pages, nil
}

// askAbout has the payment's workflow read a dispute that the provider has shown, if that is news; asked is then 1. A payment that takes no
// signal holds up no other.
func (a *Activities) askAbout(ctx context.Context, p payment.Payment, known []payment.Dispute, shown payment.ProviderDispute) (asked int, err error) {
	if !shown.NewsOf(p, known) {
		return 0, nil
	}
	if activity.IsActivity(ctx) {
		activity.GetLogger(ctx).Warn("no notification has told of a dispute", "payment_id", p.ID, "provider_dispute_id", shown.ID, "kind", shown.Kind, "status", shown.Status)
	}
	err = a.workflows.Dispute(ctx, p.ID, payment.DisputeRef{Kind: shown.Kind, ID: shown.ID})
	if failure.KindOf(err) == failure.Invalid {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return 1, nil
}

package activities

import (
	"context"
	"math/rand/v2"
	"time"

	"go.temporal.io/sdk/activity"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/mercadopago"
	"github.com/onlywave/onlywave/internal/payment"
)

const (
	mostOpenClaims = 10 // pages of open claims that each run reads

	// How long the provider may take, so that an activity ends in time: for a page of claims, and for the chargebacks of a page of payments.
	claimsTime      = 3 * time.Second
	chargebacksTime = 10 * time.Second
)

// findChargebacks has the chargebacks of payments read that the provider's statement calls charged back, if one is missing here or has ended
// there. It returns how many it has asked for. A provider that does not say which holds up no reconciliation: windows overlap, and each day one
// sees two days anew.
func (a *Activities) findChargebacks(ctx context.Context, chargedBack []payment.Payment) (asked int, err error) {
	asking, cancel := context.WithTimeout(ctx, chargebacksTime)
	defer cancel()
	for _, p := range chargedBack {
		known, err := a.database.Disputes(ctx, p.ID)
		if err != nil {
			return asked, err
		}
		if p.Provider.Explains(known) {
			continue
		}
		shown, err := a.provider.Chargebacks(asking, p.Provider.PaymentID)
		if err != nil {
			warn(ctx, "the chargebacks of a payment could not be searched", "payment_id", p.ID, "error", err)
			continue
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

// findClaims has claims read that are missing here or have changed there: it looks at those that are open, and at the first page of those that
// are closed, and at one more page of each by chance, so that a run needs no memory and each page has its turn. It returns how many it has asked
// for. A provider that does not say holds up nothing: the next run asks again.
func (a *Activities) findClaims(ctx context.Context) (asked int, err error) {
	for which, most := range map[mercadopago.ClaimStatus]int{mercadopago.OpenClaims: mostOpenClaims, mercadopago.ClosedClaims: 1} {
		pages := 1
		for page := 0; page < min(pages, most); page++ {
			n, all, err := a.findClaimsOn(ctx, which, page)
			asked += n
			if err != nil {
				return asked, err
			}
			pages = all
		}
		if pages > most {
			n, _, err := a.findClaimsOn(ctx, which, most+rand.IntN(pages-most))
			asked += n
			if err != nil {
				return asked, err
			}
		}
	}
	return asked, nil
}

// findClaimsOn is findClaims for one page; pages is how many there are.
func (a *Activities) findClaimsOn(ctx context.Context, which mercadopago.ClaimStatus, page int) (asked, pages int, err error) {
	asking, cancel := context.WithTimeout(ctx, claimsTime)
	defer cancel()
	found, err := a.provider.AccountClaims(asking, which, page)
	if err != nil {
		warn(ctx, "the account's claims could not be searched", "error", err)
		return 0, 0, nil
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
	warn(ctx, "no notification has told of a dispute", "payment_id", p.ID, "provider_dispute_id", shown.ID, "kind", shown.Kind, "status", shown.Status)
	err = a.workflows.Dispute(ctx, p.ID, payment.DisputeRef{Kind: shown.Kind, ID: shown.ID})
	if failure.KindOf(err) == failure.Invalid {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return 1, nil
}

// warn writes to the log of an activity.
func warn(ctx context.Context, message string, about ...any) {
	if activity.IsActivity(ctx) {
		activity.GetLogger(ctx).Warn(message, about...)
	}
}

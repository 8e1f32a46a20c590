package activities

import (
	"context"
	"slices"
	"time"

	"go.temporal.io/sdk/activity"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/mercadopago"
	"github.com/onlywave/onlywave/internal/payment"
)

// DisputesInput names a payment, and the disputes of it that the provider has told of.
type DisputesInput struct {
	PaymentID string               `json:"payment_id"`
	Told      []payment.DisputeRef `json:"told,omitempty"`
}

// DisputesKept is what the provider says of the payment's disputes, after it is stored.
type DisputesKept struct {
	Version int                    `json:"version"` // number of the payment's newest event
	Since   time.Time              `json:"since"`   // of that event
	Changed []payment.EventDispute `json:"changed,omitempty"`
}

// KeepDisputes asks the provider about the disputes of a payment and stores what it says. The provider's own ids and dates decide: a second
// run changes nothing. It asks for those that the provider has told of, those that are known and have not ended, and, because a notification
// may be lost, all that the search shows.
func (a *Activities) KeepDisputes(ctx context.Context, in DisputesInput) (DisputesKept, error) {
	kept, err := a.keepDisputes(ctx, in)
	return kept, activityError(err)
}

func (a *Activities) keepDisputes(ctx context.Context, in DisputesInput) (DisputesKept, error) {
	p, err := a.database.Payment(ctx, in.PaymentID)
	if err != nil {
		return DisputesKept{}, err
	}
	known, err := a.database.Disputes(ctx, p.ID)
	if err != nil {
		return DisputesKept{}, err
	}
	asked := slices.Clone(in.Told)
	for _, d := range known {
		if ref := (payment.DisputeRef{Kind: d.Kind, ID: d.ProviderID}); !d.Status.Ended() && !slices.ContainsFunc(asked, ref.Same) {
			asked = append(asked, ref)
		}
	}
	began := time.Now()
	found, err := a.shownDisputes(mercadopago.WithPriority(ctx, payment.ForNews, p.ClientID), p, asked)
	if err != nil {
		return DisputesKept{}, err
	}
	p, changed, err := a.database.KeepDisputes(ctx, p.ID, found, a.now())
	if err != nil {
		return DisputesKept{}, err
	}
	if len(changed) > 0 {
		a.cache.Keep(ctx, p, began)
	}
	a.reportDisputes(ctx, p, found, changed)
	return DisputesKept{Version: p.Version, Since: p.UpdatedAt, Changed: changed}, nil
}

// shownDisputes is what the provider says of the disputes that are asked for, and of those that its search shows.
func (a *Activities) shownDisputes(ctx context.Context, p payment.Payment, asked []payment.DisputeRef) ([]payment.ProviderDispute, error) {
	if p.Provider.PaymentID == "" {
		return nil, nil // nothing was charged
	}
	found, err := a.provider.Chargebacks(ctx, p.Provider.PaymentID)
	if err != nil {
		return nil, err
	}
	if p.Status == payment.InDispute && !slices.ContainsFunc(asked, payment.DisputeRef.IsClaim) {
		claims, err := a.provider.Claims(ctx, p.Provider.PaymentID)
		if err = ignoreRefused(err); err != nil { // the reference does not promise this search
			return nil, err
		}
		found = append(found, claims...)
	}
	for _, ref := range asked {
		if slices.ContainsFunc(found, func(d payment.ProviderDispute) bool { return ref.Same(payment.DisputeRef{Kind: d.Kind, ID: d.ID}) }) {
			continue
		}
		d, shown, err := a.shownDispute(ctx, p, ref)
		if err != nil {
			return nil, err
		}
		if shown {
			found = append(found, d)
		}
	}
	return found, nil
}

// lagAttempts is how often the provider is asked for a dispute that it has told of and does not show: its reading side may lag.
const lagAttempts = 8

// shownDispute reads one dispute. A fraud alert is a message alone, which the provider does not show.
func (a *Activities) shownDispute(ctx context.Context, p payment.Payment, ref payment.DisputeRef) (d payment.ProviderDispute, shown bool, err error) {
	switch {
	case ref.Kind == payment.FraudAlert:
		return payment.FraudAlertOf(p), true, nil
	case ref.IsClaim():
		d, err = a.provider.Claim(ctx, ref.ID)
	default:
		d, err = a.provider.Chargeback(ctx, ref.ID)
	}
	if failure.KindOf(err) == failure.NotFound && activity.IsActivity(ctx) && activity.GetInfo(ctx).Attempt < lagAttempts {
		return d, false, &failure.Error{Kind: failure.Unavailable, Message: "the provider does not show its own dispute yet", Err: err}
	}
	if failure.KindOf(err) == failure.NotFound || err == nil && !slices.Contains(d.Payments, p.Provider.PaymentID) {
		if activity.IsActivity(ctx) {
			activity.GetLogger(ctx).Error("a notification names a dispute that the provider does not show for this payment", "payment_id", p.ID, "provider_dispute_id", ref.ID, "kind", ref.Kind)
		}
		return d, false, nil
	}
	return d, err == nil, err
}

// ignoreRefused is nil for an answer that says no to the call as such.
func ignoreRefused(err error) error {
	switch failure.KindOf(err) {
	case failure.Invalid, failure.NotFound, failure.Conflict, failure.Forbidden:
		return nil
	}
	return err
}

// reportDisputes says in the log what a person has to know.
func (a *Activities) reportDisputes(ctx context.Context, p payment.Payment, found []payment.ProviderDispute, changed []payment.EventDispute) {
	if !activity.IsActivity(ctx) {
		return
	}
	log := activity.GetLogger(ctx)
	for _, d := range found {
		if d.Unknown != "" {
			log.Error("Mercado Pago says a word about a dispute that is not known here", "payment_id", p.ID, "provider_dispute_id", d.ID, "word", d.Unknown)
		}
	}
	for _, c := range changed {
		log.Warn("a dispute of a payment", "payment_id", p.ID, "dispute_id", c.ID, "kind", c.Kind, "change", c.Change, "status", c.Status)
	}
}

package activities

import (
	"context"

	"go.temporal.io/sdk/activity"

	"github.com/onlywave/onlywave/internal/breaker"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/mercadopago"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/providerlimit"
)

// provider is Mercado Pago behind its budget and its breakers. While a breaker is open nothing is sent: the error is of kind
// Unavailable; when the budget is used up it is Limited. Both say when to come again.
type provider struct {
	client  *mercadopago.Client
	account *account
	budget  *providerlimit.Budget
	charges *breaker.Breaker

	reads    *breaker.Breaker // of one payment by its ID
	searches *breaker.Breaker // whose index fails on its own, which must keep no look by ID waiting
	cancels  *breaker.Breaker // nobody waits for one, and its failures must keep no charge waiting
}

func guard(client *mercadopago.Client, fleet *providerlimit.Budget, breakers *breaker.Fleet) *provider {
	p := &provider{
		client:   client,
		budget:   fleet,
		charges:  breakers.Breaker(breaker.Charge, breaker.Config{}),
		reads:    breakers.Breaker(breaker.Read, breaker.Config{}),
		searches: breakers.Breaker(breaker.Search, breaker.Config{}),
		cancels:  breakers.Breaker(breaker.Cancel, breaker.Config{}),
	}
	p.account = &account{read: p.readAccount}
	return p
}

// createPix is a charge, for which a buyer always waits.
func (p *provider) createPix(ctx context.Context, of payment.Payment, key string) (state payment.ProviderState, err error) {
	err = p.call(ctx, p.charges, turn(ctx, payment.ForCharge, of.ID), func(ctx context.Context) error {
		state, err = p.client.CreatePix(ctx, of, key)
		return err
	})
	return state, err
}

func (p *provider) get(ctx context.Context, u payment.Urgency, providerPaymentID string) (state payment.ProviderState, err error) {
	err = p.read(ctx, p.reads, turn(ctx, u, providerPaymentID), func(ctx context.Context) error {
		state, err = p.client.Get(ctx, providerPaymentID)
		return err
	})
	return state, err
}

func (p *provider) cancel(ctx context.Context, u payment.Urgency, providerPaymentID, key string) (state payment.ProviderState, err error) {
	err = p.call(ctx, p.cancels, turn(ctx, u, providerPaymentID), func(ctx context.Context) error {
		state, err = p.client.Cancel(ctx, providerPaymentID, key)
		return err
	})
	return state, err
}

func (p *provider) findByReference(ctx context.Context, u payment.Urgency, paymentID string) (state payment.ProviderState, found bool, err error) {
	err = p.read(ctx, p.searches, turn(ctx, u, paymentID), func(ctx context.Context) error {
		state, found, err = p.client.FindByReference(ctx, paymentID)
		return err
	})
	return state, found, err
}

// changesIn is a sweep, for which nobody waits.
func (p *provider) changesIn(ctx context.Context, w mercadopago.Window) (page mercadopago.Changes, err error) {
	err = p.call(ctx, p.searches, turn(ctx, payment.ForSweep, "changes"), func(ctx context.Context) error {
		page, err = p.client.ChangesIn(ctx, w)
		return err
	})
	return page, err
}

// asking is the breaker of the call that tells where a payment stands.
func (p *provider) asking(providerPaymentID string) *breaker.Breaker {
	if providerPaymentID == "" {
		return p.searches
	}
	return p.reads
}

// turn is a call's place in the provider's budget. An activity that is tried again keeps it, on whichever worker.
func turn(ctx context.Context, u payment.Urgency, name string) providerlimit.Call {
	c := providerlimit.Call{Urgency: u, Name: name}
	if activity.IsActivity(ctx) {
		c.Since = activity.GetInfo(ctx).ScheduledTime
	}
	return c
}

// call waits for its turn before it asks the breaker, so that no probe's place is kept while waiting; but a call that the
// breaker would refuse anyway takes no turn from others. When Mercado Pago itself says that it is too much, all pause.
func (p *provider) call(ctx context.Context, through *breaker.Breaker, its providerlimit.Call, send func(context.Context) error) error {
	return p.pass(ctx, through, through.Do, its, send)
}

func (p *provider) pass(ctx context.Context, through *breaker.Breaker, admit func(context.Context, func(context.Context) error) error,
	its providerlimit.Call, send func(context.Context) error,
) error {
	if err := through.Shut(); err != nil {
		return err
	}
	if p.budget != nil {
		if err := p.budget.Take(ctx, its); err != nil {
			return err
		}
	}
	return admit(ctx, func(ctx context.Context) error {
		err := send(ctx)
		if failure.KindOf(err) == failure.Limited && p.budget != nil {
			p.budget.Pause(ctx, failure.RetryAfter(err))
		}
		return err
	})
}

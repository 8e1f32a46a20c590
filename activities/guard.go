package activities

import (
	"context"

	"github.com/onlywave/onlywave/internal/breaker"
	"github.com/onlywave/onlywave/internal/mercadopago"
	"github.com/onlywave/onlywave/internal/payment"
)

// provider is Mercado Pago behind its breakers. While one is open nothing is sent: the error is of kind Unavailable and
// says when to come again.
type provider struct {
	client  *mercadopago.Client
	charges *breaker.Breaker
	reads   *breaker.Breaker
}

func guard(client *mercadopago.Client, breakers *breaker.Fleet) *provider {
	return &provider{
		client:  client,
		charges: breakers.Breaker(breaker.Charge, breaker.Config{}),
		reads:   breakers.Breaker(breaker.Read, breaker.Config{}),
	}
}

func (p *provider) createPix(ctx context.Context, of payment.Payment, key string) (state payment.ProviderState, err error) {
	err = p.charges.Do(ctx, func(ctx context.Context) error {
		state, err = p.client.CreatePix(ctx, of, key)
		return err
	})
	return state, err
}

func (p *provider) get(ctx context.Context, providerPaymentID string) (state payment.ProviderState, err error) {
	err = p.reads.Do(ctx, func(ctx context.Context) error {
		state, err = p.client.Get(ctx, providerPaymentID)
		return err
	})
	return state, err
}

func (p *provider) findByReference(ctx context.Context, paymentID string) (state payment.ProviderState, found bool, err error) {
	err = p.reads.Do(ctx, func(ctx context.Context) error {
		state, found, err = p.client.FindByReference(ctx, paymentID)
		return err
	})
	return state, found, err
}

func (p *provider) changesIn(ctx context.Context, w mercadopago.Window) (page mercadopago.Changes, err error) {
	err = p.reads.Do(ctx, func(ctx context.Context) error {
		page, err = p.client.ChangesIn(ctx, w)
		return err
	})
	return page, err
}

package activities

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/onlywave/onlywave/internal/breaker"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/mercadopago"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/providerlimit"
)

// How long what was heard of our account is relied on.
const (
	accountAnswered = 30 * time.Second
	accountRefused  = 5 * time.Second
)

// account tells a refusal of one resource from one of everything: every valid access token may read its own account.
type account struct {
	read func(context.Context) error

	mu    sync.Mutex // held while it is read: those who ask meanwhile get the same answer
	until time.Time
	err   error
}

// answers returns nil when the provider answers our account as it should, or did lately.
func (a *account) answers(ctx context.Context) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if time.Now().Before(a.until) {
		return a.err
	}
	err := a.read(ctx)
	if err != nil && ctx.Err() != nil {
		return err // a caller who has no more time, which says nothing
	}
	a.err, a.until = err, time.Now().Add(accountAnswered)
	if err != nil {
		a.until = time.Now().Add(accountRefused)
	}
	return err
}

func (p *provider) readAccount(ctx context.Context) error {
	if p.budget != nil {
		if err := p.budget.Take(ctx, turn(ctx, payment.ForSweep, "account")); err != nil {
			return err
		}
	}
	_, err := p.client.Account(ctx)
	return err
}

// read is a call about one resource. An answer that nobody can read is that resource's own matter, as long as our account is
// answered: it must not open the breaker for all others.
func (p *provider) read(ctx context.Context, through *breaker.Breaker, its providerlimit.Call, send func(context.Context) error) error {
	var odd error
	err := p.call(ctx, through, its, func(ctx context.Context) error {
		err := send(ctx)
		if mercadopago.IsUnreadable(err) && p.account.answers(ctx) == nil {
			odd = err
			return nil
		}
		return err
	})
	if err != nil {
		return err
	}
	return odd
}

// identify reads a payment that a stranger may have named, and that may be anybody's: its failure is no evidence against the
// provider. Kind Forbidden or Internal says that it is this payment alone that is refused or cannot be read.
func (p *provider) identify(ctx context.Context, providerPaymentID string) (state payment.ProviderState, err error) {
	err = p.pass(ctx, p.reads, p.reads.Try, turn(ctx, payment.ForNews, providerPaymentID), func(ctx context.Context) error {
		state, err = p.client.Identify(ctx, providerPaymentID)
		return err
	})
	kind := failure.KindOf(err)
	odd := mercadopago.IsUnreadable(err)
	if err == nil || !odd && kind != failure.Unauthorized && kind != failure.Forbidden {
		return state, err
	}
	if ill := p.account.answers(ctx); ill != nil {
		return state, &failure.Error{
			Kind: failure.Unavailable, Message: "Mercado Pago does not answer our account", Err: fmt.Errorf("%w; and %w", err, ill),
		}
	}
	if odd {
		return state, &failure.Error{Kind: failure.Internal, Message: "Mercado Pago shows this payment in a way that cannot be read", Err: err}
	}
	return state, &failure.Error{Kind: failure.Forbidden, Message: "Mercado Pago does not show this payment to our account", Err: err}
}

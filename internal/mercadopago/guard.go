package mercadopago

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/onlywave/onlywave/internal/breaker"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/providerlimit"
)

// guard lets calls through to Mercado Pago: below the provider rate limit, and while the operation's breaker is closed. While the
// breaker is open nothing is sent and the error is Unavailable; while the rate is used up it is Limited. Both say when to try again.
type guard struct {
	limit    *providerlimit.Limit        // nil: none
	breakers map[string]*breaker.Breaker // by name; empty: none
	account  accountProbe
}

func newGuard(c Config) *guard {
	g := &guard{limit: c.Limit, breakers: map[string]*breaker.Breaker{}}
	if c.Breakers == nil {
		return g
	}
	for _, op := range operations() {
		if op.breaker != "" && g.breakers[op.breaker] == nil {
			g.breakers[op.breaker] = c.Breakers.Breaker(op.breaker, breaker.Config{})
		}
	}
	return g
}

type priorityKey struct{}

// WithPriority sets the urgency of the calls that are made with the context, and the client app they are for ("": OnlyWave's own). They
// decide which call goes first when the provider rate limit makes them wait. Calls without it go last.
func WithPriority(ctx context.Context, u payment.Urgency, clientID string) context.Context {
	return context.WithValue(ctx, priorityKey{}, providerlimit.Call{Urgency: u, Client: clientID})
}

// turn is a call's place among those that wait. A call that is tried again with the same subject keeps its place, in whichever process.
func turn(ctx context.Context, subject string) providerlimit.Call {
	c, ok := ctx.Value(priorityKey{}).(providerlimit.Call)
	if !ok {
		c.Urgency = payment.ForSweep
	}
	c.Name = subject
	return c
}

// pass waits for the call's turn before it asks the breaker, so that no probe's place is kept while waiting; but a call that the
// breaker would refuse anyway takes no turn from others. When Mercado Pago itself says that it gets too many calls, all pause.
func (g *guard) pass(ctx context.Context, op operation, subject string, call func(context.Context) error) error {
	b := g.breakers[op.breaker]
	if b == nil {
		return call(ctx)
	}
	if err := b.Shut(); err != nil {
		return heldBack{err}
	}
	if err := g.take(ctx, turn(ctx, subject)); err != nil {
		return heldBack{err}
	}
	admit := b.Do
	if op.foreign {
		admit = b.Try
	}
	admitted := false
	var unread error // which must not open the breaker
	err := admit(ctx, func(ctx context.Context) error {
		admitted = true
		err := call(ctx)
		if failure.KindOf(err) == failure.Limited && g.limit != nil {
			g.limit.Pause(ctx, failure.RetryAfter(err))
		}
		if op.single && isUnreadable(err) && g.account.check(ctx) == nil {
			unread, err = err, nil
		}
		return err
	})
	if err != nil && !admitted {
		return heldBack{err}
	}
	if err == nil {
		err = unread
	}
	return err
}

// heldBack is the guard's own refusal of a call.
type heldBack struct{ error }

func (e heldBack) Unwrap() error { return e.error }

// HeldBack says whether the call that ended with this error was certainly not sent, because the breaker or the provider rate limit held it back.
func HeldBack(err error) bool {
	_, held := errors.AsType[heldBack](err)
	return held
}

func (g *guard) take(ctx context.Context, c providerlimit.Call) error {
	if g.limit == nil {
		return nil
	}
	return g.limit.Take(ctx, c)
}

// probeAccount reads our own account for the probe, below the rate limit and past the breakers.
func (c *Client) probeAccount(ctx context.Context) error {
	its := turn(ctx, "account")
	its.Urgency, its.Client = payment.ForSweep, ""
	if err := c.guard.take(ctx, its); err != nil {
		return err
	}
	_, err := c.Account(ctx)
	return err
}

// refusedAlone is the error for a payment that was refused or cannot be read, and that may be a foreign one. Kind Forbidden or Internal
// says that it is this payment alone; Unavailable that our account is not answered either.
func (g *guard) refusedAlone(ctx context.Context, err error) error {
	kind, unread := failure.KindOf(err), isUnreadable(err)
	if !unread && kind != failure.Unauthorized && kind != failure.Forbidden {
		return err
	}
	if general := g.account.check(ctx); general != nil {
		return &failure.Error{
			Kind: failure.Unavailable, Message: "Mercado Pago does not answer our account", Err: fmt.Errorf("%w; and %w", err, general),
		}
	}
	if unread {
		return &failure.Error{Kind: failure.Internal, Message: "Mercado Pago shows this payment in a way that cannot be read", Err: err}
	}
	return &failure.Error{Kind: failure.Forbidden, Message: "Mercado Pago does not show this payment to our account", Err: err}
}

// How long an answer about our account is relied on.
const (
	accountAnswered = 30 * time.Second
	accountRefused  = 5 * time.Second
)

// accountProbe separates a refusal of one payment from a refusal of everything: every valid access token may read its own account.
type accountProbe struct {
	read func(context.Context) error

	mu    sync.Mutex // held while the account is read: callers that come meanwhile get the same answer
	until time.Time
	err   error
}

// check returns nil when Mercado Pago answers our account as it should, or did lately.
func (p *accountProbe) check(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if time.Now().Before(p.until) {
		return p.err
	}
	err := p.read(ctx)
	if err != nil && ctx.Err() != nil {
		return err // the caller's time is over, which says nothing about the account
	}
	p.err, p.until = err, time.Now().Add(accountAnswered)
	if err != nil {
		p.until = time.Now().Add(accountRefused)
	}
	return err
}

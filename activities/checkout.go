package activities

import (
	"cmp"
	"context"
	"errors"
	"time"

	"go.temporal.io/sdk/activity"

	"github.com/onlywave/onlywave/internal/breaker"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/mercadopago"
	"github.com/onlywave/onlywave/internal/payment"
)

// CheckoutInput names a checkout; without a Creation it must be there already.
type CheckoutInput struct {
	CheckoutID string                    `json:"checkout_id"`
	Creation   *payment.CheckoutCreation `json:"creation,omitempty"`
	AskedAt    time.Time                 `json:"asked_at,omitzero"` // when the client app asked for it
}

// CheckoutState is what a workflow needs to know of a checkout.
type CheckoutState struct {
	Found       bool                   `json:"found"`
	ClientID    string                 `json:"client_id,omitempty"`
	Fingerprint string                 `json:"fingerprint,omitempty"`
	Status      payment.CheckoutStatus `json:"status,omitempty"`
	End         time.Time              `json:"end,omitzero"`
	New         bool                   `json:"new,omitempty"`      // this very activity has written it
	Attempts    int                    `json:"attempts,omitempty"` // those that the provider has shown, if it was asked
}

func checkoutState(c payment.Checkout) CheckoutState {
	return CheckoutState{Found: true, ClientID: c.ClientID, Fingerprint: c.Fingerprint, Status: c.Status, End: c.End()}
}

// OpenCheckout loads the checkout, and writes it first when it is not there, which is before the provider is asked for it, and after a loss
// of the row. The row's ID decides: a second run finds the row of the first. Kinds as those of Open.
func (a *Activities) OpenCheckout(ctx context.Context, in CheckoutInput) (CheckoutState, error) {
	if in.Creation == nil {
		c, err := a.database.Checkout(ctx, in.CheckoutID)
		if failure.KindOf(err) == failure.NotFound {
			return CheckoutState{}, nil
		}
		return checkoutState(c), activityError(err)
	}
	if err := in.Creation.Request.Validate(); err != nil { // whoever reaches Temporal can start a run
		return CheckoutState{}, activityError(err)
	}
	at := cmp.Or(in.AskedAt.UTC().Truncate(time.Microsecond), a.now())
	c, written, err := a.database.OpenCheckout(ctx, payment.Checkout{
		ID: in.CheckoutID, ClientID: in.Creation.ClientID, IdempotencyKey: in.Creation.IdempotencyKey, Fingerprint: in.Creation.Request.Fingerprint(),
		CheckoutRequest: in.Creation.Request, CreatedAt: at, UpdatedAt: at,
	})
	state := checkoutState(c)
	state.New = written
	return state, activityError(err)
}

// MakeInput names the checkout to make at the provider.
type MakeInput struct {
	CheckoutID string `json:"checkout_id"`
	Again      bool   `json:"again,omitempty"` // an attempt may have been made before
}

// MakeCheckout asks the provider for the page of a checkout. It moves no money. A second run finds the page stored. If the answer of an
// earlier attempt was lost, the page that it has made is looked for first. Should the search not show it yet, a second page is made: what is
// paid on either carries the checkout's reference, and the second payment is told of. A refusal is a state, not an error.
func (a *Activities) MakeCheckout(ctx context.Context, in MakeInput) (state CheckoutState, err error) {
	err = a.charges.bound(ctx, a.provider.Steady(breaker.Checkout), func(ctx context.Context) (err error) {
		state, err = a.makeCheckout(ctx, in)
		return err
	})
	return state, activityError(err)
}

func (a *Activities) makeCheckout(ctx context.Context, in MakeInput) (CheckoutState, error) {
	c, err := a.database.Checkout(ctx, in.CheckoutID)
	if err != nil || c.Status != payment.CheckoutProcessing {
		return checkoutState(c), err
	}
	ctx = mercadopago.WithPriority(ctx, payment.ForCharge, c.ClientID)
	var made mercadopago.Preference
	var found bool
	if (in.Again || retried(ctx)) && !searched(ctx) {
		if made, found, err = a.provider.FindPreference(ctx, c.ID); err != nil {
			return CheckoutState{}, err
		}
	}
	if !found {
		made, err = a.provider.MakePreference(ctx, c)
		keepSearched(ctx, failure.KindOf(err) == failure.Limited)
	}
	if failure.KindOf(err) == failure.Invalid {
		refusal, _ := errors.AsType[*failure.Error](err)
		c, err = a.database.FailCheckout(ctx, c.ID, refusal.Code, refusal.Message, a.now())
		return checkoutState(c), err
	}
	if err != nil {
		return CheckoutState{}, err
	}
	c, err = a.database.MakeCheckout(ctx, c.ID, made.ID, made.PayURL, a.now())
	return checkoutState(c), err
}

// searched says whether an earlier attempt of the activity has searched for what is to be made, has not found it, and has not begun to make it:
// the provider's rate was used up. To search at each attempt would use up the rate that the others wait for.
func searched(ctx context.Context) (is bool) {
	if !activity.IsActivity(ctx) || !activity.HasHeartbeatDetails(ctx) {
		return false
	}
	return activity.GetHeartbeatDetails(ctx, &is) == nil && is
}

// keepSearched keeps that for the next attempt.
func keepSearched(ctx context.Context, is bool) {
	if activity.IsActivity(ctx) {
		activity.RecordHeartbeat(ctx, is)
	}
}

// AttachAttempts looks for everything that was paid, or tried, at a checkout, and has each attempt become a payment: a notification may be
// lost. A second run finds them known.
func (a *Activities) AttachAttempts(ctx context.Context, in CheckoutInput) (state CheckoutState, err error) {
	err = a.looks.bound(ctx, a.provider.Steady(breaker.Search), func(ctx context.Context) (err error) {
		state, err = a.attachAttempts(ctx, in.CheckoutID)
		return err
	})
	return state, activityError(err)
}

func (a *Activities) attachAttempts(ctx context.Context, id string) (CheckoutState, error) {
	c, err := a.database.Checkout(ctx, id)
	if err != nil {
		return CheckoutState{}, err
	}
	shown, err := a.provider.PaymentsByReference(mercadopago.WithPriority(ctx, payment.ForSweep, c.ClientID), c.ID)
	if err != nil {
		return CheckoutState{}, err
	}
	known, err := a.database.Attempts(ctx, c.ID)
	if err != nil {
		return CheckoutState{}, err
	}
	byProvider := make(map[string]payment.Payment, len(known))
	for _, p := range known {
		byProvider[p.Provider.PaymentID] = p
	}
	upToDate := true
	for _, s := range ofUs(shown) {
		p, is := byProvider[s.PaymentID]
		switch {
		case !is:
			upToDate, err = false, a.workflows.Attach(ctx, c, s.PaymentID)
		case p.Outdated(p.Understood(s), true):
			upToDate, err = false, a.workflows.Signal(ctx, p.ID)
		}
		if err != nil && failure.KindOf(err) != failure.Invalid { // one that takes no more signals looks by itself
			return CheckoutState{}, err
		}
	}
	c, err = a.database.Checkout(ctx, c.ID)
	if paid := payer(known, upToDate); err == nil && c.PaidBy == "" && paid != "" {
		c, err = a.database.PaidAlready(ctx, c.ID, paid, a.now()) // the row was lost since
	}
	state := checkoutState(c)
	state.Attempts = len(shown)
	return state, err
}

// payer is the attempt that has paid a checkout first, as far as the attempts tell it; "": none. One whose whole money is back may have been paid
// second, and counts only when no other one can still turn out to be paid.
func payer(attempts []payment.Payment, upToDate bool) (id string) {
	for _, p := range attempts {
		switch {
		case p.Status == payment.Refunded && id == "" && upToDate:
			id = p.ID
		case p.Status.MayHaveRefunds() && p.Status != payment.Refunded:
			return p.ID
		}
	}
	return id
}

// CloseCheckout ends the time in which the checkout's page can be paid. It is safe to repeat, and one without a page is closed.
func (a *Activities) CloseCheckout(ctx context.Context, in CheckoutInput) error {
	err := a.looks.bound(ctx, a.provider.Steady(breaker.Checkout), func(ctx context.Context) error {
		c, err := a.database.Checkout(ctx, in.CheckoutID)
		if err != nil || c.PreferenceID == "" {
			return err
		}
		return a.provider.ClosePreference(mercadopago.WithPriority(ctx, payment.ForNews, c.ClientID), c, a.now())
	})
	return activityError(err)
}

// EndCheckoutInput says how a checkout has ended unpaid.
type EndCheckoutInput struct {
	CheckoutID string                 `json:"checkout_id"`
	As         payment.CheckoutStatus `json:"as"`
	Why        string                 `json:"why,omitempty"` // of one that has failed
}

// EndCheckout writes that a checkout has ended unpaid. One that is paid, or has ended, stays as it is.
func (a *Activities) EndCheckout(ctx context.Context, in EndCheckoutInput) (CheckoutState, error) {
	var c payment.Checkout
	var err error
	if in.As == payment.CheckoutFailed {
		c, err = a.database.FailCheckout(ctx, in.CheckoutID, "", in.Why, a.now())
	} else {
		c, err = a.database.EndCheckout(ctx, in.CheckoutID, in.As, a.now())
	}
	return checkoutState(c), activityError(err)
}

// attempted is what the provider says of a payment that was made on the page of a checkout. There is nothing to charge: the buyer has paid, or
// tried to.
func (a *Activities) attempted(ctx context.Context, p payment.Payment) (payment.ProviderState, error) {
	in := LookInput{
		PaymentID: p.ID, Reference: p.CheckoutID, ClientID: p.ClientID, ProviderPaymentID: p.Provider.PaymentID, Money: p.Amount, Urgency: payment.ForNews,
	}
	state, _, err := a.look(ctx, in)
	switch failure.KindOf(err) {
	case failure.Invalid, failure.NotFound, failure.Conflict:
		err = &failure.Error{Kind: failure.Unavailable, Message: "the provider does not say how the buyer's attempt stands", Err: err}
	}
	if err != nil {
		return state, activityError(err)
	}
	return believe(state, in)
}

// toldCheckout says in the log what has become of a checkout, and has its workflow close the page of one that is paid. That is tried once: the
// workflow looks by itself, too.
func (a *Activities) toldCheckout(ctx context.Context, p payment.Payment, e *payment.EventCheckout) {
	if e == nil {
		return
	}
	err := a.workflows.LookAtCheckout(ctx, e.ID)
	if !activity.IsActivity(ctx) {
		return
	}
	log := activity.GetLogger(ctx)
	if err != nil {
		log.Warn("checkout not signalled", "checkout_id", e.ID, "error", err)
	}
	if e.Change == payment.CheckoutWasPaidTwice {
		log.Error("a checkout was paid twice", "checkout_id", e.ID, "payment_id", p.ID, "paid_by", e.PaidBy, "refunded", e.Refunded)
	}
}

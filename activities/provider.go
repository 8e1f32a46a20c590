package activities

import (
	"cmp"
	"context"
	"errors"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"

	"github.com/onlywave/onlywave/internal/breaker"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/mercadopago"
	"github.com/onlywave/onlywave/internal/payment"
)

// ChargeInput names the payment to charge.
type ChargeInput struct {
	PaymentID string `json:"payment_id"`
	Again     bool   `json:"again,omitempty"`  // a try may have been made before, and may have charged
	Search    bool   `json:"search,omitempty"` // it may have been made so long ago that the provider has forgotten its key
	// Secrets are those of a card, which the row does not have. None: this run was not given any, and cannot charge a card.
	Secrets payment.CardSecrets `json:"secrets,omitzero"`
	// Attempt is the number of the card entry that the secrets belong to, see payment.Entered.
	Attempt int `json:"attempt,omitempty"`
	// Opened is the payment as the same run has written it a moment ago, so that it is not read again. Nil: it is read.
	Opened *Opened `json:"opened,omitempty"`
}

// Opened is a payment that Open has written.
type Opened struct {
	Creation payment.Creation `json:"creation"`
	AskedAt  time.Time        `json:"asked_at"` // State's
	At       time.Time        `json:"at"`       // when it was written
}

// openedFor is how long after it was written a payment is not read again for its charge. Later the row may be lost, which only reading shows.
const openedFor = 5 * time.Second

// keyMemory is how long the provider is relied on to know an idempotency key again, which it does not promise.
const keyMemory = time.Hour

// Charge asks the provider for the money. It is safe to repeat because the provider sees the same
// idempotency key and the same body every time, and because a charge that the database knows, or whose
// key the provider may have forgotten, is looked for first. A refusal is believed only after a
// search: an earlier attempt whose answer was lost may have gone through.
func (a *Activities) Charge(ctx context.Context, in ChargeInput) (payment.ProviderState, error) {
	return a.operate(ctx, breaker.Charge, func(ctx context.Context) (payment.ProviderState, error) { return a.charge(ctx, in) })
}

func (a *Activities) charge(ctx context.Context, in ChargeInput) (payment.ProviderState, error) {
	p, err := a.toCharge(ctx, in)
	if failure.KindOf(err) == failure.NotFound {
		return payment.ProviderState{}, missing(err)
	}
	if err != nil {
		return payment.ProviderState{}, activityError(err)
	}
	if p.CheckoutID != "" {
		return a.attempted(ctx, p)
	}
	if p.Method.Type.NeedsToken() && (in.Secrets.Token == "" || in.Attempt != p.Attempt()) {
		return a.chargedBefore(ctx, p)
	}
	state, err := a.perform(ctx, attempt{
		searchFirst: a.searchesFirst(in, p), again: in.Again || a.restored() || retried(ctx),
		begin:   func(ctx context.Context) (bool, error) { return a.sentBefore(ctx, p) },
		earlier: func(ctx context.Context) (payment.ProviderState, bool, error) { return a.earlierCharge(ctx, p) },
		send:    func(ctx context.Context) (payment.ProviderState, error) { return a.send(ctx, p, in.Secrets) },
	})
	if err != nil {
		return payment.ProviderState{}, err
	}
	return believe(state, LookInput{PaymentID: p.ID, ProviderPaymentID: p.Provider.PaymentID, Money: p.Amount, Reserved: p.AuthorizesOnly()})
}

// chargedBefore is what an earlier run has charged whose token this run does not have. It charges nothing: without the token nobody can.
func (a *Activities) chargedBefore(ctx context.Context, p payment.Payment) (payment.ProviderState, error) {
	state, found, err := a.earlierCharge(ctx, p)
	switch {
	case err != nil:
		return state, activityError(err)
	case !found:
		return state, doubt(true, &failure.Error{
			Kind: failure.Invalid, Code: failure.CodeNotCharged, Message: "the card's token is not stored, and this run was not given it",
		})
	}
	return believe(state, LookInput{PaymentID: p.ID, ProviderPaymentID: p.Provider.PaymentID, Money: p.Amount, Reserved: p.AuthorizesOnly()})
}

func (a *Activities) toCharge(ctx context.Context, in ChargeInput) (payment.Payment, error) {
	if o := in.Opened; o != nil && a.now().Sub(o.At).Abs() < openedFor {
		return newPayment(in.PaymentID, o.Creation, o.AskedAt, o.At), nil
	}
	return a.database.Payment(ctx, in.PaymentID)
}

// sentBefore stores that an activity sends the charge, and says whether one has before: the number of attempts does not tell, since an
// operator may reset it. The quick try is the first, and its workflow knows of it.
func (a *Activities) sentBefore(ctx context.Context, p payment.Payment) (bool, error) {
	if !activity.IsActivity(ctx) || activity.GetInfo(ctx).IsLocalActivity {
		return false, nil
	}
	sending, err := a.database.SendOperation(ctx, p.ChargeKey(), a.now())
	return sending.Before, err
}

// send sends the charge, unless the payment's end has come: what was not charged by then is not charged any more.
func (a *Activities) send(ctx context.Context, p payment.Payment, secrets payment.CardSecrets) (payment.ProviderState, error) {
	if p.Ended(a.now()) {
		return payment.ProviderState{}, &failure.Error{
			Kind: failure.Invalid, Message: "the time to pay ran out before Mercado Pago could be asked for the charge",
		}
	}
	return a.provider.Charge(mercadopago.WithPriority(ctx, payment.ForCharge, p.ClientID), mercadopago.ChargeRequest{
		Payment: p, Secrets: secrets, Key: p.ChargeKey(),
	})
}

// searchesFirst says whether an earlier attempt may have charged that the provider does not know by its key any more.
func (a *Activities) searchesFirst(in ChargeInput, p payment.Payment) bool {
	return in.Search || p.Provider.PaymentID != "" || a.now().Sub(p.CreatedAt) > keyMemory || a.restored()
}

// restored says whether the database may have lost payments that were charged: a new payment may be an old one.
func (a *Activities) restored() bool { return a.now().Before(a.searchUntil) }

// earlierCharge is what an earlier attempt has made, if the provider knows of any. That it refuses to say is no refusal of the
// charge, and must not look like one.
func (a *Activities) earlierCharge(ctx context.Context, p payment.Payment) (payment.ProviderState, bool, error) {
	state, found, err := a.look(ctx, LookInput{PaymentID: p.ID, ClientID: p.ClientID, ProviderPaymentID: p.Provider.PaymentID, OnPage: p.OnPage(), Urgency: payment.ForBuyer})
	switch failure.KindOf(err) {
	case failure.Invalid, failure.NotFound, failure.Conflict:
		err = &failure.Error{Kind: failure.Unavailable, Message: "the provider does not say whether it has charged already", Err: err}
	}
	return state, found, err
}

// doubt is the decision on an operation that was not done. A refusal that comes after an earlier attempt, of this run of the workflow
// or of one before it, is not the whole story: that attempt may have gone through, and the search may not know it yet. The
// error's details say so.
func doubt(again bool, err error) error {
	if failure.KindOf(err) != failure.Invalid || !again {
		return activityError(err)
	}
	return temporal.NewApplicationErrorWithOptions(message(err), string(failure.Invalid), temporal.ApplicationErrorOptions{
		NonRetryable: true, Cause: errors.Unwrap(err), Details: []any{Doubt{Earlier: true, Code: failureCode(err)}},
	})
}

// retried says whether this is an attempt of an activity that is not the first: one of the earlier ones may have reached the provider.
func retried(ctx context.Context) bool {
	return activity.IsActivity(ctx) && activity.GetInfo(ctx).Attempt > 1
}

// Doubt comes with a charge that was not made, when more is known than its kind.
type Doubt struct {
	Earlier bool `json:"earlier,omitempty"` // a refusal that may not be the whole story: an earlier attempt may have charged
	Untried bool `json:"untried,omitempty"` // a quick try that was not begun: it has not charged
	Missing bool `json:"missing,omitempty"` // the database has no such payment: this try has not charged

	Code failure.Code `json:"code,omitempty"` // why the provider refused
}

// missing is the decision on a charge of a payment that the database does not have, or not any more.
func missing(err error) error {
	return temporal.NewApplicationErrorWithOptions(message(err), string(failure.NotFound), temporal.ApplicationErrorOptions{
		NonRetryable: true, Cause: errors.Unwrap(err), Details: []any{Doubt{Missing: true}},
	})
}

// untried is the decision on a quick try that was not begun.
func untried(err error) error {
	return temporal.NewApplicationErrorWithOptions(message(err), string(failure.Unavailable), temporal.ApplicationErrorOptions{
		Category: temporal.ApplicationErrorCategoryBenign, Cause: errors.Unwrap(err), Details: []any{Doubt{Untried: true}},
	})
}

// refused says whether the provider answered, and the answer was no.
func refused(err error) bool {
	switch failure.KindOf(err) {
	case failure.Invalid, failure.Conflict, failure.NotFound, failure.Unauthorized, failure.Forbidden:
		return true
	}
	return false
}

// LookInput names a payment, what the provider calls it if that is known, and what was asked for.
type LookInput struct {
	PaymentID         string        `json:"payment_id"`
	Reference         string        `json:"reference,omitempty"` // that the provider knows it by; "": the payment's id
	ClientID          string        `json:"client_id,omitempty"`
	ProviderPaymentID string        `json:"provider_payment_id,omitempty"`
	Money             payment.Money `json:"money"`
	// OnPage says that the buyer enters cards on the pay page: a charge that was rejected there is not what is looked for.
	OnPage   bool `json:"on_page,omitempty"`
	Reserved bool `json:"reserved,omitempty"` // the money was reserved first, so that less may have been captured
	// Urgency says what the answer is needed for. Activities that an older version of the program has scheduled hold only Unasked:
	// whether the look is a poll.
	Urgency payment.Urgency `json:"urgency,omitempty"`
	Unasked bool            `json:"unasked,omitempty"`
	// Typed says that an operator has given the provider's ID, so that the provider may well not have it.
	Typed bool `json:"typed,omitempty"`
}

func (in LookInput) urgency() payment.Urgency {
	switch {
	case in.Urgency != 0:
		return in.Urgency
	case in.Unasked:
		return payment.ForSweep
	}
	return payment.ForNews
}

// breaker names the breaker of the call that finds out where the payment stands.
func (in LookInput) breaker() string {
	if in.ProviderPaymentID == "" {
		return breaker.Search
	}
	return breaker.Read
}

// Seen is what the provider has to say.
type Seen struct {
	Found bool                  `json:"found"` // false: the provider knows of no such payment (yet)
	State payment.ProviderState `json:"state,omitzero"`
}

// Look asks the provider where the payment stands, by its own ID or, when the answer that would have
// carried the ID was lost, by our reference. It only reads.
func (a *Activities) Look(ctx context.Context, in LookInput) (Seen, error) {
	var state payment.ProviderState
	var found bool
	err := a.looks.bound(ctx, a.provider.Steady(in.breaker()), func(ctx context.Context) (err error) {
		state, found, err = a.look(ctx, in)
		return err
	})
	if err != nil {
		return Seen{}, activityError(err)
	}
	if !found {
		return Seen{}, nil
	}
	state, err = believe(state, in)
	return Seen{Found: true, State: state}, err
}

func (a *Activities) look(ctx context.Context, in LookInput) (payment.ProviderState, bool, error) {
	ctx = mercadopago.WithPriority(ctx, in.urgency(), in.ClientID)
	switch {
	case in.ProviderPaymentID != "":
	case in.OnPage:
		return a.findCard(ctx, in.PaymentID)
	default:
		return a.provider.FindByReference(ctx, in.PaymentID)
	}
	state, err := a.provider.Get(ctx, in.ProviderPaymentID)
	if failure.KindOf(err) == failure.NotFound && in.Typed {
		return state, false, nil
	}
	if failure.KindOf(err) == failure.NotFound {
		// The provider itself gave us this ID, so its reading side lags behind its writing side.
		err = &failure.Error{Kind: failure.Unavailable, Message: "the provider does not find its own payment yet", Err: err}
	}
	return state, err == nil, err
}

// believe refuses an answer that is about something else than what was asked for.
func believe(s payment.ProviderState, in LookInput) (payment.ProviderState, error) {
	if in.Reserved {
		s = s.OfAuthorization(in.Money)
	}
	if why := s.Contradicts(cmp.Or(in.Reference, in.PaymentID), in.ProviderPaymentID, in.Money); why != "" {
		return payment.ProviderState{}, activityError(&failure.Error{Kind: failure.Conflict, Message: why})
	}
	return s, nil
}

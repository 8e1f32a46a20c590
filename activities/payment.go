package activities

import (
	"cmp"
	"context"
	"time"

	"go.temporal.io/sdk/activity"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/mercadopago"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/postgres"
)

// OpenInput names the payment; without a Creation it must be there already.
type OpenInput struct {
	PaymentID string            `json:"payment_id"`
	Creation  *payment.Creation `json:"creation,omitempty"`
	// AskedAt is when the client app asked for it. A row that is written anew has the same, and with it the body that the provider
	// is sent. Zero, as runs from before it was kept say: now.
	AskedAt time.Time `json:"asked_at,omitzero"`
	// Again says that the run has opened the payment before. What it was started with was checked then.
	Again bool `json:"again,omitempty"`
}

// State is what a workflow needs to know of a payment, and no more: it lives in histories for months.
type State struct {
	Found             bool                    `json:"found"`
	ClientID          string                  `json:"client_id,omitempty"`
	Fingerprint       string                  `json:"fingerprint,omitempty"`
	Status            payment.Status          `json:"status,omitempty"`
	Method            payment.MethodType      `json:"method,omitempty"`
	Money             payment.Money           `json:"money,omitzero"`
	ProviderPaymentID string                  `json:"provider_payment_id,omitempty"`
	ExpiresAt         time.Time               `json:"expires_at,omitzero"`
	OnPage            bool                    `json:"on_page,omitempty"`     // the buyer enters the card on the pay page
	Attempt           int                     `json:"attempt,omitempty"`     // number of the card that was entered there last
	KeepsEnd          bool                    `json:"keeps_end,omitempty"`   // we close it at ExpiresAt; the provider's own end is later
	Reserves          bool                    `json:"reserves,omitempty"`    // the money is reserved first, and captured later
	Challenged        bool                    `json:"challenged,omitempty"`  // the buyer has still to pass a challenge; we close it at ExpiresAt
	CheckoutID        string                  `json:"checkout_id,omitempty"` // of an attempt at a checkout
	AskedAt           time.Time               `json:"asked_at,omitzero"`
	Version           int                     `json:"version,omitempty"` // number of the newest event
	Since             time.Time               `json:"since,omitzero"`    // of the newest event; zero in results of an older version of the program
	Hold              payment.Hold            `json:"hold,omitzero"`
	Refunds           []payment.PendingRefund `json:"refunds,omitempty"` // those that have not ended
	// Event, Missed and Email are in histories from before the outbox only: what their run itself had to publish.
	Event  *payment.Event  `json:"event,omitempty"`
	Missed []payment.Event `json:"missed,omitempty"`
	Email  bool            `json:"email,omitempty"` // the buyer gets e-mails
	// New says that this very activity has written the payment. Unless its row was lost, the provider was not asked for it.
	New bool `json:"new,omitempty"`
}

// Open loads the payment, and writes it first when it is new. The row's ID decides: a second run finds the row of the first. Kind Invalid when
// what the run was started with is no valid request, Conflict when another payment has its idempotency key, or the kind of the database's
// failure. A payment that is not there and is not to be written is no error: it is not Found.
func (a *Activities) Open(ctx context.Context, in OpenInput) (State, error) {
	if err := mayOpen(in); err != nil {
		return State{}, err
	}
	p, written, err := a.open(ctx, in)
	if failure.KindOf(err) == failure.NotFound {
		return State{}, nil
	}
	if err != nil {
		return State{}, activityError(err)
	}
	var hold payment.Hold
	var refunds []payment.PendingRefund
	if p.Status.MayHaveRefunds() {
		if refunds, err = a.database.PendingRefunds(ctx, p.ID); err != nil {
			return State{}, activityError(err)
		}
	}
	if !written {
		if hold, err = a.database.Hold(ctx, p.ID); err != nil {
			return State{}, activityError(err)
		}
	}
	return State{
		Since: p.UpdatedAt, Hold: hold, Refunds: refunds,
		Found: true, ClientID: p.ClientID, Fingerprint: p.Fingerprint, Status: p.Status, Method: p.Method.Type,
		Money: p.Amount, ProviderPaymentID: p.Provider.PaymentID, ExpiresAt: p.Instructions.ExpiresAt, AskedAt: p.CreatedAt,
		Version: p.Version, New: written, KeepsEnd: p.KeepsEnd(), Reserves: p.AuthorizesOnly(), Challenged: p.Challenged(),
		OnPage: p.OnPage(), Attempt: p.Attempt(), CheckoutID: p.CheckoutID,
	}, nil
}

// mayOpen checks the request of a run once more. Whoever reaches Temporal can start a run, outside of live also without a key, and the API
// has not checked its request.
func mayOpen(in OpenInput) error {
	if in.Again || in.Creation == nil {
		return nil
	}
	return activityError(in.Creation.Validate())
}

func (a *Activities) open(ctx context.Context, in OpenInput) (p payment.Payment, written bool, err error) {
	if in.Creation == nil {
		p, err = a.database.Payment(ctx, in.PaymentID)
		return p, false, err
	}
	began := time.Now()
	at := a.now()
	askedAt := cmp.Or(in.AskedAt.UTC().Truncate(time.Microsecond), at)
	p, written, err = a.database.OpenPayment(ctx, newPayment(in.PaymentID, *in.Creation, askedAt, at))
	if err != nil {
		return p, false, err
	}
	if !written { // a new payment has no older copy, and the API copies it if POST answers with it (lookup.Refresh)
		a.cache.Keep(ctx, p, began)
	} else {
		a.publish(ctx, payment.Event{
			PaymentID: p.ID, ClientID: p.ClientID, Seq: 1, Status: p.Status, Data: payment.EventData{Amount: p.Amount.Centavos}, At: p.CreatedAt,
		}, []postgres.Sink{postgres.ToSubscribers}, began)
	}
	return p, written, nil
}

// newPayment is a payment as it is written first. It decides every byte of its charge.
func newPayment(id string, c payment.Creation, askedAt, at time.Time) payment.Payment {
	p := payment.Payment{
		ID: id, ClientID: c.ClientID, IdempotencyKey: c.IdempotencyKey, Fingerprint: c.Print(), Request: c.Request,
		Status: payment.Processing, Version: 1, Provider: payment.NewProvider(), CreatedAt: askedAt, UpdatedAt: at,
	}
	if c.Attempt != nil {
		p.CheckoutID, p.Provider.PaymentID = c.Attempt.CheckoutID, c.Attempt.ProviderPaymentID
	}
	p.Instructions.ExpiresAt = p.Method.End(p.CreatedAt)
	if p.OnPage() {
		p.Status, p.Instructions.ExpiresAt = payment.Pending, p.CardEnd()
	}
	return p
}

// publish hands an event to the relay, which holds up nothing here.
func (a *Activities) publish(ctx context.Context, e payment.Event, sinks []postgres.Sink, asked time.Time) {
	if a.relay != nil {
		a.relay.Take(ctx, e, sinks, asked)
	}
}

// ApplyInput is a provider's answer about a payment.
type ApplyInput struct {
	PaymentID string                `json:"payment_id"`
	State     payment.ProviderState `json:"state"`
	Looked    bool                  `json:"looked,omitempty"` // it is what the provider says now, not the answer to a creation
}

// Moved is what an activity did to the payment.
type Moved struct {
	Status  payment.Status `json:"status"`            // where it stands now
	Version int            `json:"version,omitempty"` // number of the newest event
	Since   time.Time      `json:"since,omitzero"`    // as State's
	// Pending are the refunds that have not ended, if Refunds says that there are some or that the answer had refunds.
	Refunds bool                    `json:"refunds,omitempty"`
	Pending []payment.PendingRefund `json:"pending,omitempty"`
	// Event and Missed are in histories from before the outbox only: what the run itself had to publish.
	Event  *payment.Event  `json:"event,omitempty"`
	Missed []payment.Event `json:"missed,omitempty"`
}

// Apply moves the payment to the provider's answer if that is news. The answer's own time decides: a
// second run finds it already applied.
func (a *Activities) Apply(ctx context.Context, in ApplyInput) (Moved, error) {
	asked := time.Now()
	state, err := a.understood(ctx, in.PaymentID, in.State)
	if err != nil {
		return Moved{}, activityError(err)
	}
	apply := a.database.Apply
	if in.Looked {
		apply = a.database.ApplyLook
	}
	m, err := apply(ctx, in.PaymentID, state, a.now())
	if activity.IsActivity(ctx) && m.Event != nil && (state.Slip.Fault != "" || m.Event.Data.Surprising && state.Overpaid > 0) {
		activity.GetLogger(ctx).Error("a boleto needs a person", "payment_id", in.PaymentID, "provider_payment_id", state.PaymentID,
			"fault", state.Slip.Fault, "overpaid", state.Overpaid)
	}
	return a.moved(ctx, asked, m, err)
}

// understood is the answer as the payment has it, which only one of the seller's making has to be asked for.
func (a *Activities) understood(ctx context.Context, id string, s payment.ProviderState) (payment.ProviderState, error) {
	if !s.BySeller {
		return s, nil
	}
	p, err := a.database.Payment(ctx, id)
	return p.Understood(s), err
}

// GiveUpInput names a payment and why the provider will not, or does not, answer for it.
type GiveUpInput struct {
	PaymentID string `json:"payment_id"`
	Why       string `json:"why"` // for operators; no personal data

	Code failure.Code `json:"code,omitempty"` // for programs; "" when the provider did not say
}

// Fail writes that the provider refused the charge before any money could move. A payment the
// provider has answered for, or that failed already, stays as it is.
func (a *Activities) Fail(ctx context.Context, in GiveUpInput) (Moved, error) {
	asked := time.Now()
	m, err := a.database.Fail(ctx, in.PaymentID, in.Code, in.Why, a.now())
	return a.moved(ctx, asked, m, err)
}

// Park writes that the provider's answer is lost: it is not known yet whether the payment was charged. A payment the
// provider has answered for, or that is parked already, stays as it is.
func (a *Activities) Park(ctx context.Context, in GiveUpInput) (Moved, error) {
	asked := time.Now()
	m, err := a.database.Park(ctx, in.PaymentID, in.Why, a.now())
	return a.moved(ctx, asked, m, err)
}

// moved publishes what happened. The cache gets the payment before subscribers get the event, also from an activity that runs again
// because it ended between the two.
func (a *Activities) moved(ctx context.Context, asked time.Time, m postgres.Move, err error) (Moved, error) {
	if err != nil {
		return Moved{}, activityError(err)
	}
	a.cache.Keep(ctx, m.Payment, asked)
	a.toldCheckout(ctx, m.Payment, m.Checkout)
	if m.Event != nil && m.Event.Data.Surprising && activity.IsActivity(ctx) {
		activity.GetLogger(ctx).Error("surprising move of a payment", "payment_id", m.Event.PaymentID, "from", m.From, "to", m.Status,
			"provider_payment_id", m.Event.Data.ProviderPaymentID, "provider_status", m.Event.Data.ProviderStatus)
	}
	if m.Event != nil && m.Status == payment.Rejected && activity.IsActivity(ctx) {
		if _, known := mercadopago.RejectionOf(m.Event.Data.StatusDetail); !known {
			activity.GetLogger(ctx).Error("Mercado Pago rejects a payment for a reason that is not known here", "payment_id", m.Event.PaymentID,
				"provider_payment_id", m.Event.Data.ProviderPaymentID, "provider_status_detail", m.Event.Data.StatusDetail)
		}
	}
	if m.Event != nil {
		a.publish(ctx, *m.Event, m.Sinks, asked)
	}
	return Moved{Status: m.Status, Version: m.Payment.Version, Since: m.Payment.UpdatedAt, Refunds: m.Refunds, Pending: m.Pending}, nil
}

// now is the time as the database keeps it: by Postgres' clock, to the microsecond.
func (a *Activities) now() time.Time { return a.database.Clock().Truncate(time.Microsecond) }

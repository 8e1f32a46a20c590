package command

import (
	"cmp"
	"strings"
	"time"

	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
)

// Outcome is how an operator settles an unknown payment.
type Outcome string

// The outcomes. Orders from before there was a choice have none, which means failed.
const (
	Failed Outcome = "failed" // the provider has no charge of it
	Found  Outcome = "found"  // the provider has the charge ProviderPaymentID
)

// Order asks for one command on one payment. Its JSON is in recorded histories and in the operators' scripts: fields are only added.
type Order struct {
	PaymentID string `json:"payment_id,omitempty"`
	Command   Name   `json:"command,omitempty"` // "" in orders from before there were others: Settle
	// ID keeps a repeated order from being carried out twice. Orders of signals sent by hand have none.
	ID     string `json:"id,omitempty"`
	Actor  string `json:"actor"`
	Reason string `json:"reason"`
	// See audit.Actor. Only the front end that sends the order knows them. They do not go through Temporal, where anybody could write them:
	// the front end stores them with the request, and the activities read them there.
	Channel audit.Channel `json:"-"`
	From    string        `json:"-"`

	Until             time.Time `json:"until,omitzero"`                // Hold only; zero: payment.HoldDefault from now
	Outcome           Outcome   `json:"outcome,omitempty"`             // Settle only; "": Failed
	ProviderPaymentID string    `json:"provider_payment_id,omitempty"` // Settle as Found only
	OnPaid            OnPaid    `json:"on_paid,omitempty"`             // Cancel only; "": KeepIt

	Amount int64                  `json:"amount,omitempty"` // Capture only, in centavos; 0: all
	Refund *payment.RefundRequest `json:"refund,omitempty"` // Refund only
	// ByClient says that a client app orders it for a payment of its own, which needs no reason.
	ByClient bool `json:"by_client,omitempty"`
}

// OnPaid is what to do with the money of a buyer who pays while the payment is cancelled.
type OnPaid string

// What to do with it.
const (
	KeepIt   OnPaid = "keep"
	RefundIt OnPaid = "refund"
)

// By is the actor of the order.
func (o Order) By() audit.Actor { return audit.Actor{Name: o.Actor, Channel: o.Channel, From: o.From} }

// Fields lists the errors of an order, apart from what the payment's state allows.
func (o Order) Fields(now time.Time) []failure.Field {
	wrong := o.By().Fields()
	if e, _ := Find(o.Command); e.Reason == RequiredReason && !o.ByClient || o.Reason != "" {
		wrong = append(wrong, audit.ReasonFields(o.Reason)...)
	}
	wrong = append(wrong, o.untilFields(now)...)
	wrong = append(wrong, o.outcomeFields()...)
	return append(wrong, o.moneyFields()...)
}

func (o Order) untilFields(now time.Time) []failure.Field {
	var detail string
	switch {
	case o.Until.IsZero():
		return nil
	case o.Command != Hold:
		detail = "is for hold only"
	case !o.Until.After(now):
		detail = "must be in the future"
	case o.Until.After(now.Add(payment.HoldLongest)):
		detail = "must be at most 7 days ahead"
	default:
		return nil
	}
	return []failure.Field{{Pointer: "/until", Detail: detail}}
}

func (o Order) outcomeFields() []failure.Field {
	if o.Command != Settle {
		if o.Outcome != "" || o.ProviderPaymentID != "" {
			return []failure.Field{{Pointer: "/outcome", Detail: "is for settle only"}}
		}
		return nil
	}
	switch o.Outcome {
	case "", Failed:
		if o.ProviderPaymentID != "" {
			return []failure.Field{{Pointer: "/provider_payment_id", Detail: "is for the outcome found only"}}
		}
	case Found:
		if o.ProviderPaymentID == "" || len(o.ProviderPaymentID) > 20 || strings.Trim(o.ProviderPaymentID, "0123456789") != "" {
			return []failure.Field{{Pointer: "/provider_payment_id", Detail: "must be the decimal id of Mercado Pago's payment"}}
		}
	default:
		return []failure.Field{{Pointer: "/outcome", Detail: "must be failed or found"}}
	}
	return nil
}

func (o Order) moneyFields() (wrong []failure.Field) {
	switch {
	case o.Command == Refund && o.Refund == nil:
		wrong = append(wrong, failure.Field{Pointer: "/refund", Detail: `must say how much, such as {"amount": 500} in centavos, or {"all": true}`})
	case o.Command == Refund:
		for _, f := range o.Refund.Fields() {
			wrong = append(wrong, failure.Field{Pointer: "/refund" + f.Pointer, Detail: f.Detail})
		}
	case o.Refund != nil:
		wrong = append(wrong, failure.Field{Pointer: "/refund", Detail: "is for refund only"})
	}
	if o.Amount < 0 || o.Amount != 0 && o.Command != Capture {
		wrong = append(wrong, failure.Field{Pointer: "/amount", Detail: "must be a sum in centavos, and is for capture only"})
	}
	if o.OnPaid != "" && (o.Command != Cancel || o.OnPaid != KeepIt && o.OnPaid != RefundIt) {
		wrong = append(wrong, failure.Field{Pointer: "/on_paid", Detail: "must be keep or refund, and is for cancel only"})
	}
	return wrong
}

// Entry is the audit's entry of what the order carries out: its own command, or the release that a command includes. A repeated order has
// the same entry.
func (o Order) Entry(carriesOut Name, by audit.Actor) audit.Entry {
	e, _ := Find(carriesOut)
	entry := audit.Entry{Actor: by, Action: e.Action, Object: "payment/" + o.PaymentID, Reason: o.Reason}
	if o.ID != "" {
		entry.ID = payment.NewAuditID(strings.Join([]string{"order", o.PaymentID, string(carriesOut), o.ID}, "\x00"))
	}
	return entry
}

// tidied is the order as it is kept.
func (o Order) tidied() Order {
	o.Reason = strings.TrimSpace(o.Reason)
	o.Actor = strings.TrimSpace(o.Actor)
	if o.Refund != nil {
		refund := *o.Refund
		refund.IdempotencyKey = cmp.Or(refund.IdempotencyKey, o.ID)
		refund.Reason = cmp.Or(refund.Reason, o.Reason)
		o.Refund = &refund
	}
	o.Until = o.Until.UTC().Truncate(time.Second)
	if o.Command == Settle && o.Outcome == "" {
		o.Outcome = Failed
	}
	return o
}

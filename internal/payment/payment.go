// Package payment is the domain: what a payment is, which moves its status may make, what a request
// must look like. Its rule: it knows nothing of HTTP, databases,
// queues or Temporal, and imports the standard library only, but for Unicode's normal forms.
package payment

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strconv"
	"time"

	"github.com/onlywave/onlywave/internal/failure"
)

// Payment is one payment as the database holds it.
type Payment struct {
	ID             string // UUIDv5 of client app and idempotency key, see NewID
	ClientID       string
	IdempotencyKey string
	Fingerprint    string // of the request that made it, see Request.Fingerprint
	Request
	CheckoutID   string       // of an attempt at a checkout; "": it is none
	Instructions Instructions `json:"-"` // the cache keeps them with the method, see MethodRecord
	Status       Status
	Refunded     int64 // centavos already given back
	Captured     int64 // centavos of a reserved sum that were captured; 0: none, or the money was never reserved
	Provider     Provider
	Failure      string // why Status is failed or unknown, in words; empty otherwise
	FailureCode  failure.Code
	Version      int // number of the newest event; grows by one with each change
	CreatedAt    time.Time
	UpdatedAt    time.Time
}

// Gross is what the buyer pays, in centavos: all that was asked for, or what was captured of it.
func (p Payment) Gross() int64 { return cmp.Or(p.Captured, p.Amount.Centavos) }

// ProviderReference is what the provider knows the payment's purpose by, its external_reference: all attempts at a checkout have one.
func (p Payment) ProviderReference() string { return cmp.Or(p.CheckoutID, p.ID) }

// MercadoPago is the name of the one provider there is.
const MercadoPago = "mercadopago"

// PaymentsAPI is the one API of Mercado Pago's that payments are made with. Its Orders API has other ids, statuses and calls, so that a
// payment stays with the API that has made it.
const PaymentsAPI = "payments"

// Provider is what the payment provider knows the payment by, in the provider's own words.
type Provider struct {
	Name         string // MercadoPago
	API          string // PaymentsAPI
	PaymentID    string // decimal, exceeds 32 bits; empty until the provider has answered
	Status       string
	StatusDetail string
	UpdatedAt    time.Time // the provider's own clock; zero until it has answered
}

// NewProvider is the provider of a new payment, which has not answered yet.
func NewProvider() Provider { return Provider{Name: MercadoPago, API: PaymentsAPI} }

// ProviderState is one answer of the provider about a payment: its state at UpdatedAt.
type ProviderState struct {
	PaymentID    string           `json:"payment_id"`
	Reference    string           `json:"reference"` // external_reference, see Payment.ProviderReference
	Status       Status           `json:"status"`    // translated to ours
	RawStatus    string           `json:"raw_status"`
	StatusDetail string           `json:"status_detail"`
	Money        Money            `json:"money"`
	Challenge    *Challenge       `json:"challenge,omitempty"` // not nil while the buyer has still to pass one; without a URL it cannot be shown
	Captured     int64            `json:"captured,omitempty"`  // centavos, see OfAuthorization
	Refunded     int64            `json:"refunded,omitempty"`  // centavos
	Refunds      []ProviderRefund `json:"refunds,omitempty"`
	Fee          *int64           `json:"fee,omitempty"`       // centavos that the provider keeps of a paid payment; nil: it does not say
	Net          *int64           `json:"net,omitempty"`       // centavos that the seller gets of it; nil: it does not say
	ReleaseAt    time.Time        `json:"release_at,omitzero"` // when the provider releases the money; zero: it does not say
	QRCode       string           `json:"qr_code,omitempty"`   // Pix "copia e cola" text
	TicketURL    string           `json:"ticket_url,omitempty"`
	EndToEndID   string           `json:"end_to_end_id,omitempty"` // of a paid Pix
	Chosen       string           `json:"chosen,omitempty"`        // as in Instructions; of a checkout only
	LastFour     string           `json:"last_four,omitempty"`     // digits of the card
	Slip         Slip             `json:"slip,omitzero"`           // of a boleto
	AmountPaid   int64            `json:"amount_paid,omitempty"`   // as in Instructions
	Overpaid     int64            `json:"overpaid,omitempty"`      // likewise
	ExpiresAt    time.Time        `json:"expires_at,omitzero"`
	BySeller     bool             `json:"by_seller,omitempty"` // it was cancelled by the seller: by us, or in the panel
	UpdatedAt    time.Time        `json:"updated_at"`
	Foreign      string           `json:"foreign,omitempty"` // why it is not about a payment of our account; "": it is, as far as is known

	FailureCode failure.Code `json:"failure_code,omitempty"` // of a rejection that only an operator can put right
}

// ProviderRefund is one refund of a payment as the provider shows it.
type ProviderRefund struct {
	ID        string    `json:"id"`
	Amount    int64     `json:"amount"`  // centavos
	Outcome   Outcome   `json:"outcome"` // OutcomeAsked while it is in process
	CreatedAt time.Time `json:"created_at"`

	// AnswerTo is the id of our refund that the provider has answered with this one. Then it is known which one it is; else it is guessed.
	AnswerTo string `json:"answer_to,omitempty"`
}

// Refundable is the sum in centavos that all refunds of a paid payment together may reach: what the buyer has paid, and at most what was asked
// for.
func (p Payment) Refundable() int64 {
	return min(p.Amount.Centavos, cmp.Or(p.Captured, p.Instructions.AmountPaid, p.Amount.Centavos))
}

// Outdated says whether a payment is older than an answer of the provider. The provider's dates of a Pix have whole
// seconds only, so that two answers may have the same time and differ; then the one that is further in the payment's life is the later
// one, and it counts when it comes from a look: the answer to a creation may be repeated, long after it was given.
func (p Payment) Outdated(by ProviderState, looked bool) bool {
	if p.Provider.UpdatedAt.IsZero() || by.UpdatedAt.After(p.Provider.UpdatedAt) {
		return true
	}
	return looked && by.UpdatedAt.Equal(p.Provider.UpdatedAt) && further(by.Status, by.Refunded, p.Status, p.Refunded)
}

// Contradicted says whether an answer of the provider has the same time as the stored state, and neither can have followed the
// other.
func (p Payment) Contradicted(by ProviderState) bool {
	return by.UpdatedAt.Equal(p.Provider.UpdatedAt) && (by.Status != p.Status || by.Refunded != p.Refunded) &&
		!further(by.Status, by.Refunded, p.Status, p.Refunded) && !further(p.Status, p.Refunded, by.Status, by.Refunded)
}

// further says whether a status and a refunded sum come later in a payment's life than others: more is refunded, or the table of
// moves has no way back.
func further(status Status, refunded int64, than Status, thanRefunded int64) bool {
	if refunded > thanRefunded {
		return slices.Contains(status.Origins(), than)
	}
	return refunded == thanRefunded && slices.Contains(status.Before(), than)
}

// Event is one entry of a payment's append-only history.
type Event struct {
	PaymentID string    `json:"payment_id"`
	ClientID  string    `json:"client_id"`
	Seq       int       `json:"seq"` // 1, 2, 3 … without gaps
	Status    Status    `json:"status"`
	Data      EventData `json:"data"`
	At        time.Time `json:"at"`
}

// Type is the event's name and its routing key, such as payment.approved, payment.settled, refund.succeeded, dispute.opened or checkout.paid.
func (e Event) Type() string {
	if r := e.Data.Refund; r != nil {
		return "refund." + string(r.Status)
	}
	if d := e.Data.Dispute; d != nil {
		return "dispute." + string(d.Change)
	}
	if c := e.Data.Checkout; c != nil {
		return "checkout." + string(c.Change)
	}
	if e.Data.Settlement != nil {
		return "payment.settled"
	}
	return "payment." + string(e.Status)
}

// ID names the event for ever; publishing it again repeats the same ID.
func (e Event) ID() string { return e.PaymentID + ":" + strconv.Itoa(e.Seq) }

// EventData is what an event says beside the status.
type EventData struct {
	ProviderPaymentID string `json:"provider_payment_id,omitempty"`
	ProviderStatus    string `json:"provider_status,omitempty"`
	StatusDetail      string `json:"status_detail,omitempty"`
	Amount            int64  `json:"amount"`
	AmountRefunded    int64  `json:"amount_refunded"`
	AmountCaptured    int64  `json:"amount_captured,omitempty"` // of a sum that was reserved first
	Failure           string `json:"failure,omitempty"`
	Surprising        bool   `json:"surprising,omitempty"` // a move the table of moves does not know
	Actor             string `json:"actor,omitempty"`      // the operator who has decided it, and why; not for client apps
	Reason            string `json:"reason,omitempty"`

	FailureCode failure.Code `json:"failure_code,omitempty"`
	EndToEndID  string       `json:"end_to_end_id,omitempty"` // of a paid Pix, when the provider gives it
	Overpaid    int64        `json:"overpaid,omitempty"`      // centavos that the buyer has paid too much, such as by paying twice
	Late        bool         `json:"late,omitempty"`          // the buyer has paid after the payment was cancelled or has expired
	Refund      *EventRefund `json:"refund,omitempty"`        // the event is about this refund, and the payment's status stays
	Settlement  *Settlement  `json:"settlement,omitempty"`    // the event is about this, and the status stays

	Dispute  *EventDispute  `json:"dispute,omitempty"`  // likewise
	Checkout *EventCheckout `json:"checkout,omitempty"` // likewise
}

// Contradicts says how the answer contradicts what we know of a payment, or "" when it does not. An
// answer that names another payment, another sum or another account's payment is no proof of anything and must not be applied.
func (s ProviderState) Contradicts(reference, providerPaymentID string, asked Money) string {
	switch {
	case s.Foreign != "":
		return s.Foreign
	case s.Reference != reference:
		return "the provider's payment " + s.PaymentID + " carries the reference " + strconv.Quote(s.Reference)
	case providerPaymentID != "" && s.PaymentID != providerPaymentID:
		return "the provider answered with payment " + s.PaymentID + ", recorded is " + providerPaymentID
	case s.Money != asked:
		return "the provider says " + s.Money.String() + ", asked were " + asked.String()
	}
	return s.unbalanced()
}

// Fingerprint says whether two requests ask for the same thing: a key may be repeated only with an
// equal one. 128 bits, hexadecimal.
func (r Request) Fingerprint() string {
	if r.Method.Card != nil {
		card := *r.Method.Card
		card.ProviderCustomerID = "" // it follows from the customer
		r.Method.Card = &card
	}
	return fingerprint(r)
}

func fingerprint(request any) string {
	canonical, err := json.Marshal(request) // map keys come out sorted
	if err != nil {
		panic("payment: a request is plain data: " + err.Error())
	}
	sum := sha256.Sum256(canonical)
	return hex.EncodeToString(sum[:16])
}

package events

import (
	"time"

	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/rabbitmq"
)

// checkoutEvent is an event of a checkout that no payment has paid, as subscribers read it. It has no number: there is one.
type checkoutEvent struct {
	ID       string       `json:"id"`
	Type     string       `json:"type"`
	ClientID string       `json:"client_id"`
	Data     checkoutData `json:"data"`
	At       time.Time    `json:"at"`
}

type checkoutData struct {
	Amount   int64              `json:"amount"`
	Checkout unpaidCheckoutData `json:"checkout"`
}

type unpaidCheckoutData struct {
	ID        string                 `json:"id"`
	Change    payment.CheckoutChange `json:"change"`
	Reference string                 `json:"reference,omitempty"`
}

// Expired is the event checkout.expired. Its ID is the same however often it is published.
func Expired(c payment.Checkout) (rabbitmq.Message, error) {
	e := checkoutEvent{
		ID: c.ID + ":expired", Type: "checkout." + string(payment.CheckoutHasExpired), ClientID: c.ClientID, At: c.UpdatedAt,
		Data: checkoutData{Amount: c.Amount.Centavos, Checkout: unpaidCheckoutData{ID: c.ID, Change: payment.CheckoutHasExpired, Reference: c.Reference}},
	}
	return message(e.ID, e.Type, e.At, e)
}

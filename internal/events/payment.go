package events

import (
	"github.com/onlywave/onlywave/internal/mercadopago"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/rabbitmq"
)

// paymentEvent is an event of a payment as subscribers read it, the same as in the API.
type paymentEvent struct {
	ID   string `json:"id"`
	Type string `json:"type"`
	payment.Event
	Data paymentData `json:"data"`
}

// paymentData is what payment.EventData says, with all that is known of a failure in one place.
type paymentData struct {
	ProviderPaymentID string                 `json:"provider_payment_id,omitempty"`
	ProviderStatus    string                 `json:"provider_status,omitempty"`
	StatusDetail      string                 `json:"status_detail,omitempty"`
	EndToEndID        string                 `json:"end_to_end_id,omitempty"`
	Amount            int64                  `json:"amount"`
	AmountCaptured    int64                  `json:"amount_captured,omitempty"`
	AmountRefunded    int64                  `json:"amount_refunded"`
	Failure           *payment.FailureReason `json:"failure,omitempty"`
	Rejection         *payment.Rejection     `json:"rejection,omitempty"`
	Surprising        bool                   `json:"surprising,omitempty"`
	Late              bool                   `json:"late,omitempty"`
	Refund            *payment.EventRefund   `json:"refund,omitempty"`
	Settlement        *payment.Settlement    `json:"settlement,omitempty"`
	Dispute           *payment.EventDispute  `json:"dispute,omitempty"`
	Checkout          *payment.EventCheckout `json:"checkout,omitempty"`
}

// Payment is the event payment.<status>, payment.settled, refund.<status>, dispute.<change> or checkout.<step>. Its ID is the event's, by which subscribers know a twin.
func Payment(e payment.Event) (rabbitmq.Message, error) {
	return message(e.ID(), e.Type(), e.At, paymentEvent{
		ID: e.ID(), Type: e.Type(), Event: e,
		Data: paymentData{
			ProviderPaymentID: e.Data.ProviderPaymentID, ProviderStatus: e.Data.ProviderStatus, StatusDetail: e.Data.StatusDetail, EndToEndID: e.Data.EndToEndID,
			Amount: e.Data.Amount, AmountCaptured: e.Data.AmountCaptured, AmountRefunded: e.Data.AmountRefunded, Failure: e.Why(), Rejection: rejection(e),
			Surprising: e.Data.Surprising, Late: e.Data.Late, Refund: e.Data.Refund, Settlement: e.Data.Settlement, Dispute: e.Data.Dispute, Checkout: e.Data.Checkout,
		},
	})
}

// rejection is why the payment was rejected, or a card that its buyer has entered on the pay page; nil when none was.
func rejection(e payment.Event) *payment.Rejection {
	detail, rejected := e.Rejected()
	if !rejected {
		return nil
	}
	r, _ := mercadopago.RejectionOf(detail)
	return &r
}

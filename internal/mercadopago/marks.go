package mercadopago

import (
	"net/url"

	"github.com/onlywave/onlywave/internal/payment"
)

// marks are what we write on each payment that we make, see Client.request, and on each preference. Other sales on the same account have their own, or none.
type marks struct {
	ExternalReference text           `json:"external_reference"`
	NotificationURL   text           `json:"notification_url"`
	Metadata          many[metadata] `json:"metadata"`
}

type metadata struct {
	PaymentID  text `json:"payment_id"`
	CheckoutID text `json:"checkout_id"` // of a preference, which has it from us
}

// ours says whether a payment carries a mark of ours: a reference of the kind that we give, the address that we are notified at, or our
// metadata. One of them is enough, since the others may have been changed.
func (r reader) ours(p paymentBody) bool {
	if payment.OurID(string(p.ExternalReference)) || payment.OurID(string(p.Metadata.first().PaymentID)) || payment.OurID(string(p.Metadata.first().CheckoutID)) {
		return true
	}
	at, err := url.Parse(string(p.NotificationURL))
	if err != nil || p.NotificationURL == "" {
		return false
	}
	return payment.OurID(at.Query().Get("payment_id")) || r.notified != nil && at.Host == r.notified.Host && at.Path == r.notified.Path
}

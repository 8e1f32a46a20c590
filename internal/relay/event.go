package relay

import "github.com/onlywave/onlywave/internal/payment"

// published is an event as subscribers read it, the same as in the API.
type published struct {
	ID   string `json:"id"`
	Type string `json:"type"`
	payment.Event
	Data publishedData `json:"data"`
}

// publishedData is what payment.EventData says, with all that is known of a failure in one place.
type publishedData struct {
	ProviderPaymentID string                 `json:"provider_payment_id,omitempty"`
	ProviderStatus    string                 `json:"provider_status,omitempty"`
	StatusDetail      string                 `json:"status_detail,omitempty"`
	Amount            int64                  `json:"amount"`
	AmountRefunded    int64                  `json:"amount_refunded"`
	Failure           *payment.FailureReason `json:"failure,omitempty"`
	Surprising        bool                   `json:"surprising,omitempty"`
}

func newPublished(e payment.Event) published {
	return published{
		ID: e.ID(), Type: e.Type(), Event: e,
		Data: publishedData{
			ProviderPaymentID: e.Data.ProviderPaymentID, ProviderStatus: e.Data.ProviderStatus, StatusDetail: e.Data.StatusDetail,
			Amount: e.Data.Amount, AmountRefunded: e.Data.AmountRefunded, Failure: e.Why(), Surprising: e.Data.Surprising,
		},
	}
}

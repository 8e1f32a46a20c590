package mercadopago

import (
	"time"

	"github.com/onlywave/onlywave/internal/payment"
)

// feeDetail is one fee of a payment, and who pays it (API reference, payments).
type feeDetail struct {
	FeePayer text   `json:"fee_payer"`
	Amount   amount `json:"amount"`
}

type transactionDetails struct {
	NetReceivedAmount amount `json:"net_received_amount"`
	TransactionID     text   `json:"transaction_id"`
}

// earnings is what the seller pays and gets for a paid payment, and when the money is released. Mercado Pago answers 0 and no fees before
// the buyer has paid; a net of 0 says nothing. Fees that the buyer pays are no part of the payment.
func earnings(p paymentBody, status payment.Status) (fee, net *int64, release time.Time) {
	if !status.Paid() {
		return nil, nil, time.Time{}
	}
	for _, f := range p.FeeDetails {
		if f.FeePayer == "payer" || !f.Amount.known {
			continue
		}
		if fee == nil {
			fee = new(int64)
		}
		*fee += f.Amount.centavos
	}
	if received := p.TransactionDetails.first().NetReceivedAmount; received.centavos != 0 {
		net = &received.centavos
	}
	return fee, net, p.MoneyReleaseDate.Time
}

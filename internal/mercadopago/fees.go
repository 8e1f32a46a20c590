package mercadopago

import (
	"cmp"
	"time"

	"github.com/onlywave/onlywave/internal/payment"
)

// feeDetail is one fee of a payment, and who pays it (API reference, payments).
type feeDetail struct {
	FeePayer text   `json:"fee_payer"`
	Amount   amount `json:"amount"`
}

type transactionDetails struct {
	TransactionID       text          `json:"transaction_id"`
	NetReceivedAmount   amount        `json:"net_received_amount"`
	TotalPaidAmount     amount        `json:"total_paid_amount"`
	OverpaidAmount      amount        `json:"overpaid_amount"`
	DigitableLine       text          `json:"digitable_line"`
	Barcode             many[barcode] `json:"barcode"`
	ExternalResourceURL text          `json:"external_resource_url"` // a boleto to read and print
}

type barcode struct {
	Content text `json:"content"`
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

// ticket is the type of payments that are made at a bank or a shop, such as a boleto.
const ticket = "ticket"

// slip is what a boleto is paid by. Its barcode stands in the transaction's details, or beside them where no digitable line is given (both
// are in the examples of Mercado Pago's SDKs). Once it is not to be paid any more, what is wrong with it does not matter.
func slip(p paymentBody) payment.Slip {
	if p.PaymentTypeID != ticket {
		return payment.Slip{}
	}
	d := p.TransactionDetails.first()
	s := payment.SlipOf(string(d.DigitableLine), string(cmp.Or(d.Barcode.first(), p.Barcode.first()).Content), p.Amount.centavos)
	if p.Status != "pending" {
		s.Fault = ""
	}
	return s
}

// paidAmounts are what the buyer of a boleto has paid when that is not its amount, and what was paid too much. Of a card the total has the
// bank's interest, which is no money of the seller's. Mercado Pago does not document whether the total has what was paid too much; the net
// and the fee tell, if they are known.
func paidAmounts(p paymentBody, fee, net *int64) (paid, overpaid int64) {
	d := p.TransactionDetails.first()
	total, overpaid := d.TotalPaidAmount.centavos, max(d.OverpaidAmount.centavos, 0)
	if p.PaymentTypeID != ticket || p.Status == "pending" || total <= 0 {
		return 0, 0
	}
	paid = total - overpaid
	if net != nil {
		earned := *net
		if fee != nil {
			earned += *fee
		}
		if earned == total || earned == p.Amount.centavos {
			paid = earned
		}
	}
	if paid == p.Amount.centavos || paid <= 0 {
		return 0, overpaid
	}
	return paid, overpaid
}

package mercadopago

import (
	"cmp"

	sdk "github.com/mercadopago/sdk-go/pkg/payment"
)

// deviceHeader names the buyer's browser, by which Mercado Pago tells fraud from buyers.
const deviceHeader = "X-Meli-Session-Id"

func (c *Client) cardRequest(r ChargeRequest) sdk.Request {
	card := r.Payment.CardToCharge()
	r.Payment.Payer.TaxID = cmp.Or(r.Payment.Payer.TaxID, r.Secrets.TaxID)
	request := c.request(r.Payment)
	request.Token = r.Secrets.Token
	request.PaymentMethodID = card.Brand
	request.IssuerID = card.IssuerID
	request.Installments = card.Installments
	request.StatementDescriptor = card.Descriptor
	request.ThreeDSecureMode = string(card.ThreeDSecure) // with it binary_mode must be false, as it always is here
	if card.ProviderCustomerID != "" {                   // the vault has the rest of the payer
		request.Payer = &sdk.PayerRequest{Type: "customer", ID: card.ProviderCustomerID, Email: r.Payment.Payer.Email}
	}
	return request
}

package mercadopago

import (
	"time"

	sdk "github.com/mercadopago/sdk-go/pkg/payment"

	"github.com/onlywave/onlywave/internal/payment"
)

// boletoID is the payment_method_id of a boleto; its bank is Bradesco.
const boletoID = "bolbradesco"

func (c *Client) boletoRequest(r ChargeRequest) sdk.Request {
	due := providerDate(r.Payment.BoletoEnd())
	request := c.request(r.Payment)
	request.PaymentMethodID = boletoID
	request.DateOfExpiration = &due
	if rules := boletoRules(r.Payment.Method.Boleto); rules != nil {
		request.PaymentMethod = &sdk.PaymentMethodRequest{Data: &sdk.DataRequest{Rules: rules}}
	}
	return request
}

// boletoRules are what is added for a buyer who pays late, in percent of the amount, and taken off for one who pays early. Of several
// discounts Mercado Pago would take the first (guide "boleto bancário").
func boletoRules(b *payment.BoletoMethod) *sdk.RulesRequest {
	if b == nil || b.Fine == 0 && b.Interest == 0 && b.Discount == (payment.Discount{}) {
		return nil
	}
	var rules sdk.RulesRequest
	if b.Fine > 0 {
		rules.Fine = &sdk.FeeRequest{Type: "percentage", Value: float64(b.Fine) / 100}
	}
	if b.Interest > 0 {
		rules.Interest = &sdk.FeeRequest{Type: "percentage", Value: float64(b.Interest) / 100}
	}
	if until, err := time.Parse(time.DateOnly, b.Discount.Until); err == nil {
		rules.Discounts = []sdk.DiscountRequest{{Type: "fixed", Value: float64(b.Discount.Amount) / 100, LimitDate: &until}}
	}
	return &rules
}

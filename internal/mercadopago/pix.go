package mercadopago

import sdk "github.com/mercadopago/sdk-go/pkg/payment"

// pixID is the payment_method_id of a Pix.
const pixID = "pix"

func (c *Client) pixRequest(r ChargeRequest) sdk.Request {
	expires := providerDate(r.Payment.PixEnd())
	request := c.request(r.Payment)
	request.PaymentMethodID = pixID
	request.DateOfExpiration = &expires
	return request
}

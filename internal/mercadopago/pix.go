package mercadopago

import sdk "github.com/mercadopago/sdk-go/pkg/payment"

func (c *Client) pixRequest(r ChargeRequest) sdk.Request {
	expires := providerDate(r.Payment.PixEnd())
	request := c.request(r.Payment)
	request.PaymentMethodID = "pix"
	request.DateOfExpiration = &expires
	return request
}

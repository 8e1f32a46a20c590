package mercadopago

import (
	"time"

	sdk "github.com/mercadopago/sdk-go/pkg/payment"

	"github.com/onlywave/onlywave/internal/payment"
)

// legalTime is Brasília's, without summer time since 2019.
var legalTime = time.FixedZone("", -3*60*60)

func (c *Client) pixRequest(r ChargeRequest) sdk.Request {
	expires := expiry(r.Payment)
	request := c.request(r.Payment)
	request.PaymentMethodID = "pix"
	request.DateOfExpiration = &expires
	return request
}

// expiry ends one millisecond past a whole second. Mercado Pago wants yyyy-MM-dd'T'HH:mm:ss.SSS with a
// numeric offset (error 23 otherwise), and the SDK's encoding would leave out a fraction of zero.
func expiry(p payment.Payment) time.Time {
	return p.PixEnd().Truncate(time.Second).Add(time.Millisecond).In(legalTime)
}

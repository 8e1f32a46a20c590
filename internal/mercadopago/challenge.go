package mercadopago

import (
	"cmp"
	"net/url"
	"regexp"
	"time"

	"github.com/onlywave/onlywave/internal/payment"
)

// threeDS is the page of a challenge. Mercado Pago's guide calls the block three_dsinfo, and its SDKs three_ds_info.
type threeDS struct {
	URL  text `json:"external_resource_url"`
	CReq text `json:"creq"`
}

// challengedFor is how long a buyer has for a challenge. The guide "how to integrate 3DS" gives about five minutes; a payment whose buyer never
// finishes it stays pending, so we end it.
const challengedFor = 15 * time.Minute

// creq is base64 in the alphabet of URLs, as the standard of 3-D Secure (EMV 3DS 2) has it, or in the older one.
var creq = regexp.MustCompile(`^[A-Za-z0-9_+/=-]+$`)

const creqMax = 4096

// challenge is what the buyer has still to pass; nil when there is nothing. One that cannot be shown to a browser has no URL.
func challenge(p paymentBody, status payment.Status) *payment.Challenge {
	if status != payment.Pending || p.StatusDetail != "pending_challenge" {
		return nil
	}
	page := cmp.Or(p.ThreeDS.first(), p.ThreeDSOther.first())
	address, err := url.Parse(string(page.URL))
	if err != nil || address.Scheme != "https" && address.Scheme != "http" || address.Host == "" || len(page.CReq) > creqMax || !creq.MatchString(string(page.CReq)) {
		return &payment.Challenge{}
	}
	return &payment.Challenge{URL: string(page.URL), CReq: string(page.CReq)}
}

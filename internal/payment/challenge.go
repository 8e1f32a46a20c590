package payment

// ThreeDSecure is what a client app wants of 3-D Secure, by which the card's bank asks the buyer for a proof.
type ThreeDSecure string

// The wishes.
const (
	ThreeDSecureOptional ThreeDSecure = "optional" // when the bank wants it
	ThreeDSecureOff      ThreeDSecure = "not_supported"
)

// Challenge is the page of the card's bank on which the buyer proves who pays. Whatever that page says, only the provider knows how it ended.
type Challenge struct {
	URL  string `json:"url"`
	CReq string `json:"creq"` // the field that the buyer's browser posts to it
}

// Challenged says whether the payment waits for a challenge. A card has no other end while it is pending, but the one by which it is to be
// entered on the pay page.
func (p Payment) Challenged() bool {
	return p.Status == Pending && p.Method.Card != nil && !p.Instructions.ExpiresAt.IsZero() && !p.AwaitsCard()
}

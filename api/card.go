package api

import "github.com/onlywave/onlywave/internal/payment"

// readCard leaves out the token and the browser, which are not stored, see PaymentRequest.creation. Without them, and without anything that
// only a card has, the buyer enters the card on the pay page.
func readCard(from MethodRequest, to *payment.Method) {
	to.ExpiresIn = from.ExpiresIn
	to.Card = &payment.CardMethod{
		Brand: from.PaymentMethodID, Installments: from.Installments, IssuerID: from.IssuerID, Descriptor: from.StatementDescriptor,
		AuthorizeOnly: from.Capture != nil && !*from.Capture, ThreeDSecure: payment.ThreeDSecure(from.ThreeDSecure), CustomerID: from.CustomerID,
		OnPage: from.Token == "" && from.PaymentMethodID == "" && from.IssuerID == "" && from.DeviceID == "" && from.CustomerID == "",
	}
}

func showCard(p payment.Payment, v *Method) {
	if p.Method.Card != nil {
		c := p.CardToCharge()
		v.PaymentMethodID, v.Installments, v.IssuerID, v.StatementDescriptor = c.Brand, c.Installments, c.IssuerID, c.Descriptor
		v.CustomerID, v.ThreeDSecure = c.CustomerID, string(c.ThreeDSecure)
	}
	if p.AwaitsCard() {
		v.ExpiresAt = p.Instructions.ExpiresAt.UTC()
	}
	if p.Status == payment.Authorized {
		v.CaptureBefore = p.Instructions.ExpiresAt.UTC()
	}
	if c := p.Instructions.Challenge; c != nil && p.Status == payment.Pending {
		v.Challenge = Challenge{URL: c.URL, Creq: c.CReq, ExpiresAt: p.Instructions.ExpiresAt.UTC()}
	}
	v.LastFour = p.Instructions.LastFour
}

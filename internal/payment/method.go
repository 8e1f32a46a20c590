package payment

import (
	"slices"
	"time"
)

// Method is how the buyer is to pay, as the client app asks for it.
type Method struct {
	Type      MethodType    `json:"type"`
	ExpiresIn int           `json:"expires_in,omitempty"` // seconds from creation
	Card      *CardMethod   `json:"card,omitempty"`       // of a card
	Boleto    *BoletoMethod `json:"boleto,omitempty"`     // of a boleto
}

// MethodType names a payment method.
type MethodType string

// The payment methods.
const (
	Pix    MethodType = "pix"
	Card   MethodType = "card"
	Boleto MethodType = "boleto"

	CheckoutPro MethodType = "checkout_pro" // what the buyer chooses on the provider's page, see Checkout
)

// rules is what the domain knows of one payment method: all that differs from one method to another.
type rules struct {
	method              MethodType
	english, portuguese string // its name, as people write it
	token               bool   // it is charged by a token that is not stored, see CardSecrets
	code                bool   // the buyer gets a code or a page to pay with

	normalized func(m Method) Method                                            // with its defaults filled in
	validate   func(r Request, wrong func(pointer, detail string))              // finds what is wrong with the method, and what it needs beside
	timely     func(m Method, at time.Time, wrong func(pointer, detail string)) // finds what is wrong with its days; nil: it has none
	end        func(m Method, askedAt time.Time) time.Time                      // when the buyer can no longer pay; nil: the method has no end of ours
}

// methods is the table of payment methods. A new one is a line here, and a file with its rules.
var methods = []rules{pix(), card(), boleto(), checkoutPro()}

// rules are those of the method; known is false for a word that is none.
func (t MethodType) rules() (r rules, known bool) {
	i := slices.IndexFunc(methods, func(r rules) bool { return r.method == t })
	if i < 0 {
		return rules{}, false
	}
	return methods[i], true
}

// MethodTypes lists every payment method.
func MethodTypes() []MethodType {
	var types []MethodType
	for _, r := range methods {
		types = append(types, r.method)
	}
	return types
}

// Known says whether t is one of the payment methods.
func (t MethodType) Known() bool { return slices.Contains(MethodTypes(), t) }

// Name is the method as people write it. A word that is no method is its own name.
func (t MethodType) Name(l Language) string {
	r, known := t.rules()
	switch {
	case !known:
		return string(t)
	case l == English:
		return r.english
	}
	return r.portuguese
}

// NeedsToken says whether the method is charged by a token that is not stored.
func (t MethodType) NeedsToken() bool {
	r, _ := t.rules()
	return r.token
}

// PaidByCode says whether the buyer gets a code or a page to pay with.
func (t MethodType) PaidByCode() bool {
	r, _ := t.rules()
	return r.code
}

package payment

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"

	"github.com/onlywave/onlywave/internal/failure"
)

// Creation is a client app's request, and its key. Workflow histories keep it for months, encrypted.
type Creation struct {
	ClientID       string      `json:"client_id"`
	IdempotencyKey string      `json:"idempotency_key"`
	Request        Request     `json:"request"` // normalized and valid
	Secrets        CardSecrets `json:"secrets,omitzero"`
	// Fingerprint is the request's. The workflow compares it with others, and cannot compute it: encoding/json is not
	// deterministic by the rules of workflow code. "" in runs from before it was kept.
	Fingerprint string `json:"fingerprint,omitempty"`
	// Attempt is the buyer's attempt at a checkout that the payment is; nil: the client app has asked for it.
	Attempt *Attempt `json:"attempt,omitempty"`
}

// Validate finds everything that is wrong with the request and its secrets at once, as Request.Validate does.
func (c Creation) Validate() error {
	if c.Attempt != nil {
		return c.validateAttempt()
	}
	fields := c.Request.fields()
	if c.Request.Method.Type.Known() && !(c.Request.OnPage() && c.Secrets == (CardSecrets{})) {
		c.Secrets.validate(c.Request.Method.Type, fields.Add)
	}
	return invalid(fields)
}

// validateAttempt finds what is wrong with an attempt at a checkout, whose own request was checked when the checkout was made.
func (c Creation) validateAttempt() error {
	if !c.Attempt.valid() || c.Request.Method.Type != CheckoutPro || c.Request.Amount.Validate() != "" || c.Request.Amount.Currency != BRL {
		return &failure.Error{Kind: failure.Invalid, Message: "this is no attempt at a checkout"}
	}
	return nil
}

// Print is the request's fingerprint. A card's token is the key of the hash: another token is another request, and the fingerprint says
// nothing of the token. The browser counts for nothing, because a repeated request may come from another one.
func (c Creation) Print() string {
	if c.Secrets.Token == "" {
		return c.Request.Fingerprint()
	}
	h := hmac.New(sha256.New, []byte(c.Secrets.Token))
	h.Write([]byte(c.Request.Fingerprint()))
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// invalid is the error for a request with these errors, or nil.
func invalid(fields failure.Fields) error {
	if len(fields) == 0 {
		return nil
	}
	return &failure.Error{Kind: failure.Invalid, Message: "the request is not valid", Fields: fields}
}

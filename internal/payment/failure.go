package payment

// FailureCode is why a payment failed, was rejected for a reason of ours, or is unknown, for programs to decide by. Codes are part
// of the contract and never change.
type FailureCode string

// The codes.
const (
	FailureTaxID       FailureCode = "invalid_tax_id"
	FailureEmail       FailureCode = "invalid_email"
	FailureOwnEmail    FailureCode = "payer_is_seller"
	FailureAmount      FailureCode = "invalid_amount"
	FailureExpiry      FailureCode = "invalid_expiry"
	FailurePixKey      FailureCode = "account_without_pix_key"
	FailureAccount     FailureCode = "account_unavailable"
	FailureIntegration FailureCode = "integration_error"
	FailureRefused     FailureCode = "provider_refused"
	FailureNotCharged  FailureCode = "not_charged"
	FailureUnknown     FailureCode = "outcome_unknown"
)

// FailureCodes lists every code.
func FailureCodes() []FailureCode {
	return []FailureCode{FailureTaxID, FailureEmail, FailureOwnEmail, FailureAmount, FailureExpiry,
		FailurePixKey, FailureAccount, FailureIntegration, FailureRefused, FailureNotCharged, FailureUnknown}
}

// failures say for each code which field of the request can be put right, by whoever made the request or by the buyer, and what
// is wrong, for people.
var failures = map[FailureCode]Field{
	FailureTaxID:       {"/payer/tax_id", "the provider does not accept the buyer's CPF or CNPJ"},
	FailureEmail:       {"/payer/email", "the provider does not accept the buyer's e-mail address"},
	FailureOwnEmail:    {"/payer/email", "the buyer's e-mail address is the seller's own at the provider"},
	FailureAmount:      {"/amount", "the provider does not accept the amount"},
	FailureExpiry:      {"/method/expires_in", "the provider does not accept until when the payment can be made; the time may have run out meanwhile"},
	FailurePixKey:      {"", "the seller's account at the provider has no Pix key; nothing is wrong with the request"},
	FailureAccount:     {"", "the seller's account at the provider cannot take payments now; nothing is wrong with the request"},
	FailureIntegration: {"", "the provider does not understand how the platform asks; nothing is wrong with the request"},
	FailureRefused:     {"", "the provider refuses the payment"},
	FailureNotCharged:  {"", "the outcome was unknown, and the provider has made no charge"},
	FailureUnknown:     {"", "the provider's answer is lost"},
}

// Pointer is the field of the request that can be put right, as a JSON pointer; "" when there is none.
func (c FailureCode) Pointer() string { return failures[c].Pointer }

// Message says what is wrong, for people.
func (c FailureCode) Message() string { return failures[c].Detail }

// NeedsOperator says whether the trouble is with the seller's account or with us: no request can put it right.
func (c FailureCode) NeedsOperator() bool {
	return c == FailurePixKey || c == FailureAccount || c == FailureIntegration
}

package failure

// Code says to programs why a payment failed, was rejected for a reason of ours, or is unknown. Codes are part of the API's
// contract and never change.
type Code string

// The codes.
const (
	CodeTaxID       Code = "invalid_tax_id"
	CodeEmail       Code = "invalid_email"
	CodeOwnEmail    Code = "payer_is_seller"
	CodeAmount      Code = "invalid_amount"
	CodeExpiry      Code = "invalid_expiry"
	CodeCardToken   Code = "invalid_card_token"
	CodeCustomer    Code = "invalid_customer"
	CodeCapture     Code = "capture_not_deferrable"
	CodePixKey      Code = "account_without_pix_key"
	CodeAccount     Code = "account_unavailable"
	CodeIntegration Code = "integration_error"
	CodeRefused     Code = "provider_refused"
	CodeNotCharged  Code = "not_charged"
	CodeUnknown     Code = "outcome_unknown"

	CodeRefundBalance  Code = "insufficient_balance"
	CodeRefundTooOld   Code = "refund_too_late"
	CodeRefundState    Code = "not_refundable"
	CodeRefundPart     Code = "partial_refund_not_possible"
	CodeRefundRejected Code = "refund_rejected"
)

// Codes lists every code.
func Codes() []Code {
	return []Code{CodeTaxID, CodeEmail, CodeOwnEmail, CodeAmount, CodeExpiry, CodeCardToken, CodeCustomer, CodeCapture,
		CodePixKey, CodeAccount, CodeIntegration, CodeRefused, CodeNotCharged, CodeUnknown,
		CodeRefundBalance, CodeRefundTooOld, CodeRefundState, CodeRefundPart, CodeRefundRejected}
}

// failures says for each code which field of the request to correct, if any, and what is wrong, in words.
var failures = map[Code]Field{
	CodeTaxID:       {"/payer/tax_id", "the provider does not accept the buyer's CPF or CNPJ"},
	CodeEmail:       {"/payer/email", "the provider does not accept the buyer's e-mail address"},
	CodeOwnEmail:    {"/payer/email", "the buyer's e-mail address is the seller's own at the provider"},
	CodeAmount:      {"/amount", "the provider does not accept the amount"},
	CodeExpiry:      {"/method/expires_in", "the provider does not accept until when the payment can be made; the time may have run out meanwhile"},
	CodeCardToken:   {"/method/token", "the card's token is used, too old or not known to the provider; get a new one in the buyer's browser"},
	CodeCustomer:    {"/method/customer_id", "the provider does not know the customer any more; create the customer and save the card again"},
	CodeCapture:     {"/method/capture", "the provider cannot reserve the money of this card; charge it at once"},
	CodePixKey:      {"", "the seller's account at the provider has no Pix key; nothing is wrong with the request"},
	CodeAccount:     {"", "the seller's account at the provider cannot take payments now; nothing is wrong with the request"},
	CodeIntegration: {"", "the provider does not understand how the platform asks; nothing is wrong with the request"},
	CodeRefused:     {"", "the provider refuses the payment"},
	CodeNotCharged:  {"", "the outcome was unknown, and the provider has made no charge"},
	CodeUnknown:     {"", "the provider's answer is lost"},

	CodeRefundBalance:  {"", "the seller's account at the provider has not enough money for the refund; add money and ask for a new refund"},
	CodeRefundTooOld:   {"", "the payment is too old: Mercado Pago refunds for 180 days; give the money back in another way"},
	CodeRefundState:    {"", "the provider cannot refund the payment in its state; look at the payment"},
	CodeRefundPart:     {"/amount", "the provider can refund this payment only as a whole"},
	CodeRefundRejected: {"", "the provider accepted the refund and rejected it later; look at it in the provider's panel"},
}

// Pointer is the field of the request to correct, as a JSON pointer; "" when there is none.
func (c Code) Pointer() string { return failures[c].Pointer }

// Message says what is wrong, in words.
func (c Code) Message() string { return failures[c].Detail }

// NeedsOperator says whether the cause is the seller's account or our platform, so that no other request can succeed.
func (c Code) NeedsOperator() bool {
	return c == CodePixKey || c == CodeAccount || c == CodeIntegration
}

package mercadopago

import "github.com/onlywave/onlywave/internal/payment"

// rejections are the details of rejected payments as Mercado Pago documents them (guide "payment query results", the list of the Orders
// API's statuses, and its list of statuses of online payments).
var rejections = map[string]payment.RejectionReason{
	"cc_rejected_bad_filled_card_number":   payment.WrongCardNumber,
	"cc_rejected_bad_filled_date":          payment.WrongExpiry,
	"cc_rejected_bad_filled_security_code": payment.WrongSecurityCode,
	"cc_rejected_bad_filled_other":         payment.WrongCardData,
	"cc_rejected_invalid_installments":     payment.WrongInstallments,

	"cc_rejected_call_for_authorize":         payment.BankMustAuthorize,
	"cc_rejected_card_disabled":              payment.CardDisabled,
	"cc_rejected_insufficient_amount":        payment.InsufficientFunds,
	"insufficient_amount":                    payment.InsufficientFunds,
	"cc_amount_rate_limit_exceeded":          payment.AmountOverLimit,
	"cc_rejected_amount_rate_limit_exceeded": payment.AmountOverLimit,

	"cc_rejected_time_out":     payment.BankTimeout,
	"cc_rejected_card_error":   payment.CardError,
	"cc_rejected_other_reason": payment.DeclinedByBank,
	"bank_error":               payment.BankError,

	"cc_rejected_high_risk":             payment.HighRisk,
	"rejected_high_risk":                payment.HighRisk,
	"cc_rejected_blacklist":             payment.BlockedCard,
	"cc_rejected_max_attempts":          payment.TooManyAttempts,
	"cc_rejected_duplicated_payment":    payment.DuplicatedPayment,
	"cc_rejected_card_type_not_allowed": payment.CardTypeNotAllowed,
	"cc_rejected_3ds_challenge":         payment.NotAuthenticated,
	"cc_rejected_3ds_mandatory":         payment.MustAuthenticate,
	"rejected_by_bank":                  payment.RefusedByBank,
	"bank_rejected":                     payment.RefusedByBank,
	"rejected_by_regulations":           payment.NotAllowed,

	"rejected_insufficient_data": payment.InsufficientData,
	"collector_unavailable":      payment.SellerUnavailable,
	"payer_unavailable":          payment.PayerUnavailable,

	// The words of the Orders API, which Mercado Pago's pages mix with those above.
	"bad_filled_card_data":        payment.WrongCardData,
	"invalid_card_token":          payment.WrongCardData,
	"high_risk":                   payment.HighRisk,
	"rejected_by_issuer":          payment.RefusedByBank,
	"required_call_for_authorize": payment.BankMustAuthorize,
	"max_attempts_exceeded":       payment.TooManyAttempts,
	"card_disabled":               payment.CardDisabled,
	"card_insufficient_amount":    payment.InsufficientFunds,
	"amount_limit_exceeded":       payment.AmountOverLimit,
	"invalid_installments":        payment.WrongInstallments,
	"processing_error":            payment.CardError,
	"3ds_challenge_expired":       payment.NotAuthenticated,
}

// RejectionOf says why Mercado Pago has rejected a payment. known is false for a detail that it does not document: then the reason is
// payment.RejectedOtherReasons.
func RejectionOf(detail string) (r payment.Rejection, known bool) {
	reason, known := rejections[detail]
	if !known {
		reason = payment.RejectedOtherReasons
	}
	return payment.RejectionFor(reason), known
}

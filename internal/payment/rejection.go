package payment

import "slices"

// Rejection is why a payment was rejected, for the buyer and for programs.
type Rejection struct {
	Reason     RejectionReason `json:"reason"`
	Advice     Advice          `json:"advice"`
	English    string          `json:"text"` // what to tell the buyer
	Portuguese string          `json:"text_pt_br"`
}

// RejectionReason is why, for programs. Reasons are part of the API's contract and never change.
type RejectionReason string

// Advice is what the buyer or the client app can do about it.
type Advice string

// The advice.
const (
	FixData     Advice = "fix_data"     // correct what was typed, with a new token of the same card
	CallBank    Advice = "call_bank"    // ask the card's bank, or pay otherwise
	OtherMethod Advice = "other_method" // another card, or another payment method
	RetryLater  Advice = "retry_later"  // once more, later, if the buyer wants to
	ContactUs   Advice = "contact_us"   // the seller's account or the request: nothing that the buyer can do
)

// Advices lists every advice.
func Advices() []Advice { return []Advice{FixData, CallBank, OtherMethod, RetryLater, ContactUs} }

// The reasons.
const (
	WrongCardNumber      RejectionReason = "wrong_card_number"
	WrongExpiry          RejectionReason = "wrong_expiry"
	WrongSecurityCode    RejectionReason = "wrong_security_code"
	WrongCardData        RejectionReason = "wrong_card_data"
	WrongInstallments    RejectionReason = "wrong_installments"
	BankMustAuthorize    RejectionReason = "bank_must_authorize"
	CardDisabled         RejectionReason = "card_disabled"
	AmountOverLimit      RejectionReason = "amount_over_limit"
	InsufficientFunds    RejectionReason = "insufficient_funds"
	BankTimeout          RejectionReason = "bank_timeout"
	BankError            RejectionReason = "bank_error"
	CardError            RejectionReason = "card_error"
	DeclinedByBank       RejectionReason = "declined_by_bank"
	RefusedByBank        RejectionReason = "refused_by_bank"
	HighRisk             RejectionReason = "high_risk"
	BlockedCard          RejectionReason = "blocked_card"
	TooManyAttempts      RejectionReason = "too_many_attempts"
	DuplicatedPayment    RejectionReason = "duplicated_payment"
	CardTypeNotAllowed   RejectionReason = "card_type_not_allowed"
	NotAuthenticated     RejectionReason = "not_authenticated"
	MustAuthenticate     RejectionReason = "must_authenticate"
	NotAllowed           RejectionReason = "not_allowed"
	InsufficientData     RejectionReason = "insufficient_data"
	SellerUnavailable    RejectionReason = "seller_unavailable"
	PayerUnavailable     RejectionReason = "payer_unavailable"
	RejectedOtherReasons RejectionReason = "other"
)

// rejections says for each reason what to do about it.
var rejections = []Rejection{
	{WrongCardNumber, FixData, "Check the card number.", "Confira o número do cartão."},
	{WrongExpiry, FixData, "Check the expiry date of the card.", "Confira a data de validade do cartão."},
	{WrongSecurityCode, FixData, "Check the security code of the card.", "Confira o código de segurança do cartão."},
	{WrongCardData, FixData, "Check the data of the card.", "Confira os dados do cartão."},
	{WrongInstallments, FixData, "The card cannot be charged in so many installments. Choose fewer.", "O cartão não aceita esse número de parcelas. Escolha menos parcelas."},
	{BankMustAuthorize, CallBank, "Your bank must authorize this payment. Call it, and then try again.", "O banco precisa autorizar este pagamento. Ligue para o seu banco e depois tente de novo."},
	{CardDisabled, CallBank, "The card is not active. Call your bank to activate it, or use another card.", "O cartão não está ativo. Ligue para o seu banco para ativá-lo ou use outro cartão."},
	{AmountOverLimit, CallBank, "The amount is over the limit of the card. Call your bank, or pay in another way.", "O valor passa do limite do cartão. Ligue para o seu banco ou pague de outra forma."},
	{InsufficientFunds, OtherMethod, "The card has not enough limit or money. Use another card or pay in another way.", "O cartão não tem limite ou saldo suficiente. Use outro cartão ou pague de outra forma."},
	{BankTimeout, RetryLater, "The bank did not answer in time. Try again later.", "O banco não respondeu a tempo. Tente de novo mais tarde."},
	{BankError, RetryLater, "The bank could not process the payment. Try again later.", "O banco não conseguiu processar o pagamento. Tente de novo mais tarde."},
	{CardError, RetryLater, "The payment could not be processed. Try again later.", "Não foi possível processar o pagamento. Tente de novo mais tarde."},
	{DeclinedByBank, RetryLater, "The bank declined the payment. Try again later, or use another card.", "O banco recusou o pagamento. Tente de novo mais tarde ou use outro cartão."},
	{RefusedByBank, OtherMethod, "The bank refuses the payment. Use another card or pay in another way.", "O banco não permite o pagamento. Use outro cartão ou pague de outra forma."},
	{HighRisk, OtherMethod, "The payment was declined for safety. Pay in another way, such as Pix.", "O pagamento foi recusado por segurança. Pague de outra forma, como Pix."},
	{BlockedCard, OtherMethod, "This card cannot be used. Use another card or pay in another way.", "Este cartão não pode ser usado. Use outro cartão ou pague de outra forma."},
	{TooManyAttempts, OtherMethod, "The card was tried too many times. Use another card or pay in another way.", "Houve tentativas demais com este cartão. Use outro cartão ou pague de outra forma."},
	{DuplicatedPayment, OtherMethod, "You have just made a payment of this amount. If you need to pay again, use another card or another way.", "Você acabou de fazer um pagamento com esse valor. Se precisar pagar de novo, use outro cartão ou outra forma."},
	{CardTypeNotAllowed, OtherMethod, "This type of card is not accepted. Use another card or pay in another way.", "Este tipo de cartão não é aceito. Use outro cartão ou pague de outra forma."},
	{NotAuthenticated, OtherMethod, "Your bank could not confirm that it was you. Use another card or pay in another way.", "O banco não confirmou que era você. Use outro cartão ou pague de outra forma."},
	{MustAuthenticate, OtherMethod, "The bank wants a confirmation that this card does not allow here. Use another card or pay in another way.", "O banco exige uma confirmação que este cartão não permite aqui. Use outro cartão ou pague de outra forma."},
	{NotAllowed, OtherMethod, "The payment is not allowed. Pay in another way.", "O pagamento não é permitido. Pague de outra forma."},
	{InsufficientData, ContactUs, "The payment could not be made because data is missing. Contact the shop.", "Não foi possível fazer o pagamento porque faltam dados. Fale com a loja."},
	{SellerUnavailable, ContactUs, "The shop cannot take payments now. Contact the shop.", "A loja não pode receber pagamentos agora. Fale com a loja."},
	{PayerUnavailable, ContactUs, "The payment could not be made with this buyer's account. Contact the shop.", "Não foi possível fazer o pagamento com a conta deste comprador. Fale com a loja."},
	{RejectedOtherReasons, OtherMethod, "The payment was declined. Use another card or pay in another way.", "O pagamento foi recusado. Use outro cartão ou pague de outra forma."},
}

// Rejections lists every reason, with what to do about it.
func Rejections() []Rejection { return slices.Clone(rejections) }

// RejectionFor is what is known of a reason. One that is not known is as any other.
func RejectionFor(reason RejectionReason) Rejection {
	for _, r := range rejections {
		if r.Reason == reason {
			return r
		}
	}
	return rejections[len(rejections)-1]
}

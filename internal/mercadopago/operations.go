package mercadopago

import (
	"time"

	"github.com/onlywave/onlywave/internal/breaker"
)

// operation is one kind of call to Mercado Pago. A new one is a line here and a method that calls Client.ask: the breaker, the rate
// limit, the metrics and the trace follow from that.
type operation struct {
	name    string // in metrics and traces
	breaker string // the breaker that guards it; "": none, and no rate limit either

	// single says that the call is about one payment: an answer that cannot be read is a fault of that payment alone, as long as our
	// account is answered.
	single bool
	// foreign says that the payment may be of another account: a failure is no evidence that Mercado Pago is in trouble.
	foreign bool
	// timeout is that of the call, answer included, if it needs longer than others; 0: the client's own.
	timeout time.Duration
}

// Charges, reads by ID, searches and closings have a breaker each, so that one kind of call that fails does not stop the others: the
// search's index fails on its own, and no buyer waits for a closing.
var (
	opGet      = operation{name: "get", breaker: breaker.Read, single: true}
	opCancel   = operation{name: "cancel", breaker: breaker.Cancel}
	opCapture  = operation{name: "capture", breaker: breaker.Cancel} // the same call at Mercado Pago
	opRefund   = operation{name: "refund", breaker: breaker.Refund}
	opSearch   = operation{name: "search", breaker: breaker.Search, single: true}
	opChanges  = operation{name: "changes", breaker: breaker.Search}
	opIdentify = operation{name: "identify", breaker: breaker.Read, foreign: true}
	opAccount  = operation{name: "account"} // the guard itself asks for it

	opOffers       = operation{name: "payment_methods", breaker: breaker.Terms}
	opInstallments = operation{name: "installments", breaker: breaker.Terms}

	opFindCustomer   = operation{name: "find_customer", breaker: breaker.Vault}
	opMakeCustomer   = operation{name: "create_customer", breaker: breaker.Vault}
	opRemoveCustomer = operation{name: "remove_customer", breaker: breaker.Vault}
	opSaveCard       = operation{name: "save_card", breaker: breaker.Vault}
	opCards          = operation{name: "saved_cards", breaker: breaker.Vault}
	opRemoveCard     = operation{name: "remove_card", breaker: breaker.Vault}
	opToken          = operation{name: "card_token", breaker: breaker.Vault}

	opMakePreference  = operation{name: "create_preference", breaker: breaker.Checkout}
	opFindPreference  = operation{name: "preferences", breaker: breaker.Checkout}
	opGetPreference   = operation{name: "preference", breaker: breaker.Checkout}
	opClosePreference = operation{name: "close_preference", breaker: breaker.Checkout}
	opMerchantOrder   = operation{name: "merchant_order", breaker: breaker.Checkout, foreign: true}

	opChargeback  = operation{name: "chargeback", breaker: breaker.Dispute, single: true}
	opChargebacks = operation{name: "chargebacks", breaker: breaker.Dispute, single: true}
	opDocuments   = operation{name: "documents", breaker: breaker.Dispute, single: true, timeout: documentsTimeout}
	opClaim       = operation{name: "claim", breaker: breaker.Dispute, single: true}
	opClaims      = operation{name: "claims", breaker: breaker.Dispute, single: true}
)

// operations lists every kind of call.
func operations() []operation {
	all := []operation{opGet, opCancel, opCapture, opRefund, opSearch, opChanges, opIdentify, opAccount, opOffers, opInstallments, opChargeback, opChargebacks, opDocuments, opClaim, opClaims}
	all = append(all, opFindCustomer, opMakeCustomer, opRemoveCustomer, opSaveCard, opCards, opRemoveCard, opToken)
	all = append(all, opMakePreference, opFindPreference, opGetPreference, opClosePreference, opMerchantOrder)
	for _, how := range charges {
		all = append(all, how.call)
	}
	return all
}

package conformance

// KnownErrors are the contract's own mistakes, of the file that Mercado Pago published in June 2026 as the Brazilian variant. An entry says
// what really happens, and how that is known.
func KnownErrors() []Known {
	const (
		token    = "POST /v1/card_tokens"
		charge   = "POST /v1/payments"
		get      = "GET /v1/payments/{id}"
		methods  = "GET /v1/payment_methods"
		plans    = "GET /v1/payment_methods/installments"
		refund   = "POST /v1/payments/{id}/refunds"
		null     = "Value is not nullable"
		gotNull  = "got null"
		notYet   = "it is null until it is known, in the API reference's own samples and in every answer"
		back     = "GET /v1/chargebacks/{id}"
		upload   = "POST /v1/chargebacks/{id}/documentation"
		claim    = "GET /post-purchase/v1/claims/{claim_id}"
		claims   = "GET /post-purchase/v1/claims/search"
		action   = "the API reference has an object with action, mandatory and due_date"
		saved    = "a token of a saved card is made of card_id and the security code alone (guide \"saved cards\"; Mercado Pago's script sends it so)"
		nameless = "the guides for Pix and boleto want the payer's name and address; the official SDK has both"
		marked   = "the official SDK has it (pkg/preference), and its payments carry it"
	)
	return []Known{
		{charge, "request", "/payer", `"first_name" is unsupported`, nameless},
		{charge, "request", "/payer", `"last_name" is unsupported`, nameless},
		{charge, "request", "/payer", `"address" is unsupported`, nameless},
		{charge, "request", "", `"payment_method" is unsupported`, `the fine, the interest and the discount of a boleto are sent in it (guide "boleto bancário"; the official SDK has it)`},
		{"POST /checkout/preferences", "request", "", `"metadata" is unsupported`, marked},
		{"PUT /checkout/preferences/{id}", "request", "", `"metadata" is unsupported`, marked},
		{plans, "request", "?payment_method_id", "missing", "Mercado Pago's script in the browser asks with the card's first digits and the amount alone"},
		{token, "request", "", `"card_id" is unsupported`, saved},
		{token, "request", "/card_number", "missing", saved},
		{token, "request", "/expiration_month", "missing", saved},
		{token, "request", "/expiration_year", "missing", saved},
		{token, "request", "/cardholder", "missing", saved},
		{"DELETE /v1/customers/{id}", "request", "", "no such operation", "the official SDKs of other languages call it; the contract's path is called when it answers 404 or 405"},
		{"GET /users/me", "request", "", "no such operation", "the official SDK calls it (pkg/user)"},

		{get, "answer", "/cause/*/code", "must be an integer", "refusals by Mercado Pago's gateway have words as codes, such as unauthorized"},
		{get, "answer", "", "no status 429", "answers 429 with Retry-After are documented elsewhere in this contract"},
		{get, "answer", "", "no status 500", "every server fails at times"},
		{methods, "answer", "/*/settings", "got array, want object", "a brand has one setting for each range of numbers; the official SDK has a list"},
		{plans, "answer", "…/reimbursement_rate", gotNull, "it is null in the API reference's own sample"},
		{refund, "answer", "/unique_sequence_number", gotNull, notYet},
		{refund, "answer", "/reason", gotNull, notYet},

		{back, "answer", "/payments/*", "got number, want object", "they are the ids of payments in the API reference's own sample"},
		{back, "answer", "/documentation", "got array, want object", "it is a list of documents in the API reference's own sample"},
		{back, "answer", "/coverage_applied", gotNull, "it is null until it is decided"},
		{back, "answer", "/documentation_status", "must be one of", "the API reference has pending, review_pending and not_applicable, too"},
		{upload, "request", "", "no such operation", "the API reference and the guide send the files themselves, as files[]; the contract wants links to them"},
		{claim, "answer", "/players/*/available_actions/*", "got object, want string", action},
		{claims, "answer", "/results/*/players/*/available_actions/*", "must be a string", action},

		{"", "answer", "…/date_approved", null, notYet},
		{"", "answer", "…/date_of_expiration", null, "a card's payment has none"},
		{"", "answer", "…/money_release_date", null, notYet},
		{"", "answer", "…/payer/type", null, "it is null for a buyer without an account at Mercado Pago"},
		{"", "answer", "…/payer/identification/number", null, "it is null for a buyer who has given none"},
		{"", "answer", "…/payer/identification/type", null, "it is null for a buyer who has given none"},
		{"", "answer", "…/statement_descriptor", null, "a Pix and a boleto have none"},
		{"", "answer", "…/external_resource_url", null, "only a boleto has one"},
		{"", "answer", "…/card/expiration_month", "must be an integer", `it is masked as "***" since 2026 (sdk-go, issue 131)`},
		{"", "answer", "…/card/expiration_year", "must be an integer", `it is masked as "***" since 2026 (sdk-go, issue 131)`},
	}
}

// Package simulator is a fake Mercado Pago (Brazil) in one http.Handler: payments by Pix, card and boleto, search, signed webhooks with Mercado Pago's retry
// schedule, a page where the buyer pays, and faults on request. Tests serve it with httptest; `onlywave-lab simulator` serves it to the
// local platform, load runs and drills.
//
// Its one rule: the ledger is the truth. An entry is written when a payment is created or changes, whatever response is then sent, lost or
// cut off; so after any drill the ledger has the charges that really happened.
//
// It is for one machine: the admin API and the pay page need no log-in. Never expose it.
//
// # Mercado Pago's API
//
//	POST /v1/payments          Pix, cards and bolbradesco; X-Idempotency-Key required
//	POST /v1/card_tokens       a card's token; the first word of the holder's name decides what becomes of its payment, see Holders
//	GET  /v1/payments/{id}
//	PUT  /v1/payments/{id}     {"status":"cancelled"}
//	GET  /v1/payments/search
//	POST /v1/payments/{id}/refunds           {"amount": 5.25}, or all that is left; X-Idempotency-Key required
//	GET  /v1/payments/{id}/refunds[/{refund}]
//	GET  /v1/chargebacks/{id}
//	GET  /v1/chargebacks/search?payment_id=
//	POST /v1/chargebacks/{id}/documentation  documents, as parts files[] of multipart/form-data
//	GET  /post-purchase/v1/claims/{id}
//	GET  /post-purchase/v1/claims/search?resource=payment&resource_id=
//	GET  /v1/card_tokens/{id}                its card, and whether it is used
//	POST /v1/customers                       one for each e-mail address, else 400 with code 101; GET, PUT and DELETE /v1/customers/{id}
//	GET  /v1/customers/search?email=
//	POST /v1/customers/{id}/cards            {"token": …}; GET, GET one and DELETE one. POST /v1/card_tokens with card_id and
//	                                         security_code makes a token of a saved card, good for payments of its customer
//	POST /checkout/preferences                 the page of a sale (Checkout Pro); each request makes another one
//	GET  /checkout/preferences/{id}
//	PUT  /checkout/preferences/{id}            such as another end of the time to pay
//	GET  /checkout/preferences/search?external_reference=
//	GET  /merchant_orders/{id}                 the payments of a preference
//	GET  /merchant_orders/search?external_reference=
//	GET  /users/me             the account that the token belongs to
//	GET  /v1/payment_methods   what the account may be paid with
//	GET  /v1/payment_methods/installments    ?amount=&bin= what an amount costs in installments: three without interest, more at 2.99 % a month
//
// Where Mercado Pago's documentation is silent, the simulator is strict:
//
//   - An idempotency key belongs to the exact bytes of its first accepted body. The same body again answers 201 with the
//     same payment as it is now; another body answers 409 idempotency_key_already_used; while the first is still running,
//     409 with code 401001. A refused request (400) does not use up its key. Keys never expire, except with the
//     fault forgotten_key.
//   - Dates in requests must have a numeric offset and at most milliseconds, else code 23.
//   - An unknown top-level field of a create request is code 8.
//   - The search limit is at most 50, and a range must be shorter than 365 days (9062). Unknown filters are ignored.
//   - A refund in process answers 400 and is not in the lists, unless the request has the header X-Render-In-Process-Refunds: true.
//     A refused refund does not use up its key.
//   - A cancellation ignores its key: a second one gets the error that the state forbids it (2018).
//   - Documents about a chargeback are taken while they are pending and before the deadline, else code 2018. They are PDF, PNG or JPEG by
//     their content, and have 10,000,000 bytes at most together.
//   - Customers and saved cards are not in the file that a simulator continues from. A payment of a customer from before is made all the same.
//   - Webhook retries wait 15 min, 30 min, 6 h, 48 h and three times 96 h, each counted from the attempt before. Every
//     attempt has a fresh x-request-id and ts, unless the configuration says SignOnce.
//
// # Admin API
//
// JSON in and out, errors as {"error": "..."}. Amounts are centavos, durations are Go's ("1.5s").
//
//	POST   /admin/payments/{id}/pay         the buyer pays; 409 when the payment can no longer be paid
//	POST   /admin/payments/{id}/pay-late    a Pix that was under way arrives after the end; 409 when it has not ended unpaid
//	POST   /admin/payments/{id}/pay-again   a boleto is paid a second time; 409 when it is not paid, or a Pix
//	POST   /admin/payments/{id}/expire      the Pix expires now; 409 when it is not pending
//	POST   /admin/payments/{id}/approve     the review of a card payment ends well; 409 when it is not in review
//	POST   /admin/payments/{id}/reject      the same, badly
//	POST   /admin/payments/{id}/refund      the seller refunds in the panel; ?amount= (all that is left)
//	POST   /admin/payments/{id}/refunds/{refund}/settle  ?status=approved or rejected
//	POST   /admin/payments/{id}/chargeback  the buyer's bank takes the money back; answers {"id": …} of the chargeback
//	POST   /admin/chargebacks/{id}/win      the chargeback ends for the seller
//	POST   /admin/chargebacks/{id}/lose     the chargeback ends for the buyer
//	POST   /admin/chargebacks/{id}/deadline ?in= how long documents may still be sent, such as 24h
//	POST   /admin/payments/{id}/claim       the buyer complains; answers {"id": …} of the claim
//	POST   /admin/claims/{id}/mediate       Mercado Pago is to decide; the payment is in mediation
//	POST   /admin/claims/{id}/win           the claim ends for the seller
//	POST   /admin/claims/{id}/lose          the claim ends for the buyer, who gets the money back
//	POST   /admin/payments/{id}/fraud-alert Mercado Pago warns of the payment; the notification is not sent again when it fails
//	POST   /admin/preferences/{id}/try      the buyer tries to pay on the page; ?method= ?holder=, see Attempt; answers the payment
//	GET    /admin/payments                  newest first; ?external_reference= ?status= ?limit= (50)
//	GET    /admin/disputes                  all chargebacks and claims, oldest first
//	GET    /admin/ledger                    oldest first; ?external_reference= ?after= (entry number) ?limit=
//	GET    /admin/books                     what the account has earned: gross, fees, refunds, net, and what of that is withheld and lost, in all and for each payment
//	GET    /admin/requests                  the last API requests, oldest first, with the fault each one met
//	GET    /admin/webhooks                  the last webhook attempts, oldest first; ?payment_id=
//	POST   /admin/webhooks                  send a signed notification about any id, see Announcement
//	POST   /admin/webhooks/{n}/redeliver    send again attempt n, or the last notification of payment n; ?count= (1)
//	POST   /admin/triggers/{name}           send a webhook of a kind, see Triggers; ?id= ?url=
//	GET    /admin/faults                    active faults, with how often each matched and applied
//	POST   /admin/faults                    add one Fault, or an array of them
//	DELETE /admin/faults                    remove all faults, or ?external_reference= those of one payment
//
// A fault that closes the connection after the charge, for the next three creates of one payment:
//
//	{"on": "create", "kind": "lost_answer", "times": 3, "external_reference": "0b1e…"}
//
// Fault documents the fields, and the Kind constants document the kinds.
package simulator

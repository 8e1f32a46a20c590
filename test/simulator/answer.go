package simulator

import (
	"cmp"
	"encoding/json"
	"strconv"
	"time"
)

// answerFor makes the response for a payment, with links that this caller can follow, and with the shape that the call's fault asks for.
func (s *Simulator) answerFor(c *call, p payment) paymentAnswer {
	money := amounts{text: c.fault.Kind == KindTextAmounts}
	a := paymentAnswer{
		ID: json.Number(p.id), DateCreated: date(p.created.In(manaus)), DateApproved: date(p.approved.In(manaus)),
		DateLastUpdated: date(p.updated.In(manaus)), DateOfExpiration: date(p.expires.In(brasilia)), MoneyReleaseDate: date(s.released(p).In(manaus)), MoneyReleaseStatus: "pending",
		OperationType: "regular_payment", PaymentMethodID: p.method, Status: p.status, StatusDetail: p.detail,
		CurrencyID: "BRL", Description: orNull(p.text), LiveMode: s.config.LiveMode, BuildVersion: "3.130.0-rc-7",
		Payer: payerFor(p, c.fault.Kind == KindNumericPayerID), CollectorID: s.config.CollectorID, Metadata: p.metadata,
		AdditionalInfo: additionalInfo{"platform:v1-simulated,so:ALL,type:N/A,security:none"}, ExternalReference: orNull(p.reference),
		TransactionAmount: money.of(p.amount), TransactionAmountRefunded: money.of(p.refunded()), Installments: 1,
		TransactionDetails: transactionDetails{NetReceivedAmount: money.of(0), TotalPaidAmount: money.of(p.received()), OverpaidAmount: money.of(p.overpaid)},
		FeeDetails:         []feeDetail{}, ChargesDetails: chargesFor(p, money), Captured: true,
		StatementDescriptor: orNull(p.descriptor), Card: struct{}{}, NotificationURL: orNull(p.notifyURL), Refunds: s.refundAnswers(c, p),
		ProcessingMode: "aggregator", AcquirerReconciliation: []struct{}{},
	}
	if c.fault.Kind == KindOtherAccount {
		a.CollectorID++
	}
	if len(a.Metadata) == 0 {
		a.Metadata = json.RawMessage("{}")
	}
	if !p.approved.IsZero() {
		s.earn(&a, c.fault.Kind, p, money)
	}
	if s.config.MaskedCard || c.fault.Kind == KindMaskedCard {
		a.Card = maskedCardFor(p)
	}
	methods[p.method].show(s, c, p, &a)
	return a
}

// earn says what the seller pays and gets for a payment that is paid.
func (s *Simulator) earn(a *paymentAnswer, fault Kind, p payment, money amounts) {
	if !time.Now().Before(s.released(p)) {
		a.MoneyReleaseStatus = "released"
	}
	net := p.received() - p.fee()
	switch fault {
	case KindNoFees:
		return
	case KindWrongNet:
		net--
	}
	a.TransactionDetails.NetReceivedAmount = money.of(net)
	a.FeeDetails = []feeDetail{{"mercadopago_fee", "collector", money.of(p.fee())}}
}

func payerFor(p payment, numeric bool) payerAnswer {
	id := 1_000_000_000 + int(crc16(p.payer.Email)) // the same buyer keeps the same id
	a := payerAnswer{
		ID: strconv.Itoa(id), Email: p.payer.Email, FirstName: orNull(p.payer.FirstName), LastName: orNull(p.payer.LastName),
		Identification: taxIDAnswer{orNull(p.payer.Identification.Type), orNull(p.payer.Identification.Number)},
	}
	if numeric {
		a.ID = id
	}
	if p.payer.Type == "customer" {
		a.ID, a.Type = p.payer.ID, &p.payer.Type
	}
	return a
}

func chargesFor(p payment, money amounts) []chargeDetail {
	return []chargeDetail{{
		ID: p.id + "-001", Name: "mercadopago_fee", Type: "fee", Accounts: map[string]string{"from": "collector", "to": "mp"},
		DateCreated: date(p.created.In(manaus)), LastUpdated: date(p.created.In(manaus)),
		Amounts:       map[string]any{"original": money.of(p.fee()), "refunded": money.of(0)},
		RefundCharges: []struct{}{},
	}}
}

// maskedCardFor is the card object as Mercado Pago sends it since 2026, with its expiry masked.
func maskedCardFor(p payment) any {
	return map[string]any{
		"id": nil, "first_six_digits": "503143", "last_four_digits": "6351", "expiration_month": "***", "expiration_year": "***",
		"date_created": date(p.created.In(manaus)), "date_last_updated": date(p.created.In(manaus)),
		"cardholder": map[string]any{"name": cmp.Or(p.payer.FirstName, "APRO"), "identification": p.payer.Identification},
	}
}

func orNull(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

package mercadopago

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
)

// paymentBody is what matters of a payment, in Mercado Pago's words (API reference, payments).
type paymentBody struct {
	ID                 text                     `json:"id"`
	Status             text                     `json:"status"`
	StatusDetail       text                     `json:"status_detail"`
	PaymentTypeID      text                     `json:"payment_type_id"`
	PaymentMethodID    text                     `json:"payment_method_id"`
	CurrencyID         text                     `json:"currency_id"`
	Amount             amount                   `json:"transaction_amount"`
	Refunded           amount                   `json:"transaction_amount_refunded"`
	Refunds            many[refundBody]         `json:"refunds"`
	FeeDetails         many[feeDetail]          `json:"fee_details"`
	TransactionDetails many[transactionDetails] `json:"transaction_details"`
	Barcode            many[barcode]            `json:"barcode"`
	MoneyReleaseDate   date                     `json:"money_release_date"`
	DateCreated        date                     `json:"date_created"`
	DateApproved       date                     `json:"date_approved"`
	DateLastUpdated    date                     `json:"date_last_updated"`
	DateOfExpiration   date                     `json:"date_of_expiration"`
	PointOfInteraction many[pointOfInteraction] `json:"point_of_interaction"`
	Card               many[cardBody]           `json:"card"`
	ThreeDS            many[threeDS]            `json:"three_dsinfo"`
	ThreeDSOther       many[threeDS]            `json:"three_ds_info"`
	CollectorID        text                     `json:"collector_id"`
	LiveMode           boolean                  `json:"live_mode"`
	marks
}

type pointOfInteraction struct {
	TransactionData many[transactionData] `json:"transaction_data"`
}

type transactionData struct {
	QRCode        text `json:"qr_code"`
	TicketURL     text `json:"ticket_url"`
	EndToEndID    text `json:"e2e_id"`         // null in what payments of real accounts show, see endToEndID
	TransactionID text `json:"transaction_id"` // null until the Pix is paid
}

// cardBody leaves out the card's expiry, which Mercado Pago masks.
type cardBody struct {
	LastFour text `json:"last_four_digits"`
}

// payment reads the body of one payment.
func (r reader) payment(body []byte) (payment.ProviderState, error) {
	var p paymentBody
	if err := json.Unmarshal(body, &p); err != nil {
		return payment.ProviderState{}, unreadable(err)
	}
	return r.state(p)
}

// search reads the payments with this reference from a search's answer, the newest first.
func (r reader) search(body []byte, reference string) ([]payment.ProviderState, error) {
	var found struct {
		Results *[]paymentBody `json:"results"`
	}
	if err := json.Unmarshal(body, &found); err != nil {
		return nil, unreadable(err)
	}
	if found.Results == nil {
		return nil, unreadable(errors.New("a search without results")) // must not pass for "none"
	}
	bodies := *found.Results
	slices.SortStableFunc(bodies, func(a, b paymentBody) int { return b.DateCreated.Compare(a.DateCreated.Time) })
	var states []payment.ProviderState
	for _, p := range bodies {
		if string(p.ExternalReference) != reference {
			continue // the filter is Mercado Pago's, the promise is ours
		}
		state, err := r.state(p)
		if err != nil {
			return nil, err
		}
		states = append(states, state)
	}
	return states, nil
}

// state translates. What makes an answer about a payment must be there: whose, how far, how much, and as
// of when; without it the body is some other text that happens to be JSON.
func (r reader) state(p paymentBody) (payment.ProviderState, error) {
	if !r.ours(p) || r.foreign(p) != "" {
		r.unknown = nil // words about other sales of the account are not counted
	}
	updated := cmp.Or(p.DateLastUpdated, p.DateApproved, p.DateCreated)
	switch {
	case !decimal(string(p.ID)):
		return payment.ProviderState{}, unreadable(errors.New("no payment id"))
	case p.Status == "":
		return payment.ProviderState{}, unreadable(fmt.Errorf("payment %s without a status", p.ID))
	case !p.Amount.known:
		return payment.ProviderState{}, unreadable(fmt.Errorf("payment %s without an amount", p.ID))
	case updated.IsZero():
		return payment.ProviderState{}, unreadable(fmt.Errorf("payment %s without a date", p.ID))
	}
	status, err := statusOf(p)
	if err != nil {
		r.count(wordStatus)
		return payment.ProviderState{}, fmt.Errorf("payment %s: %w", p.ID, err)
	}
	var failure failure.Code
	if status == payment.Rejected {
		failure = oursToMend[string(p.StatusDetail)]
		if _, known := RejectionOf(string(p.StatusDetail)); !known {
			r.count(wordRejection)
		}
	}
	refunds, err := r.refunds(p.Refunds)
	if err != nil {
		return payment.ProviderState{}, fmt.Errorf("payment %s: %w", p.ID, err)
	}
	buyer := p.PointOfInteraction.first().TransactionData.first()
	fee, net, release := earnings(p, status)
	paid, overpaid := paidAmounts(p, fee, net)
	return payment.ProviderState{
		PaymentID:    string(p.ID),
		Reference:    string(p.ExternalReference),
		Status:       status,
		RawStatus:    string(p.Status),
		StatusDetail: string(p.StatusDetail),
		Money:        payment.Money{Centavos: p.Amount.centavos, Currency: string(p.CurrencyID)},
		Refunded:     p.Refunded.centavos,
		Refunds:      refunds,
		Fee:          fee,
		Net:          net,
		ReleaseAt:    release,
		QRCode:       string(buyer.QRCode),
		TicketURL:    string(cmp.Or(buyer.TicketURL, p.TransactionDetails.first().ExternalResourceURL)),
		EndToEndID:   endToEndID(p),
		Chosen:       chosen(p),
		LastFour:     lastFour(p),
		Challenge:    challenge(p, status),
		Slip:         slip(p),
		AmountPaid:   paid,
		Overpaid:     overpaid,
		ExpiresAt:    ends(p, status),
		BySeller:     p.StatusDetail == "by_collector",
		UpdatedAt:    updated.Time,
		Foreign:      r.foreign(p),
		FailureCode:  failure,
	}, nil
}

// endToEndID is the Central Bank's id of a paid Pix, "" when the answer has none. Answers of real accounts have it as the id of the
// transaction, in two places and after the word PIX; the field that is named after it has been seen with the word and empty. The
// payment's state does not depend on it.
func endToEndID(p paymentBody) string {
	data := p.PointOfInteraction.first().TransactionData.first()
	for _, given := range []text{data.EndToEndID, data.TransactionID, p.TransactionDetails.first().TransactionID} {
		if id := strings.TrimPrefix(string(given), "PIX"); payment.ValidEndToEndID(id) {
			return id
		}
	}
	return ""
}

// authorized is how long a reserved sum may be captured in Brazil (guide "make value reserve").
const authorizedFor = 5 * 24 * time.Hour

// ends is when the buyer can no longer pay, or the seller no longer capture.
func ends(p paymentBody, status payment.Status) time.Time {
	switch {
	case p.DateCreated.IsZero():
	case status == payment.Authorized:
		return p.DateCreated.Add(authorizedFor)
	case challenge(p, status) != nil:
		return p.DateCreated.Add(challengedFor)
	}
	return p.DateOfExpiration.Time
}

// lastFour are four digits or nothing: what else may stand there is not stored.
func lastFour(p paymentBody) string {
	digits := string(p.Card.first().LastFour)
	if len(digits) != 4 || strings.Trim(digits, "0123456789") != "" {
		return ""
	}
	return digits
}

// chosen is how the buyer has chosen to pay a checkout, in Mercado Pago's word, or "".
func chosen(p paymentBody) string {
	if p.Metadata.first().CheckoutID == "" {
		return ""
	}
	return identifier(string(p.PaymentMethodID))
}

// decimal says whether s is a payment ID of Mercado Pago's: digits alone, written in one way only, and
// within int64.
func decimal(s string) bool {
	if s == "" || s[0] == '0' || len(s) > 18 {
		return false
	}
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

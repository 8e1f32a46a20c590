package mercadopago

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
)

// refundBody is what matters of a refund, in Mercado Pago's words (API reference, refunds).
type refundBody struct {
	ID          text   `json:"id"`
	Amount      amount `json:"amount"`
	Status      text   `json:"status"`
	DateCreated date   `json:"date_created"`
}

// Refund gives back a part of a payment, or all of it, under the idempotency key. Repeated with the same arguments it sends the same bytes,
// and Mercado Pago answers with the refund that it made the first time. Invalid and Conflict may only say that the refund is in process:
// look at the payment's refunds before believing them. The buyer may get the money later: the outcome is OutcomeAsked until then.
func (c *Client) Refund(ctx context.Context, p payment.Payment, centavos int64, key string) (payment.ProviderRefund, error) {
	if key == "" || centavos <= 0 || centavos > p.Gross() { // a sum of 0 would refund all
		return payment.ProviderRefund{}, fmt.Errorf("refund payment %s: no idempotency key, or %d centavos of %d", p.ID, centavos, p.Gross())
	}
	id, err := strconv.Atoi(p.Provider.PaymentID)
	if err != nil || !decimal(p.Provider.PaymentID) {
		return payment.ProviderRefund{}, &failure.Error{Kind: failure.Invalid, Message: "Mercado Pago's payment IDs are decimal numbers"}
	}
	var made payment.ProviderRefund
	err = c.ask(ctx, opRefund, p.Provider.PaymentID, key, func(ctx context.Context) (err error) {
		if centavos == p.Gross() {
			_, err = c.refunds.Create(ctx, id) // some payments can be refunded as a whole only (code 3024)
			return err
		}
		_, err = c.refunds.CreatePartialRefund(ctx, id, float64(centavos)/100)
		return err
	}, func(body []byte) error {
		var r refundBody
		if err := json.Unmarshal(body, &r); err != nil {
			return unreadable(err)
		}
		made, err = c.reader().refund(r)
		return err
	})
	if err != nil {
		return payment.ProviderRefund{}, fmt.Errorf("refund payment %s: %w", p.ID, err)
	}
	return made, nil
}

func (r reader) refunds(bodies []refundBody) ([]payment.ProviderRefund, error) {
	var refunds []payment.ProviderRefund
	for _, b := range bodies {
		one, err := r.refund(b)
		if err != nil {
			return nil, err
		}
		refunds = append(refunds, one)
	}
	return refunds, nil
}

func (r reader) refund(b refundBody) (payment.ProviderRefund, error) {
	switch {
	case !decimal(string(b.ID)):
		return payment.ProviderRefund{}, unreadable(errors.New("a refund without an id"))
	case !b.Amount.known:
		return payment.ProviderRefund{}, unreadable(fmt.Errorf("refund %s without an amount", b.ID))
	}
	outcome, known := outcomeOf(b.Status)
	if !known {
		r.count(wordRefund)
	}
	return payment.ProviderRefund{ID: string(b.ID), Amount: b.Amount.centavos, Outcome: outcome, CreatedAt: b.DateCreated.Time}, nil
}

// outcomeOf translates a refund's status (API reference, refunds). A word that is not known here is no end: the payment is looked at again.
func outcomeOf(status text) (o payment.Outcome, known bool) {
	switch status {
	case "approved":
		return payment.OutcomeDone, true
	case "rejected", "cancelled":
		return payment.OutcomeRefused, true
	case "in_process", "authorized", "":
		return payment.OutcomeAsked, true
	}
	return payment.OutcomeAsked, false
}

package mercadopago

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/onlywave/onlywave/internal/failure"
)

// MerchantOrder is what Mercado Pago gathers the payments of a preference in.
type MerchantOrder struct {
	ID        string
	Reference string // the preference's, which is the id of a checkout of ours, or of another sale
	Payments  []OrderPayment
}

// OrderPayment is a payment that was made for an order, or tried. What is said of it here tells whether it is worth asking for.
type OrderPayment struct {
	ID       string
	Status   string // in Mercado Pago's words
	Refunded int64  // centavos
}

// merchantOrderBody is what matters of an order, in Mercado Pago's words (API reference, merchant orders).
type merchantOrderBody struct {
	ID                text                   `json:"id"`
	ExternalReference text                   `json:"external_reference"`
	Payments          many[orderPaymentBody] `json:"payments"`
}

type orderPaymentBody struct {
	ID       text   `json:"id"`
	Status   text   `json:"status"`
	Refunded amount `json:"amount_refunded"`
}

// MerchantOrder reads an order by Mercado Pago's id of it. It may be of another account, or not readable yet; errors as those of Identify.
func (c *Client) MerchantOrder(ctx context.Context, id string) (MerchantOrder, error) {
	if !decimal(id) {
		return MerchantOrder{}, &failure.Error{Kind: failure.Invalid, Message: "Mercado Pago's order IDs are decimal numbers"}
	}
	var found MerchantOrder
	err := c.ask(ctx, opMerchantOrder, id, "", c.get("/merchant_orders/"+id, nil), func(body []byte) error {
		var o merchantOrderBody
		if err := json.Unmarshal(body, &o); err != nil {
			return unreadable(err)
		}
		if string(o.ID) != id {
			return unreadable(errors.New("the answer is about another order"))
		}
		found = MerchantOrder{ID: id, Reference: string(o.ExternalReference)}
		for _, p := range o.Payments {
			if decimal(string(p.ID)) {
				found.Payments = append(found.Payments, OrderPayment{string(p.ID), string(p.Status), p.Refunded.centavos})
			}
		}
		return nil
	})
	if err != nil {
		return MerchantOrder{}, fmt.Errorf("read order %.40q: %w", id, c.guard.refusedAlone(ctx, err))
	}
	return found, nil
}

package mercadopago

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"github.com/onlywave/onlywave/internal/payment"
)

// offerTypes are the payment_type_id of what a payment can be asked for with. Mercado Pago has more, such as the balance of its own
// accounts.
var offerTypes = map[string]payment.OfferType{
	"credit_card": payment.OfferCreditCard, "debit_card": payment.OfferDebitCard, "prepaid_card": payment.OfferPrepaidCard,
}

// Offers lists the ways to pay that Mercado Pago offers to our account and that a payment can be asked for with. One that cannot be read
// does not hide the others.
func (c *Client) Offers(ctx context.Context) (found []payment.Offer, err error) {
	err = c.ask(ctx, opOffers, "offers", "", func(ctx context.Context) error {
		return c.raw(ctx, http.MethodGet, "/v1/payment_methods", nil, nil)
	}, func(body []byte) (err error) {
		found, err = readOffers(body)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list payment methods: %w", err)
	}
	return found, nil
}

// Installments lists what an amount costs with a card, in each number of installments. It is empty when Mercado Pago knows no such card.
func (c *Client) Installments(ctx context.Context, q payment.InstallmentQuestion) (found []payment.InstallmentOffer, err error) {
	query := url.Values{"amount": {reais(q.Amount)}, "bin": {q.BIN}}
	if q.Brand != "" {
		query.Set("payment_method_id", q.Brand)
	}
	// The subject is seen in Redis, and a card's first digits are nobody's business there.
	subject := sha256.Sum256([]byte(query.Encode()))
	err = c.ask(ctx, opInstallments, "installments "+hex.EncodeToString(subject[:8]), "", func(ctx context.Context) error {
		return c.raw(ctx, http.MethodGet, "/v1/payment_methods/installments", query, nil)
	}, func(body []byte) (err error) {
		found, err = readInstallments(body)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list installments: %w", err)
	}
	return found, nil
}

// reais is an amount as Mercado Pago takes it in a query.
func reais(centavos int64) string {
	return strconv.FormatInt(centavos/100, 10) + fmt.Sprintf(".%02d", centavos%100)
}

// eachOf reads a list, and leaves out what cannot be read. A list of which nothing can be read is not readable.
func eachOf[T any](body []byte) ([]T, error) {
	var parts []json.RawMessage
	if err := json.Unmarshal(body, &parts); err != nil {
		return nil, unreadable(err)
	}
	var read []T
	var failed error
	for _, part := range parts {
		var one T
		if err := json.Unmarshal(part, &one); err != nil {
			failed = err
			continue
		}
		read = append(read, one)
	}
	if len(read) == 0 && failed != nil {
		return nil, unreadable(failed)
	}
	return read, nil
}

func readOffers(body []byte) ([]payment.Offer, error) {
	type method struct {
		ID              text   `json:"id"`
		Name            text   `json:"name"`
		Type            text   `json:"payment_type_id"`
		Status          text   `json:"status"`
		DeferredCapture text   `json:"deferred_capture"`
		AmountMin       amount `json:"min_allowed_amount"`
		AmountMax       amount `json:"max_allowed_amount"`
	}
	methods, err := eachOf[method](body)
	if err != nil {
		return nil, err
	}
	var offers []payment.Offer
	for _, m := range methods {
		o := payment.Offer{
			Method: payment.Card, ID: string(m.ID), Type: offerTypes[string(m.Type)], Name: string(m.Name),
			AmountMin: m.AmountMin.centavos, AmountMax: m.AmountMax.centavos, Capture: m.DeferredCapture == "supported",
		}
		switch m.ID {
		case pixID:
			o.Method, o.Type = payment.Pix, payment.OfferPix
		case boletoID:
			o.Method, o.Type = payment.Boleto, payment.OfferBoleto
		}
		if o.ID != "" && o.Type != "" && (m.Status == "active" || m.Status == "") {
			offers = append(offers, o)
		}
	}
	return offers, nil
}

func readInstallments(body []byte) ([]payment.InstallmentOffer, error) {
	type cost struct {
		Count text   `json:"installments"`
		Each  amount `json:"installment_amount"`
		Total amount `json:"total_amount"`
	}
	type offer struct {
		Brand  text `json:"payment_method_id"`
		Type   text `json:"payment_type_id"`
		Issuer struct {
			ID   text `json:"id"`
			Name text `json:"name"`
		} `json:"issuer"`
		Costs []cost `json:"payer_costs"`
	}
	found, err := eachOf[offer](body)
	if err != nil {
		return nil, err
	}
	var offers []payment.InstallmentOffer
	for _, f := range found {
		o := payment.InstallmentOffer{Brand: string(f.Brand), Type: offerTypes[string(f.Type)], IssuerID: string(f.Issuer.ID), IssuerName: string(f.Issuer.Name)}
		for _, cost := range f.Costs {
			count, err := strconv.Atoi(string(cost.Count))
			if err == nil && count >= 1 && count <= payment.CardInstallmentsMax && cost.Each.centavos > 0 && cost.Total.centavos > 0 {
				o.Plans = append(o.Plans, payment.InstallmentPlan{Count: count, Each: cost.Each.centavos, Total: cost.Total.centavos})
			}
		}
		if o.Brand != "" && o.Type != "" && len(o.Plans) > 0 {
			offers = append(offers, o)
		}
	}
	if len(found) > 0 && len(offers) == 0 {
		return nil, unreadable(errors.New("no installments in the answer"))
	}
	return offers, nil
}

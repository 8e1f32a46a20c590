package resets

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/onlywave/onlywave/internal/mercadopago"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/postgres"
	"github.com/onlywave/onlywave/test/platform"
)

// row is what the database has of the payment when its run is reset.
type row string

const (
	rowKept  row = "as the recorded run has left it"
	rowOlder row = "as it was just opened"
	rowLost  row = "lost"
)

// charge makes the recorded charge, a boleto as the product does.
func (p *player) charge(ctx context.Context, old story, paymentID, key, token string, card *payment.CardMethod) (id, status string, err error) {
	if old.input.Creation == nil || old.input.Creation.Request.Method.Type != payment.Boleto {
		return charge(ctx, p.Platform, paymentID, key, token, card, old.provider.Money)
	}
	slip := payment.Payment{ID: paymentID, Request: old.input.Creation.Request, CreatedAt: time.Now()}
	slip.Method.Boleto = &payment.BoletoMethod{DueDate: time.Now().AddDate(0, 0, 10).Format(time.DateOnly)} // the recorded one may be over
	made, err := p.provider.Charge(ctx, mercadopago.ChargeRequest{Payment: slip, Key: key})
	return made.PaymentID, made.RawStatus, err
}

// charge makes the recorded charge at the simulator, under a key and with the card's token, if it is one. The
// result is the provider's id, and its word for where the charge stands.
func charge(ctx context.Context, p *platform.Platform, paymentID, key, token string, card *payment.CardMethod, amount payment.Money) (id, status string, err error) {
	method, payer := `"payment_method_id": "pix"`, fmt.Sprintf(`"email": %q`, platform.BuyerEmail)
	if token != "" {
		method = fmt.Sprintf(`"payment_method_id": "master", "installments": 1, "token": %q, "capture": %t, "three_d_secure_mode": %q`,
			token, !card.AuthorizeOnly, card.ThreeDSecure)
		if card.ProviderCustomerID != "" {
			payer += fmt.Sprintf(`, "type": "customer", "id": %q`, card.ProviderCustomerID)
		}
	}
	body := fmt.Sprintf(`{"transaction_amount": %d.%02d, %s, "external_reference": %q, "payer": {%s}}`,
		amount.Centavos/100, amount.Centavos%100, method, paymentID, payer)
	answer, err := platform.Send(ctx, nil, http.MethodPost, p.Provider.URL+"/v1/payments", body,
		"Authorization", "Bearer "+p.Secrets()["access token"], "Content-Type", "application/json", "X-Idempotency-Key", key)
	if err != nil {
		return "", "", err
	}
	var made struct {
		ID     int64  `json:"id"`
		Status string `json:"status"`
	}
	err = answer.Decode(&made)
	return strconv.FormatInt(made.ID, 10), made.Status, err
}

// bring brings the charge from where it stands to the status. That of a card is there already, by its holder's name, or in review, or waits
// for a challenge, or its money is reserved.
func bring(ctx context.Context, p *platform.Platform, providerID, from string, card bool, to payment.Status) error {
	switch {
	case from == "pending" && card && (to == payment.Approved || to == payment.Rejected):
		return p.Provider.EndChallenge(ctx, providerID, to == payment.Approved)
	case from == "authorized" && (to == payment.Expired || to == payment.Cancelled):
		return p.Provider.Expire(ctx, providerID)
	case from == "in_process" && to == payment.Approved:
		return p.Provider.Approve(ctx, providerID)
	case from == "in_process" && to == payment.Rejected:
		return p.Provider.Reject(ctx, providerID)
	case from != "pending":
		return nil
	}
	switch to {
	case payment.Approved, payment.PartiallyRefunded, payment.Refunded: // the refunds are made then
		return p.Provider.Pay(ctx, providerID)
	case payment.Expired, payment.Cancelled:
		return p.Provider.Expire(ctx, providerID)
	case payment.Pending:
		return nil
	}
	return fmt.Errorf("the simulator cannot make a payment %s", to)
}

// write writes the payment's row, as far as the case wants it.
func write(ctx context.Context, database *postgres.Store, s story, id, key string, how row, asked time.Time) error {
	if how == rowLost || !s.opened.Found {
		return nil
	}
	request := payment.Request{
		Amount: s.opened.Money, Method: payment.Method{Type: payment.Pix, ExpiresIn: 3600}, Payer: payment.Payer{Email: platform.BuyerEmail},
	}
	if s.input.Creation != nil {
		request = s.input.Creation.Request
	}
	p := payment.Payment{
		ID: id, ClientID: clientApp, IdempotencyKey: key, Fingerprint: request.Fingerprint(), Request: request,
		Status: payment.Processing, Provider: payment.NewProvider(), CreatedAt: asked.Truncate(time.Microsecond), UpdatedAt: asked,
	}
	if s.input.Creation != nil && s.input.Creation.Attempt != nil {
		p.CheckoutID, p.Provider.PaymentID = s.input.Creation.Attempt.CheckoutID, s.input.Creation.Attempt.ProviderPaymentID
	}
	p.Instructions.ExpiresAt = p.Method.End(p.CreatedAt)
	if p.OnPage() {
		p.Status, p.Instructions.ExpiresAt = payment.Pending, p.CardEnd()
	}
	if _, _, err := database.OpenPayment(ctx, p); err != nil || how == rowOlder {
		return err
	}
	err := writeCards(ctx, database, s, id, asked.Add(time.Millisecond))
	switch {
	case err != nil:
	case p.OnPage() && s.provider == nil && s.status.EndedUnpaid():
		_, err = database.EndEntry(ctx, id, s.status, asked.Add(time.Second))
	case s.status == payment.Failed:
		_, err = database.Fail(ctx, id, "", "refused", asked.Add(time.Second))
	case s.status == payment.Unknown:
		_, err = database.Park(ctx, id, "no answer", asked.Add(time.Second))
	case s.provider != nil:
		if err := writeRefunds(ctx, database, s, id, asked.Add(time.Second)); err != nil {
			return err
		}
		_, err = database.Apply(ctx, id, *s.provider, asked.Add(time.Second))
	}
	return err
}

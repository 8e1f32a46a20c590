package mercadopago

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	sdk "github.com/mercadopago/sdk-go/pkg/payment"

	"github.com/onlywave/onlywave/internal/breaker"
	"github.com/onlywave/onlywave/internal/payment"
)

// charges is the table of payment methods: what each one's charge is called in metrics and traces, and its request. A new method is a line
// here, and a file with its request.
var charges = map[payment.MethodType]struct {
	call    operation
	request func(*Client, ChargeRequest) sdk.Request
}{
	payment.Pix:    {operation{name: "create_pix", breaker: breaker.Charge}, (*Client).pixRequest},
	payment.Card:   {operation{name: "create_card", breaker: breaker.Charge}, (*Client).cardRequest},
	payment.Boleto: {operation{name: "create_boleto", breaker: breaker.Charge}, (*Client).boletoRequest},
}

// request is what the requests of all methods have. It is made of the stored payment alone, never of the clock: a retry must repeat every
// byte, or Mercado Pago takes it for another request under a used key.
func (c *Client) request(p payment.Payment) sdk.Request {
	return sdk.Request{
		TransactionAmount: float64(p.Amount.Centavos) / 100, // the closest float64 prints as at most two decimals
		ExternalReference: p.ID,
		Description:       cmp.Or(p.Description, "Payment "+cmp.Or(p.Reference, p.ID)),
		NotificationURL:   c.notify(p.ID),
		Payer:             payer(p.Payer),
		Metadata:          map[string]any{"payment_id": p.ID},
	}
}

// legalTime is Brasília's, without summer time since 2019.
var legalTime = time.FixedZone("", -3*60*60)

// providerDate ends one millisecond past a whole second. Mercado Pago wants yyyy-MM-dd'T'HH:mm:ss.SSS with a
// numeric offset (error 23 otherwise), and the SDK's encoding would leave out a fraction of zero.
func providerDate(t time.Time) time.Time {
	return t.Truncate(time.Second).Add(time.Millisecond).In(legalTime)
}

func payer(p payment.Payer) *sdk.PayerRequest {
	first, last, _ := strings.Cut(p.Name, " ")
	request := &sdk.PayerRequest{Email: p.Email, FirstName: first, LastName: strings.TrimSpace(last)}
	switch len(p.TaxID) {
	case 11:
		request.Identification = &sdk.IdentificationRequest{Type: "CPF", Number: p.TaxID}
	case 14:
		request.Identification = &sdk.IdentificationRequest{Type: "CNPJ", Number: p.TaxID}
	}
	if a := p.Address; a != (payment.Address{}) {
		request.Address = &sdk.AddressRequest{
			ZipCode: a.ZipCode, StreetName: a.Street, StreetNumber: a.Number, Neighborhood: a.Neighborhood, City: a.City, FederalUnit: a.State,
		}
	}
	return request
}

// notify is where Mercado Pago sends notifications of the payment. Our ID travels with it, so that a notification
// finds its payment without a search; source_news avoids a second copy in the old IPN format.
func (c *Client) notify(paymentID string) string {
	if c.notificationURL == nil {
		return ""
	}
	u := *c.notificationURL
	q := u.Query()
	if paymentID != "" { // a checkout's payments are not known yet
		q.Set("payment_id", paymentID)
	}
	q.Set("source_news", "webhooks")
	u.RawQuery = q.Encode()
	return u.String()
}

// parseNotificationURL also makes sure that there is room for what notify adds.
func parseNotificationURL(text string) (*url.URL, error) {
	if text == "" {
		return nil, nil
	}
	u, err := parseURL(text)
	if err != nil {
		return nil, err
	}
	if u.Fragment != "" || u.User != nil {
		return nil, errors.New("must have neither a fragment nor a user")
	}
	longest := (&Client{notificationURL: u}).notify(strings.Repeat("0", 36))
	if len(longest) > maxNotificationURL {
		return nil, fmt.Errorf("too long by %d characters", len(longest)-maxNotificationURL)
	}
	return u, nil
}

// maxNotificationURL is the length that the API reference allows for notification_url.
const maxNotificationURL = 248

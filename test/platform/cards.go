package platform

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
)

// Customer is what a client app reads of a customer.
type Customer struct {
	ID string `json:"id"`
}

// SavedCard is what a client app reads of a card of a customer.
type SavedCard struct {
	ID              string `json:"id"`
	ProviderCardID  string `json:"provider_card_id"`
	PaymentMethodID string `json:"payment_method_id"`
}

// PostCustomer asks for the customer of an e-mail address.
func (s *Shop) PostCustomer(ctx context.Context, email string) (Answer, error) {
	return s.send(ctx, "/v1/customers", fmt.Sprintf(`{"email": %q, "name": %q, "tax_id": %q}`, email, BuyerName, BuyerTaxID))
}

// PostCard asks to save the card of a token.
func (s *Shop) PostCard(ctx context.Context, customerID, token string) (Answer, error) {
	return s.send(ctx, "/v1/customers/"+customerID+"/cards", fmt.Sprintf(`{"token": %q}`, token))
}

func (s *Shop) send(ctx context.Context, path, body string) (Answer, error) {
	return Send(ctx, s.HTTP, http.MethodPost, s.URL+path, body, "Authorization", "Bearer "+s.Key, "Content-Type", "application/json")
}

// SavedCardToken makes a token of a saved card, whose security code the buyer has typed.
func (p *Provider) SavedCardToken(ctx context.Context, providerCardID string) (string, error) {
	return p.token(ctx, fmt.Sprintf(`{"card_id": %q, "security_code": "123"}`, providerCardID))
}

func (p *Provider) token(ctx context.Context, body string) (string, error) {
	var made struct {
		ID string `json:"id"`
	}
	err := p.call(ctx, http.MethodPost, "/v1/card_tokens", body, &made)
	return made.ID, err
}

// EnterCard posts the form of the pay page with the token of a card, as a buyer's browser does. The page may say that there is a problem, so that
// the card is to be sent again.
func (s *Shop) EnterCard(ctx context.Context, page, token string) (problem string, err error) {
	link, err := url.Parse(page)
	if err != nil {
		return "", err
	}
	form := url.Values{
		"token": {token}, "payment_method_id": {"master"}, "issuer_id": {"24"}, "installments": {"1"}, "device_id": {"armor.1"}, "tax_id": {BuyerTaxID},
	}
	browser := *cmp.Or(s.HTTP, connections)
	browser.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	answer, err := Send(ctx, &browser, http.MethodPost, s.URL+link.Path+"/card", form.Encode(), "Content-Type", "application/x-www-form-urlencoded")
	if err != nil {
		return "", err
	}
	back, err := url.Parse(answer.Header.Get("Location"))
	if err == nil && answer.Status != http.StatusSeeOther {
		err = fmt.Errorf("answer %d", answer.Status)
	}
	if err != nil {
		return "", err
	}
	return back.Query().Get("problem"), nil
}

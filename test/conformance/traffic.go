package conformance

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/mercadopago"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/test/simulator"
)

// Traffic plays everything that the adapter does against a simulator, and returns what went over the wire.
func Traffic(ctx context.Context) ([]Exchange, error) {
	s := simulator.New(simulator.Config{AccessToken: "TEST-1"})
	server := httptest.NewServer(s)
	defer server.Close()
	defer s.Close()
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	recorder := &Recorder{Transport: transport}
	client, err := mercadopago.New(mercadopago.Config{
		BaseURL: server.URL, AccessToken: "TEST-1", HTTPTransport: recorder,
		NotificationURL: "https://127.0.0.1:1/webhooks/mercadopago", // where nobody answers, and no name is looked up
	})
	if err != nil {
		return nil, err
	}
	p := &play{ctx: ctx, simulator: s, client: client, url: server.URL, browser: &http.Client{Transport: recorder}}
	p.refusals(recorder, server.URL)
	p.checkout()
	p.pix()
	p.boleto()
	p.preferences()
	p.cards()
	p.reservations()
	p.vault()
	p.disputes()
	p.searches()
	if p.err != nil {
		return nil, p.err
	}
	return recorder.Exchanges(), nil
}

// play remembers the first failure.
type play struct {
	ctx       context.Context
	simulator *simulator.Simulator
	client    *mercadopago.Client
	browser   *http.Client
	url       string
	err       error
}

func (p *play) must(err error) {
	p.err = errors.Join(p.err, err)
}

func (p *play) mustBe(kind failure.Kind, err error) {
	if got := failure.KindOf(err); err == nil || got != kind {
		p.must(fmt.Errorf("expected an error of kind %s: %w", kind, err))
	}
}

func sale(key string, method payment.Method) payment.Payment {
	return payment.Payment{
		ID: payment.NewID("conformance", key), CreatedAt: time.Now(),
		Request: payment.Request{
			Amount: payment.Money{Centavos: 10_050, Currency: payment.BRL}, Description: "Pedido 1042", Reference: "pedido-1042", Method: method,
			Payer: payment.Payer{
				Email: "ana@example.com", Name: "Ana Maria de Souza", TaxID: "12345678909",
				Address: payment.Address{ZipCode: "01310100", Street: "Avenida Paulista", Number: "1000", Neighborhood: "Bela Vista", City: "São Paulo", State: "SP"},
			},
		},
	}
}

// charge asks for a payment's money, and reads it.
func (p *play) charge(sold payment.Payment, secrets payment.CardSecrets) payment.Payment {
	state, err := p.client.Charge(p.ctx, mercadopago.ChargeRequest{Payment: sold, Secrets: secrets, Key: payment.NewID("key", sold.ID)})
	p.must(err)
	sold.Provider.PaymentID = state.PaymentID
	_, err = p.client.Get(p.ctx, state.PaymentID)
	p.must(err)
	return sold
}

func (p *play) refund(sold payment.Payment, centavos int64) {
	_, err := p.client.Refund(p.ctx, sold, centavos, payment.NewID("refund", fmt.Sprint(sold.ID, centavos)))
	p.must(err)
	_, err = p.client.Get(p.ctx, sold.Provider.PaymentID)
	p.must(err)
}

func (p *play) checkout() {
	_, err := p.client.Account(p.ctx)
	p.must(err)
	_, err = p.client.Offers(p.ctx)
	p.must(err)
	_, err = p.client.Installments(p.ctx, payment.InstallmentQuestion{Amount: 10_050, BIN: "503143"})
	p.must(err)
	_, err = p.client.Installments(p.ctx, payment.InstallmentQuestion{Amount: 10_050, BIN: "503143", Brand: "master"})
	p.must(err)
}

func (p *play) pix() {
	pix := payment.Method{Type: payment.Pix, ExpiresIn: 3600}
	paid := p.charge(sale("pix", pix), payment.CardSecrets{})
	p.must(p.simulator.Pay(paid.Provider.PaymentID))
	p.refund(paid, 2_525)
	p.refund(paid, 7_525)
	left := p.charge(sale("pix that is left", pix), payment.CardSecrets{})
	_, err := p.client.Cancel(p.ctx, left.Provider.PaymentID, payment.NewID("cancel", left.ID))
	p.must(err)
	_, err = p.client.Cancel(p.ctx, left.Provider.PaymentID, payment.NewID("cancel", left.ID))
	p.mustBe(failure.Conflict, err)
	expired := p.charge(sale("pix that expires", pix), payment.CardSecrets{})
	p.must(p.simulator.Expire(expired.Provider.PaymentID))
	_, err = p.client.Get(p.ctx, expired.Provider.PaymentID)
	p.must(err)
	whole := p.charge(sale("pix that is refunded", pix), payment.CardSecrets{})
	p.must(p.simulator.Pay(whole.Provider.PaymentID))
	p.refund(whole, 10_050)
}

func (p *play) boleto() {
	due := time.Now().AddDate(0, 0, 10).Format(time.DateOnly)
	until := time.Now().AddDate(0, 0, 5).Format(time.DateOnly)
	slip := p.charge(sale("boleto", payment.Method{Type: payment.Boleto, Boleto: &payment.BoletoMethod{
		DueDate: due, Fine: 200, Interest: 100, Discount: payment.Discount{Amount: 500, Until: until},
	}}), payment.CardSecrets{})
	p.must(p.simulator.Pay(slip.Provider.PaymentID))
	_, err := p.client.Get(p.ctx, slip.Provider.PaymentID)
	p.must(err)
}

// preferences are made, found again, paid at the second try, and closed.
func (p *play) preferences() {
	sold := payment.Checkout{
		ID: payment.NewCheckoutID("conformance", "checkout"), CreatedAt: time.Now(), CheckoutRequest: payment.CheckoutRequest{
			Amount: payment.Money{Centavos: 10_050, Currency: payment.BRL}, Reference: "pedido-1042", Email: "ana@example.com", ExpiresIn: 3600, Installments: 3,
			Items:   []payment.CheckoutItem{{Title: "Camiseta", Quantity: 2, UnitPrice: 5_025}},
			Exclude: []payment.OfferType{payment.OfferBoleto}, BackURLs: payment.BackURLs{Success: "https://shop.example.com/thanks"},
		},
	}
	made, err := p.client.MakePreference(p.ctx, sold)
	p.must(err)
	_, _, err = p.client.FindPreference(p.ctx, sold.ID)
	p.must(err)
	for _, holder := range []string{"OTHE", "APRO"} {
		_, err = p.simulator.Try(made.ID, simulator.Attempt{Method: "master", Holder: holder})
		p.must(err)
	}
	_, err = p.client.PaymentsByReference(p.ctx, sold.ID)
	p.must(err)
	order, _ := p.simulator.OrderOf(made.ID)
	_, err = p.client.MerchantOrder(p.ctx, order)
	p.must(err)
	sold.PreferenceID = made.ID
	p.must(p.client.ClosePreference(p.ctx, sold, time.Now()))
}

func (p *play) cards() {
	for _, holder := range simulator.Holders() {
		p.charge(sale("card "+holder, payment.Method{Type: payment.Card, Card: &payment.CardMethod{
			Brand: "master", Installments: 3, IssuerID: "24", Descriptor: "ONLYWAVE",
		}}), payment.CardSecrets{Token: p.token(holder), DeviceID: "armor.1"})
	}
}

// reservations are captured whole, captured in part, and given up.
func (p *play) reservations() {
	reserve := func(key string) payment.Payment {
		return p.charge(sale(key, payment.Method{Type: payment.Card, Card: &payment.CardMethod{Brand: "master", Installments: 1, AuthorizeOnly: true}}),
			payment.CardSecrets{Token: p.token("APRO")})
	}
	for centavos, key := range map[int64]string{10_050: "captured whole", 7_525: "captured in part"} {
		reserved := reserve(key)
		_, err := p.client.Capture(p.ctx, reserved, centavos, payment.NewID("capture", reserved.ID))
		p.must(err)
	}
	given := reserve("given up")
	_, err := p.client.Cancel(p.ctx, given.Provider.PaymentID, payment.NewID("cancel", given.ID))
	p.must(err)
}

// disputes are a chargeback about which documents are sent, and a claim that becomes a mediation.
func (p *play) disputes() {
	pix := payment.Method{Type: payment.Pix, ExpiresIn: 3600}
	paid := func(key string) string {
		sold := p.charge(sale(key, pix), payment.CardSecrets{})
		p.must(p.simulator.Pay(sold.Provider.PaymentID))
		return sold.Provider.PaymentID
	}
	bought := paid("chargeback")
	chargeback, err := p.simulator.OpenChargeback(bought)
	p.must(err)
	read := func() {
		_, err := p.client.Chargeback(p.ctx, chargeback)
		p.must(err)
		_, err = p.client.Chargebacks(p.ctx, bought)
		p.must(err)
	}
	read()
	documents := []payment.Document{payment.NewDocument("nota.pdf", []byte("%PDF-1.7")), payment.NewDocument("entrega.jpg", []byte("\xff\xd8\xff\xe0"))}
	p.mustBe(failure.Invalid, p.client.SendDocuments(p.ctx, chargeback, "documents-1", []payment.Document{payment.NewDocument("nota.txt", []byte("nota"))}))
	p.must(p.client.SendDocuments(p.ctx, chargeback, "documents-1", documents))
	p.mustBe(failure.Conflict, p.client.SendDocuments(p.ctx, chargeback, "documents-1", documents))
	read()
	p.must(p.simulator.DecideChargeback(chargeback, true))
	read()

	complained := paid("claim")
	claim, err := p.simulator.OpenClaim(complained)
	p.must(err)
	for _, step := range []func() error{
		func() error { return nil },
		func() error { return p.simulator.MediateClaim(claim) },
		func() error { return p.simulator.CloseClaim(claim, false) },
	} {
		p.must(step())
		_, err = p.client.Claim(p.ctx, claim)
		p.must(err)
		_, err = p.client.Claims(p.ctx, complained)
		p.must(err)
	}
}

// vault saves a card, pays with it, and removes all.
func (p *play) vault() {
	ana := payment.CustomerRequest{Email: "ana@example.com", Name: "Ana Maria de Souza", TaxID: "12345678909"}
	id, err := p.client.Customer(p.ctx, ana)
	p.must(err)
	p.simulator.SetFaults([]simulator.Fault{{On: simulator.Customers, Kind: simulator.KindSearchLag, Times: 1}})
	_, err = p.client.Customer(p.ctx, ana)
	p.must(err)
	p.simulator.SetFaults(nil)
	token := p.token("APRO")
	card, err := p.client.SaveCard(p.ctx, id, token)
	p.must(err)
	_, err = p.client.SaveCard(p.ctx, id, token) // used up
	p.must(err)
	saved := p.makeToken(map[string]any{"card_id": card.ID, "security_code": "123"})
	p.charge(sale("saved card", payment.Method{Type: payment.Card, Card: &payment.CardMethod{
		Brand: "master", Installments: 1, CustomerID: payment.NewID("customer", id), ProviderCustomerID: id,
	}}), payment.CardSecrets{Token: saved})
	for range 2 {
		p.must(p.client.RemoveFromVault(p.ctx, payment.VaultRemoval{CustomerID: id, Customer: true, CardIDs: []string{card.ID}}))
	}
}

// token is made as the buyer's browser makes it.
func (p *play) token(holder string) string {
	return p.makeToken(map[string]any{
		"card_number": "5031433215406351", "expiration_month": 11, "expiration_year": 2030, "security_code": "123",
		"cardholder": map[string]any{"name": holder, "identification": map[string]any{"type": "CPF", "number": "12345678909"}},
	})
}

func (p *play) makeToken(card map[string]any) string {
	body, err := json.Marshal(card)
	p.must(err)
	request, err := http.NewRequestWithContext(p.ctx, http.MethodPost, p.url+"/v1/card_tokens", bytes.NewReader(body))
	p.must(err)
	request.Header.Set("Content-Type", "application/json")
	response, err := p.browser.Do(request)
	if p.must(err); err != nil {
		return ""
	}
	defer func() { _ = response.Body.Close() }()
	var made struct{ ID string }
	p.must(json.NewDecoder(response.Body).Decode(&made))
	return made.ID
}

func (p *play) searches() {
	_, _, err := p.client.FindByReference(p.ctx, payment.NewID("conformance", "pix"))
	p.must(err)
	_, err = p.client.ChangesIn(p.ctx, mercadopago.Window{From: time.Now().Add(-time.Hour), To: time.Now()})
	p.must(err)
}

// refusals are answers that are errors.
func (p *play) refusals(recorder *Recorder, url string) {
	wrong := sale("wrong", payment.Method{Type: payment.Pix, ExpiresIn: 3600})
	wrong.Payer.TaxID = "12345678900"
	_, err := p.client.Charge(p.ctx, mercadopago.ChargeRequest{Payment: wrong, Key: payment.NewID("key", wrong.ID)})
	p.mustBe(failure.Invalid, err)
	_, err = p.client.Get(p.ctx, "999999999999")
	p.mustBe(failure.NotFound, err)
	wrongToken, err := mercadopago.New(mercadopago.Config{BaseURL: url, AccessToken: "TEST-2", HTTPTransport: recorder})
	p.must(err)
	_, err = wrongToken.Get(p.ctx, "999999999999")
	p.mustBe(failure.Unauthorized, err)
	for _, fault := range []simulator.Fault{
		{On: simulator.Get, Kind: simulator.KindRateLimited, Times: 1}, {On: simulator.Get, Kind: simulator.KindError, Times: 1},
	} {
		p.simulator.SetFaults([]simulator.Fault{fault})
		_, err = p.client.Get(p.ctx, "999999999999")
		if err == nil {
			p.must(errors.New("the simulator did not fail as it was asked to"))
		}
	}
	p.simulator.SetFaults(nil)
}

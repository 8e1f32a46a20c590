package paypage

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/lookup"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/workflows"
)

// cardShop is a shop whose buyers enter cards. What they enter is kept here instead of charged.
type cardShop struct {
	*shop
	mu      sync.Mutex
	entered []workflows.CardInput
	fails   error
}

func newCardShop(t *testing.T, script string) *cardShop {
	t.Helper()
	s := &cardShop{shop: newShop(t)}
	pages, err := New(Config{
		Payments: lookup.Payments{Database: s.database, Workflows: noRuns{}}, Links: s.links, Log: slog.New(slog.DiscardHandler),
		Cards: &Cards{
			PublicKey: "TEST-key", ScriptURL: script,
			Enter: func(_ context.Context, in workflows.CardInput) (payment.Status, error) {
				s.mu.Lock()
				defer s.mu.Unlock()
				s.entered = append(s.entered, in)
				return payment.Approved, s.fails
			},
			Installments: func(_ context.Context, q payment.InstallmentQuestion) ([]payment.InstallmentOffer, error) {
				if q.BIN == "99999999" {
					return nil, nil
				}
				return []payment.InstallmentOffer{{Brand: "master", IssuerID: "24", Plans: []payment.InstallmentPlan{{Count: 1, Each: 105000, Total: 105000}, {Count: 4, Each: 30000, Total: 120000}}}}, nil
			},
		},
	})
	require.NoError(t, err)
	server := httptest.NewServer(pages)
	t.Cleanup(server.Close)
	s.pages, s.url = pages, server.URL
	return s
}

const standIn = "http://127.0.0.1:9999/js/v2"

// card is a payment whose buyer may enter a card, and pay in three installments at most.
func (s *cardShop) card(t *testing.T, key, taxID string) payment.Payment {
	t.Helper()
	now := time.Now().UTC().Truncate(time.Microsecond)
	p := payment.Payment{
		ID: payment.NewID("shop", t.Name()+key), ClientID: "shop", IdempotencyKey: t.Name() + key, Status: payment.Pending, Provider: payment.NewProvider(),
		Request: payment.Request{
			Amount: payment.Money{Centavos: 105000, Currency: payment.BRL}, Payer: payment.Payer{Email: "ana@example.com", TaxID: taxID},
			Method: payment.Method{Type: payment.Card, ExpiresIn: 3600, Card: &payment.CardMethod{OnPage: true, Installments: 3}},
		},
		CreatedAt: now, UpdatedAt: now,
	}
	p.Fingerprint, p.Instructions.ExpiresAt = p.Request.Fingerprint(), p.CardEnd()
	p, _, err := s.database.OpenPayment(t.Context(), p)
	require.NoError(t, err)
	return p
}

// post sends the form as a browser does, and does not follow where it leads.
func post(t *testing.T, address string, form url.Values) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, strings.NewReader(form.Encode()))
	require.NoError(t, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := client.Do(r)
	require.NoError(t, err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	return answer, string(body)
}

func form() url.Values {
	return url.Values{
		"token": {"e3ed6f098462036dd2cbabe314b9de2a"}, "payment_method_id": {"master"}, "issuer_id": {"24"}, "installments": {"3"},
		"tax_id": {"123.456.789-09"}, "device_id": {"armor.7"},
	}
}

// Only the page on which a card is entered may load the script and its frames; all others load nothing from elsewhere.
func TestThePageOfACard(t *testing.T) {
	t.Parallel()
	s := newCardShop(t, standIn)
	p := s.card(t, "", "")
	answer, body := get(t, s.address(p, "?lang=en"))
	for _, text := range []string{"Pay with your card", `src="` + standIn + `"`, `data-key="TEST-key"`, "/pay/static/card.js"} {
		require.Contains(t, body, text)
	}
	require.NotContains(t, body, "ana@example.com")
	csp := answer.Header.Get("Content-Security-Policy")
	for _, directive := range []string{"script-src 'self' http://127.0.0.1:9999;", "frame-src http://127.0.0.1:9999;", "connect-src 'self' http://127.0.0.1:9999;", "form-action 'self'", "default-src 'none'", "frame-ancestors 'none'"} {
		require.Contains(t, csp, directive)
	}
	pix, _ := get(t, s.address(s.pix(t), ""))
	require.Equal(t, policy("'none'"), pix.Header.Get("Content-Security-Policy"))

	real := (&Cards{ScriptURL: "https://sdk.mercadopago.com/js/v2"}).policy()
	for _, directive := range []string{"script-src 'self' https://sdk.mercadopago.com https://http2.mlstatic.com;", "frame-src https://secure-fields.mercadopago.com;"} {
		require.Contains(t, real, directive)
	}
	without, body := get(t, newShopOn(t, s.shop).address(p, ""))
	require.Equal(t, policy("'none'"), without.Header.Get("Content-Security-Policy"), "no public key, no script")
	require.NotContains(t, body, "<form")
}

// newShopOn is the same shop without a public key.
func newShopOn(t *testing.T, of *shop) *shop {
	t.Helper()
	pages, err := New(Config{Payments: lookup.Payments{Database: of.database, Workflows: noRuns{}}, Links: of.links, Log: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	server := httptest.NewServer(pages)
	t.Cleanup(server.Close)
	return &shop{pages: pages, links: of.links, database: of.database, url: server.URL}
}

// What is entered reaches the payment once for each form that is sent, and the browser comes back to the page.
func TestACardIsEntered(t *testing.T) {
	t.Parallel()
	s := newCardShop(t, standIn)
	p := s.card(t, "", "")
	answer, _ := post(t, s.address(p, "/card?lang=en"), form())
	require.Equal(t, http.StatusSeeOther, answer.StatusCode)
	require.Equal(t, strings.TrimPrefix(s.address(p, "?lang=en"), s.url), answer.Header.Get("Location"))
	require.Equal(t, []workflows.CardInput{{
		PaymentID: p.ID, Entry: payment.CardEntry{Brand: "master", Installments: 3, IssuerID: "24"},
		Secrets: payment.CardSecrets{Token: "e3ed6f098462036dd2cbabe314b9de2a", DeviceID: "armor.7", TaxID: "12345678909"},
	}}, s.entered)
	owned := s.card(t, "owned", "12345678909")
	post(t, s.address(owned, "/card"), form())
	require.Empty(t, s.entered[1].Secrets.TaxID, "the client app has named the owner")

	s.fails = &failure.Error{Kind: failure.Conflict, Message: "another card is being charged"}
	answer, _ = post(t, s.address(p, "/card"), form())
	require.Equal(t, http.StatusSeeOther, answer.StatusCode, "the page shows what is charged")
	s.fails = &failure.Error{Kind: failure.Unavailable, Message: "no answer"}
	answer, _ = post(t, s.address(p, "/card?lang=en"), form())
	require.Equal(t, http.StatusSeeOther, answer.StatusCode)
	_, body := get(t, s.url+answer.Header.Get("Location"))
	require.Contains(t, body, "could not be charged right now")
}

// What no page sends reaches no payment.
func TestAWrongFormReachesNoPayment(t *testing.T) {
	t.Parallel()
	s := newCardShop(t, standIn)
	p := s.card(t, "", "")
	for name, wrong := range map[string]string{
		"token": "5031433215406351", "payment_method_id": "pix", "installments": "4", "issuer_id": "<b>", "tax_id": "1",
	} {
		values := form()
		values.Set(name, wrong)
		answer, _ := post(t, s.address(p, "/card?lang=en"), values)
		_, body := get(t, s.url+answer.Header.Get("Location"))
		require.Contains(t, body, `role="alert">Check the card`, name)
	}
	big := form()
	big.Set("token", strings.Repeat("a", maxCardBody))
	answer, _ := post(t, s.address(p, "/card"), big)
	require.Contains(t, answer.Header.Get("Location"), "problem=check")
	answer, _ = post(t, s.url+"/pay/nothing/card", form())
	require.Equal(t, http.StatusNotFound, answer.StatusCode)
	answer, _ = post(t, s.address(s.pix(t), "/card"), form())
	require.Equal(t, http.StatusSeeOther, answer.StatusCode, "it takes no card")
	answer, _ = post(t, newShopOn(t, s.shop).address(p, "/card"), form())
	require.Equal(t, http.StatusNotFound, answer.StatusCode, "no public key")
	require.Empty(t, s.entered)
}

// The buyer sees only what the client app allows, with what the law wants to be shown.
func TestTheInstallmentsOfACard(t *testing.T) {
	t.Parallel()
	s := newCardShop(t, standIn)
	p := s.card(t, "", "")
	_, body := get(t, s.address(p, "/installments?bin=50314332&lang=pt"))
	require.JSONEq(t, `[{"payment_method_id": "master", "issuer_id": "24", "plans": [{"installments": 1, "text": "1x de R$ 1.050,00, total de R$ 1.050,00, sem juros"}]}]`, strings.ReplaceAll(body, "\u00a0", " "))
	_, body = get(t, s.address(p, "/installments?bin=99999999"))
	require.JSONEq(t, `[]`, body)
	for _, address := range []string{s.address(p, "/installments?bin=503"), s.address(s.pix(t), "/installments?bin=50314332")} {
		answer, _ := get(t, address)
		require.Equal(t, http.StatusNotFound, answer.StatusCode)
	}
}

// A rejected card is told with what to do, and another one can be entered.
func TestThePageAfterARejection(t *testing.T) {
	t.Parallel()
	s := newCardShop(t, standIn)
	p := s.card(t, "", "")
	_, err := s.database.TakeCard(t.Context(), p.ID, payment.CardEntry{Brand: "master", Installments: 1}, "print", time.Now())
	require.NoError(t, err)
	_, body := get(t, s.address(p, "?lang=en"))
	require.NotContains(t, body, "<form", "one is being charged")
	answer, _ := post(t, s.address(p, "/card"), form())
	require.Equal(t, http.StatusSeeOther, answer.StatusCode)
	require.Empty(t, s.entered)
	_, err = s.database.RejectCard(t.Context(), p.ID, 1, "7", "cc_rejected_insufficient_amount", time.Now())
	require.NoError(t, err)
	_, body = get(t, s.address(p, "?lang=en"))
	require.Contains(t, body, "The card was not accepted")
	require.Contains(t, body, payment.RejectionFor(payment.InsufficientFunds).English)
	require.Contains(t, body, "<form")
}

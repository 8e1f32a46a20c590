package paypage

import (
	"bufio"
	"context"
	"encoding/xml"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/access"
	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/language"
	"github.com/onlywave/onlywave/internal/lookup"
	"github.com/onlywave/onlywave/internal/paylink"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/postgres"
	"github.com/onlywave/onlywave/internal/postgres/postgrestest"
	"github.com/onlywave/onlywave/test/devstack"
	"github.com/onlywave/onlywave/test/devstack/devstacktest"
)

func TestMain(m *testing.M) { devstacktest.Main(m, devstack.Postgres) }

// noRuns is a Temporal in which nothing has begun.
type noRuns struct{}

func (noRuns) Begun(context.Context, string, string) (bool, error) { return false, nil }

type shop struct {
	pages    *Pages
	links    *paylink.Links
	database *postgres.Store
	url      string
}

func newShop(t *testing.T) *shop {
	t.Helper()
	database, err := postgres.Open(t.Context(), postgrestest.New(t), 4)
	require.NoError(t, err)
	t.Cleanup(database.Close)
	_, err = database.IssueAPIKey(t.Context(), audit.Actor{Name: "test"}, access.KeyRequest{Environment: "test", ClientID: "shop", Scopes: access.Scopes()}, time.Now())
	require.NoError(t, err)
	links, err := paylink.New("http://pay.test", []byte(strings.Repeat("s", 32)))
	require.NoError(t, err)
	pages, err := New(Config{Payments: lookup.Payments{Database: database, Workflows: noRuns{}}, Links: links, Log: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	server := httptest.NewServer(pages)
	t.Cleanup(server.Close)
	return &shop{pages: pages, links: links, database: database, url: server.URL}
}

var ana = payment.Payer{Email: "ana@example.com", Name: "Ana Souza", TaxID: "12345678909"}

// pix is a payment that its buyer can pay.
func (s *shop) pix(t *testing.T) payment.Payment {
	t.Helper()
	now := time.Now().UTC().Truncate(time.Microsecond)
	p := payment.Payment{
		ID: payment.NewID("shop", t.Name()), ClientID: "shop", IdempotencyKey: t.Name(), Status: payment.Processing, Provider: payment.NewProvider(),
		Request: payment.Request{
			Amount: payment.Money{Centavos: 105000, Currency: payment.BRL}, Description: "Order 1 <b>", Method: payment.Method{Type: payment.Pix, ExpiresIn: 3600}, Payer: ana,
		},
		CreatedAt: now, UpdatedAt: now,
	}
	p.Fingerprint = p.Request.Fingerprint()
	p.Instructions.ExpiresAt = now.Add(time.Hour)
	_, _, err := s.database.OpenPayment(t.Context(), p)
	require.NoError(t, err)
	return s.becomes(t, p.ID, payment.Pending)
}

// becomes lets the provider say where the payment stands.
func (s *shop) becomes(t *testing.T, id string, status payment.Status) payment.Payment {
	t.Helper()
	_, err := s.database.Apply(t.Context(), id, payment.ProviderState{
		PaymentID: "106400160592", Reference: id, Status: status, RawStatus: string(status), Money: payment.Money{Centavos: 105000, Currency: payment.BRL},
		QRCode: "00020126580014br.gov.bcb.pix", TicketURL: "https://provider.test/ticket", ExpiresAt: time.Now().Add(time.Hour), UpdatedAt: time.Now(),
	}, time.Now())
	require.NoError(t, err)
	p, err := s.database.Payment(t.Context(), id)
	require.NoError(t, err)
	return p
}

func (s *shop) address(p payment.Payment, rest string) string {
	return s.url + strings.TrimPrefix(s.links.URL(p), "http://pay.test") + rest
}

func get(t *testing.T, url string, header ...string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	require.NoError(t, err)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	answer, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	return answer, string(body)
}

// The page has what the buyer pays with, in the buyer's language, and nothing about the buyer.
func TestThePageOfAPix(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	p := s.pix(t)
	answer, body := get(t, s.address(p, ""))
	require.Equal(t, http.StatusOK, answer.StatusCode)
	for _, text := range []string{`lang="pt-BR"`, "R$ 1.050,00", "Aguardando o seu pagamento", "00020126580014br.gov.bcb.pix", "Order 1 &lt;b&gt;", "/qrcode.svg", "/events?version=2"} {
		require.Contains(t, body, text)
	}
	_, body = get(t, s.address(p, "?lang=en"))
	require.Contains(t, body, "Waiting for your payment")
	for _, personal := range []string{ana.Email, ana.Name, ana.TaxID, p.ID, "provider.test"} {
		require.NotContains(t, body, personal)
	}
	require.NotContains(t, body, "http:")
	require.Equal(t, "no-referrer", answer.Header.Get("Referrer-Policy"))
	require.Contains(t, answer.Header.Get("Content-Security-Policy"), "default-src 'none'")
	require.NotContains(t, body, "<script>")
	require.NotContains(t, body, "style=")

	answer, picture := get(t, s.address(p, "/qrcode.svg"))
	require.Equal(t, "image/svg+xml", answer.Header.Get("Content-Type"))
	require.NoError(t, xml.Unmarshal([]byte(picture), new(struct{})))
	for _, file := range []string{"pay.js", "pay.css"} {
		answer, _ = get(t, s.url+"/pay/static/"+file)
		require.Equal(t, http.StatusOK, answer.StatusCode, file)
	}
}

// A page that shows a payment hears of its change once, and the wait ends with the payment's end.
func TestThePageHearsOfTheChange(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	p := s.pix(t)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.address(p, "/events?version=2"), nil)
	require.NoError(t, err)
	answer, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer answer.Body.Close()
	require.Equal(t, "text/event-stream", answer.Header.Get("Content-Type"))
	lines := bufio.NewScanner(answer.Body)
	require.True(t, lines.Scan())
	require.Equal(t, "retry: 1000", lines.Text())
	approved := s.becomes(t, p.ID, payment.Approved)
	var told []string
	for lines.Scan() {
		if lines.Text() != "" {
			told = append(told, lines.Text())
		}
	}
	require.NoError(t, lines.Err())
	require.Equal(t, []string{"event: changed", "data: 3"}, told)
	_, body := get(t, s.address(approved, ""))
	require.Contains(t, body, `class="state good"`)
	require.Contains(t, body, "Pagamento aprovado")
	require.NotContains(t, body, "data-events")
	require.NotContains(t, body, "00020126")
	answer, _ = get(t, s.address(approved, "/qrcode.svg"))
	require.Equal(t, http.StatusNotFound, answer.StatusCode)
}

// A buyer whose bank asks for a proof is taken there, and the page's form may go nowhere else. An address that is none is not offered.
func TestThePageOfAChallenge(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	p := s.pix(t)
	p.Method = payment.Method{Type: payment.Card, Card: &payment.CardMethod{Brand: "master", Installments: 1}}
	for address, bank := range map[string]string{
		"https://acs.bank.test/c?x=1": "https://acs.bank.test", "javascript:alert(1)": "", "https://a.test; script-src *": "", "": "",
	} {
		p.Instructions.Challenge = &payment.Challenge{URL: address, CReq: "eyJ0"}
		for _, l := range language.All() {
			v := newView(p, l, "t", time.Now())
			require.Equal(t, bank, v.Bank, address)
			require.Equal(t, toProve.in(l), v.State)
			w := httptest.NewRecorder()
			s.pages.write(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil), http.StatusOK, v)
			require.Equal(t, bank != "", strings.Contains(w.Body.String(), `action="`+address+`"`), address)
			require.NotContains(t, w.Body.String(), "javascript:")
		}
		require.Empty(t, newView(p, language.EN, "t", p.Instructions.ExpiresAt).Bank, "its time is over")
	}
	p.Instructions.Challenge = nil
	require.Empty(t, newView(p, language.EN, "t", time.Now()).Bank, "Mercado Pago has not said where")
	require.True(t, strings.HasSuffix(policy("https://acs.bank.test"), "form-action https://acs.bank.test"))
}

// A boleto is shown until its time is over.
func TestThePageOfABoleto(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	p := s.pix(t)
	p.Method = payment.Method{Type: payment.Boleto, Boleto: &payment.BoletoMethod{DueDate: "2026-12-23"}}
	p.Instructions.DigitableLine = "23793381020000000013349811876579116480000105000"
	v := newView(p, language.PT, "t", time.Now())
	require.Equal(t, payment.SpacedLine(p.Instructions.DigitableLine), v.Line)
	require.Equal(t, "23/12/2026", v.Until)
	require.Equal(t, toPay.in(language.PT), v.State)
	v = newView(p, language.PT, "t", p.Instructions.ExpiresAt)
	require.Empty(t, v.Line+v.PDF+v.Until)
	require.Equal(t, timeIsUp.in(language.PT), v.State)
}

// Pages that wait let go when the process wants to stop, and no more wait than there are places for.
func TestWaitingPagesLetGo(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	p := s.pix(t)
	for range mostStreams {
		s.pages.streams <- struct{}{}
	}
	answer, _ := get(t, s.address(p, "/events"))
	require.Equal(t, http.StatusServiceUnavailable, answer.StatusCode)
	for range mostStreams {
		<-s.pages.streams
	}
	s.pages.End()
	answer, body := get(t, s.address(p, "/events?version=2"))
	require.Equal(t, http.StatusOK, answer.StatusCode)
	require.Equal(t, "retry: 1000\n\n", body)
	require.Empty(t, s.pages.streams)
}

func TestNothingIsShownWithoutARightAddress(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	p := s.pix(t)
	good := strings.TrimPrefix(s.links.URL(p), "http://pay.test/pay/")
	for _, token := range []string{p.ID, good[:len(good)-2] + "xx", s.links.Token(p.ID, time.Now().Add(-time.Second)), s.links.Token(payment.NewID("shop", "none"), time.Now().Add(time.Hour))} {
		for _, rest := range []string{"", "/qrcode.svg", "/events"} {
			answer, body := get(t, s.url+"/pay/"+token+rest, "Accept-Language", "en")
			require.Equal(t, http.StatusNotFound, answer.StatusCode, token+rest)
			require.Contains(t, body, "This link is not valid")
		}
	}
}

// Every status has words in both languages, and none that is open says that nothing was charged.
func TestEveryStatusHasWords(t *testing.T) {
	t.Parallel()
	for _, status := range payment.Statuses() {
		p := payment.Payment{Status: status}
		for _, l := range language.All() {
			v := newView(p, l, "t", time.Now())
			require.NotEmpty(t, v.State.Heading, "%s %s", status, l)
			require.NotEmpty(t, v.State.Text, "%s %s", status, l)
			if status.Open() {
				require.NotContains(t, v.State.Text, "Nothing was charged", status)
				require.Equal(t, true, v.Waits)
			}
		}
	}
	require.Equal(t, waits, stateOf(payment.Payment{Status: "new-word"}, time.Now()).tone)
}

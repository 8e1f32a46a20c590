package console

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	temporallog "go.temporal.io/sdk/log"

	"github.com/onlywave/onlywave/internal/access"
	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/deadletter"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/session"
	"github.com/onlywave/onlywave/workflows"
)

var born = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)

// openPayment writes a payment of a client app, created this many seconds after born.
func (e *env) openPayment(client, key string, second int) payment.Payment {
	e.t.Helper()
	return e.openPaymentFor("buyer@example.com", client, key, second)
}

// openPaymentFor is openPayment for the buyer with this e-mail address.
func (e *env) openPaymentFor(email, client, key string, second int) payment.Payment {
	e.t.Helper()
	_, err := e.store.IssueAPIKey(e.t.Context(), audit.Actor{Name: "test"}, access.KeyRequest{Environment: "test", ClientID: client, Scopes: access.Scopes()}, born)
	require.NoError(e.t, err)
	p, _, err := e.store.OpenPayment(e.t.Context(), payment.Payment{
		ID: payment.NewID(client, key), ClientID: client, IdempotencyKey: key, Fingerprint: "f",
		Request: payment.Request{
			Amount: payment.Money{Centavos: 1050, Currency: payment.BRL}, Description: "<script>alert(1)</script>", Reference: key,
			Method: payment.Method{Type: payment.Pix}, Payer: payment.Payer{Email: email, Name: "Buyer", TaxID: "12345678909"},
		},
		Status: payment.Processing, Provider: payment.NewProvider(), CreatedAt: born.Add(time.Duration(second) * time.Second),
	})
	require.NoError(e.t, err)
	return p
}

// column returns the texts of a table's column.
func (p page) column(table, label string) []string {
	return p.Find("#" + table + ` tbody td[data-label="` + label + `"]`).Map(func(_ int, cell *goquery.Selection) string {
		return strings.TrimSpace(cell.Text())
	})
}

func TestAPaymentIsFoundByIDReferenceAndStatus(t *testing.T) {
	t.Parallel()
	e := newEnv(t, session.Options{})
	a, other := e.openPayment("shop", "order-1", 1), e.openPayment("rival", "order-1", 2)
	b := e.openPayment("shop", "order-2", 3)
	_, err := e.store.Apply(t.Context(), a.ID, payment.ProviderState{
		PaymentID: "98765432101", Reference: a.ID, Status: payment.Approved, RawStatus: "approved", StatusDetail: "accredited", Money: a.Amount, UpdatedAt: born,
		EndToEndID: "E18236120202611231925abcDEF12345",
	}, born)
	require.NoError(t, err)
	v := e.as(e.viewer)
	require.Contains(t, v.get("/console/payments/"+a.ID).says("main"), "E18236120202611231925abcDEF12345")
	paid := v.get("/console/payments/" + a.ID)
	require.Equal(t, []string{"pending", "payable"}, paid.column("ledger", "Account"))
	require.Equal(t, []string{"R$ 10.50", "R$ -10.50"}, paid.column("ledger", "Amount"))
	require.Zero(t, v.get("/console/payments/"+b.ID).Find("#ledger").Length(), "it is not paid")
	for _, query := range []string{a.ID, "98765432101", "E18236120202611231925abcDEF12345"} {
		require.Equal(t, "/console/payments/"+a.ID, v.get("/console/payments?q="+query).path)
	}
	require.Equal(t, []string{b.ID[:8], other.ID[:8], a.ID[:8]}, v.get("/console/payments").column("payments", "Payment"))
	require.Equal(t, []string{"rival", "shop"}, v.get("/console/payments?q=order-1&status=").column("payments", "Client"))
	require.Equal(t, []string{"approved"}, v.get("/console/payments?status=approved").column("payments", "Status"))
	require.Empty(t, v.get("/console/payments?q=order-1&status=refunded").column("payments", "Status"))
	for _, wrong := range []string{"status=nonsense", "after=nonsense", "q=" + strings.Repeat("x", 65)} {
		require.Equal(t, http.StatusUnprocessableEntity, v.get("/console/payments?"+wrong).status)
	}
	require.Equal(t, http.StatusNotFound, v.get("/console/payments/x").status)
	none := payment.NewID("nobody", "x")
	require.Equal(t, http.StatusNotFound, v.get("/console/payments/"+none).status)
	e.redriver.begun = none
	accepted := v.get("/console/payments/" + none)
	require.Equal(t, http.StatusServiceUnavailable, accepted.status)
	require.Contains(t, accepted.says("main"), "accepted but not stored yet")
}

func TestPaymentsArePaged(t *testing.T) {
	t.Parallel()
	e := newEnv(t, session.Options{})
	for i := range pageSize + 3 {
		e.openPayment([]string{"shop", "rival"}[i%2], fmt.Sprint("order-", i), i)
	}
	b := e.as(e.viewer)
	first := b.get("/console/payments?status=processing")
	require.Len(t, first.column("payments", "Payment"), pageSize)
	next, ok := first.Find(".more a").Attr("href")
	require.True(t, ok)
	second := b.get(next)
	require.Equal(t, []string{"order-2", "order-1", "order-0"}, second.column("payments", "Reference"))
	require.Zero(t, second.Find(".more a").Length())
}

func TestAPaymentIsShownWithoutItsBuyer(t *testing.T) {
	t.Parallel()
	e := newEnv(t, session.Options{})
	pay := e.openPayment("shop", "order-1", 1)
	_, err := e.store.Park(t.Context(), pay.ID, "no answer", born)
	require.NoError(t, err)
	e.keepDeadLetter("m", func(l *deadletter.Message) { l.PaymentID = pay.ID; l.Cause = deadletter.CauseUnknownOutcome })
	p := e.as(e.viewer).get("/console/payments/" + pay.ID)
	require.Equal(t, "R$ 10.50 unknown", p.says("h1"))
	require.Equal(t, pay.ID, p.says("#payment-id"))
	require.Contains(t, p.says("#timeline"), "The client app shop asked for R$ 10.50 by Pix, reference order-1.")
	require.Contains(t, p.says("#timeline"), "The payment is now unknown")
	require.Contains(t, p.says("#timeline"), payment.ProviderKey(pay.ID, payment.Charge, 1))
	require.Contains(t, p.says("#summary"), "has been unknown since")
	require.Contains(t, p.says("#problems"), "Operators must decide.")
	require.Contains(t, p.says("#commands"), "onlywave payments look "+pay.ID)
	b := e.as(e.viewer)
	b.post("/console/language", "language", "pt-BR", "to", "/console/")
	portuguese := b.get("/console/payments/" + pay.ID)
	require.Contains(t, portuguese.says("#timeline"), "O aplicativo cliente shop pediu R$ 10,50 por Pix, referência order-1.")
	require.Contains(t, portuguese.says("#problems"), "Um operador precisa decidir.")
	require.Equal(t, []string{"the database refused the request"}, p.column("dead-letters", "Error"))
	require.Contains(t, p.says("dl"), "<script>alert(1)</script>", "text stays text")
	link, _ := p.Find(".subject a").Attr("href")
	require.Equal(t, "http://temporal.test/namespaces/default/workflows/payment%2F"+pay.ID, link)
	html, err := p.Html()
	require.NoError(t, err)
	for _, personal := range []string{"buyer@example.com", "12345678909"} {
		require.NotContains(t, html, personal)
	}
}

func TestAnUnknownPaymentIsSettledWithAReason(t *testing.T) {
	t.Parallel()
	e := newEnv(t, session.Options{})
	p := e.openPayment("shop", "order-1", 0)
	path := "/console/payments/" + p.ID
	require.Zero(t, e.as(e.operator).get(path).Find("#settle").Length(), "it is not unknown")
	_, err := e.store.Park(t.Context(), p.ID, "silence", born)
	require.NoError(t, err)
	require.Zero(t, e.as(e.viewer).get(path).Find("#settle").Length(), "a viewer sees no button")
	require.Equal(t, http.StatusForbidden, e.as(e.viewer).post(path+"/settle", "reason", "r").status)

	b := e.as(e.operator)
	shown := b.get(path)
	for _, reason := range []string{"", " ", "4111 1111 1111 1111", strings.Repeat("é", audit.MaxReason+1)} {
		require.Equal(t, http.StatusUnprocessableEntity, b.press(shown, "settle", "confirm", "yes", "reason", reason).status)
	}
	for range 2 {
		settled := b.press(shown, "settle", "confirm", "yes", "reason", "the panel has none")
		require.Equal(t, "The payment is settled as failed.", settled.says(".notice"))
		require.Contains(t, settled.says("#timeline"), "decided by "+e.operator+": the panel has none")
		require.Zero(t, settled.Find("#settle").Length())
	}
	require.Equal(t, http.StatusConflict, b.press(shown, "settle", "confirm", "yes", "reason", "another word").status)
	events, err := e.store.Events(t.Context(), p.ID, 0, 10)
	require.NoError(t, err)
	require.Len(t, events, 3)
	trail, err := e.store.AuditTrail(t.Context(), audit.Filter{Object: "payment/" + p.ID, Limit: audit.MaxList})
	require.NoError(t, err)
	require.Len(t, trail, 1)
	require.Equal(t, []any{e.operator, audit.Console}, []any{trail[0].Actor.Name, trail[0].Actor.Channel})
	require.NotEmpty(t, trail[0].Actor.From)
}

// While Temporal does not answer, the page shows what the database knows and says what is missing.
func TestAPaymentIsShownWithoutTemporal(t *testing.T) {
	t.Parallel()
	e := newEnv(t, session.Options{})
	temporal, err := client.NewLazyClient(client.Options{HostPort: "127.0.0.1:1", Logger: temporallog.NewStructuredLogger(silent)})
	require.NoError(t, err)
	t.Cleanup(temporal.Close)
	e.console.config.Stories.Workflows = workflows.NewClient(temporal, workflows.Polls{})
	pay := e.openPayment("shop", "order-1", 1)
	p := e.as(e.viewer).get("/console/payments/" + pay.ID)
	require.Equal(t, http.StatusOK, p.status)
	require.Contains(t, p.says("#story .advice"), "Temporal does not answer")
	require.Contains(t, p.says("#timeline"), "The client app shop asked for R$ 10.50 by Pix")
}

package console

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/blindindex"
	"github.com/onlywave/onlywave/internal/session"
)

// search fills in the search form of a page and sends it.
func (b *browser) search(p page, text string) page {
	b.t.Helper()
	return b.press(p, "find", "q", text)
}

// searches are the entries of the audit about searches, the newest first.
func (e *env) searches() (found []string) {
	e.t.Helper()
	trail, err := e.store.AuditTrail(e.t.Context(), audit.Filter{Action: audit.PayerSearch, Limit: audit.MaxList})
	require.NoError(e.t, err)
	for _, entry := range trail {
		require.Equal(e.t, "payer/email", entry.Object)
		require.NotContains(e.t, fmt.Sprint(entry), "@")
		found = append(found, entry.Actor.Name+": "+entry.After["found"])
	}
	return found
}

func TestAPaymentIsFoundByTheBuyersEmail(t *testing.T) {
	t.Parallel()
	e := newEnv(t, session.Options{})
	e.store.IndexEmails(blindindex.New(strings.Repeat("search-key", 4)))
	only := e.openPaymentFor("Ana.Souza@example.com", "shop", "order-1", 1)
	for i := range pageSize + 1 {
		e.openPaymentFor("many@example.com", "shop", fmt.Sprint("order-many-", i), i+2)
	}
	named := e.openPaymentFor("bia@example.com", "shop", "bia@42", 99)
	v := e.as(e.viewer)
	form := v.get("/console/payments")
	require.Equal(t, "post", form.Find("#find").Closest("form").AttrOr("method", ""), "what is typed is in no address")

	require.Equal(t, "/console/payments/"+only.ID, v.search(form, " ana.souza@EXAMPLE.com").path)
	many := v.search(form, "MANY@example.com")
	require.Equal(t, "/console/payments", many.path)
	require.Len(t, many.column("payments", "Payment"), pageSize)
	require.Equal(t, fmt.Sprint("order-many-", pageSize), many.column("payments", "Reference")[0], "the newest first")
	require.Contains(t, many.says("main"), "There are more. Only the newest 25 are shown")
	require.Zero(t, many.Find(".more a").Length(), "the address of a next page would hold the e-mail address")
	none := v.search(form, "nobody@example.com")
	require.Contains(t, none.says("main"), "No payments match this search.")
	require.NotContains(t, none.says("main"), "missing")
	require.Equal(t, "/console/payments/"+named.ID, v.search(form, "bia@42").path, "a reference may have an @, too")
	require.Equal(t, http.StatusUnprocessableEntity, v.search(form, strings.Repeat("x", 250)+"@example.com").status)
	require.Equal(t, []string{e.viewer + ": 0", e.viewer + ": 0", e.viewer + ": more than 25", e.viewer + ": 1"}, e.searches())

	for _, address := range []string{"ana.souza", "many@", "nobody@", "example.com"} {
		require.NotContains(t, strings.ToLower(e.logs.String()), address)
	}
	require.Contains(t, e.logs.String(), `"action":"payments searched by e-mail"`)
}

// Only what is not an e-mail address becomes the address of a page.
func TestAnEmailIsInTheAddressOfNoPage(t *testing.T) {
	t.Parallel()
	e := newEnv(t, session.Options{})
	e.store.IndexEmails(blindindex.New(strings.Repeat("search-key", 4)))
	p := e.openPayment("shop", "order-1", 1)
	v := e.as(e.viewer)
	form := v.get("/console/payments")
	require.Equal(t, []string{"shop"}, v.search(form, "order-1").column("payments", "Client"))
	require.Equal(t, "/console/payments/"+p.ID, v.search(form, p.ID).path)
	require.Equal(t, "/console/payments", v.search(form, "").path)

	byHand := v.get("/console/payments?q=buyer%40example.com")
	require.Equal(t, "/console/payments", byHand.path)
	require.Contains(t, byHand.says(".notice"), "Enter an e-mail address in this form only")
	loggedOut := e.browser().get("/console/payments?q=buyer%40example.com")
	require.Equal(t, "/console/payments", loggedOut.Find("input[name=to]").First().AttrOr("value", ""))
	require.Empty(t, e.searches(), "nobody has looked")

	require.Equal(t, http.StatusForbidden, v.send(http.MethodPost, "/console/payments", strings.NewReader("q=buyer%40example.com"), "Sec-Fetch-Site", "cross-site").status)
}

func TestASearchByEmailSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	e := newEnv(t, session.Options{})
	old := e.openPaymentFor("ana@example.com", "shop", "order-1", 1)
	v := e.as(e.viewer)
	form := v.get("/console/payments")
	without := v.search(form, "ana@example.com")
	require.Equal(t, http.StatusOK, without.status)
	require.Contains(t, without.says(".advice"), "SEARCH_KEY is not set")
	require.Empty(t, e.searches(), "nothing was looked for")

	e.store.IndexEmails(blindindex.New(strings.Repeat("search-key", 4)))
	indexed := e.openPaymentFor("ana@example.com", "shop", "order-2", 2)
	some := v.search(form, "ana@example.com")
	require.Equal(t, []string{indexed.ID[:8]}, some.column("payments", "Payment"))
	require.Contains(t, some.says(".advice"), "onlywave migrate")
	_, _, err := e.store.IndexOldEmails(t.Context(), born.AddDate(100, 0, 0))
	require.NoError(t, err)
	all := v.search(form, "ana@example.com")
	require.Equal(t, []string{indexed.ID[:8], old.ID[:8]}, all.column("payments", "Payment"))
	require.Zero(t, all.Find(".advice").Length())

	v.post("/console/language", "language", "pt-BR")
	require.Contains(t, v.get("/console/payments").says("form.filter"), "e-mail do comprador")
	require.Contains(t, v.search(form, "ninguem@example.com").says("main"), "Nenhum pagamento encontrado")
}

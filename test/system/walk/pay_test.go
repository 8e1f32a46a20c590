//go:build chromium

package walk

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/test/platform"
	"github.com/onlywave/onlywave/test/platform/platformtest"
	"github.com/onlywave/onlywave/test/simulator"
)

// overheard is what the browser asked for and complained of.
type overheard struct {
	mu       sync.Mutex
	asked    []string
	complain []string
}

func (o *overheard) hear(event any) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		o.asked = append(o.asked, e.Request.URL)
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError || e.Entry.Source == log.EntrySourceSecurity {
			o.complain = append(o.complain, e.Entry.Text)
		}
	}
}

// A buyer pays on the platform's own pages, behind nginx: by Pix, whose page turns by itself, by boleto, and by card. The keyboard is enough, the browser
// asks nobody else for anything, and its security policy is not broken.
func TestABuyerPaysOnTheirPage(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	p, err := platform.Start(ctx, platformtest.Options(platform.Options{Balancer: true, Out: os.Stderr}))
	require.NoError(t, err)
	defer func() { require.NoError(t, p.Stop()) }()
	w := &walk{t: t, url: p.Front.URL + "/"}
	defer w.startBrowser(ctx)()
	heard := &overheard{}
	require.NoError(t, chromedp.Listen(w.ctx, heard.hear))

	pix, address := w.createFor(ctx, p, "walk-pix", platform.Order(1050, "walk-pix"))
	w.do(chromedp.Navigate(address), chromedp.WaitVisible(".qr"))
	require.Equal(t, "Waiting for your payment", w.text("h1"))
	w.picture("pay-pix")
	w.tabTo("button[data-copy]")
	w.do(chromedp.KeyEvent(kb.Enter))
	require.Eventually(t, func() bool { return w.reads("button[data-copy]") == "Copied" }, timeout, 100*time.Millisecond)
	require.NoError(t, p.Provider.Pay(ctx, pix.Provider.PaymentID))
	w.do(chromedp.WaitVisible(".state.good"))
	require.Equal(t, "Payment approved", w.text("h1"))
	w.picture("pay-pix-approved")
	w.tabTo(`footer a`)
	w.do(chromedp.KeyEvent(kb.Enter), chromedp.WaitVisible(`html[lang="pt-BR"] .state.good`))
	require.Equal(t, "Pagamento aprovado", w.text("h1"))

	boleto, address := w.createFor(ctx, p, "walk-boleto", platform.BoletoOrder(105000, 0, "walk-boleto", "keep", time.Now()))
	w.do(chromedp.Navigate(address+"?lang=pt"), chromedp.WaitVisible("#code"))
	line, err := chromedp.Run(w.ctx, chromedp.Evaluate[string](`document.getElementById("code").value`))
	require.NoError(t, err)
	require.Len(t, strings.Fields(line), 5, "the boleto's line")
	w.picture("pagar-boleto")
	require.NoError(t, p.Provider.Pay(ctx, boleto.Provider.PaymentID))
	w.do(chromedp.WaitVisible(".state.good"))

	w.challenge(ctx, p)
	w.cards(ctx, p)
	w.checkoutPro(ctx, p)

	w.do(chromedp.Navigate(w.url+"pay/nothing"), chromedp.WaitVisible(".state.calm"))
	w.picture("pay-no-page")

	heard.mu.Lock()
	defer heard.mu.Unlock()
	require.NotEmpty(t, heard.asked)
	for _, url := range heard.asked {
		ours := slices.ContainsFunc([]string{w.url, p.Provider.URL + "/3ds/", p.Provider.URL + "/checkout/", p.Provider.URL + "/js/v2", p.Provider.URL + "/secure-fields/", p.Provider.URL + "/v1/card_tokens"},
			func(prefix string) bool { return strings.HasPrefix(url, prefix) })
		require.True(t, ours, url)
	}
	for _, text := range heard.complain {
		require.Contains(t, text, "404", "only the page that is not there")
	}
}

// challenge pays by a card whose bank asks for a proof: the page leads there, and turns by itself afterwards.
func (w *walk) challenge(ctx context.Context, p *platform.Platform) {
	w.t.Helper()
	token, err := p.Provider.CardTokenOf(ctx, simulator.ChallengeCard, "APRO")
	require.NoError(w.t, err)
	body := strings.Replace(platform.CardOrder(4200, "walk-card", token, 1), `"type": "card"`, `"type": "card", "three_d_secure": "optional"`, 1)
	_, address := w.createFor(ctx, p, "walk-card", body)
	w.do(chromedp.Navigate(address+"?lang=pt"), chromedp.WaitVisible("#to-bank"))
	require.Equal(w.t, "O seu banco pede uma confirmação", w.text("h1"))
	w.picture("pagar-desafio")
	w.pass(address)
}

// pass goes to the bank by the button, proves who pays, and comes back.
func (w *walk) pass(address string) {
	w.t.Helper()
	_, err := chromedp.Run(w.ctx, chromedp.Evaluate[bool](`document.forms[0].target = "_self", true`)) // a new tab would be out of the test's sight
	require.NoError(w.t, err)
	w.tabTo("#to-bank")
	w.do(chromedp.KeyEvent(kb.Enter))
	require.Eventually(w.t, func() bool { return w.reads("button.pay") != "" }, stepTime, 100*time.Millisecond, "the bank's page")
	w.picture("banco")
	_, err = chromedp.Run(w.ctx, chromedp.Evaluate[bool](`document.querySelector("button.pay").click(), true`))
	require.NoError(w.t, err)
	require.Eventually(w.t, func() bool { return w.reads(".done") != "" }, stepTime, 100*time.Millisecond)
	w.do(chromedp.Navigate(address+"?lang=pt"), chromedp.WaitVisible(".state.good"))
}

// cards enters cards on a phone: one is rejected, the next one pays, and one of another payment goes by its bank. No text of a card is in an
// address, and nothing of it reaches the platform's own pages.
func (w *walk) cards(ctx context.Context, p *platform.Platform) {
	w.t.Helper()
	_, address := w.createFor(ctx, p, "walk-entered", platform.EnteredCardOrder(105000, "walk-entered"))
	w.onPhone(address+"?lang=pt", "#card-code iframe")
	require.Equal(w.t, "Pague com o seu cartão", w.text("h1"))
	w.picture("pagar-cartao")
	w.onPhone(address+"?lang=pt", "#card-code iframe")
	w.typeCard("5031433215406351", "OTHE COSTA")
	w.picture("pagar-cartao-preenchido")
	w.tabTo("#pay")
	w.do(chromedp.KeyEvent(kb.Enter), chromedp.WaitVisible(".state.bad"))
	require.Equal(w.t, "O cartão não foi aceito", w.text("h1"))
	w.picture("pagar-cartao-recusado")

	w.onPhone(address+"?lang=en", ".state.bad")
	w.picture("pay-card-declined")
	w.onPhone(address+"?lang=en", "#card-code iframe")
	w.typeCard("5031433215406351", "APRO COSTA")
	w.picture("pay-card-typed")
	w.tabTo("#pay")
	w.do(chromedp.KeyEvent(kb.Enter), chromedp.WaitVisible(".state.good"))
	require.Equal(w.t, "Payment approved", w.text("h1"))
	w.picture("pay-card-approved")

	order := strings.Replace(platform.EnteredCardOrder(4200, "walk-entered-3ds"), `"type": "card"`, `"type": "card", "three_d_secure": "optional"`, 1)
	_, address = w.createFor(ctx, p, "walk-entered-3ds", order)
	w.onPhone(address+"?lang=pt", "#card-code iframe")
	w.typeCard(simulator.ChallengeCard, "APRO COSTA")
	w.tabTo("#pay")
	w.do(chromedp.KeyEvent(kb.Enter), chromedp.WaitVisible("#to-bank"))
	require.Equal(w.t, "O seu banco pede uma confirmação", w.text("h1"))
	w.pass(address)
}

// onPhone opens a page on a phone's screen, and waits until something is there.
func (w *walk) onPhone(address, seen string) {
	w.t.Helper()
	w.show(screens[1])
	w.do(chromedp.Navigate(address), chromedp.WaitVisible(seen))
}

// typeCard fills in the form with the keyboard, also in the frames of the provider.
func (w *walk) typeCard(number, holder string) {
	w.t.Helper()
	for _, field := range []struct{ at, text string }{
		{"#card-number iframe", number}, {"#card-expiry iframe", "1130"}, {"#card-code iframe", "123"}, {"#holder", holder}, {"#tax-id", "123.456.789-09"},
	} {
		w.tabTo(field.at)
		w.do(chromedp.KeyEvent(field.text))
	}
	require.Eventually(w.t, func() bool { return w.reads("#installments:enabled") != "" }, stepTime, 100*time.Millisecond, "the installments")
	address, err := chromedp.Run(w.ctx, chromedp.Evaluate[string](`location.href`))
	require.NoError(w.t, err)
	require.NotContains(w.t, address, number)
}

// checkoutPro pays on Mercado Pago's own page, on a phone's screen: the first card is refused, and the second pays.
func (w *walk) checkoutPro(ctx context.Context, p *platform.Platform) {
	w.t.Helper()
	answer, err := p.Front.PostCheckout(ctx, "walk-checkout", platform.CheckoutOrder(15900, "walk-checkout"))
	require.NoError(w.t, err)
	require.Equal(w.t, http.StatusCreated, answer.Status, string(answer.Body))
	var made platform.Checkout
	require.NoError(w.t, json.Unmarshal(answer.Body, &made))
	w.onPhone(made.Links.Pay, "#pay-card")
	w.picture("checkout-pro")
	w.tabTo("#holder")
	w.do(chromedp.KeyEvent("O")) // OTHE, whose card is refused
	w.tabTo("#pay-card")
	w.do(chromedp.KeyEvent(kb.Enter))
	require.Eventually(w.t, func() bool { return w.reads(".problem") != "" }, stepTime, 100*time.Millisecond, "the card is refused")
	w.picture("checkout-pro-refused")
	w.tabTo("#pay-card") // the holder is APRO again
	w.do(chromedp.KeyEvent(kb.Enter))
	require.Eventually(w.t, func() bool { return w.reads(".state.paid") != "" }, stepTime, 100*time.Millisecond, "the second one pays")
	w.picture("checkout-pro-paid")
	require.Eventually(w.t, func() bool {
		return p.Front.Read(ctx, "/v1/checkouts/"+made.ID, &made) == nil && made.Status == "paid"
	}, timeout, 100*time.Millisecond)
}

// createFor creates a payment, and returns it with the address of its page.
func (w *walk) createFor(ctx context.Context, p *platform.Platform, key, body string) (made platform.Payment, address string) {
	w.t.Helper()
	answer, err := p.Front.Post(ctx, key, body)
	require.NoError(w.t, err)
	require.Equal(w.t, http.StatusCreated, answer.Status, string(answer.Body))
	var links struct {
		Links struct {
			Pay string `json:"pay"`
		} `json:"links"`
	}
	require.NoError(w.t, json.Unmarshal(answer.Body, &made))
	require.NoError(w.t, json.Unmarshal(answer.Body, &links))
	return made, links.Links.Pay
}

// tabTo presses the tab key until the thing has the focus.
func (w *walk) tabTo(selector string) {
	w.t.Helper()
	for range 20 {
		w.do(chromedp.KeyEvent(kb.Tab))
		has, err := chromedp.Run(w.ctx, chromedp.Evaluate[bool](`document.activeElement.matches(`+"`"+selector+"`"+`)`))
		require.NoError(w.t, err)
		if has {
			return
		}
	}
	require.Fail(w.t, "the keyboard does not reach "+selector)
}

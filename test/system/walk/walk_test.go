//go:build chromium

// Package walk is a person's walk through the console in a real browser, on the whole platform: log in, find a payment,
// redrive a dead letter, set a second factor up, log out. It takes a picture of each page, as a desk and as a phone show it, for a person to look
// at. Its one rule: it touches what a person would touch, and nothing else.
//
// It needs Chromium and seconds, so it has a make target of its own: make screenshots.
package walk

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/pquerna/otp/totp"
	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/test/platform"
	"github.com/onlywave/onlywave/test/platform/platformtest"
)

var (
	folder = flag.String("pictures", "", "where the pictures go; empty: nowhere")
)

const timeout = 5 * time.Minute

// screen is what the browser is shown on.
type screen struct {
	name          string
	width, height int64
	mobile, dark  bool
}

var screens = []screen{
	{name: "desk", width: 1280, height: 800},
	{name: "phone", width: 390, height: 844, mobile: true},
	{name: "dark", width: 1280, height: 800, dark: true},
}

func TestMain(m *testing.M) { platformtest.Main(m.Run) }

func TestAWalkThroughTheConsole(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	p, err := platform.Start(ctx, platformtest.Options(platform.Options{Out: os.Stderr}))
	require.NoError(t, err)
	defer func() { require.NoError(t, p.Stop()) }()
	user, password, err := p.Operator(ctx)
	require.NoError(t, err)
	w := &walk{t: t, url: p.Front.URL + "/console/"}
	paid, open := w.business(ctx, p)
	unknown := w.unknown(ctx, p)
	defer w.startBrowser(ctx)()

	w.do(chromedp.Navigate(w.url), chromedp.WaitVisible("#log-in"))
	w.picture("log-in")
	w.fill("input[name=name]", user)
	w.fill("input[name=password]", "not the password")
	w.click("#log-in", ".wrong")
	w.fill("input[name=password]", password)
	w.click("#log-in", "#health")
	w.do(chromedp.Navigate(w.url), chromedp.WaitVisible("#health")) // what the notice of the log-in is shown once
	w.picture("overview")

	w.breaker("open")
	w.picture("held")
	w.breaker("automatic")

	w.menu("payments")
	w.picture("payments")
	w.fill("input[name=q]", paid.Provider.PaymentID)
	w.click("#find", "#timeline")
	require.Equal(t, paid.ID, w.text("#payment-id"))
	require.Equal(t, "approved", w.text("h1 .state"))
	w.picture("payment")

	w.findByEmail()
	w.holdAndRelease(open.ID)

	w.menu("dead-letters")
	w.picture("dead-letters")
	w.click("#dead-letters tbody tr:first-child a.id", "#redrive")
	w.picture("dead-letter")
	w.fill("#actions input[name=reason]", "mended in the last release")
	w.click("#redrive", "#progress")
	require.Eventually(t, func() bool { return w.reads("h1 .state") == "done" }, timeout, 200*time.Millisecond, "the page reloads by itself")
	w.picture("redrive")

	w.do(chromedp.Navigate(w.url + "dead-letters?cause=handler-panic"))
	w.click("#redrive-many summary", "#redrive-all")
	w.picture("redrive-many")
	w.menu("reconciliation")
	w.picture("reconciliation")

	w.do(chromedp.Navigate(w.url+"payments/none"), chromedp.WaitVisible(".failure"))
	w.picture("failure")
	w.menu("figures")
	w.click("#outcomes summary", "#outcomes table")
	w.picture("figures")
	w.menu("users")
	w.picture("users")
	w.menu("audit")
	w.picture("audit")
	w.do(chromedp.Navigate(w.url+"account"), chromedp.WaitVisible("#change-password"))
	w.picture("account")
	recovery := w.secondFactor(password)
	w.picture("account-with-second-factor")
	stolen := w.cookies()

	w.click("#log-out", "#log-in")
	w.restore(stolen)
	w.do(chromedp.Navigate(w.url), chromedp.WaitVisible("#log-in"))
	w.fill("input[name=name]", user)
	w.fill("input[name=password]", password)
	w.fill("input[name=code]", recovery)
	w.click("#log-in", "#health")
	w.picture("logged-in-again")
	w.inPortuguese(paid.ID, unknown)
}

// startBrowser starts Chromium. End it before the platform, which waits for its connections.
func (w *walk) startBrowser(ctx context.Context) (end func()) {
	w.t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox, chromedp.Flag("font-render-hinting", "none"))
	allocator, stop := chromedp.NewExecAllocator(ctx, options...)
	var leave context.CancelFunc
	w.ctx, leave = chromedp.NewContext(allocator)
	end = func() { leave(); stop() }
	require.NoError(w.t, chromedp.Do(w.ctx)) // it starts the browser, which a step's own timeout must not end
	return end
}

// findByEmail finds all payments of the buyer. The e-mail address is not in the address of the page.
func (w *walk) findByEmail() {
	w.t.Helper()
	w.menu("payments")
	email := strings.ToUpper(platform.BuyerEmail)
	w.fill("input[name=q]", email)
	w.click("#find", `input[name=q][value="`+email+`"]`)
	w.do(chromedp.WaitVisible("#payments tbody tr:nth-child(9)"))
	address, err := chromedp.Run(w.ctx, chromedp.Evaluate[string](`location.href`))
	require.NoError(w.t, err)
	require.Equal(w.t, w.url+"payments", address)
	w.picture("payments-by-email")
}

// holdAndRelease holds an open payment and releases it again.
func (w *walk) holdAndRelease(id string) {
	w.t.Helper()
	w.do(chromedp.Navigate(w.url+"payments/"+id), chromedp.WaitVisible("#actions"))
	w.order("hold", "the seller's account is being checked")
	require.Equal(w.t, "The payment is held.", w.text(".notice"))
	w.click("#command-release summary", "#release")
	w.picture("held-payment")
	w.do(chromedp.Navigate(w.url+"payments/"+id), chromedp.WaitVisible("#actions"))
	w.order("release", "the account is in order")
	require.Contains(w.t, w.text(".notice"), "The hold has ended.")
	w.picture("released-payment")
}

// order opens the form of a command on a payment's page, fills in the reason and sends it.
func (w *walk) order(command, reason string) {
	w.t.Helper()
	w.click("#command-"+command+" summary", "#"+command)
	w.fill("#command-"+command+" input[name=reason]", reason)
	w.click("#"+command, ".notice")
}

// inPortuguese chooses Portuguese, settles an unknown payment, and looks at every page.
func (w *walk) inPortuguese(paid, unknown string) {
	w.t.Helper()
	w.click("#language-pt-BR", `html[lang="pt-BR"] #health`)
	w.picture("visao-geral")
	w.do(chromedp.Navigate(w.url+"payments/"+unknown), chromedp.WaitVisible("#actions"))
	w.click("#command-settle summary", "#settle")
	w.picture("pagamento-desconhecido")
	w.fill("#command-settle input[name=reason]", "o painel não tem nenhum")
	w.do(chromedp.Click("#command-settle input[name=confirm]", chromedp.NodeVisible))
	w.click("#settle", ".notice")
	require.Equal(w.t, "O pagamento foi encerrado como falho.", w.text(".notice"))
	require.Equal(w.t, "falhou", w.text("h1 .state"))
	w.picture("pagamento-encerrado")
	for name, path := range map[string]string{
		"pagamento": "payments/" + paid, "pagamentos": "payments", "mensagens-mortas": "dead-letters?state=any&cause=handler-panic", "conciliacao": "reconciliation",
		"numeros": "figures", "usuarios": "users", "auditoria": "audit", "conta": "account", "nao-encontrado": "payments/none",
	} {
		w.do(chromedp.Navigate(w.url+path), chromedp.WaitVisible(`html[lang="pt-BR"] h1`))
		w.picture(name)
	}
	w.do(chromedp.Navigate(w.url+"dead-letters?state=any"), chromedp.WaitVisible("#dead-letters"))
	w.click("#dead-letters tbody tr:first-child a.id", ".advice")
	w.picture("mensagem-morta")
	w.click("#log-out", "#log-in")
	w.picture("entrar")
}

// secondFactor sets one up, and returns a recovery code.
func (w *walk) secondFactor(password string) (recovery string) {
	w.t.Helper()
	w.click("#second-factor .button", "#set-up")
	w.do(chromedp.WaitVisible("img.code"))
	w.picture("second-factor")
	code, err := totp.GenerateCode(strings.ReplaceAll(w.text("#secret"), " ", ""), time.Now())
	require.NoError(w.t, err)
	w.fill("input[name=code]", code)
	w.fill("input[name=password]", password)
	w.click("#set-up", "#kept")
	w.picture("recovery-codes")
	recovery = strings.Fields(w.text("#codes"))[0]
	w.click("#kept", "#change-password")
	return recovery
}

// walk is a browser and who sits before it.
type walk struct {
	t   *testing.T
	ctx context.Context
	url string
}

// stepTime is how long one step may take; a page that does not come says what is there instead.
const stepTime = 45 * time.Second

func (w *walk) do(steps ...chromedp.Action[chromedp.Void]) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, stepTime)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		page, readErr := chromedp.Run(w.ctx, chromedp.Text("body"))
		require.NoError(w.t, err, "the page says %q (%v)", page, readErr)
	}
}

func (w *walk) fill(field, text string) {
	w.t.Helper()
	w.do(chromedp.SendKeys(field, text, chromedp.NodeVisible))
}

// click leads to where the other thing is seen.
func (w *walk) click(what, then string) {
	w.t.Helper()
	w.do(chromedp.Click(what, chromedp.NodeVisible), chromedp.WaitVisible(then))
}

// menu opens a page by the menu.
func (w *walk) menu(page string) {
	w.t.Helper()
	entry := `nav a[href="/console/` + page + `"]`
	w.click(entry, entry+"[aria-current]")
}

// breaker holds the one for reads, or sets it free.
func (w *walk) breaker(state string) {
	w.t.Helper()
	w.click("#breaker-read summary", "#breaker-read input")
	w.fill("#breaker-read input", "maintenance at the provider")
	w.click(`#breaker-read button[value="`+state+`"]`, ".notice")
	said := "The breaker read is set to " + state + "."
	require.Eventually(w.t, func() bool { return w.reads(".notice") == said }, timeout, 200*time.Millisecond, said)
}

// reads is the text of what may not be there yet, or no more.
func (w *walk) reads(selector string) string {
	text, err := chromedp.Run(w.ctx, chromedp.Evaluate[string](`(document.querySelector("`+selector+`") || {}).innerText || ""`))
	if err != nil {
		return "" // the page is being replaced
	}
	return text
}

func (w *walk) text(selector string) string {
	w.t.Helper()
	text, err := chromedp.Run(w.ctx, chromedp.Text(selector))
	require.NoError(w.t, err)
	return text
}

// picture takes one of the whole page for each screen, and finds that nothing sticks out of it.
func (w *walk) picture(name string) {
	w.t.Helper()
	for _, s := range screens {
		w.show(s)
		width, err := chromedp.Run(w.ctx, chromedp.Evaluate[int64](`document.documentElement.scrollWidth`))
		require.NoError(w.t, err)
		require.LessOrEqual(w.t, width, s.width, "%s is too wide on a %s", name, s.name)
		png, err := chromedp.Run(w.ctx, chromedp.FullScreenshot(100))
		require.NoError(w.t, err)
		if *folder != "" {
			require.NoError(w.t, os.MkdirAll(*folder, 0o755))
			require.NoError(w.t, os.WriteFile(filepath.Join(*folder, name+"-"+s.name+".png"), png, 0o644))
		}
	}
	w.show(screens[0])
}

func (w *walk) show(s screen) {
	w.t.Helper()
	scheme := "light"
	if s.dark {
		scheme = "dark"
	}
	_, err := chromedp.Call(w.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	})
	require.NoError(w.t, err)
	_, err = chromedp.Call(w.ctx, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
		Width: s.width, Height: s.height, DeviceScaleFactor: 1, Mobile: s.mobile,
	})
	require.NoError(w.t, err)
}

// cookies are those that the browser has.
func (w *walk) cookies() []*network.Cookie {
	w.t.Helper()
	all, err := chromedp.Call(w.ctx, network.GetCookies, network.GetCookiesParams{})
	require.NoError(w.t, err)
	require.NotEmpty(w.t, all.Cookies)
	return all.Cookies
}

// restore puts cookies back, as a thief would.
func (w *walk) restore(cookies []*network.Cookie) {
	w.t.Helper()
	for _, c := range cookies {
		_, err := chromedp.Call(w.ctx, network.SetCookie, network.SetCookieParams{Name: c.Name, Value: c.Value, URL: w.url})
		require.NoError(w.t, err)
	}
}

//go:build chromium

package walk

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/test/devstack/webuitest"
	"github.com/onlywave/onlywave/test/platform"
	"github.com/onlywave/onlywave/test/platform/platformtest"
	"github.com/onlywave/onlywave/workflows"
)

// An operator reads a payment in the operators' Web UI, and signals another one by the form.
func TestAWalkThroughTheTemporalWebUI(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	p, err := platform.Start(ctx, platformtest.Options(platform.Options{Out: os.Stderr}))
	require.NoError(t, err)
	defer func() { require.NoError(t, p.Stop()) }()
	w := &walk{t: t, url: webuitest.Start(t, p.Stack.TemporalAddress(), p.Front.URL).Operators}
	p.APIs[0].Setenv("TEMPORAL_UI_ORIGINS", w.url)
	require.NoError(t, p.APIs[0].Restart(ctx))
	paid, open := w.business(ctx, p)
	user, password, err := p.Operator(ctx)
	require.NoError(t, err)
	defer w.startBrowser(ctx)()
	w.show(screens[0])

	// What Temporal stores is encrypted; the console decrypts it for an operator who is logged in.
	w.do(chromedp.Navigate(workflows.WebLink(w.url, "default", "payment/"+paid.ID)))
	w.awaitText("Payment")
	w.pictureOfWebUI("encrypted")
	require.NotContains(t, w.reads("body"), "charge BRL")
	w.do(chromedp.Navigate(p.Front.URL+"/console/"), chromedp.WaitVisible("#log-in"))
	w.fill("input[name=name]", user)
	w.fill("input[name=password]", password)
	w.click("#log-in", "#health")

	for _, v := range workflows.SavedViews(time.Now()) {
		if v.Name == "open" {
			w.do(chromedp.Navigate(v.Link(w.url, "default")))
		}
	}
	w.awaitText("payment/" + open.ID)
	require.NotContains(t, w.text("body"), "Start Workflow")
	w.pictureOfWebUI("list")

	w.do(chromedp.Navigate(workflows.WebLink(w.url, "default", "payment/"+paid.ID)))
	w.awaitText("charge BRL") // the summary of an activity
	w.pictureOfWebUI("timeline")
	w.press(`[data-testid="user-metadata-tab"]`, "")
	w.awaitMarkdown("**Approved**: R$ 9.90 by Pix") // the current details
	w.awaitMarkdown("onlywave explain " + paid.ID)  // the static details
	w.pictureOfWebUI("payment")

	w.choose(open.ID, "update")
	w.awaitText("Make no call to Mercado Pago")
	w.pictureOfWebUI("update")

	w.choose(open.ID, "signal")
	w.awaitText("Ask Mercado Pago now")
	w.pictureOfWebUI("signal")
	w.press(`[role="option"]`, "look")
	w.press(`[data-testid="confirm-modal-button"]`, "")
	history := w.url + "/api/v1/namespaces/default/workflows/payment%2F" + open.ID + "/history"
	require.Eventually(t, func() bool { return strings.Contains(read(ctx, history), "WORKFLOW_EXECUTION_SIGNALED") }, stepTime, time.Second, "the signal arrives")
}

// choose opens the form for an update or a signal of a payment, with its list of names.
func (w *walk) choose(paymentID, kind string) {
	w.t.Helper()
	w.do(chromedp.Navigate(workflows.WebLink(w.url, "default", "payment/"+paymentID)))
	w.press(`[aria-controls="workflow-actions"]`, "")
	w.press(fmt.Sprintf(`[data-testid="%s-button"]`, kind), "")
	w.press(fmt.Sprintf(`[data-testid="%s-select-button"]`, kind), "")
}

// press clicks the visible element among those of a selector whose text begins with the words. The Web UI has many elements twice.
func (w *walk) press(selector, words string) {
	w.t.Helper()
	script := fmt.Sprintf(`(() => {
		const found = [...document.querySelectorAll(%q)].find(e => e.offsetParent && !e.disabled && e.innerText.trim().startsWith(%q))
		if (!found) return false
		found.click()
		return true
	})()`, selector, words)
	require.Eventually(w.t, func() bool {
		pressed, err := chromedp.Run(w.ctx, chromedp.Evaluate[bool](script))
		return err == nil && pressed
	}, stepTime, 200*time.Millisecond, "%s %s", selector, words)
}

func (w *walk) awaitText(text string) {
	w.t.Helper()
	require.Eventually(w.t, func() bool { return strings.Contains(w.reads("body"), text) }, stepTime, 200*time.Millisecond, text)
}

// awaitMarkdown waits for a text of a workflow. The Web UI shows such texts in frames whose address holds the text.
func (w *walk) awaitMarkdown(text string) {
	w.t.Helper()
	script := fmt.Sprintf(`[...document.querySelectorAll("iframe")].some(f => (new URL(f.src).searchParams.get("content") || "").includes(%q))`, text)
	require.Eventually(w.t, func() bool {
		shown, err := chromedp.Run(w.ctx, chromedp.Evaluate[bool](script))
		return err == nil && shown
	}, stepTime, 200*time.Millisecond, text)
}

// pictureOfWebUI takes one picture, at a desk: the Web UI is not ours.
func (w *walk) pictureOfWebUI(name string) {
	w.t.Helper()
	w.do(chromedp.Sleep(time.Second)) // menus and rows fade in
	png, err := chromedp.Run(w.ctx, chromedp.FullScreenshot(100))
	require.NoError(w.t, err)
	if *folder != "" {
		require.NoError(w.t, os.MkdirAll(*folder, 0o755))
		require.NoError(w.t, os.WriteFile(filepath.Join(*folder, "temporal-"+name+".png"), png, 0o644))
	}
}

// read is what an address answers; empty when it does not.
func read(ctx context.Context, url string) string {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return ""
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return ""
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return ""
	}
	return string(body)
}

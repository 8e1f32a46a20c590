package system

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/test/platform"
	"github.com/onlywave/onlywave/test/tracesink"
)

// tracesOf are those that begin with a request about a payment.
func tracesOf(id, request string) []tracesink.Trace {
	return slices.DeleteFunc(shared.Traces.Traces(), func(t tracesink.Trace) bool {
		root := t.Root()
		return root.Name != request || root.Attribute("onlywave.payment_id") != id
	})
}

// path is a span and what it is in, up to the trace's beginning.
func path(t tracesink.Trace, s tracesink.Span) string {
	for _, parent := range t.Spans {
		if parent.ID == s.Parent {
			return path(t, parent) + " > " + s.Name
		}
	}
	return s.Name
}

func paths(t tracesink.Trace) []string {
	all := make([]string, len(t.Spans))
	for i, s := range t.Spans {
		all[i] = path(t, s)
	}
	return all
}

// One payment is one trace from the request that creates it to its approval, over both processes and all that they use. What
// the provider's webhook sets off meanwhile is a trace of its own, linked with the activity that answers it.
// Not beside others: the sink keeps the latest few hundred traces only.
func TestATraceShowsAPaymentWithAllItsHops(t *testing.T) {
	key, id := key(t)
	answer, err := shared.Shops[1].Post(within(t), key, platform.Order(1050, key),
		"traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	require.NoError(t, err)
	var p platform.Payment
	require.NoError(t, json.Unmarshal(answer.Body, &p), string(answer.Body))
	require.NoError(t, shared.Provider.Pay(within(t), p.Provider.PaymentID))
	awaitApproved(t, id)

	const post, start = "POST /v1/payments", "POST /v1/payments > UpdateWithStartWorkflow:Payment"
	hops := []string{
		post, post + " > redis limit", post + " > redis payment", start,
		start + " > RunActivity:Open", start + " > RunActivity:Open > postgres insert",
		start + " > RunActivity:Charge", start + " > RunActivity:Charge > redis breaker", start + " > RunActivity:Charge > redis budget",
		start + " > RunActivity:Charge > mercadopago create_pix",
		start + " > RunActivity:Apply", start + " > RunActivity:Apply > postgres batch", start + " > RunActivity:Apply > redis payment",
		start + " > RunActivity:Look", start + " > RunActivity:Look > mercadopago get",
		start + " > RunActivity:Open > publish onlywave.events", start + " > RunActivity:Apply > publish onlywave.events",
	}
	var whole tracesink.Trace
	t.Cleanup(func() {
		for _, found := range tracesOf(id, post) {
			t.Log("\n" + found.String())
		}
	})
	eventually(t, func() bool {
		found := tracesOf(id, post)
		if len(found) != 1 || slices.ContainsFunc(hops, func(hop string) bool { return !slices.Contains(paths(found[0]), hop) }) {
			return false
		}
		whole = found[0]
		return true
	}, "the trace has all its hops")
	root := whole.Root()
	require.Empty(t, root.Parent, "the client's own trace is not joined")
	require.Equal(t, []tracesink.Link{{Trace: "0af7651916cd43dd8448eb211c80319c", Span: "b7ad6b7169203331"}}, root.Links)
	services := map[string]bool{}
	for _, s := range whole.Spans {
		services[s.Service] = true
		require.True(t, strings.HasPrefix(path(whole, s), post), "%s hangs in the air", path(whole, s))
		require.Empty(t, s.Failure, s.Name)
	}
	require.Equal(t, map[string]bool{"onlywave-api": true, "onlywave-worker": true}, services)

	const webhook = "POST /webhooks/mercadopago"
	const process = webhook + " > publish onlywave.webhooks > process onlywave.webhooks.process"
	look := whole.Spans[slices.IndexFunc(whole.Spans, func(s tracesink.Span) bool { return s.Name == "RunActivity:Look" })]
	require.NotEmpty(t, look.Links, "it answers a webhook")
	t.Cleanup(func() {
		met, _ := shared.Traces.Trace(look.Links[0].Trace)
		t.Log("\n" + met.String())
	})
	eventually(t, func() bool {
		met, _ := shared.Traces.Trace(look.Links[0].Trace)
		out := paths(met)
		return slices.Contains(out, webhook) && slices.Contains(out, process+" > SignalWorkflow:Payment")
	}, "the webhook's own trace is linked, from its arrival to the payment's workflow")
	requireLogged(t, whole.ID)

	secrets := shared.Secrets()
	secrets["Pix code"] = p.Method.QRCode
	for _, s := range spans() {
		text, err := json.Marshal(s)
		require.NoError(t, err)
		for what, secret := range secrets {
			require.NotContains(t, string(text), secret, what)
		}
	}
}

func spans() (all []tracesink.Span) {
	for _, t := range shared.Traces.Traces() {
		all = append(all, t.Spans...)
	}
	return all
}

// requireLogged expects that the api's lines can be found by a trace's id.
func requireLogged(t *testing.T, traceID string) {
	require.Contains(t, apiLogs(t), `"trace_id":"`+traceID+`"`)
}

// apiLogs are the logs of both api processes.
func apiLogs(t *testing.T) string {
	files, err := filepath.Glob(filepath.Join(shared.Logs, "api*.log"))
	require.NoError(t, err)
	var all strings.Builder
	for _, file := range files {
		content, err := os.ReadFile(file)
		require.NoError(t, err)
		all.Write(content)
	}
	return all.String()
}

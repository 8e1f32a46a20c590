package activities

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/mercadopago"
	"github.com/onlywave/onlywave/internal/payment"
)

// distorted is an env whose live provider answers about something else while distort is set.
func distorted(t *testing.T, pattern, replacement string) (w env, signals *fakeSignals, distort *atomic.Bool) {
	t.Helper()
	w, signals = reconcilingEnv(t)
	distort = new(atomic.Bool)
	target, err := url.Parse(w.address)
	require.NoError(t, err)
	something := regexp.MustCompile(pattern)
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.ModifyResponse = func(answer *http.Response) error {
		body, err := io.ReadAll(answer.Body)
		if err != nil {
			return err
		}
		body = bytes.ReplaceAll(body, []byte(`"live_mode":false`), []byte(`"live_mode":true`))
		if distort.Load() {
			body = something.ReplaceAll(body, []byte(replacement))
		}
		answer.Body = io.NopCloser(bytes.NewReader(body))
		answer.Header.Set("Content-Length", strconv.Itoa(len(body)))
		return nil
	}
	server := httptest.NewServer(proxy)
	t.Cleanup(server.Close)
	client, err := mercadopago.New(mercadopago.Config{BaseURL: server.URL, AccessToken: "TEST-1", Timeout: timeout, Live: true})
	require.NoError(t, err)
	_, err = client.Account(t.Context())
	require.NoError(t, err)
	w.Activities.provider = client
	return w, signals, distort
}

// An account has other sales, and an answer may be about another account, in test mode, or about another sum. At no place where an
// answer is taken does such a one move a payment, and reconciliation tells of it once.
func TestAnAnswerAboutSomethingElseMovesNoPayment(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		pattern, replacement string
		told                 payment.FindingKind
	}{
		"another sale":       {`"external_reference":"[^"]*"`, `"external_reference":"order-17"`, payment.OrphanPayment}, // it still has our mark
		"another collector":  {`"collector_id":\d+`, `"collector_id":424242`, payment.Contradiction},
		"in test mode":       {`"live_mode":true`, `"live_mode":false`, payment.Contradiction},
		"another currency":   {`"currency_id":"BRL"`, `"currency_id":"ARS"`, payment.Contradiction},
		"no currency":        {`"currency_id":"BRL"`, `"currency_id":null`, payment.Contradiction},
		"a smaller sum":      {`"transaction_amount":10.5,`, `"transaction_amount":10.49,`, payment.Contradiction},
		"a larger sum":       {`"transaction_amount":10.5,`, `"transaction_amount":1050,`, payment.Contradiction},
		"a sum of cents cut": {`"transaction_amount":10.5,`, `"transaction_amount":10,`, payment.Contradiction},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, signals, distort := distorted(t, row.pattern, row.replacement)
			stands := func(id string, want payment.Status) {
				t.Helper()
				p, err := w.database.Payment(t.Context(), id)
				require.NoError(t, err)
				require.Equal(t, want, p.Status)
				require.Zero(t, p.Refunded)
			}

			// The answer to a charge, and what a search or a repeated charge finds of it.
			id := w.opened(t)
			distort.Store(true)
			_, err := w.charge(t, id)
			requireActivityError(t, err, failure.Conflict, false)
			seen, err := w.Look(t.Context(), LookInput{PaymentID: id, Money: money})
			require.True(t, err != nil || !seen.Found, "%+v", seen)
			state, err := w.Charge(t.Context(), ChargeInput{PaymentID: id, Search: true})
			require.Error(t, err, "%+v", state)
			stands(id, payment.Processing)

			// A look at a payment that was paid, by a webhook or a poll, and the answer to closing it.
			distort.Store(false)
			state, err = w.charge(t, id)
			require.NoError(t, err)
			_, err = w.Apply(t.Context(), ApplyInput{PaymentID: id, State: state})
			require.NoError(t, err)
			require.NoError(t, w.provider.Pay(state.PaymentID))
			distort.Store(true)
			in := LookInput{PaymentID: id, ProviderPaymentID: state.PaymentID, Money: money}
			for _, typed := range []bool{false, true} {
				in.Typed = typed
				_, err = w.Look(t.Context(), in)
				requireActivityError(t, err, failure.Conflict, false)
			}
			in.Typed = false
			_, err = w.Close(t.Context(), in)
			requireActivityError(t, err, failure.Conflict, false)
			stands(id, payment.Pending)

			// Reconciliation alerts an operator, once, and has no payment look at what it would refuse.
			w.notified(t, state.PaymentID, "payment.created")
			w.notified(t, state.PaymentID, "payment.updated")
			for i := range 3 {
				w.reconcile(t, fmt.Sprint(i))
				require.Len(t, w.open(t, ""), 1)
			}
			require.Equal(t, row.told, w.open(t, "")[0].Kind)
			require.Empty(t, signals.taken())
			stands(id, payment.Pending)

			// The answer to a refund.
			distort.Store(false)
			w.lookAt(t, id, state.PaymentID)
			order := refundOrder(id, "return-1", 400)
			require.NoError(t, w.database.RequestCommand(t.Context(), order.Order))
			asked, err := w.AskRefund(t.Context(), order)
			require.NoError(t, err)
			distort.Store(true)
			_, err = w.Refund(t.Context(), RefundInput{PaymentID: id, ID: asked.ID, Amount: asked.Amount})
			requireActivityError(t, err, failure.Unavailable, true)
			stands(id, payment.Approved)

			// As soon as the answers are about the payment, they count again, and nothing has happened twice.
			distort.Store(false)
			state, err = w.Refund(t.Context(), RefundInput{PaymentID: id, ID: asked.ID, Amount: asked.Amount})
			require.NoError(t, err)
			moved, err := w.Apply(t.Context(), ApplyInput{PaymentID: id, State: state, Looked: true})
			require.NoError(t, err)
			require.Equal(t, payment.PartiallyRefunded, moved.Status)
			sum, refunds := w.given(id)
			require.Equal(t, []any{int64(400), 1, 1}, []any{sum, refunds, w.charges(id)})
		})
	}
}

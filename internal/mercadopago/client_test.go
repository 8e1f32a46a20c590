package mercadopago

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/test/simulator"
)

// timeout is more than any answer takes, however busy the machine is.
const timeout = time.Minute

// clientOf is a client of the handler, which is asked over real connections.
func clientOf(t *testing.T, h http.Handler, timeout time.Duration) *Client {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	transport := newTransport()
	t.Cleanup(transport.CloseIdleConnections)
	c, err := New(Config{BaseURL: server.URL, AccessToken: "TEST-1", Timeout: timeout, HTTPTransport: transport})
	require.NoError(t, err)
	return c
}

func simulated(t *testing.T, config simulator.Config) (*simulator.Simulator, *Client) {
	t.Helper()
	config.AccessToken = "TEST-1"
	s := simulator.New(config)
	c := clientOf(t, s, timeout)
	t.Cleanup(s.Close) // before its server
	return s, c
}

func answering(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

func TestPixFromCreationToPayment(t *testing.T) {
	t.Parallel()
	for _, masked := range []bool{false, true} {
		s, c := simulated(t, simulator.Config{MaskedCard: masked})
		p := somePayment("life")

		created, err := c.Charge(t.Context(), ChargeRequest{Payment: p, Key: "key-1"})
		require.NoError(t, err)
		require.Equal(t, payment.Pending, created.Status)
		require.Empty(t, created.Contradicts(p.ID, "", p.Amount))
		require.NotEmpty(t, created.QRCode)
		require.NotEmpty(t, created.TicketURL)
		require.True(t, providerDate(p.PixEnd()).Equal(created.ExpiresAt))

		require.NoError(t, s.Pay(created.PaymentID))
		paid, err := c.Get(t.Context(), created.PaymentID)
		require.NoError(t, err)
		require.Equal(t, payment.Approved, paid.Status)
		require.True(t, paid.UpdatedAt.After(created.UpdatedAt))

		found, ok, err := c.FindByReference(t.Context(), p.ID)
		require.NoError(t, err)
		require.True(t, ok)
		require.Equal(t, paid, found)

		_, ok, err = c.FindByReference(t.Context(), payment.NewID("app", "never made"))
		require.NoError(t, err)
		require.False(t, ok)
	}
}

// A repeated request carries the same key and the same bytes, even from a payment read back from the
// database, and the SDK's own key nowhere.
func TestRepeatedCreationsAreIdentical(t *testing.T) {
	t.Parallel()
	var bodies [][]byte
	c := clientOf(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		bodies = append(bodies, body)
		if keys := r.Header.Values("X-Idempotency-Key"); len(keys) != 1 || keys[0] != "key-1" || r.Header.Get("Authorization") != "Bearer TEST-1" {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		w.WriteHeader(http.StatusCreated)
		io.WriteString(w, minimal("pending", ""))
	}), timeout)
	p := somePayment("again")
	for range 3 {
		_, err := c.Charge(t.Context(), ChargeRequest{Payment: p, Key: "key-1"})
		require.NoError(t, err)
		p.CreatedAt = p.CreatedAt.UTC().Truncate(time.Microsecond)
	}
	require.Len(t, bodies, 3)
	require.True(t, bytes.Equal(bodies[0], bodies[1]) && bytes.Equal(bodies[1], bodies[2]))
}

func TestRefusalsOfTheSimulator(t *testing.T) {
	t.Parallel()
	s, c := simulated(t, simulator.Config{})
	p := somePayment("refused")

	wrong := p
	wrong.Payer.TaxID = "12345678900"
	_, err := c.Charge(t.Context(), ChargeRequest{Payment: wrong, Key: "key-1"})
	require.Equal(t, failure.Invalid, failure.KindOf(err))
	require.ErrorContains(t, err, "2067")
	require.Eventually(t, func() bool { return len(s.Requests()) == 1 }, timeout, time.Millisecond)
	require.ErrorContains(t, err, s.Requests()[0].RequestID)

	_, err = c.Charge(t.Context(), ChargeRequest{Payment: p, Key: "key-2"})
	require.NoError(t, err)
	other := p
	other.Description = "Order 1043"
	_, err = c.Charge(t.Context(), ChargeRequest{Payment: other, Key: "key-2"})
	require.Equal(t, failure.Conflict, failure.KindOf(err))

	_, err = c.Charge(t.Context(), ChargeRequest{Payment: p, Key: ""})
	require.Equal(t, failure.Internal, failure.KindOf(err))

	_, err = c.Get(t.Context(), "999999999999")
	require.Equal(t, failure.NotFound, failure.KindOf(err))
}

func TestSameKeyInFlight(t *testing.T) {
	t.Parallel()
	s, c := simulated(t, simulator.Config{})
	s.AddFault(simulator.Fault{On: simulator.Create, Kind: simulator.KindSlow, Delay: time.Hour})
	p := somePayment("in flight")
	answers := make(chan error)
	for range 2 {
		go func() {
			_, err := c.Charge(t.Context(), ChargeRequest{Payment: p, Key: "key-1"})
			answers <- err
		}()
	}
	refused := <-answers // the one that came second
	require.Equal(t, failure.Unavailable, failure.KindOf(refused))
	require.Equal(t, time.Second, failure.RetryAfter(refused))
	s.Close() // ends the first one's wait
	<-answers
	require.LessOrEqual(t, len(s.Ledger()), 1)
}

// A Pix is closed once. Whatever else is asked of it then, or of one that was paid, contradicts its state.
func TestAPaymentIsCancelledWhileItIsNotPaid(t *testing.T) {
	t.Parallel()
	s, c := simulated(t, simulator.Config{})
	open, err := c.Charge(t.Context(), ChargeRequest{Payment: somePayment("open"), Key: "k-open"})
	require.NoError(t, err)
	closed, err := c.Cancel(t.Context(), open.PaymentID, "k-cancel")
	require.NoError(t, err)
	require.Equal(t, payment.Cancelled, closed.Status)
	require.True(t, closed.BySeller)
	read, err := c.Get(t.Context(), open.PaymentID)
	require.NoError(t, err)
	require.Equal(t, closed, read)

	paid, err := c.Charge(t.Context(), ChargeRequest{Payment: somePayment("paid"), Key: "k-paid"})
	require.NoError(t, err)
	require.NoError(t, s.Pay(paid.PaymentID))
	for id, kind := range map[string]failure.Kind{
		open.PaymentID: failure.Conflict, paid.PaymentID: failure.Conflict, "1": failure.NotFound, "../1": failure.Invalid, "": failure.Invalid,
	} {
		_, err := c.Cancel(t.Context(), id, "k-cancel-"+id)
		require.Equal(t, kind, failure.KindOf(err), "%q: %v", id, err)
	}
	_, err = c.Cancel(t.Context(), paid.PaymentID, "")
	require.ErrorContains(t, err, "idempotency key")
	requests := s.Requests()
	require.Equal(t, "k-cancel", requests[1].IdempotencyKey)
	require.Equal(t, http.MethodPut, requests[1].Method)
}

func TestProviderIDsAreChecked(t *testing.T) {
	t.Parallel()
	c := clientOf(t, answering(http.StatusOK, minimal("pending", "")), timeout)
	for _, id := range []string{"", "..", "../users/me", "1 2", "-1", "+1", "007", "ORD01", "1e3", "99999999999999999999", "١"} {
		_, err := c.Get(t.Context(), id)
		require.Equal(t, failure.Invalid, failure.KindOf(err), id)
		_, _, err = c.FindByReference(t.Context(), id)
		require.Equal(t, failure.Invalid, failure.KindOf(err), id)
	}
	_, err := c.Get(t.Context(), "106400160592")
	require.NoError(t, err)
	_, err = c.Get(t.Context(), "106400160593") // answered with another
	require.Equal(t, failure.Unavailable, failure.KindOf(err))
}

func TestOfSeveralPaymentsTheOneWithMoneyWins(t *testing.T) {
	t.Parallel()
	reference := payment.NewID("app", "several")
	hit := func(id, status, created, reference string) string {
		return fmt.Sprintf(`{"id":%s,"status":%q,"transaction_amount":1,"date_created":"2026-11-%sT00:00:00Z","external_reference":%q}`, id, status, created, reference)
	}
	for _, c := range []struct{ name, hits, want string }{
		{"none", ``, ""},
		{"foreign", hit("1", "approved", "01", "x"), ""},
		{"approved", hit("3", "rejected", "03", reference) + `,` + hit("2", "pending", "02", reference) + `,` + hit("1", "approved", "01", reference), "1"},
		{"authorized", hit("3", "pending", "03", reference) + `,` + hit("1", "authorized", "01", reference), "1"},
		{"charged back", hit("3", "pending", "03", reference) + `,` + hit("1", "charged_back", "01", reference), "1"},
		{"pending", hit("3", "cancelled", "03", reference) + `,` + hit("1", "in_process", "01", reference), "1"},
		{"newest", hit("1", "rejected", "01", reference) + `,` + hit("2", "cancelled", "03", reference) + `,` + hit("3", "refunded", "02", reference), "2"},
		{"newest approved", hit("1", "approved", "01", reference) + `,` + hit("2", "approved", "02", reference), "2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			client := clientOf(t, answering(http.StatusOK, `{"paging":{"total":1},"results":[`+c.hits+`]}`), timeout)
			state, found, err := client.FindByReference(t.Context(), reference)
			require.NoError(t, err)
			require.Equal(t, c.want != "", found)
			require.Equal(t, c.want, state.PaymentID)
		})
	}
}

// An answer that is no list must not pass for "there is no such payment".
func TestSearchesWithoutResultsAreUnavailable(t *testing.T) {
	t.Parallel()
	reference := payment.NewID("app", "search")
	for _, body := range []string{``, `{}`, `null`, `{"results":null}`, `{"results":{}}`, `<html>`, `{"results":[{"external_reference":"` + reference + `"}]}`} {
		c := clientOf(t, answering(http.StatusOK, body), timeout)
		_, found, err := c.FindByReference(t.Context(), reference)
		require.Equal(t, failure.Unavailable, failure.KindOf(err), body)
		require.False(t, found)
	}
}

// Parallel calls do not mix up their answers.
func TestParallelCalls(t *testing.T) {
	t.Parallel()
	s, c := simulated(t, simulator.Config{})
	var wg sync.WaitGroup
	failures := make(chan error, 40)
	for i := range 40 {
		wg.Go(func() {
			p := somePayment(fmt.Sprint("parallel ", i))
			state, err := c.Charge(t.Context(), ChargeRequest{Payment: p, Key: fmt.Sprint("key-", i)})
			if err == nil {
				state, err = c.Get(t.Context(), state.PaymentID)
			}
			if err == nil && state.Reference != p.ID {
				err = fmt.Errorf("asked for %s, answered with %s", p.ID, state.Reference)
			}
			failures <- err
		})
	}
	wg.Wait()
	close(failures)
	for err := range failures {
		require.NoError(t, err)
	}
	require.Len(t, s.Ledger(), 40)
}

// Each of many parallel calls leaves its connection for the next ones.
func TestConnectionsAreKept(t *testing.T) {
	t.Parallel()
	const calls = 30
	var opened, arrived atomic.Int32
	arrivals := make(chan struct{}, calls)
	proceed := make(chan struct{})
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if arrived.Add(1)%calls == 0 { // all of a round are here, each on its own connection
			for range calls {
				arrivals <- struct{}{}
			}
		}
		select {
		case <-arrivals:
		case <-proceed:
		}
		io.WriteString(w, minimal("pending", ""))
	}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}
	server.Start()
	defer server.Close()
	defer close(proceed)
	transport := newTransport()
	defer transport.CloseIdleConnections()
	c, err := New(Config{BaseURL: server.URL, AccessToken: "TEST-1", Timeout: timeout, HTTPTransport: transport})
	require.NoError(t, err)

	for range 3 {
		var wg sync.WaitGroup
		for range calls {
			wg.Go(func() { c.Get(t.Context(), "106400160592") })
		}
		wg.Wait()
	}
	require.EqualValues(t, 3*calls, arrived.Load())
	require.LessOrEqual(t, opened.Load(), int32(2*calls)) // of 90 when none is kept
}

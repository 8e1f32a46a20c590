package worker

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/onlywave/onlywave/internal/access"
	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/test/simulator"
	"github.com/onlywave/onlywave/workflows"
)

// wish is a client app's, for a payment that the test names.
func wish(key string) workflows.CreateInput {
	return workflows.CreateInput{
		PaymentID: payment.NewID("shop", key),
		Creation: payment.Creation{ClientID: "shop", IdempotencyKey: key, Request: payment.Request{
			Amount: payment.Money{Centavos: 1050, Currency: payment.BRL}, Description: "Order 1",
			Method: payment.Method{Type: payment.Pix, ExpiresIn: 3600}, Payer: payment.Payer{Email: "ana@example.com"},
		}},
		Wait: time.Second,
	}
}

// counted is the provider behind a counter of the calls under way at one time.
func counted(t *testing.T, provider http.Handler) (url string, most *atomic.Int64) {
	t.Helper()
	var now atomic.Int64
	most = &atomic.Int64{}
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		n := now.Add(1)
		defer now.Add(-1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		provider.ServeHTTP(rw, r)
	}))
	t.Cleanup(server.Close)
	return server.URL, most
}

// While the provider takes longer than the test to answer, what needs only the database goes on: new payments are opened, and
// those that stand are answered for.
func TestASlowProviderDelaysNoOtherActivity(t *testing.T) {
	t.Parallel()
	const concurrency, quickTries, payments = 2, 2 * 32, 40 // quick tries of charges and of looks
	at, provider := newOwnEnv(t)
	url, most := counted(t, provider)
	t.Cleanup(provider.Close) // before its server
	at.provider = url
	w, _ := newWorker(t, at)
	w.ProviderConcurrency = concurrency
	_, err := w.Database.IssueAPIKey(t.Context(), audit.Actor{Name: "test"}, access.KeyRequest{Environment: "test", ClientID: "shop", Scopes: access.Scopes()}, time.Now())
	require.NoError(t, err)
	eventually(t, func() bool { return workflows.AddSearchAttributes(t.Context(), w.Temporal, at.namespace) == nil }, "Temporal")
	stop := run(t, w)

	// create asks for payments, and says how many the provider has answered for.
	create := func(name string) (answered int64) {
		t.Helper()
		var n atomic.Int64
		var group errgroup.Group
		for i := range payments {
			group.Go(func() error {
				for {
					answer, err := w.Workflows.Create(t.Context(), wish(fmt.Sprint(name, i)))
					if answer != nil {
						n.Add(1)
					}
					if failure.KindOf(err) != failure.Unavailable || t.Context().Err() != nil {
						return err
					}
				}
			})
		}
		require.NoError(t, group.Wait())
		return n.Load()
	}
	stands := func(name string, is func(payment.Payment) bool) {
		t.Helper()
		for i := range payments {
			eventually(t, func() bool {
				p, err := w.Database.Payment(t.Context(), wish(fmt.Sprint(name, i)).PaymentID)
				return err == nil && is(p)
			}, name)
		}
	}
	create("early-")
	stands("early-", func(p payment.Payment) bool { return p.Status == payment.Pending })
	require.LessOrEqual(t, most.Load(), int64(concurrency+quickTries))

	charges := len(provider.Ledger())
	provider.AddFault(simulator.Fault{On: simulator.Create, Kind: simulator.KindSlow, Delay: time.Hour})
	provider.AddFault(simulator.Fault{On: simulator.Get, Kind: simulator.KindSlow, Delay: time.Hour})
	for i := range payments {
		require.NoError(t, w.Workflows.Signal(t.Context(), wish(fmt.Sprint("early-", i)).PaymentID))
	}
	require.Zero(t, create("late-"))
	stands("late-", func(p payment.Payment) bool { return p.Status == payment.Processing })
	eventually(t, func() bool { return create("early-") == payments }, "a repeated request is answered") // not each in time on a busy machine
	require.Len(t, provider.Ledger(), charges, "the provider has answered none meanwhile")
	require.LessOrEqual(t, most.Load(), int64(concurrency+quickTries))
	stop()
}

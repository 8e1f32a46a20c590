package load

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/test/platform"
)

// Checkouts come beside the payments, and change nothing of theirs.
func TestCheckoutsComeBesideThePayments(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		asked, tried := map[string]int{}, map[string]int{}
		api := shop(t, func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			key := r.Header.Get("Idempotency-Key")
			asked[r.Method+" "+r.URL.Path+" "+key]++
			switch path := r.URL.Path; {
			case path == "/v1/payments":
				settled(w, r)
			case path == "/v1/checkouts" && asked["POST "+path+" "+key] == 1:
				w.WriteHeader(http.StatusServiceUnavailable)
			case path == "/v1/checkouts":
				w.WriteHeader(http.StatusAccepted)
				fmt.Fprintf(w, `{"id": "of-%s", "status": "processing"}`, key)
			case strings.HasPrefix(path, "/admin/preferences/"):
				tried[path+" "+r.URL.RawQuery]++
				fmt.Fprint(w, `{"id": "106"}`)
			case r.Method == http.MethodGet:
				id := strings.TrimPrefix(path, "/v1/checkouts/")
				status := "open"
				if asked["GET "+path+" "] > 2 {
					status = "paid"
				}
				fmt.Fprintf(w, `{"id": %q, "status": %q, "preference_id": "pref-%s"}`, id, status, id)
			}
		})
		provider := &platform.Provider{URL: api.URL, HTTP: api.HTTP}
		log, err := Run(t.Context(), Options{Shops: []*platform.Shop{api}, Provider: provider, Name: "both", Rate: 10, Length: 20 * time.Second, Checkout: 0.5, Leave: 0.1, Linger: time.Minute})
		require.NoError(t, err)
		require.Len(t, log.Intents, 200)
		require.Len(t, log.Checkouts, 100)
		require.Equal(t, 100, log.Counts.Checkouts)
		require.Equal(t, 100, log.Counts.CheckoutsPlayed)
		buyers, tries := map[CheckoutBuyer]int{}, 0
		for _, n := range tried {
			tries += n
		}
		for i, c := range log.Checkouts {
			buyers[c.Buyer]++
			require.Equal(t, fmt.Sprintf("of-both-checkout-%d", i+1), c.ID)
			require.Len(t, c.Answers, 2)
		}
		require.Len(t, buyers, 6, "every kind of buyer comes")
		require.Equal(t, buyers[PaysAtOnce]+2*buyers[PaysInTheEnd]+2*buyers[PaysTwice]+buyers[GivesUp], tries)
	})
}

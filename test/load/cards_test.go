package load

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/test/platform"
)

func TestWhoSavesAndEntersCards(t *testing.T) {
	o := Options{Seed: 1, Leave: 0.1, Card: 0.5, Reserve: 0.2, Challenge: 0.2}
	plain, both := &generator{Options: o, log: &Log{Intents: make([]Intent, 2000)}}, &generator{Options: o, log: &Log{Intents: make([]Intent, 2000)}}
	both.Saved, both.Entered = 0.3, 0.4
	saved, entered, left, now := 0, 0, 0, time.Now()
	for i := range 2000 {
		before, c := plain.newCustomer(i, now), both.newCustomer(i, now)
		if c.Saved {
			saved++
			require.Equal(t, PaysByCard, c.Buyer)
		}
		if c.OnPage {
			entered++
			require.Equal(t, PaysByCard, c.Buyer)
			require.False(t, c.Saved || c.Reserve || c.Challenge != "")
			if len(c.Cards) == 0 || c.Cards[len(c.Cards)-1] != goodHolder {
				left++
			}
		}
		c.Saved, c.OnPage, c.Cards = false, false, nil
		require.Equal(t, *before.Intent, *c.Intent, "they change nothing else")
	}
	require.InDelta(t, 270, saved, 60)
	require.InDelta(t, 161, entered, 50)
	require.InDelta(t, 32, left, 20)
}

// vault is an API and a provider that saves cards and takes them on the pay page. Of each kind of request the first has no answer.
func vault(t *testing.T, pays string) (s *platform.Shop, asked *[]string) {
	asked = &[]string{}
	seen := map[string]bool{}
	return shop(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		*asked = append(*asked, r.URL.Path+" "+string(body))
		if first := !seen[r.URL.Path]; first {
			seen[r.URL.Path] = true
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		switch r.URL.Path {
		case "/v1/customers":
			fmt.Fprint(w, `{"id": "customer-1"}`)
		case "/v1/customers/customer-1/cards":
			fmt.Fprint(w, `{"provider_card_id": "card-1"}`)
		case "/v1/card_tokens":
			fmt.Fprintf(w, `{"id": "token-%d"}`, len(*asked))
		case "/pay/link/card":
			w.Header().Set("Location", "/pay/link?problem="+pays)
			w.WriteHeader(http.StatusSeeOther)
		}
	}), asked
}

// Each step of saving a card is repeated until it is answered, and the token of the saved card pays.
func TestACardIsSavedBeforeItPays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api, asked := vault(t, "")
		o := Options{Shops: []*platform.Shop{api}, Provider: &platform.Provider{URL: api.URL, HTTP: api.HTTP}, Name: "Save"}
		c := (&generator{Options: o, log: &Log{Intents: make([]Intent, 1)}}).newCustomer(0, time.Now())
		c.Saved, c.Buyer, c.Holder = true, PaysByCard, "APRO"
		require.True(t, c.fetchToken(t.Context()))
		require.Contains(t, c.Body, `"customer_id": "customer-1", "token": "token-7"`)
		require.Len(t, *asked, 7)
		require.Contains(t, (*asked)[1], `"email": "save-1@example.com"`)
		require.Contains(t, (*asked)[5], `{"token": "token-4"}`)
		require.Contains(t, (*asked)[6], `"card_id": "card-1"`)
	})
}

// A vault that does not answer keeps no buyer from paying.
func TestACardThatIsNotSavedPaysAllTheSame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api, _ := vault(t, "")
		down := shop(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
		o := Options{Shops: []*platform.Shop{down}, Provider: &platform.Provider{URL: api.URL, HTTP: api.HTTP}}
		c := (&generator{Options: o, log: &Log{Intents: make([]Intent, 1)}}).newCustomer(0, time.Now())
		c.Saved, c.Buyer, c.Holder = true, PaysByCard, "APRO"
		require.True(t, c.fetchToken(t.Context()))
		require.False(t, c.Saved)
		require.NotContains(t, c.Body, "customer_id")
	})
}

// A card is sent again with the same token until the page has taken it. Then the next one is entered, and none after the last.
func TestCardsAreEnteredOneAfterAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api, asked := vault(t, "")
		o := Options{Shops: []*platform.Shop{api}, Provider: &platform.Provider{URL: api.URL, HTTP: api.HTTP}}
		c := (&generator{Options: o, log: &Log{Intents: make([]Intent, 1)}}).newCustomer(0, time.Now())
		c.OnPage, c.Cards, c.Status, c.Page = true, []string{"FUND", "OTHE"}, "pending", "https://pay.example.com/pay/link?lang=en"
		for c.enter(t.Context()) {
			require.True(t, c.waitsForCard())
		}
		require.Equal(t, 2, c.Entered)
		var tokens []string
		for _, a := range *asked {
			if _, form, ok := strings.Cut(a, "/pay/link/card "); ok {
				values, err := url.ParseQuery(form)
				require.NoError(t, err)
				tokens = append(tokens, values.Get("token"))
			}
		}
		require.Equal(t, []string{"token-2", "token-2", "token-5"}, tokens)
	})
}

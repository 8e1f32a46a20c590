package load

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/test/platform"
)

// wire is a network inside this process, which works under synctest.
type wire struct {
	net.Listener
	dialled chan net.Conn
	over    context.Context
	cut     context.CancelFunc
}

func (w *wire) Accept() (net.Conn, error) {
	select {
	case conn := <-w.dialled:
		return conn, nil
	case <-w.over.Done():
		return nil, net.ErrClosed
	}
}

func (w *wire) Close() error {
	w.cut()
	return nil
}

func (w *wire) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case w.dialled <- far:
		return near, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// shop serves a handler over a wire until the test ends.
func shop(t *testing.T, handler http.HandlerFunc) *platform.Shop {
	w := &wire{dialled: make(chan net.Conn)}
	w.over, w.cut = context.WithCancel(context.Background())
	server := &http.Server{Handler: handler}
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(w) })
	transport := &http.Transport{DialContext: w.dial, MaxIdleConnsPerHost: 1000}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		_ = server.Shutdown(context.Background()) // when its handlers are done
		serving.Wait()
	})
	return &platform.Shop{URL: "http://shop", HTTP: &http.Client{Transport: transport}}
}

// settled is an API whose every payment is settled in its first response.
func settled(w http.ResponseWriter, r *http.Request) {
	w.WriteHeader(http.StatusCreated)
	fmt.Fprintf(w, `{"id": %q, "status": "failed", "amount": 1}`, r.Header.Get("Idempotency-Key"))
}

// Requests are due at fixed times: a server that stalls for a second gets as many requests in that second as in any other, and the
// latency of each counts from when it was due.
func TestAStallLowersNoRateAndShowsInTheLatency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		stallFrom, stallTo := began.Add(5*time.Second), began.Add(6*time.Second)
		api := shop(t, func(w http.ResponseWriter, r *http.Request) {
			if now := time.Now(); !now.Before(stallFrom) && now.Before(stallTo) {
				sleepUntil(r.Context(), stallTo)
			}
			settled(w, r)
		})
		log, err := Run(t.Context(), Options{Shops: []*platform.Shop{api}, Rate: 100, Length: 10 * time.Second})
		require.NoError(t, err)

		require.Len(t, log.Intents, 1000)
		stalled := 0
		for i, intent := range log.Intents {
			require.WithinDuration(t, began.Add(time.Duration(i)*10*time.Millisecond), intent.Intended, 0)
			require.WithinDuration(t, intent.Intended, intent.Started, 0, "sent when it was due, stall or not")
			if intent.Answered.Sub(intent.Intended) > 0 {
				stalled++
			}
		}
		require.Equal(t, 100, stalled)
		require.Equal(t, Counts{Asked: 1000, Acknowledged: 1000, Answers: [6]int{2: 1000}}, log.Counts)
		require.EqualValues(t, 1000, log.Latency.TotalCount())
		// A tenth of all waited for 0 to 1 s, evenly: a client that had waited its turn would have measured one such wait.
		require.InDelta(t, 1000, log.Latency.Max()/1000, 2)
		require.InDelta(t, 900, log.Latency.ValueAtPercentile(99)/1000, 20)
		require.InDelta(t, 500, log.Latency.ValueAtPercentile(95)/1000, 20)
		require.LessOrEqual(t, log.Latency.ValueAtPercentile(89), int64(1))
	})
}

// If the generator itself is late, that counts as latency too.
func TestLatencyCountsFromWhenARequestWasDue(t *testing.T) {
	log, err := openLog(Options{}, 1)
	require.NoError(t, err)
	now := time.Now()
	log.done(&Intent{Intended: now.Add(-5 * time.Second), Started: now.Add(-time.Second)}, now)
	require.InDelta(t, (5 * time.Second).Microseconds(), log.Latency.Max(), 10_000)
}

func TestWhatCannotBeSentIsCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := shop(t, func(w http.ResponseWriter, r *http.Request) {
			sleep(r.Context(), 5*time.Second)
			settled(w, r)
		})
		log, err := Run(t.Context(), Options{Shops: []*platform.Shop{api}, Rate: 10, Length: 4 * time.Second, InFlight: 25})
		require.NoError(t, err)
		require.Equal(t, Counts{Asked: 25, Shed: 15, Acknowledged: 25, Answers: [6]int{2: 25}}, log.Counts)
		for i, intent := range log.Intents {
			require.Equal(t, i >= 25, intent.Shed)
		}
	})
}

// A client repeats a request whose outcome is unknown, with the same key, at the next API, not before Retry-After.
func TestARequestIsRepeatedUnderItsKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var keys []string
		answers := []func(http.ResponseWriter){
			func(http.ResponseWriter) { panic(http.ErrAbortHandler) },
			func(w http.ResponseWriter) { w.WriteHeader(http.StatusInternalServerError) },
			func(w http.ResponseWriter) {
				w.Header().Set("Retry-After", "7")
				w.WriteHeader(http.StatusTooManyRequests)
				_, _ = w.Write([]byte(`{"code": "rate_limited"}`))
			},
			func(http.ResponseWriter) { panic(http.ErrAbortHandler) }, // on a connection that has served before
			func(w http.ResponseWriter) { // promises more than it sends
				w.Header().Set("Content-Length", "100")
				w.WriteHeader(http.StatusCreated)
				_, _ = w.Write([]byte("{"))
				_ = http.NewResponseController(w).Flush()
				panic(http.ErrAbortHandler)
			},
		}
		handle := func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			keys = append(keys, r.Header.Get("Idempotency-Key"))
			n := len(keys)
			mu.Unlock()
			if n <= len(answers) {
				answers[n-1](w)
				return
			}
			settled(w, r)
		}
		first, second := shop(t, handle), shop(t, handle)
		second.URL = "http://second"
		file := filepath.Join(t.TempDir(), "load.jsonl")
		log, err := Run(t.Context(), Options{
			Shops: []*platform.Shop{first, second}, Name: "again", Rate: 1, Length: time.Second, Seed: 7, File: file,
		})
		require.NoError(t, err)

		require.Equal(t, []string{"again-1", "again-1", "again-1", "again-1", "again-1", "again-1"}, keys)
		require.Equal(t, Counts{Asked: 1, Acknowledged: 1, Answers: [6]int{0: 3, 2: 1, 4: 1, 5: 1}}, log.Counts)
		got := log.Intents[0].Answers
		require.Len(t, got, 6, "every try is logged")
		for i, code := range []int{0, 500, 429, 0, 0, 201} {
			require.Equal(t, code, got[i].Code, i)
		}
		require.Equal(t, []string{"http://shop", "http://second", "http://shop"}, []string{got[0].API, got[1].API, got[2].API})
		require.Equal(t, "rate_limited", got[2].Error)
		require.GreaterOrEqual(t, got[3].At.Sub(got[2].At), 7*time.Second)

		content, err := os.ReadFile(file)
		require.NoError(t, err)
		var events []string
		for lines := bufio.NewScanner(bytes.NewReader(content)); lines.Scan(); {
			var event line
			require.NoError(t, json.Unmarshal(lines.Bytes(), &event))
			require.Equal(t, "again-1", event.Key)
			events = append(events, event.Event)
		}
		require.Equal(t, "asked answered answered answered answered answered answered", strings.Join(events, " "))
	})
}

// A request is not repeated for ever, and not when it was refused as invalid.
func TestGivenUpAndRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := shop(t, func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.Header.Get("Idempotency-Key"), "-1") {
				w.WriteHeader(http.StatusUnprocessableEntity)
				return
			}
			w.WriteHeader(http.StatusServiceUnavailable)
		})
		began := time.Now()
		log, err := Run(t.Context(), Options{Shops: []*platform.Shop{api}, Rate: 2, Length: time.Second, RetryFor: 10 * time.Second})
		require.NoError(t, err)
		require.Equal(t, 1, log.Counts.Refused)
		require.Equal(t, 1, log.Counts.GivenUp)
		require.True(t, log.Intents[0].Refused())
		require.Len(t, log.Intents[0].Answers, 1)
		require.False(t, log.Intents[1].Refused())
		require.Greater(t, len(log.Intents[1].Answers), 5)
		require.Less(t, time.Since(began), 20*time.Second)
		require.Greater(t, log.Latency.Max(), (9 * time.Second).Microseconds(), "a request that was given up counts with its time")
	})
}

func TestTheSameSeedDrawsTheSame(t *testing.T) {
	drawn := func(seed uint64) (amounts []int64, buyers map[Buyer]int) {
		o := Options{Seed: seed, Expire: 0.2, Leave: 0.1}
		log, err := openLog(o, 1000)
		require.NoError(t, err)
		g := &generator{Options: o, log: log}
		buyers = map[Buyer]int{}
		for i := range 1000 {
			c := g.newCustomer(i, time.Now())
			amounts = append(amounts, c.Amount)
			buyers[c.Buyer]++
		}
		return amounts, buyers
	}
	amounts, buyers := drawn(1)
	again, _ := drawn(1)
	other, _ := drawn(2)
	require.Equal(t, amounts, again)
	require.NotEqual(t, amounts, other)
	require.InDelta(t, 700, buyers[Pays], 60)
	require.InDelta(t, 200, buyers[LetsExpire], 60)
	require.InDelta(t, 100, buyers[Leaves], 60)

	g := &generator{Options: Options{Seed: 1, Expire: 0.2, Leave: 0.1, Card: 0.5, Reserve: 0.5}, log: &Log{Intents: make([]Intent, 1000)}}
	cards, reserved := map[Buyer]int{}, map[string]int{}
	for i := range 1000 {
		c := g.newCustomer(i, time.Now())
		cards[c.Buyer]++
		require.Equal(t, amounts[i], c.Amount, "cards change nothing else")
		require.True(t, c.Reserve || c.Capture == 0)
		require.LessOrEqual(t, c.Capture, c.Amount)
		switch {
		case !c.Reserve:
		case c.Capture == 0:
			reserved["given up"]++
		case c.Capture < c.Amount:
			reserved["a part"]++
		default:
			reserved["all"]++
		}
	}
	require.Equal(t, buyers[Leaves], cards[Leaves])
	require.InDelta(t, 350, cards[PaysByCard], 60)
	require.InDelta(t, 44, reserved["given up"], 25)
	require.InDelta(t, 44, reserved["a part"], 25)
	require.InDelta(t, 88, reserved["all"], 30)

	g = &generator{Options: Options{Seed: 1, Expire: 0.2, Leave: 0.1, Boleto: 0.5}, log: &Log{Intents: make([]Intent, 1000)}}
	boletos, discounts := 0, 0
	for i := range 1000 {
		c := g.newCustomer(i, time.Now())
		require.Equal(t, amounts[i], c.Amount, "boletos change nothing else")
		require.False(t, c.Boleto && c.Buyer == Leaves)
		if c.Boleto {
			boletos++
			require.Contains(t, c.Body, `"boleto"`)
		}
		if c.Discount > 0 {
			discounts++
		}
	}
	require.InDelta(t, 450, boletos, 60)
	require.InDelta(t, 150, discounts, 40)

	g = &generator{Options: Options{Seed: 1, Expire: 0.2, Leave: 0.1, Card: 0.5, Challenge: 0.5, Refund: 0.2, Dispute: 0.5}, log: &Log{Intents: make([]Intent, 1000)}}
	challenges, disputes := map[Challenge]int{}, map[Dispute]int{}
	for i := range 1000 {
		c := g.newCustomer(i, time.Now())
		require.Equal(t, amounts[i], c.Amount, "challenges and disputes change nothing else")
		require.True(t, c.Challenge == "" || c.Buyer == PaysByCard)
		require.True(t, c.Dispute == "" || len(c.Refunds) == 0)
		challenges[c.Challenge]++
		disputes[c.Dispute]++
	}
	require.InDelta(t, 110, challenges[Passes], 40)
	require.InDelta(t, 44, challenges[Fails], 25)
	require.InDelta(t, 22, challenges[LeavesIt], 15)
	for _, d := range Disputes() {
		require.InDelta(t, 66, disputes[d], 30, d)
	}
}

// The buyer's dispute is played step by step, each until the provider takes it.
func TestADisputeIsPlayedToItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked []string
		provider := shop(t, func(w http.ResponseWriter, r *http.Request) {
			asked = append(asked, r.URL.Path)
			if len(asked) == 2 {
				w.WriteHeader(http.StatusConflict)
				return
			}
			fmt.Fprint(w, `{"id": "233"}`)
		})
		log := &Log{Intents: make([]Intent, 1)}
		g := &generator{Options: Options{Provider: &platform.Provider{URL: provider.URL, HTTP: provider.HTTP}}, log: log}
		c := g.newCustomer(0, time.Now())
		c.Dispute, c.Status, c.ProviderPaymentID = MediationLost, "approved", "106"
		c.dispute(t.Context())
		require.Equal(t, []string{"/admin/payments/106/claim", "/admin/claims/233/mediate", "/admin/claims/233/mediate", "/admin/claims/233/lose"}, asked)
		require.True(t, c.Disputed)
		require.Equal(t, 1, log.Counts.Disputes)
	})
}

// A failed read is counted and tried again; a read that the end of the run cuts off has not failed.
func TestReadsThatFail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reads := 0
		api := shop(t, func(w http.ResponseWriter, r *http.Request) {
			switch {
			case r.Method == http.MethodPost:
				w.WriteHeader(http.StatusAccepted)
				fmt.Fprintf(w, `{"id": %q, "status": "processing", "amount": 1}`, r.Header.Get("Idempotency-Key"))
			case strings.HasSuffix(r.URL.Path, "-2"):
				sleep(r.Context(), time.Minute)
			case reads == 0:
				reads++
				w.WriteHeader(http.StatusServiceUnavailable)
			default:
				fmt.Fprint(w, `{"id": "read-1", "status": "failed", "amount": 1}`)
			}
		})
		log, err := Run(t.Context(), Options{Shops: []*platform.Shop{api}, Name: "read", Rate: 2, Length: time.Second, Linger: 5 * time.Second})
		require.NoError(t, err)
		require.Equal(t, Counts{Asked: 2, Acknowledged: 2, Answers: [6]int{2: 2}, Reads: 2, ReadsFailed: 1}, log.Counts)
		require.Equal(t, "failed", log.Intents[0].Status)
	})
}

// A stopped run returns its log so far.
func TestARunThatIsStoppedHasALog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := shop(t, func(w http.ResponseWriter, r *http.Request) {
			sleep(r.Context(), 2*time.Second)
			settled(w, r)
		})
		ctx, cancel := context.WithTimeout(t.Context(), 4500*time.Millisecond)
		defer cancel()
		log, err := Run(ctx, Options{Shops: []*platform.Shop{api}, Rate: 1, Length: time.Minute})
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Len(t, log.Intents, 5)
		require.Equal(t, Counts{Asked: 5, Acknowledged: 3, GivenUp: 2, Answers: [6]int{0: 2, 2: 3}}, log.Counts)
	})
}

func TestInvalidOptionsAreRefused(t *testing.T) {
	shops := []*platform.Shop{{}}
	for _, o := range []Options{
		{Rate: 1, Length: time.Second},
		{Shops: shops, Length: time.Second},
		{Shops: shops, Rate: 1},
		{Shops: shops, Rate: 1, Length: time.Second, Expire: 0.6, Leave: 0.6},
		{Shops: shops, Rate: 1, Length: time.Second, Flood: Flood{Forged: 1}},
		{Shops: shops, Rate: 1, Length: time.Second, File: filepath.Join(t.TempDir(), "none", "load.jsonl")},
	} {
		_, err := Run(t.Context(), o)
		require.Error(t, err, "%+v", o)
	}
}

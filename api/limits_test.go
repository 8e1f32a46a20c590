package api

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/access"
	"github.com/onlywave/onlywave/internal/ratelimit"
	"github.com/onlywave/onlywave/internal/redis"
	"github.com/onlywave/onlywave/test/devstack"
	"github.com/onlywave/onlywave/test/devstack/devstacktest"
)

const nowhere = "redis://127.0.0.1:1" // nothing listens there

// newLimiter is the limiter of a process, in the Redis at url. It waits for Redis however busy the machine is.
func newLimiter(t testing.TB, url string) *ratelimit.Limiter {
	t.Helper()
	store, err := redis.Open(url, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	store.AnswerTime = 20 * time.Second
	t.Cleanup(func() { _ = store.Close() })
	return ratelimit.New(store)
}

// balancer is the address of the tests' requests. Its X-Forwarded-For is trusted.
const balancer = "192.0.2.1"

// newLimited is a fixture with limits. It shares the keys of other fixtures.
func newLimited(t *testing.T, url string, limits Limits, others ...*fixture) *fixture {
	t.Helper()
	f := newFixture(t)
	c := f.server.config
	c.Limiter, c.Limits, c.TrustedProxies = newLimiter(t, url), limits, []string{balancer}
	var err error
	f.server, err = newServer(c, f.server.contract)
	require.NoError(t, err)
	for _, other := range others {
		f.database.keys = other.database.keys
		f.key, f.readKey, f.otherKey = other.key, other.readKey, other.otherKey
	}
	return f
}

// spend sends requests until one is refused as one too many. It returns that response and the number of requests before it.
func spend(t *testing.T, send func(i int) *httptest.ResponseRecorder) (refused *httptest.ResponseRecorder, admitted int) {
	t.Helper()
	for i := range 10_000 {
		if w := send(i); w.Code == http.StatusTooManyRequests {
			return w, i
		}
	}
	require.Fail(t, "the limit has no end")
	return nil, 0
}

func bearer(key string) []string { return []string{"Authorization", "Bearer " + key} }

func TestServersShareTheLimits(t *testing.T) {
	t.Parallel()
	url := devstacktest.Start(t, devstack.Redis).RedisURL()
	const rate, quota = 2, 2 * burst
	a := newLimited(t, url, Limits{Reads: rate})
	b := newLimited(t, url, Limits{Reads: rate}, a)
	began, admitted := time.Now(), 0
	for i := range 10 * quota {
		if []*fixture{a, b}[i%2].get(t, "/v1/payments").Code == http.StatusOK {
			admitted++
		}
	}
	require.GreaterOrEqual(t, admitted, quota)
	require.LessOrEqual(t, admitted, quota+int(time.Since(began).Seconds()*rate)+1)
}

func TestARequestTooManySaysWhenToRetry(t *testing.T) {
	t.Parallel()
	f := newLimited(t, devstacktest.Start(t, devstack.Redis).RedisURL(), Limits{Writes: 1})
	first := f.create(t, "k0", goodBody)
	require.Equal(t, http.StatusCreated, first.Code)
	require.Equal(t, `"writes-key";q=10;w=10, "writes-client";q=20;w=10`, first.Header().Get("RateLimit-Policy"))
	require.Equal(t, `"writes-key";r=9;t=1, "writes-client";r=19;t=1`, first.Header().Get("RateLimit"))

	w, admitted := spend(t, func(i int) *httptest.ResponseRecorder { return f.create(t, "k"+strconv.Itoa(i+1), goodBody) })
	require.Equal(t, "1", w.Header().Get("Retry-After"))
	require.Equal(t, `"writes-key";q=10;w=10`, w.Header().Get("RateLimit-Policy"), "only the limit that refuses")
	require.Equal(t, `"writes-key";r=0;t=10`, w.Header().Get("RateLimit"))
	require.Equal(t, "rate_limited", decode[Problem](t, w).Code)
	require.Len(t, f.engine.asked, admitted+1, "nothing was done")
	require.NotContains(t, f.logs.String(), "ow_test")
}

// A runaway key stops neither the other keys of its client app nor other client apps, and a key with too many writes can still read.
func TestLimitsAreSeparate(t *testing.T) {
	t.Parallel()
	f := newLimited(t, devstacktest.Start(t, devstack.Redis).RedisURL(), Limits{Writes: 1, Reads: 1, Operations: 1})
	spare, third := f.addKey("shop", access.Scopes()...), f.addKey("shop", access.Scopes()...)
	list := func(key string) *httptest.ResponseRecorder { return f.get(t, "/v1/payments", bearer(key)...) }
	spendAll := func(key string) { spend(t, func(int) *httptest.ResponseRecorder { return list(key) }) }

	spendAll(f.key)
	require.Equal(t, http.StatusOK, list(spare).Code)
	require.Equal(t, http.StatusOK, list(f.otherKey).Code)
	require.Equal(t, http.StatusCreated, f.create(t, "k", goodBody).Code)
	require.Equal(t, http.StatusOK, f.get(t, "/v1/dead-letters").Code)

	require.Eventually(t, func() bool { // all the client's keys together have a limit, too
		spendAll(f.key)
		spendAll(spare)
		w := list(third)
		return w.Code == http.StatusTooManyRequests && strings.HasPrefix(w.Header().Get("RateLimit-Policy"), `"reads-client";q=20;w=10`)
	}, 20*time.Second, time.Millisecond)
	require.Equal(t, http.StatusForbidden, f.get(t, "/v1/dead-letters", bearer(f.readKey)...).Code, "a request without the scope counts, too")
}

// Wrong keys count against the address they come from. After too many no unknown key is looked up for it, and recently valid keys
// still work.
func TestGuessingKeysIsLimited(t *testing.T) {
	t.Parallel()
	const quota = 5
	for name, url := range map[string]string{"Redis": devstacktest.Start(t, devstack.Redis).RedisURL(), "no Redis": nowhere} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newLimited(t, url, Limits{Refused: quota})
			guess := func(address string) *httptest.ResponseRecorder {
				key, _ := access.NewAPIKey("test", "shop", access.Scopes(), born)
				return f.get(t, "/v1/payments", append(bearer(key), "X-Forwarded-For", address)...)
			}
			from := func(address, key string) int {
				return f.get(t, "/v1/payments", append(bearer(key), "X-Forwarded-For", address)...).Code
			}
			require.Equal(t, http.StatusOK, from("203.0.113.7", f.key))
			for range quota {
				require.Equal(t, http.StatusUnauthorized, guess("203.0.113.7").Code)
			}
			reads := f.database.reads
			w := guess("203.0.113.7")
			require.Equal(t, http.StatusTooManyRequests, w.Code)
			retry, err := strconv.Atoi(w.Header().Get("Retry-After"))
			require.NoError(t, err)
			require.InDelta(t, 60/quota, retry, 6)
			require.Equal(t, http.StatusTooManyRequests, from("203.0.113.7", "no key at all"))
			require.Equal(t, http.StatusTooManyRequests, from("203.0.113.7", f.readKey), "a key that is not known to be valid is not looked up")
			require.Equal(t, reads, f.database.reads)

			require.Equal(t, http.StatusOK, from("203.0.113.7", f.key), "a valid key from the same address still works")
			require.Equal(t, http.StatusUnauthorized, guess("203.0.113.8").Code)
			require.Equal(t, http.StatusOK, from("203.0.113.8", f.readKey))
		})
	}
}

// A valid key is read again after keyMemory, even when too many wrong keys came from its address; a wrong key is not.
func TestARecentlyValidKeyIsNoGuess(t *testing.T) {
	t.Parallel()
	database := newMemory()
	text, key := access.NewAPIKey("test", "shop", access.Scopes(), born)
	database.keys[key.ID] = key
	k := newKeys(database)
	no := func() error { return errUnavailable }
	_, err := k.key(t.Context(), key.ID, access.ScopePaymentsRead, no)
	require.ErrorIs(t, err, errUnavailable)
	k.known.Add(key.ID, remembered{key: &key, until: time.Now()})
	found, err := k.key(t.Context(), key.ID, access.ScopePaymentsRead, no)
	require.NoError(t, err)
	require.True(t, found.Admits(text, time.Now()))
	k.known.Add(key.ID, remembered{until: time.Now()})
	_, err = k.key(t.Context(), key.ID, access.ScopePaymentsRead, no)
	require.ErrorIs(t, err, errUnavailable)
}

func TestForgedNotificationsAreLimitedAndSignedOnesNever(t *testing.T) {
	t.Parallel()
	const quota = 5
	for name, url := range map[string]string{"Redis": devstacktest.Start(t, devstack.Redis).RedisURL(), "no Redis": nowhere} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newLimited(t, url, Limits{Writes: 1, Refused: quota})
			forge := func(int) *httptest.ResponseRecorder {
				return f.notify(t, notificationPath, notificationBody, "X-Signature", sign("1", "test-1", "1767225600"))
			}
			w, admitted := spend(t, forge)
			require.InDelta(t, quota, admitted, 2)
			require.NotEmpty(t, w.Header().Get("Retry-After"))
			require.Empty(t, w.Header().Get("RateLimit"), "limits are not shown to a forger")
			logged := len(f.logs.String())
			for range 10 * quota {
				require.Equal(t, http.StatusOK, f.notify(t, notificationPath, notificationBody).Code)
				require.NotEqual(t, http.StatusOK, forge(0).Code)
			}
			require.Len(t, f.publisher.published, 10*quota)
			require.Less(t, len(f.logs.String())-logged, 5_000, "a flood does not fill the log")
			require.Equal(t, http.StatusUnauthorized, f.get(t, "/v1/payments", bearer("wrong")...).Code, "keys are counted separately")
		})
	}
}

// Without Redis everything goes on, and each process applies the limits.
func TestLimitsWithoutRedis(t *testing.T) {
	t.Parallel()
	f := newLimited(t, nowhere, Limits{Writes: 1})
	for i := range 3 {
		require.Equal(t, http.StatusCreated, f.create(t, "k"+strconv.Itoa(i), goodBody).Code)
	}
	w, _ := spend(t, func(i int) *httptest.ResponseRecorder { return f.create(t, "l"+strconv.Itoa(i), goodBody) })
	require.Equal(t, `"writes-key";q=10;w=10`, w.Header().Get("RateLimit-Policy"))
	require.Empty(t, f.get(t, "/v1/payments").Header().Get("RateLimit"), "reads are not limited here")
}

func TestAddresses(t *testing.T) {
	t.Parallel()
	f := newLimited(t, nowhere, Limits{})
	for forwarded, want := range map[string]string{
		"":                       balancer,
		"203.0.113.7":            "203.0.113.7",
		"::ffff:203.0.113.7":     "203.0.113.7",
		"2001:db8:1:2:3:4:5:6":   "2001:db8:1:2::/64",
		"10.0.0.1, 203.0.113.7":  "203.0.113.7",
		"nonsense, 203.0.113.9":  "203.0.113.9",
		"2001:db8:1:2::9, bogus": balancer,
	} {
		c := gin.CreateTestContextOnly(httptest.NewRecorder(), f.server.engine)
		c.Request = httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		c.Request.Header.Set("X-Forwarded-For", forwarded)
		require.Equal(t, want, address(c), forwarded)
	}
}

// Every response of a route that needs a key may carry the RateLimit headers, and the contract says so.
func TestTheContractNamesTheLimits(t *testing.T) {
	t.Parallel()
	s := newFixture(t).server
	for _, r := range s.routes() {
		operation := s.contract.operation(r)
		if operation == nil || operation.Responses.Value("401") == nil {
			continue
		}
		require.NotNil(t, operation.Responses.Value("429"), r.path)
		for status, response := range operation.Responses.Map() {
			if r.scope != public && status[0] == '2' || status == "429" {
				require.NotNil(t, response.Value.Headers["RateLimit"], "%s %s %s", r.method, r.path, status)
				require.NotNil(t, response.Value.Headers["RateLimit-Policy"], "%s %s %s", r.method, r.path, status)
			}
		}
	}
}

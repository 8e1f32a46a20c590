package api

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/access"
	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/breaker"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/redis"
	"github.com/onlywave/onlywave/test/devstack"
	"github.com/onlywave/onlywave/test/devstack/devstacktest"
)

// newBreakers returns the circuit breakers of a process, in the Redis at url.
func newBreakers(t testing.TB, url string, log *slog.Logger) *breaker.Fleet {
	t.Helper()
	store, err := redis.Open(url, log)
	require.NoError(t, err)
	store.AnswerTime = 20 * time.Second // on a busy machine the default may be too short
	t.Cleanup(func() { _ = store.Close() })
	return breaker.NewFleet(store, "api", log)
}

// newOperator is a fixture with a real Redis. changes are the events of its breakers.
func newOperator(t *testing.T) (f *fixture, stack *devstack.Stack, changes *[]breaker.Change) {
	t.Helper()
	f, stack, changes = newFixture(t), devstacktest.Start(t, devstack.Redis), &[]breaker.Change{}
	fleet := newBreakers(t, stack.RedisURL(), f.server.config.Log)
	fleet.Audit = f.deadLetters.Audit
	fleet.Changed = func(c breaker.Change) { c.At = time.Time{}; *changes = append(*changes, c) }
	f.server.config.Breakers = fleet
	return f, stack, changes
}

func (f *fixture) set(t *testing.T, name, body string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	return f.do(t, http.MethodPut, "/v1/breakers/"+name, strings.NewReader(body), append([]string{"Content-Type", "application/json"}, headers...)...)
}

func TestABreakerIsSetOpenAndAutomaticAgain(t *testing.T) {
	t.Parallel()
	f, _, changes := newOperator(t)
	free := Breaker{Name: "charge", State: BreakerStateClosed, Automatic: true}
	require.Equal(t, BreakerList{Data: []Breaker{free, {Name: "read", State: BreakerStateClosed, Automatic: true}, {Name: "search", State: BreakerStateClosed, Automatic: true}, {Name: "cancel", State: BreakerStateClosed, Automatic: true}, {Name: "refund", State: BreakerStateClosed, Automatic: true}, {Name: "terms", State: BreakerStateClosed, Automatic: true}, {Name: "vault", State: BreakerStateClosed, Automatic: true}, {Name: "dispute", State: BreakerStateClosed, Automatic: true}, {Name: "checkout", State: BreakerStateClosed, Automatic: true}, {Name: "email", State: BreakerStateClosed, Automatic: true}}},
		decode[BreakerList](t, f.get(t, "/v1/breakers")))

	held := Breaker{Name: "charge", State: BreakerStateOpen, Actor: "shop", Reason: "maintenance", Forcings: 1}
	w := f.set(t, "charge", `{"state": "open", "reason": " maintenance "}`)
	require.Equal(t, http.StatusOK, w.Code)
	require.Equal(t, held, decode[Breaker](t, w))
	require.Equal(t, held, decode[Breaker](t, f.get(t, "/v1/breakers/charge")))
	refused := f.server.config.Breakers.Breaker("charge", breaker.Config{}).Do(t.Context(), nil)
	require.Equal(t, failure.Unavailable, failure.KindOf(refused))

	free.Forcings = 2
	require.Equal(t, free, decode[Breaker](t, f.set(t, "charge", `{"state": "automatic", "reason": "done"}`, "Authorization", "Bearer "+f.otherKey)))
	require.Equal(t, []breaker.Change{
		{Breaker: "charge", From: breaker.Closed, To: breaker.Open, Actor: "shop", Reason: "maintenance"},
		{Breaker: "charge", From: breaker.Open, To: breaker.Closed, Actor: "other", Reason: "done"},
	}, *changes)
	require.Equal(t, audit.Entry{
		Actor: audit.Actor{Name: "shop", Channel: audit.REST, From: "192.0.2.1, API key " + keyID(f.key)}, Action: audit.BreakerSet,
		Object: "breaker/charge", Reason: "maintenance", Before: audit.Values{"state": "automatic"}, After: audit.Values{"state": "open"},
	}, f.deadLetters.audited[0])
	require.Equal(t, []string{"other", "done"}, []string{f.deadLetters.audited[1].Actor.Name, f.deadLetters.audited[1].Reason})
	for _, word := range []string{`"actor":"shop"`, `"reason":"maintenance"`, `"actor":"other"`} {
		require.Contains(t, f.logs.String(), word)
	}
}

// keyID is the part of a key that may be shown.
func keyID(text string) string {
	_, id, _ := access.ParseAPIKey(text)
	return id
}

func TestWrongSettingsOfABreakerChangeNothing(t *testing.T) {
	t.Parallel()
	f, _, changes := newOperator(t)
	for body, pointer := range map[string]string{
		`{"state": "half-open", "reason": "why not"}`: "/state",
		`{"state": "", "reason": "why not"}`:          "/state",
		`{"reason": "why not"}`:                       "/state",
		`{"state": "open"}`:                           "/reason",
		`{"state": "open", "reason": "  "}`:           "/reason",
		`{"state": "open", "reason": "` + strings.Repeat("é", audit.MaxReason+1) + `"}`: "/reason",
		`{"state": "open", "reason": "4111 1111 1111 1111 was refused"}`:                "/reason",
		`{"state": "open", "reason": "a\u0000b"}`:                                       "/reason",
		`{"state": "open", "reason": "why not", "actor": "somebody else entirely"}`:     "/actor",
	} {
		w := f.set(t, "charge", body)
		require.Equal(t, http.StatusUnprocessableEntity, w.Code, body)
		require.Equal(t, pointer, decode[Problem](t, w).Errors[0].Pointer, body)
		require.NotContains(t, f.logs.String(), "4111 1111")
	}
	for _, w := range []*httptest.ResponseRecorder{f.get(t, "/v1/breakers/capture"), f.set(t, "capture", `{"state": "open", "reason": "why not"}`)} {
		require.Equal(t, http.StatusNotFound, w.Code)
		require.Contains(t, decode[Problem](t, w).Detail, "charge, read, search, cancel, refund, terms, vault, dispute, checkout, email")
	}
	require.Empty(t, *changes)
	require.Empty(t, f.deadLetters.audited)
	require.Equal(t, http.StatusOK, f.set(t, "read", `{"state": "closed", "reason": "`+strings.Repeat("é", audit.MaxReason)+`"}`).Code)
}

// The key of a client app does not have the scopes.
func TestBreakersNeedAnOperatorsKey(t *testing.T) {
	t.Parallel()
	f, _, changes := newOperator(t)
	client := "Bearer " + f.addKey("shop", access.ClientScopes()...)
	reader := "Bearer " + f.addKey("ops", access.ScopeOperationsRead)
	for _, path := range []string{"/v1/breakers", "/v1/breakers/charge"} {
		require.Equal(t, http.StatusForbidden, f.get(t, path, "Authorization", client).Code)
		require.Equal(t, http.StatusOK, f.get(t, path, "Authorization", reader).Code)
	}
	for _, key := range []string{client, reader} {
		require.Equal(t, http.StatusForbidden, f.set(t, "charge", `{"state": "open", "reason": "why not"}`, "Authorization", key).Code)
	}
	require.Empty(t, *changes)
}

// Without Redis, or with a Redis that hangs, breakers cannot be shown and everything else goes on.
func TestBreakersNeedRedisAndNothingElseDoes(t *testing.T) {
	t.Parallel()
	hanging, stack, _ := newOperator(t)
	require.NoError(t, stack.Process(devstack.Redis).Pause())
	defer func() { require.NoError(t, stack.Process(devstack.Redis).Resume()) }()
	for _, f := range []*fixture{newFixture(t), hanging} {
		for _, w := range []*httptest.ResponseRecorder{
			f.get(t, "/v1/breakers"), f.get(t, "/v1/breakers/charge"), f.set(t, "charge", `{"state": "open", "reason": "why not"}`),
		} {
			require.Equal(t, http.StatusServiceUnavailable, w.Code)
			require.NotEmpty(t, w.Header().Get("Retry-After"))
		}
		require.Equal(t, http.StatusOK, f.get(t, "/v1/payments").Code)
		require.Equal(t, http.StatusCreated, f.create(t, "k", goodBody).Code)
	}
}

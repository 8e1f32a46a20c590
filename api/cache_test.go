package api

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/cache"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/redis"
	"github.com/onlywave/onlywave/test/devstack"
	"github.com/onlywave/onlywave/test/devstack/devstacktest"
	"github.com/onlywave/onlywave/workflows"
)

// newCached is a fixture with a cache.
func newCached(t *testing.T, url string, ttl time.Duration) *fixture {
	t.Helper()
	f := newFixture(t)
	store, err := redis.Open(url, f.server.config.Log)
	require.NoError(t, err)
	store.AnswerTime = 20 * time.Second
	t.Cleanup(func() { _ = store.Close() })
	c := f.server.config
	c.Cache = cache.New(store, ttl)
	f.server, err = newServer(c, f.server.contract)
	require.NoError(t, err)
	return f
}

// A payment that was just created is read from its cached copy, and only by its client app.
func TestACreatedPaymentIsReadFromItsCopy(t *testing.T) {
	t.Parallel()
	f := newCached(t, devstacktest.Start(t, devstack.Redis).RedisURL(), time.Minute)
	f.engine.wrote = func(p payment.Payment) { f.server.config.Cache.Keep(t.Context(), p, time.Now()) }
	created := f.create(t, "k", goodBody)
	require.Equal(t, http.StatusCreated, created.Code)
	f.database.setUnavailable(errUnavailable)
	path := "/v1/payments/" + decode[Payment](t, created).ID
	w := f.get(t, path)
	require.Equal(t, http.StatusOK, w.Code)
	require.Equal(t, created.Body.String(), w.Body.String())
	require.Empty(t, w.Header().Get("Data-Age"), "it is not old")
	f.database.setUnavailable(nil)
	require.Equal(t, http.StatusNotFound, f.get(t, path, "Authorization", "Bearer "+f.otherKey).Code)
}

// The response to a POST is made from the copy that the workflow has left, if it shows what the workflow has answered.
func TestACreatedPaymentIsNotReadAgain(t *testing.T) {
	t.Parallel()
	url := devstacktest.Start(t, devstack.Redis).RedisURL()
	for name, row := range map[string]struct {
		version int           // of the copy; the payment's is 2
		age     time.Duration // of the copy; negative: it is young however long Redis takes
		status  int
	}{
		"the copy shows what was written":  {2, -time.Minute, http.StatusCreated},
		"the copy shows an earlier state":  {1, -time.Minute, http.StatusAccepted},
		"the copy is from before the POST": {2, time.Minute, http.StatusAccepted},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newCached(t, url, time.Minute)
			f.engine.wrote = func(p payment.Payment) {
				time.Sleep(2 * time.Millisecond) // a workflow takes longer, and ages are whole milliseconds
				p.Version = row.version
				_, certain := f.server.config.Cache.Keep(t.Context(), p, time.Now().Add(-row.age))
				require.True(t, certain)
				f.database.setUnavailable(errUnavailable)
			}
			w := f.create(t, strings.ReplaceAll(name, " ", "-"), goodBody)
			require.Equal(t, row.status, w.Code, "%s", w.Body)
			require.Equal(t, row.status == http.StatusCreated, decode[Payment](t, w).Method.QrCode != "")
		})
	}
}

// After a restore the copy may show what the database has lost.
func TestACopyDoesNotHideALostRow(t *testing.T) {
	t.Parallel()
	f := newCached(t, devstacktest.Start(t, devstack.Redis).RedisURL(), time.Minute)
	f.engine.wrote = func(p payment.Payment) { f.server.config.Cache.Keep(t.Context(), p, time.Now()) }
	id := decode[Payment](t, f.create(t, "k", goodBody)).ID
	before := f.database.payments[id]
	f.engine.closed = &workflows.Answer{PaymentID: id, Fingerprint: before.Fingerprint, Status: before.Status, Version: before.Version, AskedAt: before.CreatedAt}
	delete(f.database.payments, id)
	require.Equal(t, http.StatusCreated, f.create(t, "k", goodBody).Code)
	require.Len(t, f.engine.asked, 3)
	require.Contains(t, f.database.payments, id)
}

// While the database is unavailable a cached copy is the answer, and the response says how old it is.
func TestAnOldCopyIsReadWhileTheDatabaseIsUnavailable(t *testing.T) {
	t.Parallel()
	f := newCached(t, devstacktest.Start(t, devstack.Redis).RedisURL(), 10*time.Millisecond)
	created := f.create(t, "k", goodBody)
	id := decode[Payment](t, created).ID
	p, err := f.database.Payment(t.Context(), id)
	require.NoError(t, err)
	_, certain := f.server.config.Cache.Keep(t.Context(), p, time.Now().Add(-time.Hour))
	require.True(t, certain)
	f.database.setUnavailable(errUnavailable)
	require.Eventually(t, func() bool {
		w := f.get(t, "/v1/payments/"+id)
		require.Equal(t, http.StatusOK, w.Code)
		require.Equal(t, created.Body.String(), w.Body.String())
		age, err := strconv.ParseFloat(w.Header().Get("Data-Age"), 64)
		return err == nil && age >= 1
	}, 20*time.Second, 10*time.Millisecond)

	require.Equal(t, http.StatusServiceUnavailable, f.get(t, "/v1/payments/"+payment.NewID("shop", "never read")).Code)
	f.database.setUnavailable(nil)
	require.Empty(t, f.get(t, "/v1/payments/"+id).Header().Get("Data-Age"))
}

func TestWithoutRedisTheDatabaseIsRead(t *testing.T) {
	t.Parallel()
	f := newCached(t, "redis://127.0.0.1:1", time.Minute) // nothing listens there
	created := f.create(t, "k", goodBody)
	w := f.get(t, "/v1/payments/"+decode[Payment](t, created).ID)
	require.Equal(t, http.StatusOK, w.Code)
	require.Equal(t, created.Body.String(), w.Body.String())
	f.database.setUnavailable(errUnavailable)
	require.Equal(t, http.StatusServiceUnavailable, f.get(t, "/v1/payments/"+payment.NewID("shop", "other")).Code)
}

package cache

import (
	"context"
	"errors"
	"log/slog"
	"regexp"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/metrics/metricstest"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/redis"
	"github.com/onlywave/onlywave/test/devstack"
	"github.com/onlywave/onlywave/test/devstack/devstacktest"
)

const timeout = 20 * time.Second

var (
	silent         = slog.New(slog.DiscardHandler)
	errUnavailable = &failure.Error{Kind: failure.Unavailable, Message: "the database is unavailable"}
	born           = time.Date(2026, 11, 23, 19, 32, 45, 102313000, time.UTC)
)

func TestMain(m *testing.M) { devstacktest.Main(m, devstack.Redis) }

// newCache is one process's hold, which waits for Redis however busy the machine is.
func newCache(t *testing.T, url string, ttl time.Duration) *Payments {
	t.Helper()
	store, err := redis.Open(url, silent)
	require.NoError(t, err)
	store.AnswerTime = timeout
	t.Cleanup(func() { _ = store.Close() })
	return New(store, ttl)
}

func shared(t *testing.T, ttl time.Duration) *Payments {
	t.Helper()
	return newCache(t, devstacktest.Shared().RedisURL(), ttl)
}

// version is a payment after so many events.
func version(id string, n int) payment.Payment {
	return payment.Payment{
		ID: id, ClientID: "shop", Version: n, Status: payment.Pending, CreatedAt: born, UpdatedAt: born.Add(time.Duration(n) * time.Second),
		Request: payment.Request{
			Amount: payment.Money{Centavos: 1050, Currency: payment.BRL}, Description: "Order 1042", Reference: "order-1042",
			Method:   payment.Method{Type: payment.Pix, ExpiresIn: 3600},
			Metadata: map[string]string{"cart": "c-7"},
		},
		Instructions: payment.Instructions{ExpiresAt: born.Add(time.Hour), QRCode: "000201", TicketURL: "https://pay.test/1"},
		Refunded:     50, Failure: "why",
		Provider: payment.Provider{
			Name: payment.MercadoPago, PaymentID: "12345678901", Status: "pending", StatusDetail: "waiting",
			UpdatedAt: born.Add(time.Duration(n) * time.Millisecond),
		},
	}
}

// says is a database that has the payment, and counts how often it is asked.
func says(p payment.Payment, asked *int) Query {
	return func(context.Context, string) (payment.Payment, error) { *asked++; return p, nil }
}

func unavailable(context.Context, string) (payment.Payment, error) {
	return payment.Payment{}, errUnavailable
}

// ask asks for a payment and wants no failure.
func (c *Payments) ask(t *testing.T, id string, query Query) (payment.Payment, time.Duration) {
	t.Helper()
	p, age, err := c.Payment(t.Context(), id, query)
	require.NoError(t, err)
	return p, age
}

func (c *Payments) keep(t *testing.T, p payment.Payment, asked time.Time) payment.Payment {
	t.Helper()
	newest, certain := c.Keep(t.Context(), p, asked)
	require.True(t, certain)
	return newest
}

// counted is what the metrics say, whose results have names of their own.
func (c *Payments) counted(t *testing.T, result string) int {
	t.Helper()
	found := regexp.MustCompile(`result="` + result + `"} (\d+)`).FindStringSubmatch(metricstest.Text(t, c.Collectors()...))
	require.NotNil(t, found)
	n, err := strconv.Atoi(found[1])
	require.NoError(t, err)
	return n
}

// What is read once is answered from the copy afterwards, in every process, and shows all but what no client app is shown.
func TestACopyAnswersForTheDatabase(t *testing.T) {
	t.Parallel()
	a, b := shared(t, time.Hour), shared(t, time.Hour)
	want := version(uuid.NewString(), 2)
	stored := want
	stored.Payer, stored.IdempotencyKey, stored.Fingerprint = payment.Payer{Email: "ana@example.com", TaxID: "12345678909"}, "order-1042", "f00d"
	asked := 0
	p, age := a.ask(t, want.ID, says(stored, &asked))
	require.Zero(t, age)
	require.Equal(t, stored, p)
	for range 2 {
		p, age = b.ask(t, want.ID, unavailable)
		require.Zero(t, age)
		require.Equal(t, want, p)
	}
	require.Equal(t, 1, asked)
	require.Equal(t, []int{1, 0, 1}, []int{a.counted(t, miss), a.counted(t, hit), a.counted(t, written)})
	require.Equal(t, 2, b.counted(t, hit))

	client := a.store.Client()
	body, err := client.HGet(t.Context(), keys(want.ID)[0], "body").Result()
	require.NoError(t, err)
	require.NotContains(t, body, "ana@example.com")
	require.NotContains(t, body, "12345678909")
	left := client.PTTL(t.Context(), keys(want.ID)[0]).Val()
	require.Positive(t, left)
	require.LessOrEqual(t, left, kept+kept/10)
}

func TestAnOlderStateNeverReplacesANewer(t *testing.T) {
	t.Parallel()
	c := shared(t, time.Hour)
	id := uuid.NewString()
	later := version(id, 2) // the same version, of which the provider has said more since
	later.Provider.UpdatedAt, later.Provider.StatusDetail = later.Provider.UpdatedAt.Add(time.Microsecond), "more"
	for _, row := range []struct{ put, held payment.Payment }{
		{version(id, 1), version(id, 1)},
		{version(id, 2), version(id, 2)},
		{version(id, 2), version(id, 2)}, // twice
		{version(id, 1), version(id, 2)},
		{later, later},
		{version(id, 2), later},
		{version(id, 10), version(id, 10)}, // compared as numbers, not as text
		{version(id, 9), version(id, 10)},
	} {
		require.Equal(t, row.held, c.keep(t, row.put, time.Now()))
		p, _ := c.ask(t, id, unavailable)
		require.Equal(t, row.held, p)
	}
	require.Equal(t, 3, c.counted(t, older))
}

// The database is read, then a newer state is committed and kept, then the reader comes with what it has.
func TestALateReaderIsRefused(t *testing.T) {
	t.Parallel()
	reader, writer := shared(t, time.Hour), shared(t, time.Hour)
	id := uuid.NewString()
	slow := func(context.Context, string) (payment.Payment, error) {
		writer.keep(t, version(id, 2), time.Now())
		return version(id, 1), nil
	}
	p, _ := reader.ask(t, id, slow)
	require.Equal(t, 2, p.Version, "even the process that read the older state gets the newer one")
	require.Equal(t, 1, reader.counted(t, older))
	p, _ = reader.ask(t, id, unavailable)
	require.Equal(t, 2, p.Version)
}

// When Redis forgets the newer state, as a replica that is promoted may, what an earlier one was known by counts from when the
// database was asked, not from when it was kept.
func TestACopyIsAsOldAsItsQuestion(t *testing.T) {
	t.Parallel()
	c := shared(t, time.Minute)
	id := uuid.NewString()
	slow := func(context.Context, string) (payment.Payment, error) {
		c.keep(t, version(id, 2), time.Now())
		require.NoError(t, c.store.Client().Del(t.Context(), keys(id)[0]).Err())
		return version(id, 1), nil
	}
	_, _ = c.ask(t, id, slow)
	c.keep(t, version(id, 1), time.Now().Add(-2*time.Minute)) // the same again, by an older question, makes it no older
	p, age := c.ask(t, id, unavailable)
	require.Zero(t, age)
	require.Equal(t, 1, p.Version)

	late := uuid.NewString()
	c.keep(t, version(late, 1), time.Now().Add(-2*time.Minute))
	asked := 0
	p, age = c.ask(t, late, says(version(late, 2), &asked))
	require.Zero(t, age)
	require.Equal(t, 2, p.Version)
	require.Equal(t, 1, asked)
}

// Since returns only what the database was asked for, or what was written, after the given time.
func TestACopyFromBeforeDoesNotCount(t *testing.T) {
	t.Parallel()
	c := shared(t, time.Minute)
	id, began := uuid.NewString(), time.Now().Add(-time.Minute)
	_, found := c.Since(t.Context(), id, began)
	require.False(t, found, "there is no copy")
	c.keep(t, version(id, 2), time.Now().Add(-2*time.Minute))
	_, found = c.Since(t.Context(), id, began)
	require.False(t, found, "it is older")
	c.keep(t, version(id, 1), time.Now())
	_, found = c.Since(t.Context(), id, began)
	require.False(t, found, "an older state that is read later makes it no younger")
	c.keep(t, version(id, 2), time.Now())
	p, found := c.Since(t.Context(), id, began)
	require.True(t, found)
	require.Equal(t, version(id, 2), p)
	require.Equal(t, []int{3, 1}, []int{c.counted(t, miss), c.counted(t, hit)})
	_, found = (*Payments)(nil).Since(t.Context(), id, began)
	require.False(t, found)
}

func TestAnUnavailableDatabaseIsAnsweredFor(t *testing.T) {
	t.Parallel()
	c := shared(t, time.Minute)
	id := uuid.NewString()
	_, _, err := c.Payment(t.Context(), id, unavailable)
	require.ErrorIs(t, err, errUnavailable)

	c.keep(t, version(id, 1), time.Now().Add(-10*time.Minute))
	hung := func(ctx context.Context, _ string) (payment.Payment, error) {
		ctx, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		<-ctx.Done()
		return payment.Payment{}, ctx.Err()
	}
	for _, database := range []Query{unavailable, hung} {
		p, age := c.ask(t, id, database)
		require.Equal(t, version(id, 1), p)
		require.GreaterOrEqual(t, age, 10*time.Minute)
	}
	require.Equal(t, 2, c.counted(t, stale))

	for _, want := range []error{&failure.Error{Kind: failure.NotFound}, errors.New("a bug")} { // an answer is passed on
		_, _, err := c.Payment(t.Context(), id+"x", func(context.Context, string) (payment.Payment, error) { return payment.Payment{}, want })
		require.ErrorIs(t, err, want)
	}
}

// In the second half of a copy's time one asker reads the database, and the others are answered by the copy meanwhile.
func TestOneRenewsForAll(t *testing.T) {
	t.Parallel()
	id := uuid.NewString()
	first := shared(t, time.Hour)
	first.keep(t, version(id, 1), time.Now().Add(-40*time.Minute))
	others := []*Payments{shared(t, time.Hour), shared(t, time.Hour), first}
	asked := 0
	p, _ := first.ask(t, id, func(context.Context, string) (payment.Payment, error) {
		asked++
		for _, c := range others {
			held, age := c.ask(t, id, unavailable)
			require.Zero(t, age)
			require.Equal(t, 1, held.Version)
			require.Equal(t, 1, c.counted(t, hit))
		}
		return version(id, 2), nil
	})
	require.Equal(t, 2, p.Version)
	require.Equal(t, 1, asked)

	// One whose database is unavailable is answered by the copy, too, and another caller tries again when its time is up.
	id = uuid.NewString()
	first.keep(t, version(id, 1), time.Now().Add(-40*time.Minute))
	tries := 0
	require.Eventually(t, func() bool {
		_, age := first.ask(t, id, func(context.Context, string) (payment.Payment, error) {
			tries++
			return payment.Payment{}, errUnavailable
		})
		require.Zero(t, age)
		return tries == 2
	}, timeout, 10*time.Millisecond)
}

// A caller that misses while the database is being asked puts no question of its own; that a few come too late for it is no stampede.
func TestAMissIsReadOnceForAll(t *testing.T) {
	t.Parallel()
	c := shared(t, time.Hour)
	id := uuid.NewString()
	var asked atomic.Int32
	gate := make(chan struct{})
	database := func(context.Context, string) (payment.Payment, error) {
		asked.Add(1)
		<-gate
		return version(id, 1), nil
	}
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			p, _ := c.ask(t, id, database)
			require.Equal(t, 1, p.Version)
		})
	}
	require.Eventually(t, func() bool { return c.counted(t, miss) == 50 }, timeout, time.Millisecond)
	close(gate)
	all.Wait()
	require.Less(t, asked.Load(), int32(25))
}

func TestNoneIsKeptWhenOff(t *testing.T) {
	t.Parallel()
	c := shared(t, 0)
	asked := 0
	for range 2 {
		p, age := c.ask(t, "id", says(version("id", 1), &asked))
		require.Zero(t, age)
		require.Equal(t, 1, p.Version)
	}
	newest, certain := c.Keep(t.Context(), version("id", 1), time.Now())
	require.Equal(t, 1, newest.Version)
	require.False(t, certain)
	require.Equal(t, 2, asked)
	require.Empty(t, c.Collectors())
}

func TestAnotherReleasesCopyIsAMiss(t *testing.T) {
	t.Parallel()
	c := shared(t, time.Hour)
	for _, body := range []string{"", "{", `{"ID": "another"}`, `{"Version": "two"}`} {
		p := version(uuid.NewString(), 1)
		c.keep(t, p, time.Now())
		require.NoError(t, c.store.Client().HSet(t.Context(), keys(p.ID)[0], "body", body).Err())
		_, _, err := c.Payment(t.Context(), p.ID, unavailable)
		require.ErrorIs(t, err, errUnavailable)
	}
}

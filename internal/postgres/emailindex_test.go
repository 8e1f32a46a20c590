package postgres

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/blindindex"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
)

var (
	oneKey     = strings.Repeat("one-key-", 4)
	anotherKey = strings.Repeat("another-", 4)
)

// openFor opens a payment of a buyer, so many seconds after the beginning of the tests' time.
func (s *Store) openFor(t *testing.T, email string, second int) string {
	t.Helper()
	p := newPayment(fmt.Sprint("of ", email, second))
	p.Payer.Email, p.CreatedAt = email, timeAt(second)
	return s.open(t, p).ID
}

// byEmail is the ids of the payments of a buyer, and whether the list is complete.
func (s *Store) byEmail(t *testing.T, email string, status payment.Status, limit int) (ids []string, complete bool) {
	t.Helper()
	found, complete, err := s.PaymentsByEmail(t.Context(), email, status, limit)
	require.NoError(t, err)
	for _, p := range found {
		ids = append(ids, p.ID)
	}
	return ids, complete
}

// indexOld indexes what is not indexed yet, and says how many payments that were.
func (s *Store) indexOld(t *testing.T) int {
	t.Helper()
	indexed, more, err := s.IndexOldEmails(t.Context(), time.Now().Add(testTimeout))
	require.NoError(t, err)
	require.False(t, more)
	return indexed
}

func TestAPaymentIsFoundByTheBuyersEmail(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	s.IndexEmails(blindindex.New(oneKey))
	first, second := s.openFor(t, "ana@example.com", 1), s.openFor(t, "Ana@Example.COM", 2)
	s.openFor(t, "bia@example.com", 3)
	for _, spelling := range []string{"ana@example.com", " ANA@example.com "} {
		ids, complete := s.byEmail(t, spelling, "", 10)
		require.True(t, complete)
		require.Equal(t, []string{second, first}, ids, "the newest first")
	}
	ids, _ := s.byEmail(t, "ana@example.com", "", 1)
	require.Equal(t, []string{second}, ids)
	s.apply(t, first, answer(first, payment.Approved, 1))
	ids, _ = s.byEmail(t, "ana@example.com", payment.Approved, 10)
	require.Equal(t, []string{first}, ids)
	ids, _ = s.byEmail(t, "ana@example.org", "", 10)
	require.Empty(t, ids)
	require.Zero(t, s.number(t, `select count(*) from payments where position('ana' in lower(encode(payer_email_index, 'escape'))) > 0`))

	another := openStore(t, s.pool.Config().ConnString())
	another.IndexEmails(blindindex.New(anotherKey))
	ids, complete := another.byEmail(t, "ana@example.com", "", 10)
	require.Empty(t, ids)
	require.False(t, complete, "and it knows that there are payments that it cannot find")
}

func TestWithoutAKeyPaymentsHaveNoIndex(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	s.openFor(t, "ana@example.com", 1)
	require.False(t, s.CanFindEmails())
	require.Zero(t, s.number(t, `select count(*) from payments where payer_email_index is not null`))
	require.Zero(t, s.indexOld(t))
}

// Rows of before the column, and rows that processes without the key write during the rollout, are indexed; twice changes nothing.
func TestOldPaymentsAreIndexed(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	old := s.openFor(t, "ana@example.com", 1)
	nobody := s.openFor(t, "", 2)
	s.IndexEmails(blindindex.New(oneKey))
	now := s.openFor(t, "ana@example.com", 3)
	ids, complete := s.byEmail(t, "ana@example.com", "", 10)
	require.Equal(t, []string{now}, ids)
	require.False(t, complete)

	before := s.text(t, `select payments::text from payments where id = $1`, now)
	require.Equal(t, 1, s.indexOld(t))
	require.Zero(t, s.indexOld(t))
	ids, complete = s.byEmail(t, "ana@example.com", "", 10)
	require.Equal(t, []string{now, old}, ids)
	require.True(t, complete, "a payment without an address is not missing")
	require.Equal(t, before, s.text(t, `select payments::text from payments where id = $1`, now))
	require.Equal(t, 1, s.number(t, `select version from payments where id = $1`, old), "nothing else has changed")
	require.Equal(t, 1, s.number(t, `select count(*) from payments where id = $1 and payer_email_index is null`, nobody))
}

func TestANewKeyReplacesTheOldOne(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	s.IndexEmails(blindindex.New(oneKey))
	old := s.openFor(t, "ana@example.com", 1)

	s.IndexEmails(blindindex.New(anotherKey, oneKey))
	now := s.openFor(t, "ana@example.com", 2)
	ids, complete := s.byEmail(t, "ana@example.com", "", 10)
	require.Equal(t, []string{now, old}, ids, "both keys are searched by")
	require.True(t, complete)
	require.Equal(t, 1, s.indexOld(t))

	s.IndexEmails(blindindex.New(anotherKey))
	ids, complete = s.byEmail(t, "ana@example.com", "", 10)
	require.Equal(t, []string{now, old}, ids)
	require.True(t, complete)
	require.Zero(t, s.indexOld(t))
}

// Payments go on while old ones are indexed, by several processes at once.
func TestOldPaymentsAreIndexedBesideTraffic(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	var ids []string
	for i := range 2 * emailBatch / 10 {
		ids = append(ids, s.openFor(t, "ana@example.com", i))
	}
	s.IndexEmails(blindindex.New(oneKey))
	var done atomic.Bool
	sideBySide(t, 3, func(i int) error {
		if i == 2 {
			for n := 0; !done.Load(); n++ {
				id := ids[n%len(ids)]
				if _, err := s.Apply(t.Context(), id, answer(id, payment.Approved, 1), timeAt(n)); err != nil {
					return err
				}
			}
			return nil
		}
		defer done.Store(true)
		_, _, err := s.IndexOldEmails(t.Context(), time.Now().Add(testTimeout))
		return err
	})
	require.Equal(t, len(ids), s.number(t, `select count(*) from payments where payer_email_index = $1`, blindindex.New(oneKey).Index("ana@example.com")))
	_, complete := s.byEmail(t, "ana@example.com", "", 1)
	require.True(t, complete)
}

func TestIndexingEndsWithItsTime(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	s.openFor(t, "ana@example.com", 1)
	s.IndexEmails(blindindex.New(oneKey))
	indexed, more, err := s.IndexOldEmails(t.Context(), time.Now())
	require.NoError(t, err)
	require.Zero(t, indexed)
	require.True(t, more)
	require.Equal(t, 1, s.indexOld(t))
}

// A worker of a new version may meet the schema of the version before: it waits for the migration.
func TestAPaymentIsNotStoredBeforeTheMigration(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	_, err := s.pool.Exec(t.Context(), `alter table payments drop column payer_email_index`)
	require.NoError(t, err)
	_, _, err = s.OpenPayment(t.Context(), newPayment("early"))
	require.Equal(t, failure.Unavailable, failure.KindOf(err))
}

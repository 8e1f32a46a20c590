package postgres

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/access"
	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
)

// newPayment is a Pix of R$ 10,50 that client app shop asks for under a key.
func newPayment(key string) payment.Payment {
	p := payment.Payment{
		ID: payment.NewID("shop", key), ClientID: "shop", IdempotencyKey: key,
		Request: payment.Request{
			Amount: payment.Money{Centavos: 1050, Currency: payment.BRL}, Description: "Order " + key, Reference: "order-1",
			Method:   payment.Method{Type: payment.Pix, ExpiresIn: 3600},
			Payer:    payment.Payer{Email: "ana@example.com", Name: "Ana Souza", TaxID: "12345678909"},
			Metadata: map[string]string{"cart": "c-7"},
		},
		Status: payment.Processing, Provider: payment.NewProvider(), CreatedAt: timeAt(0),
	}
	p.Fingerprint = p.Request.Fingerprint()
	return p
}

func (s *Store) open(t *testing.T, p payment.Payment) payment.Payment {
	t.Helper()
	opened, _, err := s.OpenPayment(t.Context(), p)
	require.NoError(t, err)
	return opened
}

// rows counts what there is of a payment: itself, its operations and its events.
func (s *Store) rows(t *testing.T, id string) [3]int {
	return [3]int{
		s.number(t, `select count(*) from payments where id = $1`, id),
		s.number(t, `select count(*) from operations where payment_id = $1`, id),
		s.number(t, `select count(*) from payment_events where payment_id = $1`, id),
	}
}

func TestAPaymentOpenedAgainIsTheOneThatIsThere(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	p := newPayment("again")
	first := s.open(t, p)
	require.Equal(t, 1, first.Version)
	require.Equal(t, p.CreatedAt, first.UpdatedAt)

	p.CreatedAt = timeAt(9)
	p.Description = "another"
	require.Equal(t, first, s.open(t, p))
	read, err := s.Payment(t.Context(), p.ID)
	require.NoError(t, err)
	require.Equal(t, first, read)
	require.Equal(t, [3]int{1, 1, 1}, s.rows(t, p.ID))
	require.Equal(t, payment.ProviderKey(p.ID, payment.Charge, 1),
		s.text(t, `select provider_key::text from operations where payment_id = $1 and kind = 'charge' and outcome = 'asked' and amount = 1050`, p.ID))

	_, err = s.Apply(t.Context(), p.ID, answer(p.ID, payment.Pending, 1), timeAt(10))
	require.NoError(t, err)
	moved := s.open(t, p)
	require.Equal(t, payment.Pending, moved.Status)
	require.Equal(t, 2, moved.Version)
}

func TestAPaymentOpenedManyTimesAtOnceIsOne(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	for round := range 100 { // the inserts must meet within microseconds
		p := newPayment(fmt.Sprint("at-once-", round))
		var written atomic.Int32
		sideBySide(t, 20, func(i int) error {
			mine := p
			mine.CreatedAt = timeAt(i)
			opened, mineIs, err := s.OpenPayment(t.Context(), mine)
			if err == nil && opened.Version != 1 {
				t.Errorf("version %d", opened.Version)
			}
			if mineIs {
				written.Add(1)
			}
			return err
		})
		require.EqualValues(t, 1, written.Load())
		require.Equal(t, [3]int{1, 1, 1}, s.rows(t, p.ID))
	}
}

func TestARequestWithoutMetadataReadsBackTheSame(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	p := newPayment("bare")
	p.Metadata = nil
	p.Fingerprint = p.Request.Fingerprint()
	opened := s.open(t, p)
	read, err := s.Payment(t.Context(), p.ID)
	require.NoError(t, err)
	require.Equal(t, opened, read)
	require.Equal(t, p.Fingerprint, read.Request.Fingerprint())
}

// The row and its event are stored together: a refused payment leaves nothing.
func TestAPaymentThatIsRefusedLeavesNothing(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	unknown := newPayment("unknown-app")
	unknown.ClientID = "nobody"
	_, _, err := s.OpenPayment(t.Context(), unknown)
	require.Equal(t, failure.Conflict, failure.KindOf(err))

	s.open(t, newPayment("taken"))
	duplicate := newPayment("taken")
	duplicate.ID = payment.NewID("shop", "another ID for the same key")
	_, _, err = s.OpenPayment(t.Context(), duplicate)
	require.Equal(t, failure.Conflict, failure.KindOf(err))
	require.Equal(t, [3]int{}, s.rows(t, unknown.ID))
	require.Equal(t, [3]int{}, s.rows(t, duplicate.ID))
}

func TestAPaymentIsFoundByTheProvidersID(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	p := newPayment("found")
	s.open(t, p)
	for _, unknown := range []string{"", "106400160592"} {
		_, err := s.PaymentByProvider(t.Context(), payment.MercadoPago, unknown)
		require.Equal(t, failure.NotFound, failure.KindOf(err), unknown)
	}
	_, err := s.Payment(t.Context(), payment.NewID("shop", "never made"))
	require.Equal(t, failure.NotFound, failure.KindOf(err))

	state := answer(p.ID, payment.Pending, 1)
	_, err = s.Apply(t.Context(), p.ID, state, timeAt(1))
	require.NoError(t, err)
	read, err := s.PaymentByProvider(t.Context(), payment.MercadoPago, state.PaymentID)
	require.NoError(t, err)
	require.Equal(t, p.ID, read.ID)
	_, err = s.PaymentByProvider(t.Context(), "another", state.PaymentID)
	require.Equal(t, failure.NotFound, failure.KindOf(err))
}

// A payment stays with the API that has made it. A program of the version before, which runs while this one is rolled out, does not
// name the API.
func TestAPaymentKeepsTheAPIThatMadeIt(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	other := newPayment("orders")
	other.Provider.API = "orders"
	s.open(t, other)
	require.Equal(t, "orders", s.read(t, other.ID).Provider.API)
	_, err := s.Apply(t.Context(), other.ID, answer(other.ID, payment.Pending, 1), timeAt(1))
	require.NoError(t, err)
	require.Equal(t, "orders", s.read(t, other.ID).Provider.API)

	before := payment.NewID("shop", "before")
	_, err = s.pool.Exec(t.Context(), `
insert into payments (id, client_id, idempotency_key, fingerprint, status, amount, currency, description, reference,
                      method_type, method, payer, metadata, provider, version, created_at, updated_at)
select $1, client_id, 'before', fingerprint, 'processing', amount, currency, description, reference,
       method_type, method, payer, metadata, provider, 1, created_at, updated_at
from payments where id = $2`, before, other.ID)
	require.NoError(t, err)
	require.Equal(t, payment.NewProvider(), s.read(t, before).Provider)
}

func TestAPaidPixIsFoundByItsEndToEndID(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	id := s.open(t, newPayment("end to end")).ID
	const endToEnd = "E18236120202611231925abcDEF12345"
	_, err := s.PaymentByEndToEnd(t.Context(), endToEnd)
	require.Equal(t, failure.NotFound, failure.KindOf(err))
	state := answer(id, payment.Approved, 1)
	state.EndToEndID = endToEnd
	require.Equal(t, endToEnd, s.apply(t, id, state).Event.Data.EndToEndID)
	require.Nil(t, s.apply(t, id, state).Event)
	s.apply(t, id, answer(id, payment.Refunded, 2)) // an answer without the id does not remove it
	found, err := s.PaymentByEndToEnd(t.Context(), endToEnd)
	require.NoError(t, err)
	require.Equal(t, id, found.ID)
	require.Equal(t, endToEnd, found.Instructions.EndToEndID)
}

// listed opens six payments of shop, one each second but two at the same time, and one of another client app.
func listed(t *testing.T, s *Store) {
	t.Helper()
	for i, key := range []string{"a", "b", "c", "d", "e", "f"} {
		p := newPayment(key)
		p.CreatedAt = timeAt(i)
		if key == "d" {
			p.CreatedAt = timeAt(2) // the same as c's
		}
		if key == "b" || key == "e" {
			p.Reference = "order-2"
		}
		if key == "f" {
			p.Reference = ""
		}
		s.open(t, p)
	}
	b := payment.NewID("shop", "b")
	_, err := s.Apply(t.Context(), b, answer(b, payment.Pending, 1), timeAt(7))
	require.NoError(t, err)
	_, err = s.IssueAPIKey(t.Context(), audit.Actor{Name: "test"}, access.KeyRequest{Environment: "test", ClientID: "rival", Scopes: access.Scopes()}, timeAt(0))
	require.NoError(t, err)
	foreign := newPayment("a")
	foreign.ID, foreign.ClientID = payment.NewID("rival", "a"), "rival"
	s.open(t, foreign)
}

func keysOf(list []payment.Payment) string {
	keys := ""
	for _, p := range list {
		keys += p.IdempotencyKey
	}
	return keys
}

func TestListsShowWhatTheFilterSaysNewestFirst(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	listed(t, s)
	all := "fecdba"
	if payment.NewID("shop", "d") > payment.NewID("shop", "c") { // at the same time the higher ID comes first
		all = "fedcba"
	}
	second := all[2:4]
	rows := map[string]struct {
		filter payment.Filter
		want   string
	}{
		"all":               {payment.Filter{}, all},
		"the newest":        {payment.Filter{Limit: 1}, "f"},
		"status":            {payment.Filter{Status: payment.Pending}, "b"},
		"status of none":    {payment.Filter{Status: payment.Refunded}, ""},
		"method":            {payment.Filter{Method: payment.Pix}, all},
		"method of none":    {payment.Filter{Method: "card"}, ""},
		"reference":         {payment.Filter{Reference: "order-2"}, "eb"},
		"from, inclusive":   {payment.Filter{CreatedFrom: timeAt(4)}, "fe"},
		"to, exclusive":     {payment.Filter{CreatedTo: timeAt(2)}, "ba"},
		"from and to":       {payment.Filter{CreatedFrom: timeAt(2), CreatedTo: timeAt(4)}, second},
		"after":             {payment.Filter{After: payment.Position{CreatedAt: timeAt(1), ID: payment.NewID("shop", "b")}}, "a"},
		"after same time":   {payment.Filter{After: payment.Position{CreatedAt: timeAt(2), ID: payment.NewID("shop", second[:1])}}, second[1:] + "ba"},
		"everything":        {payment.Filter{Status: payment.Pending, Method: payment.Pix, Reference: "order-2", CreatedFrom: timeAt(0), CreatedTo: timeAt(2)}, "b"},
		"of another client": {payment.Filter{ClientID: "another"}, ""},
		"of the rival":      {payment.Filter{ClientID: "rival"}, "a"},
		"like an injection": {payment.Filter{Reference: "' or true --"}, ""},
	}
	for name, row := range rows {
		if row.filter.ClientID == "" {
			row.filter.ClientID = "shop"
		}
		if row.filter.Limit == 0 {
			row.filter.Limit = 100
		}
		list, age, err := s.Payments(t.Context(), row.filter)
		require.NoError(t, err, name)
		require.Zero(t, age, name)
		require.Equal(t, row.want, keysOf(list), name)
	}

	paged := ""
	for filter := (payment.Filter{ClientID: "shop", Limit: 1}); ; {
		page, _, err := s.Payments(t.Context(), filter)
		require.NoError(t, err)
		if len(page) == 0 {
			break
		}
		paged += keysOf(page)
		filter.After = payment.Position{CreatedAt: page[0].CreatedAt, ID: page[0].ID}
	}
	require.Equal(t, all, paged)
}

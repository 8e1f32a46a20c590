package postgres

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
)

// answer is what the provider says of a payment, at a second of its own clock.
func answer(id string, status payment.Status, second int) payment.ProviderState {
	return payment.ProviderState{
		PaymentID: "mp-" + id, Reference: id, Status: status, RawStatus: "raw_" + string(status), StatusDetail: fmt.Sprint("detail_", second),
		Money: payment.Money{Centavos: 1050, Currency: payment.BRL}, UpdatedAt: timeAt(second),
	}
}

func (s *Store) apply(t *testing.T, id string, state payment.ProviderState) Move {
	t.Helper()
	m, err := s.Apply(t.Context(), id, state, timeAt(30))
	require.NoError(t, err)
	return m
}

func (s *Store) read(t *testing.T, id string) payment.Payment {
	t.Helper()
	p, err := s.Payment(t.Context(), id)
	require.NoError(t, err)
	return p
}

func (s *Store) outcome(t *testing.T, id string) string {
	return s.text(t, `select outcome from operations where payment_id = $1`, id)
}

// history is the statuses of a payment's events, whose numbers must be without gaps.
func (s *Store) history(t require.TestingT, id string) []payment.Status {
	events, err := s.Events(context.Background(), id, 0, 1000)
	require.NoError(t, err)
	var statuses []payment.Status
	for i, e := range events {
		require.Equal(t, i+1, e.Seq)
		statuses = append(statuses, e.Status)
	}
	return statuses
}

func TestOnlyANewerAnswerMovesAPayment(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	id := s.open(t, newPayment("newer")).ID

	pending := answer(id, payment.Pending, 10)
	pending.QRCode, pending.TicketURL, pending.ExpiresAt = "000201", "https://pay.example/1", timeAt(3600)
	m := s.apply(t, id, pending)
	require.Equal(t, Move{Status: payment.Pending, From: payment.Processing, Payment: s.read(t, id), Event: &payment.Event{
		PaymentID: id, ClientID: "shop", Seq: 2, Status: payment.Pending, At: timeAt(30),
		Data: payment.EventData{ProviderPaymentID: "mp-" + id, ProviderStatus: "raw_pending", StatusDetail: "detail_10", Amount: 1050},
	}}, m)
	p := s.read(t, id)
	require.Equal(t, payment.Provider{
		Name: payment.MercadoPago, API: payment.PaymentsAPI, PaymentID: "mp-" + id, Status: "raw_pending", StatusDetail: "detail_10", UpdatedAt: timeAt(10),
	}, p.Provider)
	require.Equal(t, payment.Method{Type: payment.Pix, ExpiresIn: 3600}, p.Method)
	require.Equal(t, payment.Instructions{ExpiresAt: timeAt(3600), QRCode: "000201", TicketURL: "https://pay.example/1"}, p.Instructions)
	require.Equal(t, timeAt(30), p.UpdatedAt)
	require.Equal(t, "done", s.outcome(t, id))

	for _, late := range []payment.ProviderState{pending, answer(id, payment.Approved, 10), answer(id, payment.Approved, 9)} {
		require.Equal(t, Move{Status: payment.Pending, From: payment.Pending, Payment: p}, s.apply(t, id, late))
		require.Equal(t, p, s.read(t, id))
	}
	m = s.apply(t, id, answer(id, payment.Approved, 11))
	require.Equal(t, payment.Approved, m.Status)
	require.Equal(t, 3, m.Event.Seq)
	require.False(t, m.Event.Data.Surprising)
	require.Equal(t, p.Instructions, s.read(t, id).Instructions, "what the buyer was given stays")
	require.Equal(t, []payment.Status{payment.Processing, payment.Pending, payment.Approved}, s.history(t, id))
}

// An answer does not say how a payment is paid.
func TestAnAnswerDoesNotChangeTheMethodsType(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	p := newPayment("of another method")
	p.Method = payment.Method{Type: "card"}
	id := s.open(t, p).ID
	state := answer(id, payment.Pending, 1)
	state.TicketURL = "https://pay.example/1"
	moved := s.apply(t, id, state).Payment
	require.Equal(t, payment.Method{Type: "card"}, moved.Method)
	require.Equal(t, payment.Instructions{TicketURL: state.TicketURL}, moved.Instructions)
	require.Equal(t, "card", s.text(t, `select method ->> 'type' from payments where id = $1`, id))
}

// A client app knows until when the Pix can be paid. The provider's own end, which is later, does not change that; of a
// payment from before it is the end.
func TestTheEndThatTheClientSawStays(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	theirs := timeAt(5400)
	for name, row := range map[string]struct{ end, want time.Time }{
		"ours": {timeAt(3600), timeAt(3600)}, "from before": {time.Time{}, theirs},
	} {
		p := newPayment(name)
		p.Instructions.ExpiresAt = row.end
		s.open(t, p)
		for second := range 2 {
			state := answer(p.ID, payment.Pending, 1+second)
			state.ExpiresAt, state.QRCode = theirs, "000201"
			moved, err := s.Apply(t.Context(), p.ID, state, timeAt(10))
			require.NoError(t, err)
			require.True(t, row.want.Equal(moved.Payment.Instructions.ExpiresAt), "%s: %s", name, moved.Payment.Instructions.ExpiresAt)
			require.Equal(t, "000201", moved.Payment.Instructions.QRCode)
			require.Equal(t, 3600, moved.Payment.Method.ExpiresIn)
		}
	}
}

func TestNewsThatMeansNoChangeIsNoEvent(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	id := s.open(t, newPayment("same")).ID
	s.apply(t, id, answer(id, payment.Pending, 1))
	before := s.read(t, id)
	m, err := s.Apply(t.Context(), id, answer(id, payment.Pending, 2), timeAt(40))
	require.NoError(t, err)
	require.Equal(t, Move{Status: payment.Pending, From: payment.Pending, Payment: s.read(t, id)}, m)
	after := s.read(t, id)
	require.Equal(t, timeAt(2), after.Provider.UpdatedAt)
	require.Equal(t, "detail_2", after.Provider.StatusDetail)
	after.Provider = before.Provider
	require.Equal(t, before, after)
	require.Len(t, s.history(t, id), 2)
}

func TestASurprisingMoveIsMarkedAndApplied(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	id := s.open(t, newPayment("surprise")).ID
	s.apply(t, id, answer(id, payment.Rejected, 1))
	for second, status := range []payment.Status{payment.Pending, payment.Approved, payment.Processing} {
		m := s.apply(t, id, answer(id, status, 2+second))
		require.Equal(t, status, m.Status)
		require.Equal(t, status != payment.Approved, m.Event.Data.Surprising, status)
		require.Equal(t, status, s.read(t, id).Status)
	}
	events, err := s.Events(t.Context(), id, 2, 1)
	require.NoError(t, err)
	require.True(t, events[0].Data.Surprising, "and in the database")
}

func TestRefundsAreReportedByTheirSum(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	id := s.open(t, newPayment("refund")).ID
	s.apply(t, id, answer(id, payment.Approved, 1))
	statuses := []payment.Status{payment.Approved, payment.PartiallyRefunded, payment.PartiallyRefunded, payment.Refunded}
	for i, refunded := range []int64{10, 50, 300, 1050} {
		state := answer(id, statuses[i], 2+i)
		state.Refunded = refunded
		m := s.apply(t, id, state)
		require.Equal(t, refunded, m.Event.Data.AmountRefunded)
		require.Equal(t, int64(1050), m.Event.Data.Amount)
		require.False(t, m.Event.Data.Surprising)
		require.Equal(t, refunded, s.read(t, id).Refunded)
	}
	more := answer(id, payment.Refunded, 9)
	more.Refunded = 1051
	_, err := s.Apply(t.Context(), id, more, timeAt(30))
	require.Equal(t, failure.Conflict, failure.KindOf(err), "asking again brings the same answer")
	require.Equal(t, int64(1050), s.read(t, id).Refunded)
	require.Len(t, s.history(t, id), 6)
}

func TestAnswersAppliedAtOnceEndAtTheNewest(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	statuses := []payment.Status{payment.Pending, payment.InReview, payment.Approved, payment.InDispute}
	for round := range 5 {
		id := s.open(t, newPayment(fmt.Sprint("parallel-", round))).ID
		order := rand.Perm(20)
		events := make([]*payment.Event, 20)
		sideBySide(t, 20, func(i int) error {
			m, err := s.Apply(t.Context(), id, answer(id, statuses[order[i]%4], order[i]), timeAt(30+i))
			events[i] = m.Event
			return err
		})
		p, history := s.read(t, id), s.history(t, id)
		require.Equal(t, timeAt(19), p.Provider.UpdatedAt)
		require.Equal(t, statuses[19%4], p.Status)
		require.Equal(t, p.Status, history[len(history)-1])
		require.Len(t, history, p.Version)
		written := 1
		for _, e := range events {
			if e != nil {
				require.Equal(t, e.Status, history[e.Seq-1])
				written++
			}
		}
		require.Equal(t, p.Version, written)
	}
}

func TestAProvidersPaymentBelongsToOneOfOurs(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	first, second := s.open(t, newPayment("first")).ID, s.open(t, newPayment("second")).ID
	s.apply(t, first, answer(first, payment.Pending, 1))
	_, err := s.Apply(t.Context(), second, answer(first, payment.Approved, 2), timeAt(2))
	require.Equal(t, failure.Conflict, failure.KindOf(err))
	require.Equal(t, []payment.Status{payment.Processing}, s.history(t, second))
	require.Equal(t, "asked", s.outcome(t, second))
}

// After any answers in any order, the events are numbered 1 to version and the last one is where the payment
// stands, and the provider's clock never goes back.
func TestAnySequenceOfMovesKeepsTheDatabaseConsistent(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	ctx := t.Context()
	round := 0
	rapid.Check(t, func(t *rapid.T) {
		round++
		p, _, err := s.OpenPayment(ctx, newPayment(fmt.Sprint("rapid-", round)))
		require.NoError(t, err)
		var newest time.Time
		for range rapid.IntRange(1, 12).Draw(t, "moves") {
			before, err := s.Payment(ctx, p.ID)
			require.NoError(t, err)
			var m Move
			switch rapid.SampledFrom([]string{"apply", "apply", "apply", "park", "fail"}).Draw(t, "move") {
			case "apply":
				state := answer(p.ID, rapid.SampledFrom(payment.Statuses()).Draw(t, "status"), rapid.IntRange(1, 20).Draw(t, "second"))
				state.Refunded = rapid.SampledFrom([]int64{0, 500, 1050}).Draw(t, "refunded")
				m, err = s.Apply(ctx, p.ID, state, timeAt(30))
				if !state.UpdatedAt.After(newest) {
					require.Nil(t, m.Event)
				} else {
					newest = state.UpdatedAt
				}
			case "park":
				m, err = s.Park(ctx, p.ID, "parked", timeAt(30))
				require.True(t, m.Event == nil || newest.IsZero())
			case "fail":
				m, err = s.Fail(ctx, p.ID, "", "failed", timeAt(30))
				require.True(t, m.Event == nil || newest.IsZero())
			}
			require.NoError(t, err)
			after, err := s.Payment(ctx, p.ID)
			require.NoError(t, err)
			require.Equal(t, m.Status, after.Status)
			require.True(t, newest.Equal(after.Provider.UpdatedAt))
			grown := 0
			if m.Event != nil {
				grown = 1
				require.Equal(t, after.Version, m.Event.Seq)
			}
			require.Equal(t, before.Version+grown, after.Version)
		}
		after, err := s.Payment(ctx, p.ID)
		require.NoError(t, err)
		history := s.history(t, p.ID)
		require.Len(t, history, after.Version)
		require.Equal(t, after.Status, history[len(history)-1])
	})
}

// The statement that applies an answer and payment.Payment.Outdated are one rule.
func TestTheDatabaseTakesWhatIsNewer(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	ctx := t.Context()
	round := 0
	rapid.Check(t, func(t *rapid.T) {
		round++
		p, _, err := s.OpenPayment(ctx, newPayment(fmt.Sprint("news-", round)))
		require.NoError(t, err)
		for range rapid.IntRange(2, 6).Draw(t, "answers") {
			before, err := s.Payment(ctx, p.ID)
			require.NoError(t, err)
			state := answer(p.ID, rapid.SampledFrom(payment.Statuses()).Draw(t, "status"), rapid.IntRange(1, 2).Draw(t, "second"))
			state.Refunded = rapid.SampledFrom([]int64{0, 500, 1050}).Draw(t, "refunded")
			looked := rapid.Bool().Draw(t, "looked")
			apply := s.Apply
			if looked {
				apply = s.ApplyLook
			}
			_, err = apply(ctx, p.ID, state, timeAt(30))
			require.NoError(t, err)
			after, err := s.Payment(ctx, p.ID)
			require.NoError(t, err)
			if !before.Outdated(state, looked) {
				require.Equal(t, before, after, "%v, looked: %t", state, looked)
				continue
			}
			require.Equal(t, state.Status, after.Status)
			require.Equal(t, state.Refunded, after.Refunded)
			require.True(t, state.UpdatedAt.Equal(after.Provider.UpdatedAt))
		}
	})
}

func TestEventsAreReadFromWhereOneStopped(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	id := s.open(t, newPayment("events")).ID
	other := s.open(t, newPayment("other")).ID
	for second, status := range []payment.Status{payment.Pending, payment.InReview, payment.Approved} {
		s.apply(t, id, answer(id, status, 1+second))
	}
	rows := []struct {
		id           string
		after, limit int
		want         []int
	}{
		{id, 0, 100, []int{1, 2, 3, 4}},
		{id, 0, 2, []int{1, 2}},
		{id, 2, 100, []int{3, 4}},
		{id, 1, 1, []int{2}},
		{id, 4, 100, nil},
		{other, 0, 100, []int{1}},
		{payment.NewID("shop", "never made"), 0, 100, nil},
	}
	for _, row := range rows {
		events, err := s.Events(t.Context(), row.id, row.after, row.limit)
		require.NoError(t, err)
		var got []int
		for _, e := range events {
			require.Equal(t, row.id, e.PaymentID)
			require.Equal(t, "shop", e.ClientID)
			got = append(got, e.Seq)
		}
		require.Equal(t, row.want, got)
	}
	first, err := s.Events(t.Context(), id, 0, 1)
	require.NoError(t, err)
	require.Equal(t, payment.Event{
		PaymentID: id, ClientID: "shop", Seq: 1, Status: payment.Processing, Data: payment.EventData{Amount: 1050}, At: timeAt(0),
	}, first[0])
}

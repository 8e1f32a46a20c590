package postgres

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
)

func newCheckout(key string, refundDuplicates bool) payment.Checkout {
	r := payment.CheckoutRequest{
		Amount: payment.Money{Centavos: 1050, Currency: payment.BRL}, Description: "Pedido 1042", RefundDuplicates: refundDuplicates,
	}.Normalized()
	return payment.Checkout{
		ID: payment.NewCheckoutID("shop", key), ClientID: "shop", IdempotencyKey: key, Fingerprint: r.Fingerprint(), CheckoutRequest: r,
		Status: payment.CheckoutProcessing, CreatedAt: timeAt(1), UpdatedAt: timeAt(1),
	}
}

func (s *Store) openCheckout(t *testing.T, key string, refundDuplicates bool) payment.Checkout {
	c, written, err := s.OpenCheckout(t.Context(), newCheckout(key, refundDuplicates))
	require.NoError(t, err)
	require.True(t, written)
	c, err = s.MakeCheckout(t.Context(), c.ID, "1164726384-"+key, "https://pay.example.com/"+key, timeAt(1))
	require.NoError(t, err)
	require.Equal(t, payment.CheckoutOpen, c.Status)
	return c
}

// attempt opens a payment that is an attempt at a checkout.
func (s *Store) attempt(t *testing.T, c payment.Checkout, providerID string) string {
	creation, id := c.NewAttempt(providerID)
	p := payment.Payment{
		ID: id, ClientID: creation.ClientID, IdempotencyKey: creation.IdempotencyKey, Fingerprint: creation.Fingerprint, Request: creation.Request,
		CheckoutID: c.ID, Status: payment.Processing, Provider: payment.NewProvider(), CreatedAt: timeAt(2), UpdatedAt: timeAt(2),
	}
	p.Provider.PaymentID = providerID
	for range 2 {
		_, _, err := s.OpenPayment(t.Context(), p)
		require.NoError(t, err)
	}
	return id
}

func paidAttempt(c payment.Checkout, providerID string, second int) payment.ProviderState {
	return payment.ProviderState{
		PaymentID: providerID, Reference: c.ID, Status: payment.Approved, RawStatus: "approved", StatusDetail: "accredited",
		Money: payment.Money{Centavos: 1050, Currency: payment.BRL}, UpdatedAt: timeAt(second),
	}
}

func (s *Store) types(t *testing.T, id string) []string {
	events, err := s.Events(t.Context(), id, 0, 100)
	require.NoError(t, err)
	var types []string
	for i, e := range events {
		require.Equal(t, i+1, e.Seq, "without gaps")
		types = append(types, e.Type())
	}
	return types
}

// lookAt applies what the provider says of an attempt.
func (s *Store) lookAt(t *testing.T, id string, state payment.ProviderState) Move {
	m, err := s.ApplyLook(t.Context(), id, state, timeAt(30))
	require.NoError(t, err)
	return m
}

func TestACheckoutIsOpenedOnce(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	c := s.openCheckout(t, "once", true)
	again, written, err := s.OpenCheckout(t.Context(), newCheckout("once", true))
	require.NoError(t, err)
	require.False(t, written)
	require.Equal(t, c, again)
	other := newCheckout("once", true)
	other.ID = payment.NewCheckoutID("shop", "another")
	_, _, err = s.OpenCheckout(t.Context(), other)
	require.Equal(t, failure.Conflict, failure.KindOf(err))
	second, err := s.MakeCheckout(t.Context(), c.ID, "1164726384-twin", "https://pay.example.com/twin", timeAt(3))
	require.NoError(t, err)
	require.Equal(t, c.PreferenceID, second.PreferenceID, "the first preference stays")
}

// A rejected attempt leaves the checkout open, the first paid one pays it, and each of this happens once, however often it is applied.
func TestTheFirstPaidAttemptPaysTheCheckout(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	c := s.openCheckout(t, "first", true)
	refused, paid := s.attempt(t, c, "1001"), s.attempt(t, c, "1002")
	rejected := paidAttempt(c, "1001", 3)
	rejected.Status, rejected.RawStatus, rejected.StatusDetail = payment.Rejected, "rejected", "cc_rejected_other_reason"
	for range 2 {
		s.lookAt(t, refused, rejected)
	}
	c, err := s.Checkout(t.Context(), c.ID)
	require.NoError(t, err)
	require.Equal(t, payment.CheckoutOpen, c.Status)
	for range 2 {
		s.lookAt(t, paid, paidAttempt(c, "1002", 4))
	}
	c, err = s.Checkout(t.Context(), c.ID)
	require.NoError(t, err)
	require.Equal(t, payment.CheckoutPaid, c.Status)
	require.Equal(t, paid, c.PaidBy)
	require.Equal(t, []string{"payment.processing", "payment.approved", "checkout.paid"}, s.types(t, paid))
	require.Equal(t, []string{"payment.processing", "payment.rejected"}, s.types(t, refused))
	ended, err := s.EndCheckout(t.Context(), c.ID, payment.CheckoutExpired, timeAt(5))
	require.NoError(t, err)
	require.Equal(t, payment.CheckoutPaid, ended.Status, "a paid checkout does not expire")
	attempts, err := s.Attempts(t.Context(), c.ID)
	require.NoError(t, err)
	require.Len(t, attempts, 2)
	require.Equal(t, c.ID, attempts[0].CheckoutID)
}

// Money of a second attempt is told of, and goes back when the client app wants that. It goes back once.
func TestAnAttemptPaidSecondIsToldOf(t *testing.T) {
	t.Parallel()
	for _, refunds := range []bool{true, false} {
		t.Run(fmt.Sprint(refunds), func(t *testing.T) {
			t.Parallel()
			s := newStore(t)
			c := s.openCheckout(t, "twice", refunds)
			first, second := s.attempt(t, c, "1001"), s.attempt(t, c, "1002")
			s.lookAt(t, first, paidAttempt(c, "1001", 3))
			for range 2 {
				m := s.lookAt(t, second, paidAttempt(c, "1002", 4))
				require.Equal(t, refunds, len(m.Pending) == 1)
			}
			if refunds {
				require.Equal(t, []string{"payment.processing", "payment.approved", "checkout.paid_twice", "refund.pending"}, s.types(t, second))
			} else {
				require.Equal(t, []string{"payment.processing", "payment.approved", "checkout.paid_twice"}, s.types(t, second))
			}
			require.Equal(t, []string{"payment.processing", "payment.approved", "checkout.paid"}, s.types(t, first))
			events, err := s.Events(t.Context(), second, 2, 1)
			require.NoError(t, err)
			require.Equal(t, &payment.EventCheckout{ID: c.ID, Change: payment.CheckoutWasPaidTwice, PaidBy: first, Refunded: refunds}, events[0].Data.Checkout)
			require.Equal(t, !refunds, events[0].Data.Surprising, "a person decides about money that stays")
		})
	}
}

// Of attempts that are paid at one moment, exactly one is the first.
func TestAttemptsPaidAtOnceHaveOneFirst(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	c := s.openCheckout(t, "race", true)
	var all []string
	for i := range 6 {
		all = append(all, s.attempt(t, c, fmt.Sprint(2001+i)))
	}
	var group sync.WaitGroup
	for i, id := range all {
		for range 2 {
			group.Go(func() {
				_, err := s.ApplyLook(t.Context(), id, paidAttempt(c, fmt.Sprint(2001+i), 4), timeAt(4))
				require.NoError(t, err)
			})
		}
	}
	group.Wait()
	told := map[string]int{}
	for _, id := range all {
		for _, name := range s.types(t, id) {
			told[name]++
		}
	}
	require.Equal(t, map[string]int{"payment.processing": 6, "payment.approved": 6, "checkout.paid": 1, "checkout.paid_twice": 5, "refund.pending": 5}, told)
}

// Money may come after the checkout's end, as that of a Pix that was under way.
func TestMoneyPaysACheckoutThatHasEnded(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	c := s.openCheckout(t, "late", false)
	id := s.attempt(t, c, "1001")
	c, err := s.EndCheckout(t.Context(), c.ID, payment.CheckoutExpired, timeAt(3))
	require.NoError(t, err)
	require.Equal(t, payment.CheckoutExpired, c.Status)
	s.lookAt(t, id, paidAttempt(c, "1001", 4))
	c, err = s.Checkout(t.Context(), c.ID)
	require.NoError(t, err)
	require.Equal(t, payment.CheckoutPaid, c.Status)
}

func TestAnOverdueCheckoutIsOneThatNobodyHasEnded(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	waits, ended := s.openCheckout(t, "waits", true), s.openCheckout(t, "ended", true)
	_, err := s.EndCheckout(t.Context(), ended.ID, payment.CheckoutExpired, timeAt(5))
	require.NoError(t, err)
	for before, want := range map[time.Time][]string{waits.End(): {}, waits.End().Add(time.Second): {waits.ID}} {
		found, err := s.OverdueCheckouts(t.Context(), before, 10)
		require.NoError(t, err)
		require.Equal(t, want, found)
	}
	found, err := s.OverdueCheckouts(t.Context(), waits.End().Add(time.Hour), 0)
	require.NoError(t, err)
	require.Empty(t, found)
}

// An expired checkout waits to be told of, in the transaction that ends it; one that is cancelled or paid has nothing to tell.
func TestAnExpiredCheckoutHasAnEvent(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	taken := func() (ids []string) {
		list, err := s.TakeExpired(t.Context(), 10)
		require.NoError(t, err)
		for _, c := range list {
			require.Equal(t, payment.CheckoutExpired, c.Status)
			ids = append(ids, c.ID)
		}
		return ids
	}
	due := func(id string) {
		_, err := s.pool.Exec(t.Context(), `update checkouts set event_due_at = now() where id = $1 and event_due_at is not null`, id)
		require.NoError(t, err)
	}
	unpaid, cancelled, late := s.openCheckout(t, "unpaid", true), s.openCheckout(t, "cancelled", true), s.openCheckout(t, "late", true)
	for range 2 {
		_, err := s.EndCheckout(t.Context(), unpaid.ID, payment.CheckoutExpired, timeAt(5))
		require.NoError(t, err)
		_, err = s.EndCheckout(t.Context(), cancelled.ID, payment.CheckoutCancelled, timeAt(5))
		require.NoError(t, err)
	}
	require.Empty(t, taken(), "a payment may be about to pay it")
	due(unpaid.ID)
	gauges, err := s.Gauges(t.Context())
	require.NoError(t, err)
	require.Equal(t, 1, gauges.Undelivered[ToSubscribers].Count)
	require.Equal(t, []string{unpaid.ID}, taken())
	require.Empty(t, taken(), "it belongs to one for a while")
	due(unpaid.ID)
	require.Equal(t, []string{unpaid.ID}, taken(), "of one that has died, another takes it")
	for range 2 {
		require.NoError(t, s.ToldExpired(t.Context(), []string{unpaid.ID}))
	}
	_, err = s.EndCheckout(t.Context(), unpaid.ID, payment.CheckoutExpired, timeAt(6))
	require.NoError(t, err)
	due(unpaid.ID)
	require.Empty(t, taken())

	attempt := s.attempt(t, late, "1003")
	_, err = s.EndCheckout(t.Context(), late.ID, payment.CheckoutExpired, timeAt(5))
	require.NoError(t, err)
	s.lookAt(t, attempt, paidAttempt(late, "1003", 6))
	due(late.ID)
	require.Empty(t, taken(), "the payment's event tells of it")
	_, err = s.pool.Exec(t.Context(), `update checkouts set event_due_at = now() where id = $1`, late.ID)
	require.NoError(t, err)
	require.Empty(t, taken(), "nor when a worker of an older release has paid it, which knows of no event")
	_, err = s.pool.Exec(t.Context(), `update checkouts set event_due_at = null where id = $1`, late.ID)
	require.NoError(t, err)
	gone, err := s.ToldLater(t.Context(), late.ID, time.Minute)
	require.NoError(t, err)
	require.False(t, gone)

	old := s.openCheckout(t, "refused", true)
	_, err = s.EndCheckout(t.Context(), old.ID, payment.CheckoutExpired, time.Now().Add(-25*time.Hour))
	require.NoError(t, err)
	due(old.ID)
	require.Equal(t, []string{old.ID}, taken())
	gone, err = s.ToldLater(t.Context(), old.ID, time.Minute)
	require.NoError(t, err)
	require.True(t, gone, "after a day it is given up")
	due(old.ID)
	require.Empty(t, taken())
}

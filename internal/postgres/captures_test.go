package postgres

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
)

func (s *Store) askCapture(t *testing.T, id string, centavos int64) (payment.OperationRecord, error) {
	t.Helper()
	return s.AskCapture(t.Context(), id, centavos, audit.Entry{Actor: audit.Actor{Name: "ana", Channel: audit.REST}, Action: audit.PaymentCapture, Object: "payment/" + id}, timeAt(20))
}

// authorized opens a payment of 1050 centavos on a card, and reserves its money.
func (s *Store) authorized(t *testing.T, key string) string {
	t.Helper()
	p := newPayment(key)
	p.Method = payment.Method{Type: payment.Card, Card: &payment.CardMethod{Brand: "visa", Installments: 1, AuthorizeOnly: true}}
	p.Fingerprint = p.Request.Fingerprint()
	id := s.open(t, p).ID
	state := answer(id, payment.Authorized, 10)
	state.ExpiresAt = timeAt(500)
	s.apply(t, id, state)
	require.Equal(t, timeAt(500), s.read(t, id).Instructions.ExpiresAt)
	return id
}

// captured is the approval of a part, with a fee of 7.
func captured(id string, centavos int64, second int) payment.ProviderState {
	state := answer(id, payment.Approved, second)
	fee, net := int64(7), centavos-7
	state.Captured, state.Fee, state.Net = centavos, &fee, &net
	return state
}

// The books, the row and the events have what was captured. An answer that was lost ends the capture when it is seen later.
func TestTheBooksHaveWhatWasCaptured(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	id := s.authorized(t, "captured")
	require.Empty(t, s.accounts(t, id))
	first, err := s.askCapture(t, id, 700)
	require.NoError(t, err)
	require.Equal(t, payment.OutcomeAsked, first.Outcome)

	s.look(t, captured(id, 700, 40))
	require.Equal(t, map[payment.Account]int64{payment.AccountPayable: -700, payment.AccountFees: 7, payment.AccountPending: 693}, s.accounts(t, id))
	p := s.read(t, id)
	require.Zero(t, p.Instructions.ExpiresAt, "it has no end any more")
	require.Equal(t, []int64{1050, 700, 700}, []int64{p.Amount.Centavos, p.Captured, p.Gross()})
	events, err := s.Events(t.Context(), id, 0, 10)
	require.NoError(t, err)
	require.Equal(t, []int64{0, 0, 700}, []int64{events[0].Data.AmountCaptured, events[1].Data.AmountCaptured, events[2].Data.AmountCaptured})
	require.Equal(t, "done", s.text(t, `select outcome from operations where payment_id = $1 and kind = 'capture'`, id))
	_, err = s.askCapture(t, id, 700)
	require.Equal(t, failure.Conflict, failure.KindOf(err), "it is over")
}

// Another sum was captured in the provider's panel, or the money was given back: the capture that was asked for is refused.
func TestACaptureThatCannotBeAnyMoreIsRefused(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	for name, then := range map[string]func(id string) payment.ProviderState{
		"another sum": func(id string) payment.ProviderState { return captured(id, 300, 40) },
		"expired":     func(id string) payment.ProviderState { return answer(id, payment.Expired, 40) },
	} {
		id := s.authorized(t, name)
		_, err := s.askCapture(t, id, 700)
		require.NoError(t, err)
		s.look(t, answer(id, payment.Authorized, 35))
		outcome := func() string {
			return s.text(t, `select outcome from operations where payment_id = $1 and kind = 'capture'`, id)
		}
		require.Equal(t, "asked", outcome(), name)
		s.look(t, then(id))
		require.Equal(t, "refused", outcome(), name)
	}
}

// Only one capture of a payment is under way. One that is asked for again is the same, and writes one line in the audit.
func TestOneCaptureIsUnderWay(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	id := s.authorized(t, "one")
	_, err := s.askCapture(t, id, 1051)
	require.Equal(t, failure.Invalid, failure.KindOf(err))
	for range 2 {
		all, err := s.askCapture(t, id, 0)
		require.NoError(t, err)
		require.Equal(t, int64(1050), all.Amount)
		require.Equal(t, 1, all.Number)
	}
	_, err = s.askCapture(t, id, 700)
	require.Equal(t, failure.Conflict, failure.KindOf(err))
	require.Equal(t, 1, s.number(t, `select count(*) from audit where object = $1`, "payment/"+id))

	require.NoError(t, s.EndOperation(t.Context(), id, payment.Capture, 1, payment.OutcomeRefused, timeAt(21)))
	next, err := s.askCapture(t, id, 700)
	require.NoError(t, err)
	require.Equal(t, 2, next.Number, "a refused one may be followed by another")
}

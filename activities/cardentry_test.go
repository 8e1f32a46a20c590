package activities

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/payment"
)

// openOnPage opens a payment whose buyer enters the card on the pay page.
func (w env) openOnPage(t *testing.T) string {
	t.Helper()
	in := creation(t)
	in.Creation.Request.Method = payment.Method{Type: payment.Card, ExpiresIn: 3600, Card: &payment.CardMethod{OnPage: true, Installments: 3}}
	state, err := w.Open(t.Context(), in)
	require.NoError(t, err)
	require.True(t, state.OnPage)
	return in.PaymentID
}

// enter takes a card and charges it, and takes note of the answer as the workflow does.
func (w env) enter(t *testing.T, id, holder string) {
	t.Helper()
	secrets := w.cardOf(t, holder).Creation.Secrets
	taken, err := w.TakeCard(t.Context(), CardInput{PaymentID: id, Entry: payment.CardEntry{Brand: "master", Installments: 1}, Print: secrets.Token})
	require.NoError(t, err)
	require.True(t, taken.New, taken.Why)
	state, err := w.Charge(t.Context(), ChargeInput{PaymentID: id, Secrets: secrets, Attempt: taken.Attempt})
	require.NoError(t, err)
	if state.Status == payment.Rejected {
		_, err = w.RejectCard(t.Context(), RejectCardInput{PaymentID: id, Attempt: taken.Attempt, ProviderPaymentID: state.PaymentID, Why: state.StatusDetail})
	} else {
		_, err = w.Apply(t.Context(), ApplyInput{PaymentID: id, State: state})
	}
	require.NoError(t, err)
}

// A restore of the database has lost cards that were entered. Looking at the payment brings their charges back, under their own keys.
func TestEnteredCardsWhoseRowsAreLostAreFound(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		kept, lost []string // holders' names of the cards that were entered before the backup, and after it
		want       payment.Status
	}{
		"paid":                                  {nil, []string{"APRO"}, payment.Approved},
		"rejected":                              {nil, []string{"OTHE"}, payment.Pending},
		"rejected, and paid by the next":        {nil, []string{"OTHE", "APRO"}, payment.Approved},
		"paid by the next, which alone is lost": {[]string{"OTHE"}, []string{"FUND", "APRO"}, payment.Approved},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newEnv(t)
			id := w.openOnPage(t)
			for _, holder := range c.kept {
				w.enter(t, id, holder)
			}
			restore := w.backUp(t, id)
			for _, holder := range c.lost {
				w.enter(t, id, holder)
			}
			before := w.chargesOf(t, id)
			restore()
			for range 2 {
				seen, err := w.Look(t.Context(), LookInput{PaymentID: id, Money: money, OnPage: true})
				require.NoError(t, err)
				require.Equal(t, c.want == payment.Approved, seen.Found)
				if seen.Found {
					_, err = w.Apply(t.Context(), ApplyInput{PaymentID: id, State: seen.State, Looked: true})
					require.NoError(t, err)
				}
			}
			p, err := w.database.Payment(t.Context(), id)
			require.NoError(t, err)
			require.Equal(t, c.want, p.Status)
			require.Equal(t, before, w.chargesOf(t, id))
			if c.want == payment.Pending {
				w.enter(t, id, "APRO")
				require.Len(t, w.chargesOf(t, id), len(before)+1)
			}
		})
	}
}

// A backup may be from the middle of a charge. The charge that came of it was rejected, and the next card paid.
func TestACardThatWasChargedInABackupIsFoundRejected(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	id := w.openOnPage(t)
	secrets := w.cardOf(t, "OTHE").Creation.Secrets
	taken, err := w.TakeCard(t.Context(), CardInput{PaymentID: id, Entry: payment.CardEntry{Brand: "master", Installments: 1}, Print: secrets.Token})
	require.NoError(t, err)
	restore := w.backUp(t, id)
	state, err := w.Charge(t.Context(), ChargeInput{PaymentID: id, Secrets: secrets, Attempt: taken.Attempt})
	require.NoError(t, err)
	_, err = w.RejectCard(t.Context(), RejectCardInput{PaymentID: id, Attempt: taken.Attempt, ProviderPaymentID: state.PaymentID, Why: state.StatusDetail})
	require.NoError(t, err)
	w.enter(t, id, "APRO")
	before := w.chargesOf(t, id)
	restore()
	for range 2 {
		state, err := w.Charge(t.Context(), ChargeInput{PaymentID: id})
		require.NoError(t, err)
		_, err = w.Apply(t.Context(), ApplyInput{PaymentID: id, State: state})
		require.NoError(t, err)
	}
	require.Equal(t, before, w.chargesOf(t, id))
}

// chargesOf are the charges of a payment's cards: their keys, outcomes, and what the provider calls those that were rejected.
func (w env) chargesOf(t *testing.T, id string) (list [][]string) {
	t.Helper()
	all, err := w.database.Operations(t.Context(), id)
	require.NoError(t, err)
	for _, o := range all {
		require.Equal(t, payment.Charge, o.Kind)
		list = append(list, []string{o.ProviderKey, string(o.Outcome), o.ProviderID, o.Failure})
	}
	return list
}

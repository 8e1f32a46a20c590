package activities

import (
	"fmt"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/command"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/test/simulator"
)

// paid is a payment of the creation's amount that the buyer has paid.
func (w env) paid(t *testing.T) payment.Payment {
	t.Helper()
	id := w.opened(t)
	state, err := w.Charge(t.Context(), ChargeInput{PaymentID: id})
	require.NoError(t, err)
	_, err = w.Apply(t.Context(), ApplyInput{PaymentID: id, State: state})
	require.NoError(t, err)
	require.NoError(t, w.provider.Pay(state.PaymentID))
	w.lookAt(t, id, state.PaymentID)
	p, err := w.database.Payment(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, payment.Approved, p.Status)
	return p
}

// lookAt brings a payment to what the provider says.
func (w env) lookAt(t *testing.T, id, providerPaymentID string) Moved {
	t.Helper()
	seen, err := w.Look(t.Context(), LookInput{PaymentID: id, ProviderPaymentID: providerPaymentID, Money: money})
	require.NoError(t, err)
	m, err := w.Apply(t.Context(), ApplyInput{PaymentID: id, State: seen.State, Looked: true})
	require.NoError(t, err)
	return m
}

func refundOrder(id, key string, amount int64) OrderInput {
	return OrderInput{Order: command.Order{
		PaymentID: id, Command: command.Refund, ID: payment.RefundID(id, key), Actor: "shop", Channel: audit.REST, ByClient: true,
		Refund: &payment.RefundRequest{Amount: amount, All: amount == 0, IdempotencyKey: key, Origin: payment.FromClient},
	}}
}

// refunding asks for a refund, sends it and applies the answer, as the workflow does.
func (w env) refunding(t *testing.T, in OrderInput) error {
	t.Helper()
	require.NoError(t, w.database.RequestCommand(t.Context(), in.Order)) // as the API does
	asked, err := w.AskRefund(t.Context(), in)
	if err != nil || asked.Ended {
		return err
	}
	if !w.sendsAt.IsZero() {
		w.execute(t, `update operations set sent_at = $2 where provider_key = $1`, asked.ID, w.sendsAt)
	}
	state, err := w.Refund(t.Context(), RefundInput{PaymentID: in.PaymentID, ID: asked.ID, Amount: asked.Amount})
	if err != nil {
		return err
	}
	_, err = w.Apply(t.Context(), ApplyInput{PaymentID: in.PaymentID, State: state, Looked: true})
	return err
}

func (w env) refunds(t *testing.T, id string) []payment.OperationRecord {
	t.Helper()
	list, err := w.database.Refunds(t.Context(), id)
	require.NoError(t, err)
	return list
}

// given is what the provider has given back, by its ledger: the sum and the number of refunds.
func (w env) given(id string) (sum int64, refunds int) {
	seen := map[string]bool{}
	for _, e := range w.provider.Ledger() {
		if e.ExternalReference == id && e.Refund != nil {
			sum = e.Refunded
			seen[e.Refund.ID] = true
		}
	}
	return sum, len(seen)
}

// Whatever becomes of the answers, the provider gives the money back once.
func TestARefundIsMadeOnce(t *testing.T) {
	t.Parallel()
	refund := func(f simulator.Fault) simulator.Fault {
		f.On, f.Times = simulator.CreateRefund, 1
		return f
	}
	for name, fault := range map[string]simulator.Fault{
		"answered":                  {},
		"the answer is lost":        refund(simulator.Fault{Kind: simulator.KindLostAnswer}),
		"the answer is not JSON":    refund(simulator.Fault{Kind: simulator.KindHTML}),
		"an error after the refund": refund(simulator.Fault{Kind: simulator.KindErrorAfter, Status: http.StatusBadGateway}),
		"a refusal after it":        refund(simulator.Fault{Kind: simulator.KindErrorAfter, Status: http.StatusBadRequest}),
		"an error before":           refund(simulator.Fault{Kind: simulator.KindError, Status: http.StatusInternalServerError}),
		"the refunds are hidden":    {On: simulator.Get, Kind: simulator.KindError, Status: http.StatusInternalServerError, Times: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newEnv(t)
			p := w.paid(t)
			if fault.On != "" {
				w.arm(p.ID, fault)
			}
			in := refundOrder(p.ID, "return-1", 400)
			require.Eventually(t, func() bool {
				err := w.refunding(t, in)
				require.NotEqual(t, failure.Invalid, failure.Kind(kindIn(err)), "%v", err)
				return err == nil
			}, 10*time.Second, 10*time.Millisecond)
			for range 3 {
				require.NoError(t, w.refunding(t, in), "again")
			}
			sum, n := w.given(p.ID)
			require.Equal(t, []any{int64(400), 1}, []any{sum, n})
			r := w.refunds(t, p.ID)
			require.Len(t, r, 1)
			require.Equal(t, []any{payment.OutcomeDone, int64(400), payment.FromClient, "return-1"}, []any{r[0].Outcome, r[0].Amount, r[0].Origin, r[0].IdempotencyKey})
			require.NotEmpty(t, r[0].ProviderID)
			p, err := w.database.Payment(t.Context(), p.ID)
			require.NoError(t, err)
			require.Equal(t, []any{payment.PartiallyRefunded, int64(400)}, []any{p.Status, p.Refunded})
			require.Equal(t, []string{"payment.processing", "payment.pending", "payment.approved", "refund.pending", "payment.partially_refunded", "refund.succeeded"}, w.eventTypes(t, p.ID))
		})
	}
}

// events are the types of a payment's events, whose numbers must be without gaps.
func (w env) eventTypes(t *testing.T, id string) (types []string) {
	t.Helper()
	events, err := w.database.Events(t.Context(), id, 0, 100)
	require.NoError(t, err)
	for i, e := range events {
		require.Equal(t, i+1, e.Seq)
		types = append(types, e.Type())
	}
	return types
}

func TestRefundsNeverGiveBackMoreThanThePayment(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	p := w.paid(t)
	var group errgroup.Group
	refusals := make(chan error, 20)
	for i := range 20 {
		group.Go(func() error {
			_, err := w.AskRefund(t.Context(), refundOrder(p.ID, strconv.Itoa(i), 700))
			if err != nil {
				refusals <- err
			}
			return nil
		})
	}
	require.NoError(t, group.Wait())
	require.Len(t, refusals, 19)
	for range 19 {
		err := <-refusals
		require.Equal(t, string(failure.Invalid), kindIn(err))
		require.ErrorContains(t, err, "350 centavos")
	}
	require.NoError(t, w.refunding(t, refundOrder(p.ID, "rest", 0)))
	for _, r := range w.refunds(t, p.ID) {
		again := refundOrder(p.ID, r.IdempotencyKey, r.Amount)
		if r.IdempotencyKey == "rest" {
			require.ErrorContains(t, w.refunding(t, again), "another refund", "a sum is another request than all that is left")
			again = refundOrder(p.ID, "rest", 0)
		}
		require.NoError(t, w.refunding(t, again))
	}
	sum, n := w.given(p.ID)
	require.Equal(t, []any{int64(1050), 2}, []any{sum, n})
	_, err := w.AskRefund(t.Context(), refundOrder(p.ID, "more", 1))
	require.Equal(t, string(failure.Conflict), kindIn(err), "it is refunded")
}

// A refund in process, one from the panel, and one that is rejected after it was believed.
func TestRefundsFollowTheProvider(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	p := w.paid(t)
	w.arm(p.ID, simulator.Fault{On: simulator.CreateRefund, Kind: simulator.KindInProcess, Times: 1})
	require.NoError(t, w.refunding(t, refundOrder(p.ID, "slow", 400)))
	slow := w.refunds(t, p.ID)[0]
	require.Equal(t, payment.OutcomeAsked, slow.Outcome)
	require.NotEmpty(t, slow.ProviderID)
	m := w.lookAt(t, p.ID, p.Provider.PaymentID)
	require.Len(t, m.Pending, 1)
	require.Equal(t, slow.ProviderID, m.Pending[0].ProviderID)

	panel, err := w.provider.RefundInPanel(p.Provider.PaymentID, 400)
	require.NoError(t, err)
	require.NoError(t, w.provider.SettleRefund(p.Provider.PaymentID, slow.ProviderID, "approved"))
	m = w.lookAt(t, p.ID, p.Provider.PaymentID)
	require.Empty(t, m.Pending)
	refunds := w.refunds(t, p.ID)
	require.Len(t, refunds, 2)
	require.Equal(t, payment.OutcomeDone, refunds[0].Outcome)
	require.Equal(t, []any{payment.FromProvider, panel, payment.OutcomeDone}, []any{refunds[1].Origin, refunds[1].ProviderID, refunds[1].Outcome})

	require.NoError(t, w.provider.SettleRefund(p.Provider.PaymentID, slow.ProviderID, "rejected"))
	w.lookAt(t, p.ID, p.Provider.PaymentID)
	refunds = w.refunds(t, p.ID)
	require.Equal(t, []any{payment.OutcomeRefused, failure.CodeRefundRejected}, []any{refunds[0].Outcome, refunds[0].FailureCode})
	events := w.eventTypes(t, p.ID)
	require.Equal(t, "refund.failed", events[len(events)-1])
	p, err = w.database.Payment(t.Context(), p.ID)
	require.NoError(t, err)
	require.Equal(t, int64(400), p.Refunded)
	sum, _ := w.given(p.ID)
	require.Equal(t, p.Refunded, sum)
}

// The seller has refunded a part in the panel, which we do not know of yet: a refund of all gives back the rest, and says so.
func TestARefundOfAllGivesBackWhatThePanelHasLeft(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	p := w.paid(t)
	_, err := w.provider.RefundInPanel(p.Provider.PaymentID, 400)
	require.NoError(t, err)
	require.NoError(t, w.refunding(t, refundOrder(p.ID, "all", 0)))
	sum := int64(0)
	for _, r := range w.refunds(t, p.ID) {
		sum += r.Amount
	}
	require.Equal(t, int64(1050), sum)
	given, n := w.given(p.ID)
	require.Equal(t, []any{int64(1050), 2}, []any{given, n})
}

// Two refunds of the same amount wait for their answers: the answer to the second is not taken for the first.
func TestEqualRefundsAreNotTakenForEachOther(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	p := w.paid(t)
	w.arm(p.ID, simulator.Fault{On: simulator.CreateRefund, Kind: simulator.KindError, Status: http.StatusInternalServerError, Times: 1})
	first, second := refundOrder(p.ID, "return-1", 400), refundOrder(p.ID, "return-2", 400)
	require.Error(t, w.refunding(t, first))
	require.NoError(t, w.refunding(t, second))
	require.NoError(t, w.refunding(t, first))
	for i, r := range w.refunds(t, p.ID) {
		require.Equal(t, []any{payment.OutcomeDone, fmt.Sprint("return-", i+1)}, []any{r.Outcome, r.IdempotencyKey})
	}
	sum, n := w.given(p.ID)
	require.Equal(t, []any{int64(800), 2}, []any{sum, n})
}

// The panel's refund of the same sum is not the answer to one that was never sent.
func TestARefundThatWasNotSentIsNotFoundInThePanelsRefunds(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	p := w.paid(t)
	order := refundOrder(p.ID, "return-1", 400)
	_, err := w.AskRefund(t.Context(), order)
	require.NoError(t, err)
	panel, err := w.provider.RefundInPanel(p.Provider.PaymentID, 400)
	require.NoError(t, err)
	require.Len(t, w.lookAt(t, p.ID, p.Provider.PaymentID).Pending, 1)
	require.NoError(t, w.refunding(t, order))
	refunds := w.refunds(t, p.ID)
	require.Len(t, refunds, 2)
	require.Equal(t, panel, refunds[1].ProviderID)
	for _, r := range refunds {
		require.Equal(t, payment.OutcomeDone, r.Outcome)
	}
	sum, n := w.given(p.ID)
	require.Equal(t, []any{int64(800), 2}, []any{sum, n})
}

func TestARefundIsAskedForWhenItIsPossible(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	id := w.opened(t)
	_, err := w.AskRefund(t.Context(), refundOrder(id, "k", 1))
	require.Equal(t, string(failure.Conflict), kindIn(err))
	_, err = w.AskRefund(t.Context(), refundOrder(payment.NewID("shop", "none"), "k", 1))
	require.Equal(t, string(failure.NotFound), kindIn(err))
	p := w.paid(t)
	_, err = w.AskRefund(t.Context(), refundOrder(p.ID, "k", 400))
	require.NoError(t, err)
	_, err = w.AskRefund(t.Context(), refundOrder(p.ID, "k", 401))
	require.Equal(t, string(failure.Conflict), kindIn(err), "the key belongs to another refund")
}

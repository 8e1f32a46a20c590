package worker

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/activities"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/mercadopago"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/test/simulator"
	"github.com/onlywave/onlywave/workflows"
)

// checkoutShop is a worker that runs, and its checkouts.
type checkoutShop struct {
	*Worker
	t        *testing.T
	provider *simulator.Simulator
	postgres string
}

func newCheckoutShop(t *testing.T) checkoutShop {
	t.Helper()
	at, provider := newOwnEnv(t)
	w := openShop(t, at)
	run(t, w)
	return checkoutShop{w, t, provider, at.postgres}
}

func checkoutWish(key string, refundDuplicates bool) workflows.CreateCheckoutInput {
	r := payment.CheckoutRequest{
		Amount: payment.Money{Centavos: 1050, Currency: payment.BRL}, Description: "Pedido 1042", Reference: "pedido-1042", Email: "ana@example.com",
		RefundDuplicates: refundDuplicates,
	}.Normalized()
	return workflows.CreateCheckoutInput{
		CheckoutID: payment.NewCheckoutID("shop", key), Wait: timeout,
		CheckoutCreation: payment.CheckoutCreation{ClientID: "shop", IdempotencyKey: key, Request: r},
	}
}

// create makes a checkout, asked for twice.
func (s checkoutShop) create(key string, refundDuplicates bool) payment.Checkout {
	s.t.Helper()
	in := checkoutWish(key, refundDuplicates)
	for range 2 {
		answered, err := s.Workflows.CreateCheckout(s.t.Context(), in)
		require.NoError(s.t, err)
		require.True(s.t, answered)
	}
	c := s.read(in.CheckoutID)
	require.Equal(s.t, payment.CheckoutOpen, c.Status)
	return c
}

func (s checkoutShop) read(id string) payment.Checkout {
	s.t.Helper()
	c, err := s.Database.Checkout(s.t.Context(), id)
	require.NoError(s.t, err)
	return c
}

// try lets the buyer try to pay, and returns Mercado Pago's id of the payment.
func (s checkoutShop) try(c payment.Checkout, method, holder string) string {
	s.t.Helper()
	id, err := s.provider.Try(c.PreferenceID, simulator.Attempt{Method: method, Holder: holder})
	require.NoError(s.t, err)
	return id
}

// hear handles a notification twice, as it comes to an address that names no payment of ours.
func (s checkoutShop) hear(topic, resourceID string) {
	s.t.Helper()
	for range 2 {
		n := mercadopago.Notification{ID: uuid.Must(uuid.NewV7()).String(), Topic: topic, ResourceID: resourceID, ReceivedAt: time.Now(), Body: []byte(`{}`)}
		require.NoError(s.t, s.webhook(s.t.Context(), delivery(s.t, n)))
	}
}

// order is the id of the checkout's merchant order.
func (s checkoutShop) order(c payment.Checkout) string {
	id, ok := s.provider.OrderOf(c.PreferenceID)
	require.True(s.t, ok)
	return id
}

// attempt waits until an attempt is a payment with a status.
func (s checkoutShop) attempt(c payment.Checkout, providerID string, status payment.Status) payment.Payment {
	s.t.Helper()
	var p payment.Payment
	eventually(s.t, func() bool {
		var err error
		p, err = s.Database.Payment(s.t.Context(), payment.Attempt{CheckoutID: c.ID, ProviderPaymentID: providerID}.ID())
		return err == nil && p.Status == status
	}, "the attempt is "+string(status))
	return p
}

func (s checkoutShop) becomes(c payment.Checkout, status payment.CheckoutStatus) payment.Checkout {
	s.t.Helper()
	eventually(s.t, func() bool { return s.read(c.ID).Status == status }, "the checkout is "+string(status))
	return s.read(c.ID)
}

func (s checkoutShop) events(id string) []string {
	events, err := s.Database.Events(s.t.Context(), id, 0, 100)
	require.NoError(s.t, err)
	var types []string
	for _, e := range events {
		types = append(types, e.Type())
	}
	return types
}

// The buyer's first try is rejected, which leaves the checkout open; the second pays it. Its own notification is lost, and that of the order
// brings it. Then the page is closed.
func TestACheckoutIsPaidAtTheSecondTry(t *testing.T) {
	t.Parallel()
	s := newCheckoutShop(t)
	c := s.create("second try", false)
	first := s.try(c, "master", "OTHE")
	s.hear("payment", first)
	refused := s.attempt(c, first, payment.Rejected)
	require.Equal(t, c.ID, refused.CheckoutID)
	require.Equal(t, "master", refused.Instructions.Chosen)
	require.Equal(t, payment.CheckoutOpen, s.read(c.ID).Status)

	second := s.try(c, "account_money", "")
	s.hear("topic_merchant_order_wh", s.order(c))
	paid := s.attempt(c, second, payment.Approved)
	c = s.becomes(c, payment.CheckoutPaid)
	require.Equal(t, paid.ID, c.PaidBy)
	eventually(t, func() bool { return s.provider.PreferenceOver(c.PreferenceID) }, "the page is closed")
	s.hear("payment", first)
	s.hear("payment", second)
	s.hear("merchant_order", s.order(c))
	attempts, err := s.Database.Attempts(t.Context(), c.ID)
	require.NoError(t, err)
	require.Len(t, attempts, 2)
	require.Equal(t, []string{"payment.processing", "payment.approved", "checkout.paid"}, s.events(paid.ID))
	require.Equal(t, []string{"payment.processing", "payment.rejected"}, s.events(refused.ID))
}

// Two codes are paid: the second payment is told of, and its money goes back, once.
func TestTheMoneyOfASecondPaymentGoesBack(t *testing.T) {
	t.Parallel()
	s := newCheckoutShop(t)
	c := s.create("paid twice", true)
	first, second := s.try(c, "pix", ""), s.try(c, "pix", "")
	for _, id := range []string{first, second} {
		s.hear("payment", id)
		s.attempt(c, id, payment.Pending)
	}
	require.NoError(t, s.provider.Pay(first))
	s.hear("payment", first)
	s.becomes(c, payment.CheckoutPaid)
	require.NoError(t, s.provider.Pay(second))
	s.hear("payment", second)
	back := s.attempt(c, second, payment.Refunded)
	require.Equal(t, int64(1050), back.Refunded)
	require.Equal(t, []string{"payment.processing", "payment.pending", "payment.approved", "checkout.paid_twice", "refund.pending", "payment.refunded", "refund.succeeded"}, s.events(back.ID))
	s.attempt(c, first, payment.Approved)
	books := s.provider.Books()
	require.Equal(t, int64(1050), books.Refunds, "it went back once")
}

// No notification comes at all: the checkout's own looks find what was paid.
func TestACheckoutFindsItsAttempts(t *testing.T) {
	t.Parallel()
	s := newCheckoutShop(t)
	in := checkoutWish("no webhooks", false)
	often := workflows.NewClient(s.Temporal, workflows.Polls{First: 100 * time.Millisecond, Max: 200 * time.Millisecond, AfterExpiry: time.Second})
	_, err := often.CreateCheckout(t.Context(), in)
	require.NoError(t, err)
	c := s.read(in.CheckoutID)
	paid := s.try(c, "account_money", "")
	s.attempt(c, paid, payment.Approved)
	s.becomes(c, payment.CheckoutPaid)
}

// A restore loses the checkout's row after the buyer has paid. The repeated request writes it anew, finds its page, and knows what has paid it.
func TestAPaidCheckoutWhoseRowIsLostIsPaid(t *testing.T) {
	t.Parallel()
	s := newCheckoutShop(t)
	in := checkoutWish("lost row", false)
	often := workflows.NewClient(s.Temporal, workflows.Polls{First: 100 * time.Millisecond, Max: 200 * time.Millisecond, AfterExpiry: time.Second})
	_, err := often.CreateCheckout(t.Context(), in)
	require.NoError(t, err)
	before := s.read(in.CheckoutID)
	s.try(before, "account_money", "")
	before = s.becomes(before, payment.CheckoutPaid)
	s.lose(in.CheckoutID)
	in.Lost = true
	_, err = often.CreateCheckout(t.Context(), in)
	require.NoError(t, err)
	after := s.becomes(before, payment.CheckoutPaid)
	require.Equal(t, before.PaidBy, after.PaidBy)
	require.Equal(t, before.PreferenceID, after.PreferenceID)
	require.Len(t, s.made(), 1)
}

// A restore loses the row while the checkout is open: its run writes it anew, and finds its page.
func TestAnOpenCheckoutWhoseRowIsLostIsOpen(t *testing.T) {
	t.Parallel()
	s := newCheckoutShop(t)
	before := s.create("lost open", false)
	s.lose(before.ID)
	require.NoError(t, s.Workflows.LookAtCheckout(t.Context(), before.ID))
	eventually(t, func() bool {
		c, err := s.Database.Checkout(t.Context(), before.ID)
		return err == nil && c.Status == payment.CheckoutOpen && c.PreferenceID == before.PreferenceID
	}, "the row is there again")
	require.Len(t, s.made(), 1)
}

// An operator terminates the run of an open checkout: after its end the schedule signal-quiet starts a new one, which ends it.
func TestACheckoutWithoutARunEnds(t *testing.T) {
	t.Parallel()
	s := newCheckoutShop(t)
	c := s.create("terminated", false)
	require.NoError(t, s.Temporal.TerminateWorkflow(t.Context(), workflows.CheckoutWorkflowID(c.ID), "", "by mistake"))
	wake := func() (woken int) {
		quiet, err := s.Activities.SignalQuiet(t.Context(), activities.QuietInput{})
		require.NoError(t, err)
		return quiet.Checkouts
	}
	require.Zero(t, wake(), "its buyer may still pay")
	s.execute(`update checkouts set created_at = created_at - interval '25 hours' where id = $1`, c.ID)
	require.Equal(t, 1, wake())
	s.becomes(c, payment.CheckoutExpired)
	require.Zero(t, wake())
	s.execute(`update checkouts set event_due_at = now()`)
	told, err := s.Database.TakeExpired(t.Context(), 10)
	require.NoError(t, err)
	require.Len(t, told, 1)
}

// lose removes a checkout's row, as a restore from an older backup does.
func (s checkoutShop) lose(id string) {
	s.t.Helper()
	s.execute(`delete from checkouts where id = $1`, id)
}

func (s checkoutShop) execute(statement string, args ...any) {
	s.t.Helper()
	conn, err := pgx.Connect(s.t.Context(), s.postgres)
	require.NoError(s.t, err)
	defer conn.Close(context.WithoutCancel(s.t.Context()))
	_, err = conn.Exec(s.t.Context(), statement, args...)
	require.NoError(s.t, err)
}

// made are the requests for a page.
func (s checkoutShop) made() []simulator.Request {
	return slices.DeleteFunc(s.provider.Requests(), func(r simulator.Request) bool { return r.Method != "POST" || r.Path != "/checkout/preferences" })
}

// The answer about the page is lost: the page is found, and no second one is made.
func TestALostAnswerMakesNoSecondPage(t *testing.T) {
	t.Parallel()
	s := newCheckoutShop(t)
	s.provider.SetFaults([]simulator.Fault{{On: simulator.Preferences, Kind: simulator.KindLostAnswer, Times: 1}})
	c := s.create("lost", false)
	require.Len(t, s.made(), 1)
	require.Contains(t, c.PayURL, "/checkout/v1/redirect?pref_id="+c.PreferenceID)
}

// A key belongs to one request.
func TestACheckoutsKeyBelongsToOneRequest(t *testing.T) {
	t.Parallel()
	s := newCheckoutShop(t)
	s.create("key", false)
	_, err := s.Workflows.CreateCheckout(t.Context(), checkoutWish("key", true))
	require.Equal(t, failure.Conflict, failure.KindOf(err))
}

// A cancelled checkout takes no more payments, and cancelling it again changes nothing.
func TestACheckoutIsCancelled(t *testing.T) {
	t.Parallel()
	s := newCheckoutShop(t)
	c := s.create("cancelled", false)
	for range 2 {
		status, err := s.Workflows.CancelCheckout(t.Context(), "shop", c.ID)
		require.NoError(t, err)
		require.Equal(t, payment.CheckoutCancelled, status)
	}
	_, err := s.provider.Try(c.PreferenceID, simulator.Attempt{Method: "pix"})
	require.Error(t, err)
	require.Equal(t, payment.CheckoutCancelled, s.read(c.ID).Status)
}

// The provider refuses to make the page: the checkout has failed, and says why.
func TestARefusedCheckoutFails(t *testing.T) {
	t.Parallel()
	s := newCheckoutShop(t)
	s.provider.SetFaults([]simulator.Fault{{On: simulator.Preferences, Kind: simulator.KindError, Status: 400}})
	in := checkoutWish("refused", false)
	answered, err := s.Workflows.CreateCheckout(t.Context(), in)
	require.NoError(t, err)
	require.True(t, answered)
	c := s.read(in.CheckoutID)
	require.Equal(t, payment.CheckoutFailed, c.Status)
	require.Equal(t, failure.CodeRefused, c.FailureCode)
}

// An order of another sale on the account, or of another account, changes nothing.
func TestAnOrderOfAnotherSaleIsLeft(t *testing.T) {
	t.Parallel()
	s := newCheckoutShop(t)
	other, err := s.provider.MakePreference("pedido-1042", 1050)
	require.NoError(t, err)
	_, err = s.provider.Try(other, simulator.Attempt{Method: "account_money"})
	require.NoError(t, err)
	order, _ := s.provider.OrderOf(other)
	s.hear("topic_merchant_order_wh", order)
	_, err = s.Database.PaymentByProvider(t.Context(), payment.MercadoPago, order)
	require.Equal(t, failure.NotFound, failure.KindOf(err))
}

package worker

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/mercadopago"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/rabbitmq"
	"github.com/onlywave/onlywave/test/devstack"
	"github.com/onlywave/onlywave/test/devstack/devstacktest"
	"github.com/onlywave/onlywave/test/simulator"
)

// disputeShop is a worker that runs, and its payments.
type disputeShop struct {
	*Worker
	t        *testing.T
	provider *simulator.Simulator
}

func newDisputeShop(t *testing.T) disputeShop {
	t.Helper()
	at, provider := newEnv(t)
	at.temporal = devstacktest.Start(t, devstack.Temporal).TemporalAddress()
	w := openShop(t, at)
	run(t, w)
	return disputeShop{w, t, provider}
}

// charge makes a payment, and lets its buyer pay it.
func (s disputeShop) charge(key string, pay bool) payment.Payment {
	s.t.Helper()
	in := wish(key)
	in.Wait = timeout
	_, err := s.Workflows.Create(s.t.Context(), in)
	require.NoError(s.t, err)
	p, err := s.Database.Payment(s.t.Context(), in.PaymentID)
	require.NoError(s.t, err)
	if pay {
		require.NoError(s.t, s.provider.Pay(p.Provider.PaymentID))
		require.NoError(s.t, s.Workflows.Signal(s.t.Context(), p.ID))
		s.comesTo(p.ID, payment.Approved)
	}
	return p
}

func (s disputeShop) comesTo(id string, status payment.Status) {
	s.t.Helper()
	eventually(s.t, func() bool {
		p, err := s.Database.Payment(s.t.Context(), id)
		return err == nil && p.Status == status
	}, string(status))
}

// hear has a notification come through the broker, twice, as it comes to the address of the panel: it does not name our payment.
func (s disputeShop) hear(topic, resourceID string, data map[string]any) {
	s.t.Helper()
	body, err := json.Marshal(map[string]any{"type": topic, "data": data})
	require.NoError(s.t, err)
	for range 2 {
		n := mercadopago.Notification{ID: uuid.Must(uuid.NewV7()).String(), Topic: topic, ResourceID: resourceID, ReceivedAt: time.Now(), Body: body}
		require.NoError(s.t, s.Publisher.Publish(s.t.Context(), rabbitmq.ExchangeWebhooks, rabbitmq.Message{
			ID: n.ID, Key: "mercadopago." + topic, ContentType: "application/json", Body: encode(s.t, n), Time: n.ReceivedAt,
		}))
	}
}

// told are the types of a payment's events about disputes.
func (s disputeShop) told(id string) []string {
	events, err := s.Database.Events(s.t.Context(), id, 0, 100)
	require.NoError(s.t, err)
	var types []string
	for _, e := range events {
		if e.Data.Dispute != nil {
			types = append(types, e.Type())
		}
	}
	return types
}

func (s disputeShop) tells(id string, types ...string) {
	s.t.Helper()
	eventually(s.t, func() bool { return slices.Equal(types, s.told(id)) }, fmt.Sprint(types))
}

func (s disputeShop) accounts(id string) map[payment.Account]int64 {
	entries, err := s.Database.Ledger(s.t.Context(), id)
	require.NoError(s.t, err)
	sums := map[payment.Account]int64{}
	for _, e := range entries {
		sums[e.Account] += e.Amount
	}
	return sums
}

// From the notification to the end: one dispute, one event for each change, and the money where it belongs.
func TestAChargebackEndsInTheLedger(t *testing.T) {
	t.Parallel()
	s := newDisputeShop(t)
	for won, want := range map[bool]struct {
		status  payment.Status
		end     string
		account payment.Account
	}{
		true:  {payment.Approved, "dispute.won", payment.AccountPending},
		false: {payment.ChargedBack, "dispute.lost", payment.AccountLosses},
	} {
		p := s.charge(fmt.Sprintf("chargeback %v", won), true)
		id, err := s.provider.OpenChargeback(p.Provider.PaymentID)
		require.NoError(t, err)
		news := map[string]any{"id": json.Number(id), "payment_id": json.Number(p.Provider.PaymentID)}
		s.provider.AddFault(simulator.Fault{On: simulator.Chargebacks, Kind: simulator.KindSearchLag, Times: 1}) // the search does not show it yet
		s.hear("topic_chargebacks_wh", id, news)
		s.tells(p.ID, "dispute.opened")
		s.comesTo(p.ID, payment.ChargedBack)
		held := int64(0)
		eventually(t, func() bool { held = s.accounts(p.ID)[payment.AccountDisputes]; return held > 0 }, "the money is withheld")

		require.NoError(t, s.provider.DecideChargeback(id, won))
		s.hear("topic_chargebacks_wh", id, news)
		s.tells(p.ID, "dispute.opened", want.end)
		s.comesTo(p.ID, want.status)
		eventually(t, func() bool { return s.accounts(p.ID)[payment.AccountDisputes] == 0 }, "the money is not withheld any more")
		require.Equal(t, held, s.accounts(p.ID)[want.account])
		disputes, err := s.Database.Disputes(t.Context(), p.ID)
		require.NoError(t, err)
		require.Len(t, disputes, 1)
	}
}

// The notification of a claim names no payment; the claim does.
func TestAClaimBecomesAMediationAndEnds(t *testing.T) {
	t.Parallel()
	s := newDisputeShop(t)
	for won, want := range map[bool]struct {
		status payment.Status
		end    string
	}{true: {payment.Approved, "dispute.won"}, false: {payment.Refunded, "dispute.lost"}} {
		p := s.charge(fmt.Sprintf("claim %v", won), true)
		id, err := s.provider.OpenClaim(p.Provider.PaymentID)
		require.NoError(t, err)
		news := map[string]any{"id": json.Number(id)}
		s.hear("topic_claims_integration_wh", id, news)
		s.tells(p.ID, "dispute.opened")
		require.NoError(t, s.provider.MediateClaim(id))
		s.hear("claim", id, news)
		s.tells(p.ID, "dispute.opened", "dispute.updated")
		s.comesTo(p.ID, payment.InDispute)
		require.NoError(t, s.provider.CloseClaim(id, won))
		s.hear("topic_claims_integration_wh", id, news)
		s.tells(p.ID, "dispute.opened", "dispute.updated", want.end)
		s.comesTo(p.ID, want.status)
		disputes, err := s.Database.Disputes(t.Context(), p.ID)
		require.NoError(t, err)
		require.Len(t, disputes, 1)
		require.Equal(t, payment.Mediation, disputes[0].Kind)
	}
}

// What is unpaid is closed, and the alert with it. What is paid stays, and so does the alert: a person decides.
func TestAFraudAlertClosesWhatIsUnpaid(t *testing.T) {
	t.Parallel()
	s := newDisputeShop(t)
	for paid, want := range map[bool]struct {
		status payment.Status
		alert  payment.DisputeStatus
	}{true: {payment.Approved, payment.DisputeOpen}, false: {payment.Cancelled, payment.DisputeClosed}} {
		p := s.charge(fmt.Sprintf("fraud %v", paid), paid)
		s.hear("stop_delivery_op_wh", "", map[string]any{"payment_id": json.Number(p.Provider.PaymentID), "merchant_order": 4945357007})
		eventually(t, func() bool {
			disputes, err := s.Database.Disputes(t.Context(), p.ID)
			return err == nil && len(disputes) == 1 && disputes[0].Status == want.alert
		}, "the alert")
		s.comesTo(p.ID, want.status)
		disputes, err := s.Database.Disputes(t.Context(), p.ID)
		require.NoError(t, err)
		require.Equal(t, payment.FraudAlert, disputes[0].Kind)
		require.Equal(t, "dispute.opened", s.told(p.ID)[0])
	}
}

// The words of a notification about a dispute of another sale, and of one that nobody has, start nothing.
func TestNotificationsAboutOthersDisputesAreLeft(t *testing.T) {
	t.Parallel()
	at, _ := newEnv(t)
	w, logged := newWorker(t, at)
	for topic, id := range map[string]string{"topic_chargebacks_wh": "233000061680860000", "topic_claims_integration_wh": "5281510459"} {
		n := mercadopago.Notification{ID: uuid.Must(uuid.NewV7()).String(), Topic: topic, ResourceID: id, ReceivedAt: time.Now()}
		require.ErrorContains(t, w.webhook(t.Context(), delivery(t, n)), "message's fault, invalid", "it may be too new to be shown")
	}
	n := mercadopago.Notification{ID: uuid.Must(uuid.NewV7()).String(), Topic: "stop_delivery_op_wh", ReceivedAt: time.Now(), Body: []byte(`{}`)}
	require.ErrorContains(t, w.webhook(t.Context(), delivery(t, n)), "names no payment")
	require.Zero(t, logged.count("not ours"))
}

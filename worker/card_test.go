package worker

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"google.golang.org/protobuf/proto"

	"github.com/onlywave/onlywave/internal/command"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/test/devstack"
	"github.com/onlywave/onlywave/test/devstack/devstacktest"
	"github.com/onlywave/onlywave/test/simulator"
	"github.com/onlywave/onlywave/workflows"
)

// wishCard is a client app's request for a card payment whose holder has this name.
func wishCard(t *testing.T, provider http.Handler, key, holder string) workflows.CreateInput {
	t.Helper()
	return wishCardOf(t, provider, key, "5031433215406351", holder)
}

// wishCardOf is the same for a card with a number.
func wishCardOf(t *testing.T, provider http.Handler, key, number, holder string) workflows.CreateInput {
	t.Helper()
	r := httptest.NewRecorder()
	body := fmt.Sprintf(`{"card_number": %q, "cardholder": {"name": %q}}`, number, holder)
	provider.ServeHTTP(r, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/card_tokens", strings.NewReader(body)))
	var token struct {
		ID string `json:"id"`
	}
	require.NoError(t, json.Unmarshal(r.Body.Bytes(), &token))
	in := wish(key)
	in.Request.Method = payment.Method{Type: payment.Card, Card: &payment.CardMethod{Brand: "master", Installments: 3}}
	in.Request.Payer.TaxID = "12345678909"
	in.Secrets = payment.CardSecrets{Token: token.ID, DeviceID: "armor.7"}
	in.Wait = timeout
	return in
}

// A card ends as its bank says, whatever is repeated, and nobody reads its token in what Temporal stores.
func TestACardEndsAsItsBankSays(t *testing.T) {
	t.Parallel()
	at, provider := newEnv(t)
	at.temporal = devstacktest.Start(t, devstack.Temporal).TemporalAddress()
	w := openShop(t, at)
	run(t, w)
	for _, row := range []struct {
		holder string
		fault  *simulator.Fault
		first  payment.Status
		then   func(id string) error
		last   payment.Status
	}{
		{holder: "APRO", first: payment.Approved},
		{holder: "FUND", first: payment.Rejected},
		{holder: "CONT", first: payment.InReview, then: provider.Approve, last: payment.Approved},
		{holder: "CONT", first: payment.InReview, then: provider.Reject, last: payment.Rejected},
		{holder: "APRO", fault: &simulator.Fault{On: simulator.Create, Kind: simulator.KindTruncated, Times: 1}, first: payment.Approved},
	} {
		key := fmt.Sprintf("%s-%s-%v", row.holder, row.last, row.fault != nil)
		in := wishCard(t, provider, key, row.holder)
		if row.fault != nil {
			row.fault.ExternalReference = in.PaymentID
			provider.AddFault(*row.fault)
		}
		for range 2 {
			answer, err := w.Workflows.Create(t.Context(), in)
			require.NoError(t, err, key)
			require.Equal(t, row.first, answer.Status, key)
		}
		p, err := w.Database.Payment(t.Context(), in.PaymentID)
		require.NoError(t, err)
		if row.then != nil {
			require.NoError(t, row.then(p.Provider.PaymentID))
			require.NoError(t, w.Workflows.Signal(t.Context(), in.PaymentID))
		}
		w.awaitRun(t, in.PaymentID, enums.WORKFLOW_EXECUTION_STATUS_COMPLETED)
		charges := 0
		for _, entry := range provider.Ledger() {
			if entry.ExternalReference == in.PaymentID && entry.Kind == simulator.Charge {
				charges++
			}
		}
		require.Equal(t, 1, charges, key)

		history := dial(t, at).GetWorkflowHistory(t.Context(), workflows.WorkflowID(in.PaymentID), "", false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
		for history.HasNext() {
			event, err := history.Next()
			require.NoError(t, err)
			stored, err := proto.Marshal(event)
			require.NoError(t, err)
			require.NotContains(t, string(stored), in.Secrets.Token, event.GetEventType())
		}
	}
}

// Reserved money is captured in part, once, also when the answer is lost, or is given up.
func TestReservedMoneyIsCapturedOrGivenUp(t *testing.T) {
	t.Parallel()
	at, provider := newEnv(t)
	at.temporal = devstacktest.Start(t, devstack.Temporal).TemporalAddress()
	w := openShop(t, at)
	run(t, w)
	for name, row := range map[string]struct {
		order command.Order
		fault *simulator.Fault
		last  payment.Status
		gross int64
	}{
		"all":         {order: command.Order{Command: command.Capture}, last: payment.Approved, gross: 1050},
		"a part":      {order: command.Order{Command: command.Capture, Amount: 700}, last: payment.Approved, gross: 700},
		"answer lost": {order: command.Order{Command: command.Capture}, fault: &simulator.Fault{On: simulator.Update, Kind: simulator.KindTruncated, Times: 1}, last: payment.Approved, gross: 1050},
		"void":        {order: command.Order{Command: command.Cancel}, last: payment.Cancelled},
	} {
		in := wishCard(t, provider, name, "APRO")
		in.Request.Method.Card.AuthorizeOnly = true
		answer, err := w.Workflows.Create(t.Context(), in)
		require.NoError(t, err, name)
		require.Equal(t, payment.Authorized, answer.Status, name)
		if row.fault != nil {
			row.fault.ExternalReference = in.PaymentID
			provider.AddFault(*row.fault)
		}
		row.order.PaymentID, row.order.Actor, row.order.Reason, row.order.ID = in.PaymentID, "ana", "shipped", "order-"+name
		require.NoError(t, w.Workflows.Command(t.Context(), row.order), name)
		w.awaitRun(t, in.PaymentID, enums.WORKFLOW_EXECUTION_STATUS_COMPLETED)
		p, err := w.Database.Payment(t.Context(), in.PaymentID)
		require.NoError(t, err)
		require.Equal(t, row.last, p.Status, name)
		require.Equal(t, row.gross, p.Captured, name)
	}
}

// A challenge ends as the buyer ends it, by the provider's webhook. One that nobody finishes is closed by us, once.
func TestAChallengeEndsAsItsBuyerEndsIt(t *testing.T) {
	t.Parallel()
	at, provider := newEnv(t)
	at.temporal = devstacktest.Start(t, devstack.Temporal).TemporalAddress()
	w := openShop(t, at)
	run(t, w)
	for name, row := range map[string]struct {
		reserve bool
		end     func(id string) error
		last    payment.Status
		detail  string
		closed  int
	}{
		"passed":   {end: provider.PassChallenge, last: payment.Approved, detail: "accredited"},
		"failed":   {end: provider.FailChallenge, last: payment.Rejected, detail: "cc_rejected_3ds_challenge"},
		"reserved": {end: provider.PassChallenge, reserve: true, last: payment.Authorized, detail: "pending_capture"},
		"nobody":   {end: func(id string) error { return provider.Age(id, 20*time.Minute) }, last: payment.Expired, detail: "by_collector", closed: 1},
	} {
		in := wishCardOf(t, provider, name, simulator.ChallengeCard, "APRO")
		in.Request.Method.Card.ThreeDSecure, in.Request.Method.Card.AuthorizeOnly = payment.ThreeDSecureOptional, row.reserve
		answer, err := w.Workflows.Create(t.Context(), in)
		require.NoError(t, err, name)
		require.Equal(t, payment.Pending, answer.Status, name)
		p, err := w.Database.Payment(t.Context(), in.PaymentID)
		require.NoError(t, err)
		require.NotEmpty(t, p.Instructions.Challenge.CReq)

		require.NoError(t, row.end(p.Provider.PaymentID))
		require.NoError(t, w.Workflows.Signal(t.Context(), in.PaymentID))
		if row.reserve {
			eventually(t, func() bool {
				p, err = w.Database.Payment(t.Context(), in.PaymentID)
				return err == nil && p.Status == row.last
			}, "the reservation")
		} else {
			w.awaitRun(t, in.PaymentID, enums.WORKFLOW_EXECUTION_STATUS_COMPLETED)
		}
		p, err = w.Database.Payment(t.Context(), in.PaymentID)
		require.NoError(t, err)
		require.Equal(t, []string{string(row.last), row.detail}, []string{string(p.Status), p.Provider.StatusDetail}, name)
		require.Nil(t, p.Instructions.Challenge, name)
		charges, closed := 0, 0
		for _, e := range provider.Ledger() {
			switch {
			case e.ExternalReference != in.PaymentID:
			case e.Kind == simulator.Charge:
				charges++
			case e.Status == "cancelled":
				closed++
			}
		}
		require.Equal(t, []int{1, row.closed}, []int{charges, closed}, name)
	}
}

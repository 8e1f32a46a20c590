package worker

import (
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/proto"

	"github.com/onlywave/onlywave/internal/command"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/test/simulator"
	"github.com/onlywave/onlywave/workflows"
)

// pageShop is a shop whose buyers enter their cards on the pay page.
type pageShop struct {
	*Worker
	t        *testing.T
	at       env
	provider *simulator.Simulator
}

func newPageShop(t *testing.T) pageShop {
	t.Helper()
	at, provider := newOwnEnv(t)
	w := openShop(t, at)
	run(t, w)
	return pageShop{w, t, at, provider}
}

// open creates a payment that waits for its card.
func (s pageShop) open(key string, change func(*payment.Request)) string {
	s.t.Helper()
	in := wish(key)
	in.Request.Method = payment.Method{Type: payment.Card, Card: &payment.CardMethod{OnPage: true, Installments: 3}}
	if change != nil {
		change(&in.Request)
	}
	in.Request, in.Wait = in.Request.Normalized(), timeout
	answer, err := s.Workflows.Create(s.t.Context(), in)
	require.NoError(s.t, err)
	require.Equal(s.t, payment.Pending, answer.Status)
	p := s.stored(in.PaymentID)
	require.True(s.t, p.AwaitsCard())
	require.False(s.t, p.Challenged())
	require.Equal(s.t, p.CreatedAt.Add(payment.CardEntryDefault), p.Instructions.ExpiresAt)
	require.Empty(s.t, s.charges(in.PaymentID), "nothing is charged before there is a card")
	return in.PaymentID
}

// card is one that the buyer enters, whose holder has this name.
func (s pageShop) card(id, number, holder string) workflows.CardInput {
	s.t.Helper()
	return workflows.CardInput{
		PaymentID: id, Entry: payment.CardEntry{Brand: "master", Installments: 2, IssuerID: "24"},
		Secrets: payment.CardSecrets{Token: wishCardOf(s.t, s.provider, "token", number, holder).Secrets.Token, TaxID: "12345678909"},
	}
}

const plainCard = "5031433215406351"

func (s pageShop) enter(in workflows.CardInput, want payment.Status) {
	s.t.Helper()
	status, err := s.Workflows.EnterCard(s.t.Context(), in)
	require.NoError(s.t, err)
	require.Equal(s.t, want, status)
}

func (s pageShop) refuses(in workflows.CardInput) {
	s.t.Helper()
	_, err := s.Workflows.EnterCard(s.t.Context(), in)
	require.Equal(s.t, failure.Conflict, failure.KindOf(err), "%v", err)
}

func (s pageShop) stored(id string) payment.Payment {
	s.t.Helper()
	p, err := s.Database.Payment(s.t.Context(), id)
	require.NoError(s.t, err)
	return p
}

// charges are the provider's statuses of all charges of a payment, oldest first.
func (s pageShop) charges(id string) (statuses []string) {
	for _, entry := range s.provider.Ledger() {
		if entry.ExternalReference == id && entry.Kind == simulator.Charge {
			statuses = append(statuses, entry.Status)
		}
	}
	return statuses
}

func (s pageShop) arm(id string, faults ...simulator.Fault) {
	for _, f := range faults {
		f.ExternalReference = id
		s.provider.AddFault(f)
	}
}

// A buyer whose card is rejected enters another one. Each is charged once, whatever is repeated and at the same time, and nobody reads the
// tokens in what Temporal stores.
func TestABuyerEntersAnotherCardAfterARejection(t *testing.T) {
	t.Parallel()
	s := newPageShop(t)
	id := s.open("again", nil)
	bad, good := s.card(id, plainCard, "OTHE"), s.card(id, plainCard, "APRO")
	var both sync.WaitGroup
	for range 3 {
		both.Go(func() {
			status, err := s.Workflows.EnterCard(t.Context(), bad)
			if err != nil || status != payment.Pending {
				t.Errorf("%v %v", status, err)
			}
		})
	}
	both.Wait()
	p := s.stored(id)
	require.True(t, p.AwaitsCard())
	require.Equal(t, "cc_rejected_other_reason", p.Instructions.Entered.Rejected)
	require.Len(t, s.charges(id), 1)
	require.NoError(t, s.Workflows.Signal(t.Context(), id), "the webhook of the rejected charge")
	s.enter(bad, payment.Pending)
	require.Len(t, s.charges(id), 1)

	s.enter(good, payment.Approved)
	s.enter(good, payment.Approved)
	s.enter(bad, payment.Pending) // as it was answered then
	s.refuses(s.card(id, plainCard, "APRO"))
	s.awaitRun(t, id, enums.WORKFLOW_EXECUTION_STATUS_COMPLETED)
	require.Len(t, s.charges(id), 2)
	p = s.stored(id)
	require.Equal(t, payment.Approved, p.Status)
	require.Equal(t, payment.Entered{CardEntry: good.Entry, Attempt: 2}, *p.Instructions.Entered)
	tries, err := s.Database.Operations(t.Context(), id)
	require.NoError(t, err)
	require.Len(t, tries, 2)
	require.Equal(t, []payment.Outcome{payment.OutcomeRefused, payment.OutcomeDone}, []payment.Outcome{tries[0].Outcome, tries[1].Outcome})
	require.NotEmpty(t, tries[0].ProviderID)
	require.NotEqual(t, tries[0].ProviderKey, tries[1].ProviderKey)

	history := dial(t, s.at).GetWorkflowHistory(t.Context(), workflows.WorkflowID(id), "", false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for history.HasNext() {
		event, err := history.Next()
		require.NoError(t, err)
		stored, err := proto.Marshal(event)
		require.NoError(t, err)
		for _, in := range []workflows.CardInput{bad, good} {
			require.NotContains(t, string(stored), in.Secrets.Token, event.GetEventType())
		}
	}
}

// After the last card that may be tried, the payment is rejected.
func TestABuyerMayTrySomeCards(t *testing.T) {
	t.Parallel()
	s := newPageShop(t)
	id := s.open("many", nil)
	for range payment.CardAttempts - 1 {
		s.enter(s.card(id, plainCard, "FUND"), payment.Pending)
	}
	s.enter(s.card(id, plainCard, "FUND"), payment.Rejected)
	require.Len(t, s.charges(id), payment.CardAttempts)
	s.refuses(s.card(id, plainCard, "APRO"))
	s.awaitRun(t, id, enums.WORKFLOW_EXECUTION_STATUS_COMPLETED)
}

// The answer to the second card is lost, and found.
func TestALostAnswerToAnEnteredCardIsFound(t *testing.T) {
	t.Parallel()
	s := newPageShop(t)
	for holder, row := range map[string]struct {
		then payment.Status
	}{"APRO": {payment.Approved}, "CALL": {payment.Pending}} {
		id := s.open("lost-"+holder, nil)
		s.enter(s.card(id, plainCard, "OTHE"), payment.Pending)
		s.arm(id, simulator.Fault{On: simulator.Create, Kind: simulator.KindTruncated, Times: 1})
		s.enter(s.card(id, plainCard, holder), row.then)
		require.Len(t, s.charges(id), 2)
	}
}

// While it is not known whether a card was charged, no other is taken. What the provider then says counts: also that it was rejected.
func TestAnUnknownChargeKeepsOtherCardsAway(t *testing.T) {
	t.Parallel()
	s := newPageShop(t)
	for holder, then := range map[string]payment.Status{"APRO": payment.Approved, "CALL": payment.Pending} {
		id := s.open("unknown-"+holder, nil)
		s.enter(s.card(id, plainCard, "OTHE"), payment.Pending)
		s.arm(id, simulator.Fault{On: simulator.Create, Kind: simulator.KindTruncated, Times: 1},
			simulator.Fault{On: simulator.Create, Kind: simulator.KindForgottenKey}, simulator.Fault{On: simulator.Search, Kind: simulator.KindSearchLag, Times: 1})
		doubted := s.card(id, plainCard, holder)
		s.enter(doubted, payment.Unknown)
		s.refuses(s.card(id, plainCard, "APRO"))
		s.enter(doubted, payment.Unknown)
		require.NoError(t, s.Workflows.Signal(t.Context(), id))
		eventually(t, func() bool { return s.stored(id).Status == then }, string(then))
		require.Len(t, s.charges(id), 2)
		if then == payment.Pending {
			s.enter(s.card(id, plainCard, "APRO"), payment.Approved)
			require.Len(t, s.charges(id), 3)
		}
	}
}

// The client app cancels a payment that waits for a card. Then none is taken.
func TestAPaymentThatWaitsForACardIsCancelled(t *testing.T) {
	t.Parallel()
	s := newPageShop(t)
	id := s.open("cancelled", nil)
	s.enter(s.card(id, plainCard, "OTHE"), payment.Pending)
	order := command.Order{Command: command.Cancel, PaymentID: id, Actor: "ana", Reason: "sold out", ID: "order-1"}
	for range 2 {
		require.NoError(t, s.Workflows.Command(t.Context(), order))
	}
	require.Equal(t, payment.Cancelled, s.stored(id).Status)
	s.refuses(s.card(id, plainCard, "APRO"))
	require.Len(t, s.charges(id), 1)
}

// A card whose bank asks for a challenge goes the usual way.
func TestAnEnteredCardMayBeChallenged(t *testing.T) {
	t.Parallel()
	s := newPageShop(t)
	id := s.open("challenged", func(r *payment.Request) { r.Method.Card.ThreeDSecure = payment.ThreeDSecureOptional })
	s.enter(s.card(id, simulator.ChallengeCard, "APRO"), payment.Pending)
	p := s.stored(id)
	require.True(t, p.Challenged())
	require.False(t, p.AwaitsCard())
	s.refuses(s.card(id, plainCard, "APRO"))
	require.NoError(t, s.provider.PassChallenge(p.Provider.PaymentID))
	require.NoError(t, s.Workflows.Signal(t.Context(), id))
	s.awaitRun(t, id, enums.WORKFLOW_EXECUTION_STATUS_COMPLETED)
	require.Equal(t, payment.Approved, s.stored(id).Status)
}

// A run is lost after its charge. The next one knows the card, and what became of it, or finds out before it charges another.
func TestANewRunTakesNoSecondCharge(t *testing.T) {
	t.Parallel()
	s := newPageShop(t)
	id := s.open("lost-run", nil)
	require.NoError(t, s.Temporal.TerminateWorkflow(t.Context(), workflows.WorkflowID(id), "", "lost"))
	s.enter(s.card(id, plainCard, "OTHE"), payment.Pending)
	require.NoError(t, s.Temporal.TerminateWorkflow(t.Context(), workflows.WorkflowID(id), "", "lost"))
	good := s.card(id, plainCard, "APRO")
	s.enter(good, payment.Approved)
	s.awaitRun(t, id, enums.WORKFLOW_EXECUTION_STATUS_COMPLETED)
	s.enter(good, payment.Approved)
	require.Len(t, s.charges(id), 2)
}

// A run is reset to each of its points, with and without what came in afterwards. The cards that were charged are not charged again, and no
// other is, whatever the new run believes.
func TestAResetChargesNoCardAgain(t *testing.T) {
	t.Parallel()
	s := newPageShop(t)
	id := s.open("reset", nil)
	s.enter(s.card(id, plainCard, "OTHE"), payment.Pending)
	good := s.card(id, plainCard, "APRO")
	s.enter(good, payment.Approved)
	s.awaitRun(t, id, enums.WORKFLOW_EXECUTION_STATUS_COMPLETED)
	run, err := s.Temporal.DescribeWorkflow(t.Context(), workflows.WorkflowID(id), "")
	require.NoError(t, err)
	base := run.RawResponse.GetWorkflowExecutionInfo().GetExecution()
	var points []int64
	history := s.Temporal.GetWorkflowHistory(t.Context(), base.GetWorkflowId(), base.GetRunId(), false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for history.HasNext() {
		event, err := history.Next()
		require.NoError(t, err)
		if event.GetEventType() == enums.EVENT_TYPE_WORKFLOW_TASK_COMPLETED {
			points = append(points, event.GetEventId())
		}
	}
	require.GreaterOrEqual(t, len(points), 3, "opened, and two cards")
	for _, point := range points {
		for _, without := range [][]enums.ResetReapplyExcludeType{nil, {enums.RESET_REAPPLY_EXCLUDE_TYPE_SIGNAL, enums.RESET_REAPPLY_EXCLUDE_TYPE_UPDATE}} {
			_, err := s.Temporal.ResetWorkflowExecution(t.Context(), &workflowservice.ResetWorkflowExecutionRequest{
				Namespace: s.at.namespace, WorkflowExecution: base, Reason: "test", WorkflowTaskFinishEventId: point, RequestId: uuid.NewString(), ResetReapplyExcludeTypes: without,
			})
			require.NoError(t, err)
			require.NoError(t, s.Workflows.Signal(t.Context(), id))
			s.awaitRun(t, id, enums.WORKFLOW_EXECUTION_STATUS_COMPLETED)
			require.Equal(t, payment.Approved, s.stored(id).Status, "point %d without %v", point, without)
			require.Len(t, s.charges(id), 2, "point %d without %v", point, without)
			s.refuses(s.card(id, plainCard, "APRO"))
			require.Len(t, s.charges(id), 2)
		}
	}
}

// A run that was reset believes that it still waits for a card, and a buyer enters another one before the run has looked. The database knows
// better.
func TestAResetRunTakesNoOtherCard(t *testing.T) {
	t.Parallel()
	s := newPageShop(t)
	id := s.open("believes", nil)
	s.enter(s.card(id, plainCard, "APRO"), payment.Approved)
	s.awaitRun(t, id, enums.WORKFLOW_EXECUTION_STATUS_COMPLETED)
	run, err := s.Temporal.DescribeWorkflow(t.Context(), workflows.WorkflowID(id), "")
	require.NoError(t, err)
	_, err = s.Temporal.ResetWorkflowExecution(t.Context(), &workflowservice.ResetWorkflowExecutionRequest{
		Namespace: s.at.namespace, WorkflowExecution: run.RawResponse.GetWorkflowExecutionInfo().GetExecution(), Reason: "test", WorkflowTaskFinishEventId: 4, RequestId: uuid.NewString(),
		ResetReapplyExcludeTypes: []enums.ResetReapplyExcludeType{enums.RESET_REAPPLY_EXCLUDE_TYPE_SIGNAL, enums.RESET_REAPPLY_EXCLUDE_TYPE_UPDATE},
	})
	require.NoError(t, err)
	s.refuses(s.card(id, plainCard, "APRO"))
	s.awaitRun(t, id, enums.WORKFLOW_EXECUTION_STATUS_COMPLETED)
	require.Len(t, s.charges(id), 1)
}

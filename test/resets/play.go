package resets

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc"

	temporalclient "go.temporal.io/sdk/client"

	"github.com/onlywave/onlywave/internal/mercadopago"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/postgres"
	"github.com/onlywave/onlywave/test/platform"
	"github.com/onlywave/onlywave/test/simulator"
	"github.com/onlywave/onlywave/workflows"
)

// clientApp is the client app whose payments these are.
const clientApp = "demo"

// player resets runs on one platform.
type player struct {
	*platform.Platform
	conn     *grpc.ClientConn
	temporal temporalclient.Client
	product  *workflows.Client
	database *postgres.Store
	provider *mercadopago.Client
}

// attempt is one reset: of which history, where and how.
type attempt struct {
	recording recording
	point     int64
	reapply   bool // the signals and updates after the point
	row       row
	past      bool // the history is as old as it was recorded; else it has just ended
	number    int
}

func (a attempt) String() string {
	words := []string{a.recording.name, fmt.Sprintf("event %d", a.point), "row " + string(a.row)}
	if !a.reapply {
		words = append(words, "without signals and updates")
	}
	if a.past {
		words = append(words, "as old as recorded")
	}
	return strings.Join(words, ", ")
}

// later is by how much the times of the history move.
func (a attempt) later() time.Duration {
	if a.past {
		return 0
	}
	return time.Since(a.recording.ended()) - time.Second
}

// payment plays one reset of a payment's run, twice, and returns what is wrong after it.
func (p *player) payment(ctx context.Context, a attempt) (wrong []string, err error) {
	c, err := p.prepare(ctx, a)
	if err != nil {
		return nil, err
	}
	for _, time := range []string{"first", "second"} {
		run, err := p.reset(ctx, c.base, a)
		if err != nil {
			return wrong, err
		}
		c.look, c.lookedAt, c.released, c.swept, c.asked = false, 0, false, false, false
		settled := c.settle(ctx)
		found, err := c.check(ctx, run)
		if err != nil {
			return wrong, err
		}
		if settled != nil {
			found = append(found, settled.Error())
		}
		for _, f := range found {
			wrong = append(wrong, time+" reset: "+f)
		}
	}
	return wrong, nil
}

// prepare makes a payment of its own from the recording: its run, its row and its charge.
func (p *player) prepare(ctx context.Context, a attempt) (*paymentCase, error) {
	old, err := storyOf(a.recording.run)
	if err != nil {
		return nil, err
	}
	key := fmt.Sprintf("reset-%d", a.number)
	id := payment.NewID(clientApp, key)
	reference := id
	if old.ofCheckout() {
		reference = payment.NewCheckoutID(clientApp, key)
	}
	if err := p.holdWebhooks(ctx, reference); err != nil {
		return nil, fmt.Errorf("hold webhooks: %w", err)
	}
	try, err := p.tryAgain(ctx, old, key)
	if err != nil {
		return nil, fmt.Errorf("try to pay a checkout: %w", err)
	}
	if try.providerID != "" {
		creation, attempt := try.checkout.NewAttempt(try.providerID)
		id, key = attempt, creation.IdempotencyKey
	}
	run := &common.WorkflowExecution{WorkflowId: workflows.WorkflowID(id), RunId: uuid.NewString()}
	texts := a.ownNames(old, id, key, run.GetRunId())
	if try.providerID != "" {
		texts = append(texts, old.input.Creation.Attempt.CheckoutID, reference, old.input.Creation.Attempt.ProviderPaymentID, try.providerID)
	}
	card, token, more, err := p.cardAgain(ctx, old, key)
	if err != nil {
		return nil, err
	}
	texts = append(texts, more...)
	cards, err := p.enterCards(ctx, old, id)
	if err != nil {
		return nil, err
	}
	texts = append(texts, cards...)
	disputeID := ""
	if len(old.cards) == 0 && old.provider != nil && old.provider.PaymentID != "" {
		if try.providerID == "" {
			if try.providerID, try.status, err = p.charge(ctx, old, id, a.providerKey(id), token, card); err != nil {
				return nil, fmt.Errorf("charge: %w", err)
			}
		}
		if more, disputeID, err = p.comeAfter(ctx, old, id, reference, try.providerID, try.status, card != nil); err != nil {
			return nil, err
		}
		texts = append(texts, more...)
	}
	changed, err := a.recording.changed(strings.NewReplacer(texts...), a.later())
	if err != nil {
		return nil, err
	}
	now, err := storyOf(changed)
	if err != nil {
		return nil, err
	}
	c := &paymentCase{player: p, attempt: a, id: id, reference: reference, key: key, base: run, story: now, disputeID: disputeID}
	if err := c.writeRows(ctx, old.dispute, changed.GetEvents()[0].GetEventTime().AsTime()); err != nil {
		return nil, err
	}
	if err := importHistory(ctx, p.conn, run, changed.GetEvents()); err != nil {
		return nil, err
	}
	return c, p.sendWebhooks(ctx, reference)
}

// ownNames are the names in the recording, each with the one that stands for it: of the payment, its run, its client app and its key.
func (a attempt) ownNames(old story, id, key, runID string) []string {
	texts := []string{
		old.input.PaymentID, id, a.recording.started().GetOriginalExecutionRunId(), runID, `"client_id":"shop"`, `"client_id":"demo"`,
		`"polls":{"first":0,"max":0,"after_expiry":0}`, `"polls":{"first":60000000000,"max":3600000000000,"after_expiry":30000000000}`, // a run started by hand
	}
	if old.input.Creation != nil {
		texts = append(texts, fmt.Sprintf(`"idempotency_key":%q`, old.input.Creation.IdempotencyKey), fmt.Sprintf(`"idempotency_key":%q`, key))
	}
	return texts
}

// writeRows writes the payment's row as the attempt wants it, and its dispute. A payment that does not say when it was asked for was when its
// run started.
func (c *paymentCase) writeRows(ctx context.Context, recorded dispute, started time.Time) error {
	asked := c.story.input.AskedAt
	if asked.IsZero() {
		asked = started
	}
	if err := write(ctx, c.database, c.story, c.id, c.key, c.row, asked); err != nil {
		return fmt.Errorf("write the row: %w", err)
	}
	if c.disputeID == "" || c.row != rowKept {
		return nil
	}
	if err := c.writeDispute(ctx, recorded, c.id, c.disputeID, asked.Add(time.Second)); err != nil {
		return fmt.Errorf("write the dispute: %w", err)
	}
	return nil
}

// cardAgain is the recorded card of a client app with a token of its own, because a token is good for one charge, and saved anew if it was saved.
// The texts are the recorded ones, each with the one that stands for it. No card: nil.
func (p *player) cardAgain(ctx context.Context, old story, key string) (card *payment.CardMethod, token string, texts []string, err error) {
	if old.input.Creation == nil || old.input.Creation.Secrets.Token == "" {
		return nil, "", nil, nil
	}
	recorded := old.input.Creation.Secrets.Token
	card = old.input.Creation.Request.Method.Card
	if token, err = p.Provider.CardTokenOf(ctx, simulator.NumberOf(recorded), simulator.HolderOf(recorded)); err != nil {
		return nil, "", nil, fmt.Errorf("make a card's token: %w", err)
	}
	if card.CustomerID != "" {
		saved, tokenOfSaved, more, err := p.saveCard(ctx, *card, key, token)
		if err != nil {
			return nil, "", nil, err
		}
		card, token, texts = &saved, tokenOfSaved, more
	}
	return card, token, append(texts, recorded, token), nil
}

// comeAfter does at the simulator what came after the recorded charge: the capture, what the buyer did, the dispute and the refunds. The result
// is the recorded texts, each with the one that stands for it, and the dispute's id.
func (p *player) comeAfter(ctx context.Context, old story, id, reference, made, status string, card bool) (texts []string, disputeID string, err error) {
	if centavos := old.provider.Captured; centavos > 0 {
		reserved := payment.Payment{ID: id, Request: payment.Request{Amount: old.provider.Money}, Provider: payment.Provider{Name: payment.MercadoPago, PaymentID: made}}
		if _, err := p.provider.Capture(ctx, reserved, centavos, "captured-"+id); err != nil {
			return nil, "", fmt.Errorf("capture: %w", err)
		}
		status = "approved"
	}
	to := old.provider.Status
	if old.dispute.named() {
		to = payment.Approved
	}
	if err := bring(ctx, p.Platform, made, status, card, to); err != nil {
		return nil, "", err
	}
	if old.dispute.named() {
		if disputeID, err = p.quarrel(ctx, old.dispute, made); err != nil {
			return nil, "", fmt.Errorf("dispute: %w", err)
		}
		texts = append(texts, old.dispute.told.ID, disputeID)
	}
	back, err := p.giveBack(ctx, old, id, reference, made)
	if err != nil {
		return nil, "", fmt.Errorf("refund: %w", err)
	}
	return append(append(texts, old.provider.PaymentID, made), back...), disputeID, nil
}

// providerKey is the key of the recorded charge. Mercado Pago has forgotten ours, so that only a search finds the charge. But a charge that
// was in progress goes on as it began, without a search while it is younger than an hour: for so long the product relies on its key.
func (a attempt) providerKey(id string) string {
	if a.recording.charging(a.point) && time.Since(a.recording.ended().Add(a.later())) < time.Hour {
		return payment.ProviderKey(id, payment.Charge, 1)
	}
	return "forgotten-" + id
}

// reset is what `temporal workflow reset` does, with and without --reapply-exclude All.
func (p *player) reset(ctx context.Context, base *common.WorkflowExecution, a attempt) (runID string, err error) {
	request := &workflowservice.ResetWorkflowExecutionRequest{
		Namespace: "default", WorkflowExecution: base, Reason: "make resets", WorkflowTaskFinishEventId: a.point, RequestId: uuid.NewString(),
	}
	if !a.reapply {
		request.ResetReapplyExcludeTypes = []enums.ResetReapplyExcludeType{
			enums.RESET_REAPPLY_EXCLUDE_TYPE_SIGNAL, enums.RESET_REAPPLY_EXCLUDE_TYPE_UPDATE,
		}
	}
	for try := 1; ; try++ {
		answer, err := p.temporal.ResetWorkflowExecution(ctx, request)
		if err == nil {
			return answer.GetRunId(), nil
		}
		// A busy server answers "something went wrong, please retry"; one id makes one reset.
		if try == 5 || !platform.Pause(ctx, time.Second) {
			return "", fmt.Errorf("reset: %w", err)
		}
	}
}

// failedTasks names the workflow tasks of a run that failed or timed out after the reset. A task that fails since a signal came in
// meanwhile is usual.
func (p *player) failedTasks(ctx context.Context, workflowID, runID string, point int64) (failed []string, err error) {
	events := p.temporal.GetWorkflowHistory(ctx, workflowID, runID, false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		event, err := events.Next()
		if err != nil {
			return nil, err
		}
		if event.GetEventId() < point {
			continue
		}
		if text := failedTask(event); text != "" {
			failed = append(failed, text)
		}
	}
	return failed, nil
}

func failedTask(event *history.HistoryEvent) string {
	switch event.GetEventType() {
	case enums.EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT:
		return "a workflow task timed out"
	case enums.EVENT_TYPE_WORKFLOW_TASK_FAILED:
		task := event.GetWorkflowTaskFailedEventAttributes()
		switch task.GetCause() {
		case enums.WORKFLOW_TASK_FAILED_CAUSE_RESET_WORKFLOW, enums.WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND:
			return ""
		}
		return fmt.Sprintf("a workflow task failed: %s, %s", task.GetCause(), task.GetFailure().GetMessage())
	}
	return ""
}

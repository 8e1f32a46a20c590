package resets

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/test/platform"
	"github.com/onlywave/onlywave/test/simulator"
)

// settleTimeout is how long a run may take to end or to wait. One of the recorded programs waits 20 seconds before it searches again.
const settleTimeout = 90 * time.Second

// paymentCase is a payment whose run is reset.
type paymentCase struct {
	*player
	attempt
	id        string
	reference string // of its charge at Mercado Pago: its id, or its checkout's
	key       string
	base      *common.WorkflowExecution // the imported run
	story     story

	disputeID string // the provider's id of its dispute; "": it has none

	look     bool  // the run was signalled to look
	lookedAt int64 // the length of its history then
	released bool  // an operator has released it
	swept    bool  // the sweep has signalled it
	asked    bool  // the client app has repeated its request
}

// settle waits until the payment's newest run has ended, or waits for what may never come. A buyer pays what can be paid, and the run
// is signalled as a webhook would.
func (c *paymentCase) settle(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, settleTimeout)
	defer cancel()
	for {
		run, err := c.temporal.DescribeWorkflow(ctx, c.base.GetWorkflowId(), "")
		if err != nil {
			return fmt.Errorf("describe: %w", err)
		}
		if run.RawResponse.GetWorkflowExecutionInfo().GetStatus() != enums.WORKFLOW_EXECUTION_STATUS_RUNNING {
			if again, err := c.startAgain(ctx); err != nil || !again {
				return err
			}
			continue
		}
		if task := run.RawResponse.GetPendingWorkflowTask(); task.GetAttempt() > 3 {
			return fmt.Errorf("its workflow task is tried for the %dth time", task.GetAttempt())
		}
		if idle(run.RawResponse) && c.held(run.RawResponse) && c.released && c.story.input.Creation == nil {
			if _, found, err := c.read(ctx); err != nil || !found {
				return err // there is no row to release: the run ends with its hold
			}
		}
		if idle(run.RawResponse) && c.held(run.RawResponse) && !c.released {
			c.released = true
			if err := c.temporal.SignalWorkflow(ctx, c.base.GetWorkflowId(), "", "release", map[string]string{"actor": "ana", "reason": "make resets"}); err != nil {
				return err
			}
		} else if idle(run.RawResponse) {
			waits, err := c.goOn(ctx, run.RawResponse.GetWorkflowExecutionInfo().GetHistoryLength())
			if err != nil || waits {
				return err
			}
		}
		if !platform.Pause(ctx, 250*time.Millisecond) {
			return fmt.Errorf("the run neither ends nor waits: %v pending activities", len(run.RawResponse.GetPendingActivities()))
		}
	}
}

// held says whether an operator's hold keeps the run from Mercado Pago. It ends by itself, and here an operator releases it.
func (c *paymentCase) held(run *workflowservice.DescribeWorkflowExecutionResponse) bool {
	_, held := run.GetWorkflowExecutionInfo().GetSearchAttributes().GetIndexedFields()["PaymentHold"]
	return held
}

func idle(run *workflowservice.DescribeWorkflowExecutionResponse) bool {
	return len(run.GetPendingActivities()) == 0 && run.GetPendingWorkflowTask() == nil
}

// goOn does what buyer and provider would do for a run that waits, and says whether nothing more can come.
func (c *paymentCase) goOn(ctx context.Context, length int64) (waits bool, err error) {
	p, found, err := c.read(ctx)
	if err != nil || found && p.Status == payment.Processing {
		return false, err // its first answer is still to come
	}
	if !c.look {
		if ledger, err := c.Provider.Ledger(ctx, c.reference); err == nil && len(ledger) > 0 {
			switch ledger[len(ledger)-1].Status { // it may have ended meanwhile
			case "pending":
				_ = c.Provider.Pay(ctx, ledger[0].PaymentID)
				_ = c.Provider.EndChallenge(ctx, ledger[0].PaymentID, true)
			case "authorized": // nobody captures it any more
				_ = c.Provider.Expire(ctx, ledger[0].PaymentID)
			case "in_process":
				_ = c.Provider.Approve(ctx, ledger[0].PaymentID)
			}
		}
		c.look, c.lookedAt = true, length
		return false, c.product.Signal(ctx, c.id)
	}
	ledger, err := c.Provider.Ledger(ctx, c.reference)
	return length > c.lookedAt && found && (p.Status == payment.Unknown || p.AwaitsCard()) && len(ledger) == 0, err
}

// startAgain does once what others do for a payment whose run has ended, and whose row was lost or is older: the sweep signals an open
// payment that has no run, and the client app repeats its request for one that it does not find.
func (c *paymentCase) startAgain(ctx context.Context) (started bool, err error) {
	p, found, err := c.read(ctx)
	switch {
	case err != nil:
	case found && p.Status == payment.Processing && !c.swept:
		c.swept = true
		return true, c.product.Signal(ctx, c.id)
	case !found && c.story.input.Creation != nil && !c.recording.failed() && !c.asked:
		c.asked = true
		return true, c.ask(ctx)
	}
	return false, err
}

// ask sends the client app's request again. An attempt at a checkout has none: the checkout's own look, or a webhook, tells of it.
func (c *paymentCase) ask(ctx context.Context) error {
	if of := c.story.input.Creation.Attempt; of != nil {
		checkout, err := c.database.Checkout(ctx, of.CheckoutID)
		if err != nil {
			return err
		}
		return c.product.Attach(ctx, checkout, of.ProviderPaymentID)
	}
	request := c.story.input.Creation.Request
	fields := map[string]any{
		"amount": request.Amount.Centavos, "currency": request.Amount.Currency, "description": request.Description, "reference": request.Reference,
		"method": request.Method, "payer": request.Payer,
	}
	if card := request.Method.Card; card != nil {
		method := map[string]any{
			"type": payment.Card, "token": c.story.input.Creation.Secrets.Token, "payment_method_id": card.Brand, "installments": card.Installments,
			"capture": !card.AuthorizeOnly, "three_d_secure": cmp.Or(card.ThreeDSecure, payment.ThreeDSecureOff),
		}
		if card.CustomerID != "" {
			method["customer_id"] = card.CustomerID
		}
		if card.OnPage {
			method = map[string]any{"type": payment.Card, "installments": card.Installments, "expires_in": request.Method.ExpiresIn}
		}
		fields["method"] = method
	}
	if request.Metadata != nil {
		fields["metadata"] = request.Metadata
	}
	body, err := json.Marshal(fields)
	if err != nil {
		return err
	}
	answer, err := c.Front.Post(ctx, c.key, string(body))
	if err != nil {
		return err
	}
	return answer.Decode(nil)
}

func (c *paymentCase) read(ctx context.Context) (p payment.Payment, found bool, err error) {
	p, err = c.database.Payment(ctx, c.id)
	if failure.KindOf(err) == failure.NotFound {
		return p, false, nil
	}
	return p, err == nil, err
}

// check compares the run, the database and the simulator.
func (c *paymentCase) check(ctx context.Context, runID string) (wrong []string, err error) {
	failed, err := c.failedTasks(ctx, c.base.GetWorkflowId(), runID, c.point)
	if err != nil {
		return nil, err
	}
	wrong = append(wrong, failed...)
	run, err := c.temporal.DescribeWorkflow(ctx, c.base.GetWorkflowId(), "")
	if err != nil {
		return nil, err
	}
	p, found, err := c.read(ctx)
	if err != nil {
		return nil, err
	}
	rewrites := c.story.input.Creation != nil
	switch status := run.RawResponse.GetWorkflowExecutionInfo().GetStatus(); status {
	case enums.WORKFLOW_EXECUTION_STATUS_COMPLETED, enums.WORKFLOW_EXECUTION_STATUS_RUNNING:
	case enums.WORKFLOW_EXECUTION_STATUS_FAILED: // with a dead letter
		if !c.recording.failed() && rewrites {
			wrong = append(wrong, "the run has failed")
		}
	default:
		wrong = append(wrong, "the run is "+status.String())
	}
	ledger, err := c.Provider.Ledger(ctx, c.reference)
	if err != nil {
		return nil, err
	}
	wrong = append(wrong, unsafe(p, found, ledger)...)
	refunds, err := c.wrongRefunds(ctx, p, found, ledger)
	if err != nil {
		return nil, err
	}
	wrong = append(wrong, refunds...)
	disputes, err := c.wrongDisputes(ctx)
	if err != nil {
		return nil, err
	}
	wrong = append(wrong, disputes...)
	if run.RawResponse.GetWorkflowExecutionInfo().GetStatus() == enums.WORKFLOW_EXECUTION_STATUS_FAILED {
		return wrong, nil // its dead letter leaves the rest to an operator
	}
	return append(wrong, different(p, found, rewrites, ledger)...), nil
}

// unsafe is what must not be, whatever has happened.
func unsafe(p payment.Payment, found bool, ledger []simulator.Entry) (wrong []string) {
	charges := 0
	for _, entry := range ledger {
		if entry.Kind == simulator.Charge && !(p.OnPage() && entry.Status == "rejected") {
			charges++
		}
	}
	if charges > 1 {
		wrong = append(wrong, fmt.Sprintf("%d charges", charges))
	}
	if found && p.Status == payment.Failed && charges > 0 {
		wrong = append(wrong, "the payment is failed, and is charged")
	}
	return wrong
}

// different is how the database and Mercado Pago differ. A run that does not know what was asked for cannot write a lost row anew.
func different(p payment.Payment, found, rewrites bool, ledger []simulator.Entry) []string {
	provider := ""
	if n := len(ledger); n > 0 {
		provider = ledger[n-1].Status
		switch ledger[n-1].StatusDetail {
		case "partially_refunded":
			provider = ledger[n-1].StatusDetail
		case "reimbursed": // the seller has won the chargeback
			provider = string(payment.Approved)
		}
	}
	switch {
	case !found && rewrites:
		return []string{"the database has no such payment"}
	case found && p.OnPage() && provider == "" && (p.AwaitsCard() || p.Status.EndedUnpaid()):
	case found && !agrees(p.Status, provider):
		return []string{fmt.Sprintf("the database says %s, Mercado Pago %q", p.Status, provider)}
	case found && p.AuthorizesOnly() && p.Status.Paid() && p.Captured != ledger[len(ledger)-1].Amount:
		return []string{fmt.Sprintf("the database says that %d centavos are captured, Mercado Pago %d", p.Captured, ledger[len(ledger)-1].Amount)}
	}
	return nil
}

// agrees says whether a status is right for what Mercado Pago has; "" is no charge.
func agrees(status payment.Status, provider string) bool {
	switch provider {
	case "":
		return status == payment.Failed || status == payment.Unknown
	case "in_process":
		return status == payment.InReview
	case "in_mediation":
		return status == payment.InDispute
	case "cancelled":
		return status == payment.Expired || status == payment.Cancelled
	}
	return string(status) == provider
}

package workflows

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/tracing"
)

// CreateCheckoutInput is a client app's request for a checkout.
type CreateCheckoutInput struct {
	payment.CheckoutCreation
	CheckoutID string
	Wait       time.Duration // how long to wait for the provider's answer
	Lost       bool          // a run has answered for the request before, and there is no row: one is written anew
}

// CreateCheckout starts the checkout or joins it; this is the moment from which it exists. answered is false when there was no answer within
// Wait: the checkout goes on by itself. Errors: Conflict when the key was used for another request; Unavailable when Temporal cannot take it,
// in which case repeating the call with the same key is safe.
func (c *Client) CreateCheckout(ctx context.Context, in CreateCheckoutInput) (answered bool, err error) {
	in.Fingerprint = in.Request.Fingerprint()
	id := CheckoutWorkflowID(in.CheckoutID)
	waiting, cancel := context.WithTimeout(ctx, max(in.Wait, shortestWait))
	defer cancel()
	updateID := UpdateCreateCheckout + "-" + in.Fingerprint
	if c.Hash != nil { // nobody without the key may guess the request from it
		updateID = UpdateCreateCheckout + "-" + c.Hash(id, in.Fingerprint)
	}
	if in.Lost {
		updateID += fmt.Sprintf("-lost-%d", time.Now().Unix()/10) // the closed run goes on answering for the update itself
	}
	start := CheckoutInput{CheckoutID: in.CheckoutID, Creation: &in.CheckoutCreation, AskedAt: time.Now().UTC(), Again: in.Lost, Polls: c.polls}
	err = c.untilHeard(waiting, id, updateID, func(updateID string) error {
		var status payment.CheckoutStatus
		return c.updateCheckout(waiting, start, UpdateCreateCheckout, updateID, payment.ForCharge, &status, in.Fingerprint)
	})
	err = interpret("create checkout "+in.CheckoutID, err)
	if failure.KindOf(err) != failure.Unavailable || unwritten(err) {
		return err == nil, err
	}
	run, _ := c.latest(context.WithoutCancel(ctx), id)
	if run.GetStatus() == enums.WORKFLOW_EXECUTION_STATUS_RUNNING {
		return false, nil
	}
	return false, err
}

// CancelCheckout has a checkout's page closed, and returns how the checkout has ended: the buyer may have paid before. Errors: Unavailable when
// that is not known in time; repeating the call is safe.
func (c *Client) CancelCheckout(ctx context.Context, clientID, checkoutID string) (status payment.CheckoutStatus, err error) {
	id := CheckoutWorkflowID(checkoutID)
	start := CheckoutInput{CheckoutID: checkoutID, Polls: c.polls}
	start.AskedAt = time.Now().UTC()
	err = c.untilHeard(ctx, id, UpdateCancelCheckout+"-"+clientID, func(updateID string) error {
		return c.updateCheckout(ctx, start, UpdateCancelCheckout, updateID, payment.ForOperator, &status)
	})
	return status, interpret("cancel checkout "+checkoutID, err)
}

// updateCheckout sends an update to the checkout's run, and starts one when none is open.
func (c *Client) updateCheckout(ctx context.Context, in CheckoutInput, name, updateID string, u payment.Urgency, answer any, args ...any) (err error) {
	options := c.checkoutOptions(in.CheckoutID, u)
	if in.Creation != nil {
		options.Priority = fairly(u, in.Creation.ClientID)
		options.StaticSummary = in.Creation.Request.Amount.String() + " on Mercado Pago's page"
		options.TypedSearchAttributes = checkoutAttributes(*in.Creation)
	}
	ctx, s := tracing.Start(ctx, tracing.Client, "UpdateWithStartWorkflow:", "Checkout")
	defer func() { s.End(failure.Label(interpret(name+" checkout", err))) }()
	update, err := c.temporal.UpdateWithStartWorkflow(ctx, client.UpdateWithStartWorkflowOptions{
		StartWorkflowOperation: c.temporal.NewWithStartWorkflowOperation(options, Checkout, in),
		UpdateOptions: client.UpdateWorkflowOptions{
			UpdateID: updateID, WorkflowID: options.ID, UpdateName: name, Args: args, WaitForStage: client.WorkflowUpdateStageCompleted,
		},
	})
	if err != nil {
		return err
	}
	return outcome(ctx, update, answer)
}

// CheckoutBegun says whether a checkout was begun, written or not.
func (c *Client) CheckoutBegun(ctx context.Context, checkoutID string) (bool, error) {
	run, err := c.latest(ctx, CheckoutWorkflowID(checkoutID))
	return run.GetStatus() == enums.WORKFLOW_EXECUTION_STATUS_RUNNING, interpret("look for checkout "+checkoutID, err)
}

// LookAtCheckout has a checkout's run read how the checkout stands. One that has no run needs none.
func (c *Client) LookAtCheckout(ctx context.Context, checkoutID string) error {
	err := c.temporal.SignalWorkflow(ctx, CheckoutWorkflowID(checkoutID), "", SignalLook, nil)
	if _, missing := errors.AsType[*serviceerror.NotFound](err); missing {
		return nil
	}
	return interpret("signal checkout "+checkoutID, err)
}

// WakeCheckout has a checkout's run read how the checkout stands, and starts a run when none is open.
func (c *Client) WakeCheckout(ctx context.Context, checkoutID string) error {
	options := c.checkoutOptions(checkoutID, payment.ForSweep)
	_, err := c.temporal.SignalWithStartWorkflow(ctx, options.ID, SignalLook, nil, options, Checkout, CheckoutInput{CheckoutID: checkoutID, Polls: c.polls})
	return interpret("wake checkout "+checkoutID, err)
}

// checkoutOptions are those of a checkout's run.
func (c *Client) checkoutOptions(checkoutID string, u payment.Urgency) client.StartWorkflowOptions {
	return client.StartWorkflowOptions{
		ID: CheckoutWorkflowID(checkoutID), TaskQueue: TaskQueue, Priority: priority(u),
		StaticSummary:            "a checkout that is paid on Mercado Pago's page",
		WorkflowIDConflictPolicy: enums.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
		WorkflowIDReusePolicy:    enums.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
	}
}

// Attach has an attempt at a checkout become a payment: its run asks the provider, and charges nothing. One that is a payment already is
// asked to look again. Errors: as of Signal.
func (c *Client) Attach(ctx context.Context, of payment.Checkout, providerPaymentID string) (err error) {
	creation, id := of.NewAttempt(providerPaymentID)
	ctx, s := tracing.Start(ctx, tracing.Client, "SignalWithStartWorkflow:", "Payment")
	defer func() { s.End(failure.Label(err)) }()
	doing := "attach payment " + id
	options := c.startOptions(id, payment.ForNews)
	options.Priority = fairly(payment.ForNews, creation.ClientID)
	options.TypedSearchAttributes = startAttributes(creation)
	options.StaticSummary = creation.Request.Amount.String() + " by checkout_pro"
	options.Memo = map[string]any{memoFingerprint: creation.Fingerprint}
	_, err = c.temporal.SignalWithStartWorkflow(ctx, options.ID, SignalLook, nil, options, Payment,
		PaymentInput{PaymentID: id, Creation: &creation, Polls: c.polls})
	if _, refused := errors.AsType[*serviceerror.InvalidArgument](err); refused {
		return unsignallable(doing, err)
	}
	return interpret(doing, err)
}

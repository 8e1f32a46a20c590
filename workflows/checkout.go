package workflows

import (
	"fmt"
	"strings"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/onlywave/onlywave/activities"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
)

// Messages that a checkout's workflow understands.
const (
	UpdateCreateCheckout = "create" // answered once the provider has answered, or has refused
	UpdateCancelCheckout = "cancel" // answered once the page is closed
	QueryCheckout        = "checkout"
)

// CheckoutWorkflowID is the ID under which all runs of a checkout are found.
func CheckoutWorkflowID(checkoutID string) string { return "checkout/" + checkoutID }

// CheckoutInput starts a run of a checkout.
type CheckoutInput struct {
	CheckoutID string                    `json:"checkout_id"`
	Creation   *payment.CheckoutCreation `json:"creation,omitempty"` // nil when the checkout exists already
	AskedAt    time.Time                 `json:"asked_at,omitzero"`  // when the client app first asked for it; zero: with this run
	Polls      Polls                     `json:"polls"`
	Again      bool                      `json:"again,omitempty"` // a run before this one may have had the page made
	Looks      int                       `json:"looks,omitempty"` // made by earlier runs without a pause
}

// Checkout is the life of one sale that is paid on the provider's own page: it has the page made, looks for attempts whose notifications were
// lost, and closes the page when the sale is paid or cancelled, or its time is over. The attempts are payments, with workflows of their own.
func Checkout(ctx workflow.Context, in CheckoutInput) error {
	c, err := openCheckout(ctx, in)
	if err != nil || !c.state.Found {
		return c.leave(ctx, err)
	}
	for c.state.Status.Waits() {
		if c.state.Status == payment.CheckoutProcessing { // also when the row was lost, and is written anew
			if err := c.make(ctx); err != nil {
				return err
			}
			continue
		}
		if c.fresh(ctx) {
			return c.goOn(ctx)
		}
		if err := c.next(ctx); err != nil {
			return err
		}
	}
	if c.opened && c.state.Status == payment.CheckoutPaid { // else it has ended by itself, or is closed
		c.closePage(ctx)
	}
	return c.leave(ctx, nil)
}

// checkout is the state of one run.
type checkout struct {
	in      CheckoutInput
	state   activities.CheckoutState
	loaded  bool
	opened  bool // this run has seen it open
	signals workflow.ReceiveChannel
	looks   int
	lookAt  time.Time
	cancels int // updates that ask for the end
}

func openCheckout(ctx workflow.Context, in CheckoutInput) (*checkout, error) {
	if in.CheckoutID == "" {
		in.CheckoutID = strings.TrimPrefix(workflow.GetInfo(ctx).WorkflowExecution.ID, CheckoutWorkflowID(""))
	}
	in.Polls = in.Polls.orDefault()
	if in.AskedAt.IsZero() {
		in.AskedAt = workflow.GetInfo(ctx).WorkflowStartTime
	}
	c := &checkout{in: in, looks: in.Looks}
	c.signals = workflow.GetSignalChannelWithOptions(ctx, SignalLook, workflow.SignalChannelOptions{
		Description: "Something may have changed: read how the checkout stands.",
	})
	err := workflow.SetQueryHandlerWithOptions(ctx, QueryCheckout, func() (activities.CheckoutState, error) { return c.state, nil },
		workflow.QueryHandlerOptions{Description: "How the checkout stands, as far as this run knows."})
	if err != nil {
		return c, err
	}
	create := workflow.UpdateHandlerOptions{Validator: c.mayCreate, Description: "Sent by the API: make the checkout, or join it."}
	if err := workflow.SetUpdateHandlerWithOptions(ctx, UpdateCreateCheckout, c.created, create); err != nil {
		return c, err
	}
	cancel := workflow.UpdateHandlerOptions{Description: "Close the page, so that the buyer can no longer begin to pay."}
	if err := workflow.SetUpdateHandlerWithOptions(ctx, UpdateCancelCheckout, c.cancelled, cancel); err != nil {
		return c, err
	}
	if err := c.load(ctx, "open"); err != nil {
		return c, err
	}
	c.loaded = true
	c.planLook(ctx)
	return c, nil
}

// load reads the row, and writes it first when it is not there, also after a loss.
func (c *checkout) load(ctx workflow.Context, summary string) error {
	in := activities.CheckoutInput{CheckoutID: c.in.CheckoutID, Creation: c.in.Creation, AskedAt: c.in.AskedAt}
	return c.run(inDatabase(ctx, summary), act.OpenCheckout, in)
}

// run runs a local activity that says how the checkout stands.
func (c *checkout) run(ctx workflow.Context, activity, in any) error {
	var state activities.CheckoutState
	err := workflow.ExecuteLocalActivity(ctx, activity, in).Get(ctx, &state)
	if err == nil {
		c.knows(ctx, state)
	}
	return err
}

func (c *checkout) knows(ctx workflow.Context, state activities.CheckoutState) {
	c.state = state
	c.opened = c.opened || state.Status == payment.CheckoutOpen
	if state.Found {
		workflow.SetCurrentDetails(ctx, fmt.Sprintf("The checkout is **%s**. The buyer can pay until %s.", state.Status, at(state.End)))
	}
}

// mayCreate refuses another request under the same key before anything is waited for.
func (c *checkout) mayCreate(_ workflow.Context, fingerprint string) error {
	known := c.state.Fingerprint
	if c.in.Creation != nil {
		known = c.in.Creation.Fingerprint
	}
	if known != "" && known != fingerprint {
		return errAnotherRequest()
	}
	return nil
}

// created answers a POST: it joins the checkout, whoever has started it, and returns once there is a page or a refusal.
func (c *checkout) created(ctx workflow.Context, fingerprint string) (payment.CheckoutStatus, error) {
	if err := workflow.Await(ctx, func() bool { return c.loaded }); err != nil {
		return "", err
	}
	if !c.state.Found {
		return "", temporal.NewApplicationError("the checkout is being opened, repeat the request", string(failure.Unavailable))
	}
	if c.state.Fingerprint != fingerprint {
		return "", errAnotherRequest()
	}
	err := workflow.Await(ctx, func() bool { return c.state.Status.Answered() })
	return c.state.Status, err
}

// cancelled asks for the end of a checkout that waits, and returns how it has ended: the buyer may have paid meanwhile.
func (c *checkout) cancelled(ctx workflow.Context) (payment.CheckoutStatus, error) {
	if err := workflow.Await(ctx, func() bool { return c.loaded }); err != nil {
		return "", err
	}
	if !c.state.Found {
		return "", deny(failure.NotFound, "there is no checkout with this id")
	}
	c.cancels++
	err := workflow.Await(ctx, func() bool { return !c.state.Status.Waits() })
	return c.state.Status, err
}

// make has the page made. It is tried until the checkout's own end: a page that nobody can pay any more is of no use.
func (c *checkout) make(ctx workflow.Context) error {
	in := activities.MakeInput{CheckoutID: c.in.CheckoutID, Again: c.in.Again || !c.state.New || c.opened || isReset(ctx)}
	var state activities.CheckoutState
	err := workflow.ExecuteLocalActivity(once(ctx, "make the page", chargeTry), act.MakeCheckout, in).Get(ctx, &state)
	if err != nil && !temporal.IsCanceledError(err) && !final(err) {
		in.Again = true
		left := c.state.End.Sub(workflow.Now(ctx))
		err = workflow.ExecuteActivity(c.atProvider(ctx, "make the page", payment.ForCharge, max(left, time.Minute)), act.MakeCheckout, in).Get(ctx, &state)
	}
	switch {
	case err == nil:
		c.knows(ctx, state)
		return nil
	case temporal.IsCanceledError(err):
		return err
	}
	return c.end(ctx, payment.CheckoutFailed, "Mercado Pago could not be asked for the page: "+reason(err))
}

// next does one thing: it ends the checkout, looks for attempts, or waits.
func (c *checkout) next(ctx workflow.Context) error {
	over := !workflow.Now(ctx).Before(c.overAt())
	switch {
	case c.signals.Len() > 0:
		for c.signals.ReceiveAsync(nil) {
		}
		return c.load(ctx, "read")
	case c.cancels > 0:
		c.closePage(ctx)
		return c.endAfterLook(ctx, payment.CheckoutCancelled, time.Minute)
	case over:
		return c.endAfterLook(ctx, payment.CheckoutExpired, budget)
	case !workflow.Now(ctx).Before(c.lookAt):
		c.looks++
		defer c.planLook(ctx)
		return c.look(ctx, c.in.Polls.gap(c.looks)) // until the next one is due
	}
	until, summary := c.lookAt, "the next look for attempts"
	if end := c.overAt(); !until.Before(end) {
		until, summary = end, "the end of the checkout"
	}
	_, err := workflow.AwaitWithOptions(ctx, workflow.AwaitOptions{
		Timeout: until.Sub(workflow.Now(ctx)), TimerOptions: workflow.TimerOptions{Summary: summary},
	}, func() bool { return c.signals.Len() > 0 || c.cancels > 0 })
	return err
}

// overAt is when the checkout has expired. The provider keeps the end itself; what was under way then may need a moment to be seen.
func (c *checkout) overAt() time.Time { return c.state.End.Add(c.in.Polls.AfterExpiry) }

func (c *checkout) planLook(ctx workflow.Context) {
	c.lookAt = workflow.Now(ctx).Add(c.in.Polls.gap(c.looks))
}

// look looks for attempts. A provider that cannot say costs nothing but the time to the next look.
func (c *checkout) look(ctx workflow.Context, within time.Duration) error {
	in := activities.CheckoutInput{CheckoutID: c.in.CheckoutID}
	var state activities.CheckoutState
	err := workflow.ExecuteLocalActivity(once(ctx, "look for attempts", quickTry), act.AttachAttempts, in).Get(ctx, &state)
	if err != nil && !temporal.IsCanceledError(err) && !final(err) {
		err = workflow.ExecuteActivity(c.atProvider(ctx, "look for attempts", payment.ForSweep, within), act.AttachAttempts, in).Get(ctx, &state)
	}
	switch {
	case temporal.IsCanceledError(err):
		return err
	case err != nil && KindOf(err) == failure.NotFound:
		return c.load(ctx, "write anew") // the row is lost
	case err != nil:
		workflow.GetLogger(ctx).Error("the attempts at a checkout are not known", "checkout_id", c.in.CheckoutID, "kind", KindOf(err), "reason", reason(err))
		return nil
	}
	c.knows(ctx, state)
	return nil
}

// endAfterLook ends the checkout unpaid, after a last look: whatever was tried until now is a payment by then. One that is approved only later
// still pays the checkout.
func (c *checkout) endAfterLook(ctx workflow.Context, as payment.CheckoutStatus, within time.Duration) error {
	if err := c.look(ctx, within); err != nil || !c.state.Status.Waits() {
		return err
	}
	return c.end(ctx, as, "")
}

func (c *checkout) end(ctx workflow.Context, as payment.CheckoutStatus, why string) error {
	in := activities.EndCheckoutInput{CheckoutID: c.in.CheckoutID, As: as, Why: why}
	return c.run(inDatabase(ctx, "end as "+string(as)), act.EndCheckout, in)
}

// closePage has the page closed, so that nobody pays twice or late. If that cannot be done, the page ends at its own time, and a second
// payment is told of.
func (c *checkout) closePage(ctx workflow.Context) {
	in := activities.CheckoutInput{CheckoutID: c.in.CheckoutID}
	err := workflow.ExecuteLocalActivity(once(ctx, "close the page", quickTry), act.CloseCheckout, in).Get(ctx, nil)
	if err != nil && !temporal.IsCanceledError(err) && !final(err) {
		left := max(c.state.End.Sub(workflow.Now(ctx)), time.Minute)
		err = workflow.ExecuteActivity(c.atProvider(ctx, "close the page", payment.ForNews, left), act.CloseCheckout, in).Get(ctx, nil)
	}
	if err != nil {
		workflow.GetLogger(ctx).Error("the page of a checkout could not be closed", "checkout_id", c.in.CheckoutID, "kind", KindOf(err), "reason", reason(err))
	}
	c.opened = false
}

func (c *checkout) atProvider(ctx workflow.Context, summary string, u payment.Urgency, within time.Duration) workflow.Context {
	return atProvider(ctx, summary, fairly(u, c.state.ClientID), within)
}

func (c *checkout) fresh(ctx workflow.Context) bool {
	return workflow.GetInfo(ctx).GetContinueAsNewSuggested() && c.cancels == 0 && workflow.AllHandlersFinished(ctx)
}

// goOn continues in a fresh run.
func (c *checkout) goOn(ctx workflow.Context) error {
	in := c.in
	in.Looks = c.looks
	return workflow.NewContinueAsNewErrorWithOptions(ctx, nextBuild, Checkout, in)
}

// leave ends the run when nobody waits for its answer any more.
func (c *checkout) leave(ctx workflow.Context, err error) error {
	if err != nil {
		return err
	}
	return workflow.Await(ctx, func() bool { return workflow.AllHandlersFinished(ctx) })
}

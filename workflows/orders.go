package workflows

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/onlywave/onlywave/activities"
	"github.com/onlywave/onlywave/internal/command"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
)

// order is an operator's command that waits for its turn. A signal and the update of the same name become the same order.
type order struct {
	command.Order
	signal  bool // nobody waits for the outcome
	outcome error
	done    bool
}

// inbox holds the signals of one command that the mailbox has not taken yet.
type inbox struct {
	name    command.Name
	signals workflow.ReceiveChannel
}

// listen accepts the commands of operators, with their descriptions for Temporal's Web UI and command line.
func (p *mailbox) listen(ctx workflow.Context) error {
	for _, e := range command.Operators() {
		if e.Has(command.Signal) && e.Name != command.Look {
			signals := workflow.GetSignalChannelWithOptions(ctx, string(e.Name), workflow.SignalChannelOptions{Description: e.Does.English})
			p.inboxes = append(p.inboxes, inbox{e.Name, signals})
		}
		handle, validate := p.handlers(e.Name)
		options := workflow.UpdateHandlerOptions{Validator: validate, Description: e.Does.English}
		if err := workflow.SetUpdateHandlerWithOptions(ctx, string(e.Name), handle, options); err != nil {
			return err
		}
	}
	return nil
}

// handlers are those of a command's update. What the validator refuses leaves no trace in the history.
func (p *mailbox) handlers(name command.Name) (handle, validate func(workflow.Context, command.Order) error) {
	handle = func(ctx workflow.Context, o command.Order) error {
		if err := workflow.Await(ctx, func() bool { return p.opened }); err != nil {
			return err
		}
		if !p.state.Found {
			return deny(failure.NotFound, "there is no payment with this id")
		}
		o.ID = cmp.Or(o.ID, workflow.GetCurrentUpdateInfo(ctx).ID)
		q := &order{Order: p.addressed(name, o)}
		p.orders = append(p.orders, q)
		if err := workflow.Await(ctx, func() bool { return q.done }); err != nil {
			return err
		}
		return q.outcome
	}
	validate = func(ctx workflow.Context, o command.Order) error {
		o = p.addressed(name, o)
		if err := p.invalid(ctx, o); err != nil || !p.opened || !p.state.Found || p.ordered() {
			return err
		}
		return p.forbidden(ctx, o)
	}
	return handle, validate
}

// addressed completes an order.
func (p *mailbox) addressed(name command.Name, o command.Order) command.Order {
	o.PaymentID, o.Command = p.in.PaymentID, name
	if o.Refund != nil {
		o.Refund.IdempotencyKey = cmp.Or(o.Refund.IdempotencyKey, o.ID)
	}
	return o
}

// invalid is the refusal of an order whose fields are not valid, or nil.
func (p *mailbox) invalid(ctx workflow.Context, o command.Order) error {
	wrong := o.Fields(workflow.Now(ctx))
	if len(wrong) == 0 {
		return nil
	}
	var details []string
	for _, f := range wrong {
		details = append(details, strings.TrimPrefix(f.Pointer, "/")+" "+f.Detail)
	}
	return deny(failure.Invalid, "the order is not valid: "+strings.Join(details, "; "))
}

// forbidden is the refusal of an order that the payment's state does not allow, or nil. Of a refund the database decides: it may know of
// the approval before this run does, and it knows a repeated refund.
func (p *mailbox) forbidden(ctx workflow.Context, o command.Order) error {
	if o.Command == command.Refund {
		return nil
	}
	stands := payment.Payment{ID: p.in.PaymentID, Status: p.state.Status} // how long, the database knows
	if option := command.Check(o.Command, stands, p.state.Hold, workflow.Now(ctx)); !option.Possible {
		return deny(failure.Conflict, option.WhyNot.English)
	}
	return nil
}

// ordered says whether an order waits.
func (p *mailbox) ordered() bool {
	return len(p.orders) > 0 || slices.ContainsFunc(p.inboxes, func(in inbox) bool { return in.signals.Len() > 0 })
}

// receive takes the signals that wait. One that is not valid is refused here.
func (p *mailbox) receive(ctx workflow.Context) {
	for _, in := range p.inboxes {
		var argument json.RawMessage
		for in.signals.ReceiveAsync(&argument) {
			var o command.Order
			//workflowcheck:ignore // it reads into a plain struct, which comes out the same each time
			err := json.Unmarshal(argument, &o)
			argument = nil
			p.taken++
			o.ID = cmp.Or(o.ID, p.signalID(ctx, o))
			o = p.addressed(in.name, o)
			if err != nil {
				p.refuseSignal(ctx, o, deny(failure.Invalid, `the argument must be JSON such as {"actor": "ana", "reason": "why"}`))
			} else if err := p.invalid(ctx, o); err != nil {
				p.refuseSignal(ctx, o, err)
			} else {
				p.orders = append(p.orders, &order{Order: o, signal: true})
			}
		}
	}
}

// signalID names an order of a signal that has no ID. It is the same after a reset, which applies the signals again.
func (p *mailbox) signalID(ctx workflow.Context, o command.Order) string {
	run := workflow.GetInfo(ctx)
	return fmt.Sprintf("%s/%d/%s/%s/%s", cmp.Or(run.OriginalRunID, run.WorkflowExecution.RunID), p.taken, o.Actor, o.Reason, at(o.Until))
}

// refuseSignal says in the log and in the current details that a signal was refused, and why. The actor and the reason are not
// repeated: they may hold anything.
func (p *mailbox) refuseSignal(ctx workflow.Context, o command.Order, why error) {
	workflow.GetLogger(ctx).Warn("a signal was refused", "payment_id", p.in.PaymentID, "command", o.Command, "kind", KindOf(why), "reason", reason(why))
	p.refusal = fmt.Sprintf("The signal `%s` of %s was refused: %s.", o.Command, at(workflow.Now(ctx)), reason(why))
	workflow.SetCurrentDetails(ctx, p.details())
}

// serve carries out the first order that waits.
func (p *mailbox) serve(ctx workflow.Context) (err error) {
	q := p.orders[0]
	p.orders = p.orders[1:]
	refusal := p.forbidden(ctx, q.Order)
	if refusal == nil {
		refusal, err = p.carryOut(ctx, q.Order)
	}
	p.answer(ctx, q, cmp.Or(err, refusal))
	return err
}

// answer ends an order. An outcome that is no error was carried out.
func (p *mailbox) answer(ctx workflow.Context, q *order, outcome error) {
	q.outcome, q.done = outcome, true
	if !q.signal {
		p.answeredAt = workflow.GetInfo(ctx).GetCurrentHistoryLength()
	}
	switch {
	case outcome == nil:
		p.refusal = ""
	case q.signal:
		p.refuseSignal(ctx, q.Order, outcome)
	}
}

// answerStored is how long a run stays open after an order's answer. Temporal throws away a workflow task that would end the run while a
// signal has come, such as the webhook of the refund that it has made, and with it the answer: the order would be refused when it is
// repeated, because its effect is there.
const answerStored = time.Second

// answeredNow says whether an order was answered in this workflow task.
func (p *mailbox) answeredNow(ctx workflow.Context) bool {
	return p.answeredAt > 0 && p.answeredAt == workflow.GetInfo(ctx).GetCurrentHistoryLength()
}

// carryOut does what an order asks for. A refusal is for the operator only; an error ends the run.
func (p *mailbox) carryOut(ctx workflow.Context, o command.Order) (refusal, err error) {
	switch o.Command {
	case command.Hold:
		return p.hold(ctx, o)
	case command.Release:
		return p.release(ctx, o)
	case command.GiveUp:
		return p.abandon(ctx, o)
	case command.Settle:
		return p.settle(ctx, o)
	case command.Refund:
		return p.refund(ctx, o)
	case command.Capture:
		return p.capture(ctx, o)
	case command.Cancel:
		return p.cancel(ctx, o)
	default:
		return p.lookFor(ctx, o)
	}
}

// lookFor carries out look, and retry when no activity waits. A payment that has still to be charged is charged next.
func (p *mailbox) lookFor(ctx workflow.Context, o command.Order) (refusal, err error) {
	if refusal, err := p.audit(ctx, o); refusal != nil || err != nil || p.toCharge() {
		return refusal, err
	}
	p.drain()
	seen, asked := p.askFor(ctx, "look for an operator", activities.LookInput{ProviderPaymentID: p.state.ProviderPaymentID})
	switch {
	case temporal.IsCanceledError(asked):
		return nil, asked
	case asked != nil:
		return deny(failure.Unavailable, "Mercado Pago does not say how the payment stands: "+reason(asked)), nil
	case !seen.Found:
		return nil, p.notFound(ctx)
	}
	return nil, p.apply(ctx, seen.State, true)
}

// askFor asks the provider while an operator waits.
func (p *mailbox) askFor(ctx workflow.Context, summary string, in activities.LookInput) (seen activities.Seen, err error) {
	in.Reference = p.state.CheckoutID
	in.PaymentID, in.ClientID, in.Money, in.Reserved, in.OnPage, in.Urgency =
		p.in.PaymentID, p.state.ClientID, p.state.Money, p.state.Reserves, p.state.OnPage, payment.ForOperator
	err = quickly(ctx, summary, p.whileAsked, act.Look, in, &seen)
	return seen, err
}

// audit writes an order that changes nothing in the database.
func (p *mailbox) audit(ctx workflow.Context, o command.Order) (refusal, err error) {
	return p.order(ctx, "audit "+string(o.Command), act.AuditOrder, activities.OrderInput{Order: o}, nil)
}

// order runs an activity of an order. What the database refuses for good is the operator's to know, and does not end the run.
func (p *mailbox) order(ctx workflow.Context, summary string, activity, in, out any) (refusal, err error) {
	err = workflow.ExecuteLocalActivity(inDatabase(ctx, summary), activity, in).Get(ctx, out)
	if err != nil && final(err) {
		return deny(KindOf(err), reason(err)), nil
	}
	return nil, err
}

// deny is the error that the operator gets instead.
func deny(kind failure.Kind, why string) error {
	return temporal.NewNonRetryableApplicationError(why, string(kind), nil)
}

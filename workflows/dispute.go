package workflows

import (
	"errors"
	"slices"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/onlywave/onlywave/activities"
	"github.com/onlywave/onlywave/internal/command"
	"github.com/onlywave/onlywave/internal/payment"
)

// SignalDispute says that the provider has told of a dispute of the payment, and of which. What the notification says of it is not believed:
// the provider is asked.
const SignalDispute = "dispute"

// disputes is what a run knows of disputes that it has still to ask the provider about.
type disputes struct {
	signals workflow.ReceiveChannel
	told    []payment.DisputeRef // by the provider
	due     bool                 // the payment has come to a dispute, or out of one
}

// disputed says whether there is something to ask the provider about disputes. A payment that is held waits.
func (p *mailbox) disputed() bool {
	return !p.held() && (p.disputes.due || len(p.disputes.told) > 0 || p.disputes.signals.Len() > 0)
}

// noteDispute has the disputes read after a move of the payment into a dispute or out of one.
func (p *mailbox) noteDispute(ctx workflow.Context, before payment.Status) {
	after := p.state.Status
	if before != after && (before.Disputed() || after.Disputed()) && readsDisputes(ctx) {
		p.disputes.due = true
	}
}

// readDisputes looks at the payment, if the provider has told of a dispute, stops what a fraud alert is about, and reads the disputes. Orders
// that come meanwhile go first, and then it begins anew.
func (p *mailbox) readDisputes(ctx workflow.Context) error {
	var ref payment.DisputeRef
	for p.disputes.signals.ReceiveAsync(&ref) {
		if !slices.ContainsFunc(p.disputes.told, ref.Same) {
			p.disputes.told = append(p.disputes.told, ref)
		}
		ref = payment.DisputeRef{}
	}
	if p.state.ProviderPaymentID != "" && len(p.disputes.told) > 0 {
		p.drain()
		if err := p.see(ctx, signalled); err != nil || p.ordered() {
			return err
		}
	}
	if slices.ContainsFunc(p.disputes.told, payment.DisputeRef.IsFraudAlert) && payment.Cancel.PossibleFor(p.state.Status) {
		switch err := p.stopFraud(ctx); {
		case errors.Is(err, errInterrupted):
			return nil
		case err != nil:
			return err
		}
	}
	return p.keepDisputes(ctx)
}

func (p *mailbox) keepDisputes(ctx workflow.Context) error {
	var kept activities.DisputesKept
	in := activities.DisputesInput{PaymentID: p.in.PaymentID, Told: p.disputes.told}
	err := p.runAttended(p.atProvider(payment.ForNews)(ctx, "read the disputes"), act.KeepDisputes, in, &kept)
	switch {
	case errors.Is(err, errInterrupted):
		return nil // the order comes next
	case temporal.IsCanceledError(err):
		return err
	case err != nil: // the next notification or the next run of the schedule tries again
		workflow.GetLogger(ctx).Error("the disputes of a payment could not be read", "payment_id", p.in.PaymentID, "kind", KindOf(err), "reason", reason(err))
		p.remember(ctx, "read the disputes", err)
	default:
		p.known = max(p.known, kept.Version)
		if !kept.Since.IsZero() {
			p.state.Since = kept.Since
		}
	}
	p.disputes.told, p.disputes.due = nil, false
	return nil
}

// stopFraud closes a payment that the provider warns of, as an operator's cancel does. The provider does not warn twice, so this is tried as
// long as a charge. Money that has come stays until a person decides.
func (p *mailbox) stopFraud(ctx workflow.Context) error {
	o := command.Order{
		PaymentID: p.in.PaymentID, Command: command.Cancel, ID: "fraud-alert", Actor: "OnlyWave", Reason: "Mercado Pago warns of a fraud",
	}
	if refusal, err := p.audit(ctx, o); err != nil {
		return err
	} else if refusal != nil {
		workflow.GetLogger(ctx).Error("the audit refuses a fraud alert", "payment_id", p.in.PaymentID, "reason", reason(refusal))
	}
	in := p.lookInput(payment.ForOperator)
	var seen activities.Seen
	err := p.quickly(ctx, "cancel after a fraud alert", in.Urgency, act.Close, in, &seen)
	switch {
	case errors.Is(err, errInterrupted), temporal.IsCanceledError(err):
		return err
	case err != nil:
		workflow.GetLogger(ctx).Error("a payment could not be cancelled after a fraud alert", "payment_id", p.in.PaymentID, "kind", KindOf(err), "reason", reason(err))
		p.remember(ctx, "cancel after a fraud alert", err)
		return nil
	case !seen.Found:
		return p.notFound(ctx)
	}
	return p.apply(ctx, seen.State, true)
}

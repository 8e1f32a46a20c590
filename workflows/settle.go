package workflows

import (
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/onlywave/onlywave/activities"
	"github.com/onlywave/onlywave/internal/command"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
)

// settle carries out an operator's decision about an unknown payment.
func (p *mailbox) settle(ctx workflow.Context, o command.Order) (refusal, err error) {
	if o.Outcome == command.Found {
		return p.settleFound(ctx, o)
	}
	return p.settleFailed(ctx, o)
}

// settleFailed searches for the payment once more. What is found is applied, and refuses the decision.
func (p *mailbox) settleFailed(ctx workflow.Context, o command.Order) (refusal, err error) {
	if p.searching() {
		return deny(failure.Conflict, "the payment is being searched for and ends by itself; repeat this in ten minutes"), nil
	}
	seen, asked := p.askFor(ctx, "search before settling", activities.LookInput{ProviderPaymentID: p.state.ProviderPaymentID})
	switch {
	case temporal.IsCanceledError(asked):
		return nil, asked
	case asked != nil:
		return deny(failure.Unavailable, "the provider does not say whether it has the payment: "+reason(asked)), nil
	case seen.Found:
		if err := p.apply(ctx, seen.State, true); err != nil {
			return nil, err
		}
		return deny(failure.Conflict, "the provider has the payment, which is "+string(p.state.Status)), nil
	}
	err = p.move(ctx, "settle as failed", act.Settle, activities.SettleInput{Order: o})
	switch {
	case err != nil && KindOf(err) == failure.Conflict:
		return deny(failure.Conflict, reason(err)), nil
	case err != nil:
		return nil, err
	}
	if p.state.Status != payment.Failed {
		return deny(failure.Conflict, "the payment is "+string(p.state.Status)+" meanwhile"), nil
	}
	p.refused = nil
	return nil, nil
}

// settleFound reads the charge that the operator has found. It is taken only if its reference and its amount are the payment's own.
func (p *mailbox) settleFound(ctx workflow.Context, o command.Order) (refusal, err error) {
	seen, asked := p.askFor(ctx, "read the charge that was found", activities.LookInput{ProviderPaymentID: o.ProviderPaymentID, Typed: true})
	switch {
	case temporal.IsCanceledError(asked):
		return nil, asked
	case KindOf(asked) == failure.Conflict && asked != nil:
		return deny(failure.Conflict, "the charge is not this payment's: "+reason(asked)), nil
	case asked != nil:
		return deny(failure.Unavailable, "the provider does not show the charge: "+reason(asked)), nil
	case !seen.Found:
		return deny(failure.Conflict, "the provider has no payment "+o.ProviderPaymentID), nil
	}
	return nil, p.applied(ctx, seen.State, "settle as found", act.SettleFound, activities.FoundInput{Order: o, State: seen.State})
}

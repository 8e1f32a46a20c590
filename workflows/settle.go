package workflows

import (
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/onlywave/onlywave/activities"
	"github.com/onlywave/onlywave/internal/command"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
)

// settlement is an operator's decision that waits for its turn.
type settlement struct {
	command.Order
	outcome error
	done    bool
}

// settle answers an operator's decision that the payment has failed, which is possible while its outcome is unknown.
func (p *mailbox) settle(ctx workflow.Context, o command.Order) error {
	if err := workflow.Await(ctx, func() bool { return p.opened }); err != nil {
		return err
	}
	if !p.state.Found {
		return deny(failure.NotFound, "there is no payment with this id")
	}
	s := &settlement{Order: o}
	p.settlements = append(p.settlements, s)
	if err := workflow.Await(ctx, func() bool { return s.done }); err != nil {
		return err
	}
	return s.outcome
}

// settleNext carries out the first decision that waits.
func (p *mailbox) settleNext(ctx workflow.Context) (err error) {
	s := p.settlements[0]
	p.settlements = p.settlements[1:]
	if s.outcome, err = p.settleFailed(ctx, s.Order); err != nil {
		s.outcome = err
	}
	s.done = true
	return err
}

// settleFailed searches for the payment once more. What is found is applied, and refuses the decision.
func (p *mailbox) settleFailed(ctx workflow.Context, o command.Order) (refusal, err error) {
	if p.state.Status != payment.Unknown {
		return deny(failure.Conflict, "the payment is "+string(p.state.Status)+"; only an unknown one can be settled"), nil
	}
	if p.searching() {
		return deny(failure.Conflict, "the payment is being searched for and ends by itself; repeat this in ten minutes"), nil
	}
	in := activities.LookInput{
		PaymentID: p.in.PaymentID, ProviderPaymentID: p.state.ProviderPaymentID, Money: p.state.Money, Urgency: payment.ForOperator,
	}
	var seen activities.Seen
	searched := quickly(ctx, "search before settling", p.whileAsked, act.Look, in, &seen)
	switch {
	case temporal.IsCanceledError(searched):
		return nil, searched
	case searched != nil:
		return deny(failure.Unavailable, "the provider does not say whether it has the payment: "+reason(searched)), nil
	case seen.Found:
		if err := p.apply(ctx, seen.State, true); err != nil {
			return nil, err
		}
		return deny(failure.Conflict, "the provider has the payment, which is "+string(p.state.Status)), nil
	}
	if err := p.move(ctx, "settle as failed", act.Settle, activities.SettleInput{Order: o}); err != nil {
		return nil, err
	}
	if p.state.Status != payment.Failed {
		return deny(failure.Conflict, "the payment is "+string(p.state.Status)+" meanwhile"), nil
	}
	p.refused = nil
	return nil, nil
}

// deny is the error that the operator gets instead.
func deny(kind failure.Kind, why string) error {
	return temporal.NewNonRetryableApplicationError(why, string(kind), nil)
}

package workflows

import (
	"cmp"
	"context"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/onlywave/onlywave/activities"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/tracing"
)

// UpdateCard gives a payment's workflow a card that the buyer has entered on the pay page. It is answered once the provider has answered, or
// the outcome is unknown.
const UpdateCard = "card"

// CardInput is a card that a buyer has entered.
type CardInput struct {
	PaymentID string              `json:"payment_id"`
	Entry     payment.CardEntry   `json:"entry"`
	Secrets   payment.CardSecrets `json:"secrets"`
	Print     string              `json:"print"` // the entry's
}

// EnterCard has a payment's workflow charge a card that its buyer has entered, and starts a run when none is open. The same card is charged
// once, however often it is entered. Errors: Conflict when the payment takes no card now; Unavailable when Temporal does not answer in time,
// which leaves open whether the card is charged: entering the same card again is safe.
func (c *Client) EnterCard(ctx context.Context, in CardInput) (status payment.Status, err error) {
	ctx, s := tracing.Start(ctx, tracing.Client, "UpdateWithStartWorkflow:", "Payment")
	defer func() { s.End(failure.Label(err)) }()
	in.Print = in.Entry.Print(in.Secrets)
	name := UpdateCard + "-" + in.Print
	if c.Hash != nil {
		name = UpdateCard + "-" + c.Hash(WorkflowID(in.PaymentID), in.Print)
	}
	err = c.untilHeard(ctx, WorkflowID(in.PaymentID), name, func(updateID string) error {
		options := c.startOptions(in.PaymentID, payment.ForCharge)
		start := c.temporal.NewWithStartWorkflowOperation(options, Payment, PaymentInput{PaymentID: in.PaymentID, Polls: c.polls})
		update, err := c.temporal.UpdateWithStartWorkflow(ctx, client.UpdateWithStartWorkflowOptions{
			StartWorkflowOperation: start,
			UpdateOptions: client.UpdateWorkflowOptions{
				UpdateID: updateID, WorkflowID: options.ID, UpdateName: UpdateCard, Args: []any{in}, WaitForStage: client.WorkflowUpdateStageCompleted,
			},
		})
		if err != nil {
			return err
		}
		return update.Get(ctx, &status)
	})
	return status, interpret("enter a card for payment "+in.PaymentID, err)
}

// cardEntry is an entered card that waits for its turn.
type cardEntry struct {
	CardInput
	outcome error
	done    bool
}

// entered takes a card that the buyer has entered. While one is charged, only the same one is waited for.
func (p *mailbox) entered(ctx workflow.Context, in CardInput) (payment.Status, error) {
	if err := workflow.Await(ctx, func() bool { return p.opened }); err != nil {
		return "", err
	}
	if !p.state.Found {
		return "", temporal.NewApplicationError("the payment is being opened, repeat the request", string(failure.Unavailable))
	}
	if !p.toCharge() || p.card.Print == "" {
		e := &cardEntry{CardInput: in}
		p.entries = append(p.entries, e)
		if err := workflow.Await(ctx, func() bool { return e.done }); err != nil || e.outcome != nil {
			return "", cmp.Or(err, e.outcome)
		}
	} else if p.card.Print != in.Print {
		return "", deny(failure.Conflict, "another card is being charged")
	}
	err := workflow.Await(ctx, func() bool { return !p.toCharge() })
	return p.state.Status, err
}

// takeCard takes the first card that waits. What the database says of it counts: this run may know less, as after a reset.
func (p *mailbox) takeCard(ctx workflow.Context) (err error) {
	e := p.entries[0]
	p.entries = p.entries[1:]
	defer func() { e.done = true }()
	if p.held() {
		e.outcome = deny(failure.Conflict, "an operator holds the payment")
		return nil
	}
	var taken activities.CardTaken
	in := activities.CardInput{PaymentID: p.in.PaymentID, Entry: e.Entry, Print: e.Print}
	if e.outcome, err = p.order(ctx, "take a card", act.TakeCard, in, &taken); e.outcome != nil || err != nil {
		e.outcome = cmp.Or(err, e.outcome)
		return err
	}
	p.known = max(p.known, taken.Version)
	if taken.Why != "" {
		e.outcome = deny(failure.Conflict, taken.Why)
	}
	switch {
	case taken.Current && taken.Status == payment.Processing:
		p.card, p.cardNew, p.sent = e.CardInput, taken.New, false
		p.state.Status, p.state.Attempt, p.state.Since = taken.Status, taken.Attempt, taken.Since
		p.cardAttempt = taken.Attempt
	case taken.Status != p.state.Status:
		p.rewritten = true
		err := p.load(ctx, "open again")
		p.planPoll(ctx)
		return err
	}
	return nil
}

// awaitsCard says whether the payment waits for its buyer to enter a card.
func (p *mailbox) awaitsCard() bool {
	return p.state.OnPage && p.state.Status == payment.Pending && p.state.ProviderPaymentID == ""
}

// stillAwaits compares a payment that waits for a card with the database, as stayUnknown does: a reset run may not know that it was cancelled,
// or its row is lost. Of a payment that waits, Park changes nothing.
func (p *mailbox) stillAwaits(ctx workflow.Context) error {
	return p.move(ctx, "compare", act.Park, activities.GiveUpInput{PaymentID: p.in.PaymentID, Why: "the card is charged by no run any more"})
}

// entersAgain says whether the buyer may enter another card after one of which the provider has taken no money.
func (p *mailbox) entersAgain(ctx workflow.Context) bool {
	return p.state.OnPage && p.state.ProviderPaymentID == "" && !p.state.Status.Answered() &&
		p.state.Attempt > 0 && p.state.Attempt < payment.CardAttempts && workflow.Now(ctx).Before(p.state.ExpiresAt)
}

// rejectCard lets the buyer enter another card.
func (p *mailbox) rejectCard(ctx workflow.Context, providerPaymentID, why string) error {
	in := activities.RejectCardInput{PaymentID: p.in.PaymentID, Attempt: p.state.Attempt, ProviderPaymentID: providerPaymentID, Why: why}
	if err := p.move(ctx, "reject the card", act.RejectCard, in); err != nil {
		return err
	}
	p.refused = nil
	p.planPoll(ctx)
	return nil
}

// expireEntry ends a payment whose time to enter a card is over. The provider is searched first: the row may be older than a charge, as after
// a restore.
func (p *mailbox) expireEntry(ctx workflow.Context) error {
	in := p.lookInput(payment.ForSweep)
	var seen activities.Seen
	err := p.quickly(ctx, "search before it expires", in.Urgency, act.Look, in, &seen)
	switch {
	case temporal.IsCanceledError(err):
		return err
	case err != nil:
		p.remember(ctx, "look", err)
		return nil
	case seen.Found:
		return p.apply(ctx, seen.State, true)
	case !p.awaitsCard(): // an order has come meanwhile
		return nil
	}
	return p.endEntry(ctx, payment.Expired)
}

// cancelEntry ends a payment for an order, likewise.
func (p *mailbox) cancelEntry(ctx workflow.Context) (refusal, err error) {
	seen, asked := p.askFor(ctx, "search before it is cancelled", activities.LookInput{})
	switch {
	case temporal.IsCanceledError(asked):
		return nil, asked
	case asked != nil:
		return deny(failure.Unavailable, "Mercado Pago does not say whether it has charged; repeat this: "+reason(asked)), nil
	case seen.Found:
		return nil, p.apply(ctx, seen.State, true)
	}
	return nil, p.endEntry(ctx, payment.Cancelled)
}

func (p *mailbox) endEntry(ctx workflow.Context, as payment.Status) error {
	return p.move(ctx, "end the card entry", act.EndEntry, activities.EndEntryInput{PaymentID: p.in.PaymentID, Status: as})
}

// pollEntry is when to look at a payment that waits for a card: at its end. The provider knows nothing of it before.
func (p *mailbox) pollEntry(now time.Time) time.Time {
	if now.Before(p.end()) {
		return p.end()
	}
	return now.Add(p.in.Polls.First) // it could not be ended
}

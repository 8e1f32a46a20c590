package workflows

import (
	"errors"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/onlywave/onlywave/activities"
	"github.com/onlywave/onlywave/internal/payment"
)

// searchLag is how long the provider's search may take to know a payment. Mercado Pago does not say; this is long for an index,
// and short for a buyer whose payment is refused after trouble.
const searchLag = 20 * time.Second

// ask asks for the money: at once, in the same workflow task, which costs no state transition of its own; and if that brings
// no answer as an activity with its own retries, seen in the Web UI.
func (p *mailbox) ask(ctx workflow.Context) (state payment.ProviderState, err error) {
	earlier := p.sent || p.mayHaveCharged(ctx)
	in := activities.ChargeInput{PaymentID: p.in.PaymentID, Again: earlier, Search: earlier}
	if p.in.Creation != nil {
		in.Secrets = p.in.Creation.Secrets
	}
	if p.state.OnPage {
		earlier = p.sent || p.rewritten || p.wasReset(ctx) || !p.cardNew
		in.Again, in.Search = earlier, earlier || p.mayHaveCharged(ctx) // an earlier run may have charged another card, of which the row does not know
		in.Secrets, in.Attempt = p.card.Secrets, p.cardAttempt
	}
	summary := "charge " + p.state.Money.String()
	if p.state.CheckoutID != "" {
		summary = "ask how the buyer's attempt stands" // nothing is charged
	}
	if chargesAtOnce(ctx) {
		first := in
		if !earlier && !p.state.OnPage {
			first.Opened = p.opening()
		}
		err = workflow.ExecuteLocalActivity(once(ctx, summary, chargeTry), act.Charge, first).Get(ctx, &state)
		if err == nil || temporal.IsCanceledError(err) || final(err) {
			return state, err
		}
		in.Again = in.Again || !doubtOf(err).Untried
		p.sent = p.sent || in.Again
	} else {
		in.Again, p.sent = true, true // what a run from before has tried is not known
	}
	err = p.runAttended(p.atProvider(payment.ForCharge)(ctx, summary), act.Charge, in, &state)
	return state, err
}

// opening is the payment as this run has written it. It goes to local activities only, whose input is not in the history.
func (p *mailbox) opening() *activities.Opened {
	return &activities.Opened{Creation: *p.in.Creation, AskedAt: p.state.AskedAt, At: p.state.Since}
}

// mayHaveCharged says whether the payment may have been charged before this run asks for it for the first time. A workflow task
// that fails takes what it tried with it, and leaves the row. A reset takes more with it, and the row may be lost since.
func (p *mailbox) mayHaveCharged(ctx workflow.Context) bool {
	return p.wasReset(ctx) || p.rewritten || !p.in.AskedAt.IsZero() || !p.state.New
}

// wasReset says whether this run goes on from a point of an earlier one.
func (p *mailbox) wasReset(ctx workflow.Context) bool { return isReset(ctx) }

func isReset(ctx workflow.Context) bool {
	run := workflow.GetInfo(ctx)
	return run.OriginalRunID != "" && run.OriginalRunID != run.WorkflowExecution.RunID
}

// doubtOf is what a failed charge says of itself beside its kind.
func doubtOf(err error) (d activities.Doubt) {
	if app, ok := errors.AsType[*temporal.ApplicationError](err); ok && app.HasDetails() && app.Details(&d) != nil {
		return activities.Doubt{}
	}
	return d
}

// lookAgain searches for the charge once more before a refusal is believed, when the search must know it. If the provider will
// not say, the outcome stays unknown.
func (p *mailbox) lookAgain(ctx workflow.Context, refusal error) error {
	if err := workflow.NewTimerWithOptions(ctx, searchLag, workflow.TimerOptions{Summary: "search again before failing"}).Get(ctx, nil); err != nil {
		return err
	}
	in := activities.LookInput{PaymentID: p.in.PaymentID, Reference: p.state.CheckoutID, ClientID: p.state.ClientID, Money: p.state.Money, Reserved: p.state.Reserves, OnPage: p.state.OnPage, Urgency: payment.ForBuyer}
	var seen activities.Seen
	err := quickly(ctx, "search again", p.atProvider(in.Urgency), act.Look, in, &seen)
	switch {
	case temporal.IsCanceledError(err):
		return err
	case err != nil:
		return p.park(ctx, err)
	case seen.Found:
		return p.apply(ctx, seen.State, true)
	}
	return p.move(ctx, "fail", act.Fail, p.giveUp(refusal))
}

// park leaves the payment unknown, and alerts operators.
func (p *mailbox) park(ctx workflow.Context, why error) error {
	p.remember(ctx, "charge", why)
	if err := p.move(ctx, "park", act.Park, p.giveUp(why)); err != nil {
		return err
	}
	if p.state.Status != payment.Unknown {
		return nil // the provider has answered meanwhile
	}
	return p.reportUnknown(ctx, why)
}

// reportFoundUnknown alerts operators of a payment that the run has found unknown: the run before it may have ended before it
// could. A run that goes on with a long history has reported it already.
func (p *mailbox) reportFoundUnknown(ctx workflow.Context) error {
	if p.state.Status != payment.Unknown || p.in.Looks > 0 || !reportsAgain(ctx) {
		return nil
	}
	return p.reportUnknown(ctx, errors.New("an earlier run has not found out whether the provider has charged"))
}

func (p *mailbox) giveUp(why error) activities.GiveUpInput {
	return activities.GiveUpInput{PaymentID: p.in.PaymentID, Why: reason(why), Code: doubtOf(why).Code}
}

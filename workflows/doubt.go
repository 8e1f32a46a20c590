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

// doubted says whether an earlier attempt may have charged what this one was refused.
func doubted(err error) bool {
	app, ok := errors.AsType[*temporal.ApplicationError](err)
	if !ok || !app.HasDetails() {
		return false
	}
	var d activities.Doubt
	return app.Details(&d) == nil && d.Earlier
}

// lookAgain searches for the charge once more before a refusal is believed, when the search must know it. If the provider will
// not say, the outcome stays unknown.
func (p *mailbox) lookAgain(ctx workflow.Context, refusal error) error {
	if err := workflow.NewTimerWithOptions(ctx, searchLag, workflow.TimerOptions{Summary: "search again before failing"}).Get(ctx, nil); err != nil {
		return err
	}
	in := activities.LookInput{PaymentID: p.in.PaymentID, Money: p.state.Money}
	var seen activities.Seen
	err := quickly(ctx, "search again", atProvider, steps.Look, in, &seen)
	switch {
	case temporal.IsCanceledError(err):
		return err
	case err != nil:
		return p.park(ctx, err)
	case seen.Found:
		return p.apply(ctx, seen.State)
	}
	return p.move(ctx, "fail", steps.Fail, p.giveUp(refusal))
}

// park leaves the payment unknown, and tells people.
func (p *mailbox) park(ctx workflow.Context, why error) error {
	p.remember(ctx, "charge", why)
	if err := p.move(ctx, "park", steps.Park, p.giveUp(why)); err != nil {
		return err
	}
	if p.state.Status != payment.Unknown {
		return nil // the provider has answered meanwhile
	}
	return p.reportUnknown(ctx, why)
}

func (p *mailbox) giveUp(why error) activities.GiveUpInput {
	return activities.GiveUpInput{PaymentID: p.in.PaymentID, Why: reason(why), Known: p.known}
}

package workflows

import (
	"go.temporal.io/sdk/workflow"
)

// rewrites says whether this run can write a row anew that is lost, as after a restore of the database from an older backup.
func (p *mailbox) rewrites(ctx workflow.Context) bool {
	return p.in.Creation != nil && rewritesRows(ctx)
}

// rewrite writes the lost row anew, as it was when the payment was asked for.
func (p *mailbox) rewrite(ctx workflow.Context) error {
	workflow.GetLogger(ctx).Error("the payment's row is lost and is written anew", "payment_id", p.in.PaymentID, "status", p.state.Status)
	p.rewritten = true
	err := p.load(ctx, "write anew")
	if p.state.OnPage {
		p.pollAt = workflow.Now(ctx) // a card may be charged of which the row does not know
	}
	return err
}

// rowMissing goes on after the database has said that it lacks the payment: with a row that is written anew, or else not at all.
func (p *mailbox) rowMissing(ctx workflow.Context, err error) error {
	if !p.rewrites(ctx) {
		return err
	}
	return p.rewrite(ctx)
}

// reread loads the payment again, and writes it anew if this run can. One that cannot finds no payment and ends; a run that
// can is started by whoever has missed the row.
func (p *mailbox) reread(ctx workflow.Context) error {
	p.rewritten = true
	err := p.load(ctx, "open again")
	p.lost = false
	p.pollAt = workflow.Now(ctx) // the row may be older than what this run knew
	return err
}

package workflows

import (
	"cmp"
	"errors"
	"strings"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/onlywave/onlywave/activities"
	"github.com/onlywave/onlywave/internal/command"
	"github.com/onlywave/onlywave/internal/deadletter"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
)

// PaymentInput starts a run of a payment's mailbox.
type PaymentInput struct {
	PaymentID string            `json:"payment_id"`
	Creation  *payment.Creation `json:"creation,omitempty"` // nil when the payment exists already
	// AskedAt is when the client app first asked for it, in a run that follows another one. Zero: with this run.
	AskedAt time.Time `json:"asked_at,omitzero"`
	Polls   Polls     `json:"polls"`
	Looks   int       `json:"looks,omitempty"` // polls made by earlier runs without a pause
}

// Payment is one payment's mailbox: everything that happens to it happens here, one thing at a time.
// A run ends when the payment is settled and nothing waits; whatever comes later starts a new run
// under the same ID, which begins by loading the row.
func Payment(ctx workflow.Context, in PaymentInput) error {
	p, err := openPayment(ctx, in)
	if err != nil {
		return p.deadLetter(ctx, err)
	}
	for p.awaitWork(ctx) || p.awaitEnd(ctx) {
		if err := p.next(ctx); err != nil {
			return p.deadLetter(ctx, err)
		}
	}
	return p.close(ctx)
}

// mailbox is the state of one run.
type mailbox struct {
	in           PaymentInput
	state        activities.State
	opened       bool
	lost         bool      // a caller has seen that the database lacks what this run has answered
	rewritten    bool      // the row was lost, and may have been written anew by this run
	looks        int       // polls made so far; they widen the gap to the next
	polledAt     time.Time // when it was last decided
	pollAt       time.Time // when to look without a signal
	soon         int       // looks made since a signal that has brought no news
	soonAt       time.Time // when to make the next of those; zero: there is none
	signals      workflow.ReceiveChannel
	known        int                      // number of the newest event; 0 in runs from before it was kept
	unpublished  []payment.Event          // events that a run from before the outbox has still to publish; else none
	searched     searched                 // what the search attributes say
	trail        []deadletter.Attempt     // activities that failed for good, the latest last
	refused      *doubtedRefusal          // not believed yet; nil: none
	reports      int                      // dead letters on their way beside the run's work
	cancelReport workflow.CancelFunc      // ends the latest of them
	inboxes      []inbox                  // signals of operators' commands
	orders       []*order                 // orders of operators that wait for their turn
	taken        int                      // signals with orders so far
	refusal      string                   // the latest signal that was refused, and why; "" after an order that was carried out
	answeredAt   int                      // length of the history when an update was answered last
	waiting      string                   // the activity that waits for the provider; "" is none
	sent         bool                     // this run may have sent a charge
	refunds      map[string]refundAttempt // by id; one that is not there is due now
	disputes     disputes
	entries      []*cardEntry // cards that the buyer has entered, and that wait for their turn
	card         CardInput    // the one that is charged, or was last
	cardAttempt  int          // its number
	cardNew      bool         // this run has stored it, so that nothing was charged under its key before
}

func openPayment(ctx workflow.Context, in PaymentInput) (*mailbox, error) {
	in.PaymentID = cmp.Or(in.PaymentID, strings.TrimPrefix(workflow.GetInfo(ctx).WorkflowExecution.ID, WorkflowID("")))
	in.Polls = in.Polls.orDefault()
	p := &mailbox{in: in, looks: in.Looks, refunds: map[string]refundAttempt{}}
	p.signals = workflow.GetSignalChannelWithOptions(ctx, SignalLook, workflow.SignalChannelOptions{Description: describes(command.Look)})
	if err := workflow.SetQueryHandlerWithOptions(ctx, QueryState, p.view, workflow.QueryHandlerOptions{Description: describes(command.Payment)}); err != nil {
		return p, err
	}
	p.disputes.signals = workflow.GetSignalChannelWithOptions(ctx, SignalDispute, workflow.SignalChannelOptions{
		Description: "Mercado Pago has told of a dispute: look at the payment and at its disputes.",
	})
	create := workflow.UpdateHandlerOptions{Validator: p.mayCreate, Description: describes(command.Create)}
	if err := workflow.SetUpdateHandlerWithOptions(ctx, UpdateCreate, p.created, create); err != nil {
		return p, err
	}
	cards := workflow.UpdateHandlerOptions{Description: "The buyer has entered a card on the pay page. Only the API can send it."}
	if err := workflow.SetUpdateHandlerWithOptions(ctx, UpdateCard, p.entered, cards); err != nil {
		return p, err
	}
	if err := p.listen(ctx); err != nil {
		return p, err
	}
	if err := p.load(ctx, "open"); err != nil {
		return p, err
	}
	p.opened = true
	p.planPoll(ctx)
	if !in.AskedAt.IsZero() {
		p.pollAt = workflow.Now(ctx) // the row may be older than what the run before this one knew
	}
	if err := p.describe(ctx); err != nil {
		return p, err
	}
	if err := p.reportFoundUnknown(ctx); err != nil || len(p.state.Missed) == 0 {
		return p, err
	}
	p.unpublished = p.state.Missed
	return p, p.publish(ctx)
}

// load reads the payment's row, and writes it first when it is not there and the run knows what was asked for.
func (p *mailbox) load(ctx workflow.Context, summary string) error {
	in := activities.OpenInput{PaymentID: p.in.PaymentID, Creation: p.in.Creation, Again: p.opened}
	if in.Creation != nil {
		in.AskedAt = p.askedAt(ctx)
	}
	var state activities.State
	if err := workflow.ExecuteLocalActivity(inDatabase(ctx, summary), act.Open, in).Get(ctx, &state); err != nil {
		return err
	}
	p.state, p.known = state, state.Version
	if state.Event != nil {
		p.unpublished = append(p.unpublished, *state.Event)
	}
	return nil
}

// askedAt is when the client app first asked for the payment, as far as this run knows; a reset keeps the run's start.
func (p *mailbox) askedAt(ctx workflow.Context) time.Time {
	return cmp.Or(p.in.AskedAt, workflow.GetInfo(ctx).WorkflowStartTime)
}

// answered says whether there is an answer for the client app.
func (p *mailbox) answered() bool { return p.state.Status.Answered() }

// awaitWork waits for a reason to act: a payment to charge, a signal, or the time to look unasked. It
// returns false once the payment is settled and nothing waits, or when the history has grown long
// enough for a fresh run.
func (p *mailbox) awaitWork(ctx workflow.Context) bool {
	for {
		switch {
		case !p.state.Found:
			return false
		case p.lost || p.ordered() || len(p.entries) > 0 || p.holdOver(ctx):
			return true
		case p.held():
			if p.fresh(ctx) {
				return false
			}
			p.awaitRelease(ctx)
		case p.signalled() || p.disputed() || p.toCharge() || p.toRefund(ctx) != nil || p.overdue(ctx):
			return true
		case !p.expects():
			switch {
			case !workflow.AllHandlersFinished(ctx):
				p.wait(ctx, func() bool { return p.called() || workflow.AllHandlersFinished(ctx) })
			case p.answeredNow(ctx) && storesAnswer(ctx):
				p.waitUntil(ctx, workflow.Now(ctx).Add(answerStored), "the end of the run, after the answer to an order is stored", p.called)
			default:
				return false
			}
		case p.fresh(ctx):
			return false
		default:
			p.waitUntil(ctx, p.due(), p.waitsFor(ctx), p.called)
		}
		if ctx.Err() != nil {
			return false
		}
	}
}

// next does one thing.
func (p *mailbox) next(ctx workflow.Context) error {
	p.receive(ctx)
	if act := p.work(ctx); act != nil {
		if err := act(ctx); err != nil {
			return err
		}
	}
	if err := p.publish(ctx); err != nil {
		return err
	}
	return p.describe(ctx)
}

// work is what to do next, or nil.
func (p *mailbox) work(ctx workflow.Context) func(workflow.Context) error {
	switch {
	case p.lost:
		return p.reread
	case len(p.orders) > 0:
		return p.serve
	case len(p.entries) > 0:
		return p.takeCard
	case p.holdOver(ctx):
		return p.expireHold
	case p.held():
		return nil
	case p.toCharge():
		return p.charge
	case p.toRefund(ctx) != nil:
		return p.sendRefund
	case p.disputed():
		return p.readDisputes
	case p.signalled() || p.overdue(ctx):
		return p.look
	}
	return nil
}

// charge asks the provider for the money. A refusal fails the payment; silence past the budget, or an
// answer that contradicts what we know, leaves it unknown, never failed.
func (p *mailbox) charge(ctx workflow.Context) error {
	if p.state.CheckoutID != "" {
		p.drain() // it asks how the attempt stands, and so answers the signal that has started it
	}
	state, err := p.ask(ctx)
	switch {
	case err == nil:
		return p.apply(ctx, state, false)
	case errors.Is(err, errInterrupted):
		return nil // the order comes next
	case temporal.IsCanceledError(err):
		return err
	case doubtOf(err).Missing && p.rewrites(ctx):
		return p.rewrite(ctx)
	case KindOf(err) == failure.Invalid && doubtOf(err).Earlier && believesLate(ctx):
		return p.doubtRefusal(ctx, err)
	case KindOf(err) == failure.Invalid && doubtOf(err).Earlier && looksAgain(ctx):
		return p.lookAgain(ctx, err)
	case KindOf(err) == failure.Invalid && p.entersAgain(ctx):
		return p.rejectCard(ctx, "", string(cmp.Or(doubtOf(err).Code, failure.CodeRefused)))
	case KindOf(err) == failure.Invalid:
		return p.move(ctx, "fail", act.Fail, p.giveUp(err))
	}
	return p.park(ctx, err)
}

// apply brings the payment to the provider's answer; looked says that it is what the provider says now, not the answer to a creation.
func (p *mailbox) apply(ctx workflow.Context, state payment.ProviderState, looked bool) error {
	if state.Status == payment.Rejected && p.entersAgain(ctx) {
		return p.rejectCard(ctx, state.PaymentID, state.StatusDetail)
	}
	in := activities.ApplyInput{PaymentID: p.in.PaymentID, State: state, Looked: looked}
	return p.applied(ctx, state, "apply "+string(state.Status), act.Apply, in)
}

// applied runs an activity that brings the payment to the provider's answer, and takes note of it.
func (p *mailbox) applied(ctx workflow.Context, state payment.ProviderState, summary string, activity, in any) error {
	before := p.state.Status
	if err := p.move(ctx, summary, activity, in); err != nil {
		return err
	}
	p.state.ProviderPaymentID, p.state.Challenged = state.PaymentID, state.Challenge != nil
	if !p.state.KeepsEnd {
		p.state.ExpiresAt = state.ExpiresAt
	}
	p.refused = nil
	p.noteDispute(ctx, before)
	if before != p.state.Status && p.closes(ctx) {
		p.pollAt = workflow.Now(ctx) // it has turned up after its end
	}
	return nil
}

// move runs one of the activities that change the payment's row.
func (p *mailbox) move(ctx workflow.Context, summary string, activity, in any) error {
	var m activities.Moved
	run := func() error {
		return workflow.ExecuteLocalActivity(inDatabase(ctx, summary), activity, in).Get(ctx, &m)
	}
	err := run()
	if err != nil && KindOf(err) == failure.NotFound && p.rewrites(ctx) {
		if err = p.rewrite(ctx); err == nil {
			err = run()
		}
	}
	if err != nil {
		return err
	}
	p.state.Status = m.Status
	if m.Refunds {
		p.state.Refunds = m.Pending
	}
	if !m.Since.IsZero() {
		p.state.Since = m.Since
	}
	p.stopReports()
	p.unpublished = append(p.unpublished, m.Missed...)
	if m.Event != nil {
		p.unpublished = append(p.unpublished, *m.Event)
	}
	if n := len(p.unpublished); n > 0 && p.known > 0 {
		p.known = p.unpublished[n-1].Seq
	}
	p.known = max(p.known, m.Version)
	return nil
}

// publish publishes what happened, in order, in a run from before the outbox. In all others the activities that move the payment have
// seen to it, beside the run, and there is nothing to publish. The run's own history says which it is, so that no version gate is
// needed: only the results of activities as they were then hold events.
func (p *mailbox) publish(ctx workflow.Context) error {
	if len(p.unpublished) == 0 {
		return nil
	}
	last := p.unpublished[len(p.unpublished)-1]
	err := quickly(ctx, "publish "+last.Type(), atBroker, act.Publish, activities.PublishInput{Events: p.unpublished, Email: p.state.Email}, nil)
	if err == nil {
		p.unpublished = nil
	}
	return err
}

// awaitEnd waits until nothing that the run has begun is under way. It returns true when an order has come meanwhile, which is served
// before the run ends. Orders on a payment that is not there are refused.
func (p *mailbox) awaitEnd(ctx workflow.Context) (ordered bool) {
	p.wait(ctx, func() bool { return workflow.AllHandlersFinished(ctx) })
	p.wait(ctx, func() bool { return p.reports == 0 })
	if p.state.Found {
		return p.ordered() && ctx.Err() == nil
	}
	p.receive(ctx)
	for _, q := range p.orders {
		p.answer(ctx, q, deny(failure.NotFound, "there is no payment with this id"))
	}
	return false
}

// close ends the run, or, when the payment goes on and only the history is too long, starts a fresh one.
func (p *mailbox) close(ctx workflow.Context) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if p.state.Found && p.expects() {
		fresh := PaymentInput{PaymentID: p.in.PaymentID, Creation: p.in.Creation, Polls: p.in.Polls, Looks: p.looks}
		if fresh.Creation != nil {
			fresh.AskedAt = p.askedAt(ctx)
		}
		return workflow.NewContinueAsNewErrorWithOptions(ctx, nextBuild, Payment, fresh)
	}
	return nil
}

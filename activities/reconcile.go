package activities

import (
	"context"
	"strconv"
	"time"

	"go.temporal.io/sdk/activity"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/mercadopago"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/postgres"
)

// How far a run looks. Windows overlap, because the provider's search lags behind and its clock is not ours.
const (
	sweepOverlap   = 10 * time.Minute
	sweepLongest   = 24 * time.Hour // after an outage of ours, several runs catch up
	deepSweep      = 48 * time.Hour
	deepSweepEvery = 24 * time.Hour
)

// BeginReconciliationInput names a run of reconciliation.
type BeginReconciliationInput struct {
	RunID string        `json:"run_id"`
	Grace time.Duration `json:"grace"` // a change younger than this is not judged: its notification may be on the way
}

// SweepInput is what is left of a run's window.
type SweepInput struct {
	RunID  string             `json:"run_id"`
	Window mercadopago.Window `json:"window"`
}

// BeginReconciliation writes that a run begins, and finds the window that it has to see. The row's ID decides: a second
// run of the activity finds the window of the first.
func (a *Activities) BeginReconciliation(ctx context.Context, in BeginReconciliationInput) (SweepInput, error) {
	at, err := a.database.Now(ctx)
	if err != nil {
		return SweepInput{}, activityError(err)
	}
	run, err := a.database.BeginReconciliation(ctx, postgres.BeginPlan{
		ID: in.RunID, Now: at, Grace: in.Grace, Overlap: sweepOverlap,
		Deep: deepSweep, DeepEvery: deepSweepEvery, Longest: sweepLongest,
	})
	if err != nil {
		return SweepInput{}, activityError(err)
	}
	return SweepInput{RunID: run.ID, Window: mercadopago.Window{From: run.From, To: run.To}}, nil
}

// Swept is what one page of the window brought.
type Swept struct {
	Seen      int         `json:"seen"`
	Signalled int         `json:"nudged"`
	Others    int         `json:"others,omitempty"` // of those seen: payments of other sales
	Rest      *SweepInput `json:"rest,omitempty"`   // nil: the window is done
}

// Sweep compares one page of what the provider changed with the database, keeps what it finds, and signals payments that are
// behind. A second run keeps nothing twice, and two signals to a payment are one look.
func (a *Activities) Sweep(ctx context.Context, in SweepInput) (Swept, error) {
	page, err := a.provider.ChangesIn(mercadopago.WithPriority(ctx, payment.ForSweep, ""), in.Window)
	if err != nil {
		return Swept{}, activityError(err)
	}
	at, err := a.database.Now(ctx)
	if err != nil {
		return Swept{}, activityError(err)
	}
	judged, err := a.judge(ctx, page, at)
	if err != nil {
		return Swept{}, activityError(err)
	}
	if err := a.database.KeepFindings(ctx, in.RunID, judged.findings); err != nil {
		return Swept{}, activityError(err)
	}
	if err := a.database.ClearFindings(ctx, judged.inOrder, at); err != nil {
		return Swept{}, activityError(err)
	}
	signalled, err := a.signalAll(ctx, judged.behind)
	if err != nil {
		return Swept{}, activityError(err)
	}
	for _, t := range judged.attempts {
		if err := a.workflows.Attach(ctx, t.checkout, t.providerPaymentID); err != nil && failure.KindOf(err) != failure.Invalid {
			return Swept{}, activityError(err)
		}
		signalled++
	}
	disputes, err := a.findChargebacks(mercadopago.WithPriority(ctx, payment.ForSweep, ""), judged.chargedBack)
	if err != nil {
		return Swept{}, activityError(err)
	}
	signalled += disputes
	swept := Swept{Seen: len(page.Changes) + len(page.Unreadable), Signalled: signalled, Others: judged.others}
	if page.Rest != nil {
		swept.Rest = &SweepInput{RunID: in.RunID, Window: *page.Rest}
	}
	return swept, nil
}

// judgement is what was found out about a page.
type judgement struct {
	findings []payment.Finding
	inOrder  []string // the provider's payments about which nothing is wrong
	behind   []string // our payments that the provider knows something newer of
	others   int      // payments of other sales on the same account

	attempts    []attemptShown    // at checkouts, that are no payments of ours yet
	chargedBack []payment.Payment // ours that the provider calls so, in its newest words
}

// attemptShown is an attempt at a checkout of which no notification has come.
type attemptShown struct {
	checkout          payment.Checkout
	providerPaymentID string
}

// sales are ours that changes of the provider's may be about.
type sales struct {
	payments  map[string]payment.Payment
	checkouts map[string]payment.Checkout
}

// of is the payment that a change is about. The reference is the payment's id, or that of the checkout that it is an attempt at.
func (s sales) of(c mercadopago.Change) (p payment.Payment, known bool) {
	if p, known = s.payments[c.Reference]; !known {
		p, known = s.payments[attemptID(c)]
	}
	return p, known
}

func attemptID(c mercadopago.Change) string {
	return payment.Attempt{CheckoutID: c.Reference, ProviderPaymentID: c.PaymentID}.ID()
}

// sales reads those that the changes name.
func (a *Activities) sales(ctx context.Context, changes []mercadopago.Change) (found sales, err error) {
	var references, ids []string
	for _, c := range changes {
		if payment.ValidID(c.Reference) {
			references, ids = append(references, c.Reference), append(ids, c.Reference, attemptID(c))
		}
	}
	if found.payments, err = a.database.PaymentsByID(ctx, ids); err != nil {
		return found, err
	}
	found.checkouts, err = a.database.CheckoutsByID(ctx, references)
	return found, err
}

func (a *Activities) judge(ctx context.Context, page mercadopago.Changes, at time.Time) (judgement, error) {
	ours, err := a.sales(ctx, page.Changes)
	if err != nil {
		return judgement{}, err
	}
	var j judgement
	for _, u := range page.Unreadable {
		if !u.Ours {
			j.other(u.PaymentID)
			continue
		}
		j.findings = append(j.findings, payment.Finding{
			Kind: payment.Unreadable, ProviderPaymentID: u.PaymentID, ProviderUpdatedAt: u.UpdatedAt, Detail: message(u.Err), FoundAt: at,
		})
	}
	var changes []payment.Finding
	for _, c := range page.Changes {
		p, known := ours.of(c)
		if at, is := ours.checkouts[c.Reference]; is && !known && c.Foreign == "" {
			j.attempts = append(j.attempts, attemptShown{at, c.PaymentID})
			j.inOrder = append(j.inOrder, c.PaymentID)
			continue
		}
		if !known && !c.Ours {
			j.other(c.PaymentID)
			continue
		}
		j.compare(c.ProviderState, p, known, at)
		if known && c.ChargedBack() && c.PaymentID == p.Provider.PaymentID {
			p.Provider.Status, p.Provider.StatusDetail = c.RawStatus, c.StatusDetail
			j.chargedBack = append(j.chargedBack, p)
		}
		if known {
			changes = append(changes, change(p.ID, c, at))
		}
	}
	missed, err := a.database.Unheard(ctx, changes)
	j.findings = append(j.findings, missed...)
	return j, err
}

// other counts a payment of another sale on the same account. What was said of it before it was known to be one is settled.
func (j *judgement) other(providerPaymentID string) {
	j.others++
	j.inOrder = append(j.inOrder, providerPaymentID)
}

// compare holds what the provider says against our payment, if we have it. An answer that contradicts is not worth a look,
// which would refuse it; one about a second charge in which no money is or can come any more is in order.
func (j *judgement) compare(s payment.ProviderState, p payment.Payment, known bool, at time.Time) {
	found := payment.Finding{ProviderPaymentID: s.PaymentID, ProviderUpdatedAt: s.UpdatedAt, ProviderStatus: s.Status, FoundAt: at}
	if !known {
		found.Kind, found.Detail = payment.OrphanPayment, orphan(s)
		j.findings = append(j.findings, found)
		return
	}
	found.PaymentID = p.ID
	s = p.Understood(s)
	if harmlessTwin(s, p) {
		j.inOrder = append(j.inOrder, s.PaymentID)
		return
	}
	if why := contradiction(s, p); why != "" {
		found.Kind, found.Detail = payment.Contradiction, why
		j.findings = append(j.findings, found)
		return
	}
	j.inOrder = append(j.inOrder, s.PaymentID)
	if p.Outdated(s, true) {
		found.Kind, found.Detail = payment.Difference, "the provider says "+string(s.Status)+", recorded is "+string(p.Status)
		j.findings = append(j.findings, found)
		j.behind = append(j.behind, p.ID)
	}
}

// harmlessTwin says whether the provider's payment is a second charge for ours that is over without money: it has expired, was cancelled or
// refused, or all of it was given back. So is a card that was rejected on the pay page, where the buyer may try another.
func harmlessTwin(s payment.ProviderState, p payment.Payment) bool {
	if s.Foreign == "" && s.Reference == p.ID && s.Status == payment.Rejected && p.OnPage() && s.PaymentID != p.Provider.PaymentID {
		return p.Status.Answered() // else it may be the answer that is waited for
	}
	twin := s.Foreign == "" && s.Reference == p.ProviderReference() && p.Provider.PaymentID != "" && s.PaymentID != p.Provider.PaymentID
	switch s.Status {
	case payment.Expired, payment.Cancelled, payment.Rejected, payment.Refunded:
		return twin
	}
	return false
}

// orphan describes an orphan payment, one that we do not have. Its reference may be anything, so it is not repeated unless it is one of ours.
func orphan(s payment.ProviderState) string {
	if payment.ValidID(s.Reference) {
		return "there is no payment " + s.Reference + "; the provider has " + s.Money.String() + ", " + string(s.Status)
	}
	return "its reference is none of ours; the provider has " + s.Money.String() + ", " + string(s.Status)
}

// contradiction says how the provider's answer cannot be about what we recorded, or "".
func contradiction(s payment.ProviderState, p payment.Payment) string {
	if p.AuthorizesOnly() {
		s = s.OfAuthorization(p.Amount)
	}
	if why := s.Contradicts(p.ProviderReference(), p.Provider.PaymentID, p.Amount); why != "" {
		return why
	}
	if p.Contradicted(s) {
		return "of one moment the provider says " + string(s.Status) + ", " + strconv.FormatInt(s.Refunded, 10) +
			" refunded, and recorded is " + string(p.Status) + ", " + strconv.FormatInt(p.Refunded, 10)
	}
	return ""
}

// change is the finding for a change whose notification is missing.
func change(paymentID string, c mercadopago.Change, at time.Time) payment.Finding {
	f := payment.Finding{
		Kind: payment.MissedWebhook, PaymentID: paymentID, ProviderPaymentID: c.PaymentID,
		ProviderUpdatedAt: c.UpdatedAt, Detail: postgres.MissedChange, FoundAt: at,
	}
	if c.Creation {
		f.Detail = postgres.MissedCreation
	}
	return f
}

// signalAll signals payments, and returns how many. One that cannot be signalled holds up no other: its workflow looks by itself,
// and a later run tries again.
func (a *Activities) signalAll(ctx context.Context, ids []string) (signalled int, err error) {
	for _, id := range ids {
		err := a.workflows.Signal(ctx, id)
		switch {
		case err == nil:
			signalled++
		case failure.KindOf(err) != failure.Invalid:
			return signalled, err
		case activity.IsActivity(ctx):
			activity.GetLogger(ctx).Warn("payment not signalled", "payment_id", id, "error", err)
		}
	}
	return signalled, nil
}

// FinishReconciliationInput is what a run counted on the way.
type FinishReconciliationInput struct {
	RunID  string                       `json:"run_id"`
	Counts payment.ReconciliationCounts `json:"counts"`
}

// SettleFindings looks again at what was found earlier: a difference that is gone is resolved, and so is a notification that came
// after all. A second run finds nothing to settle.
func (a *Activities) SettleFindings(ctx context.Context) error {
	at, err := a.database.Now(ctx)
	if err == nil {
		err = a.database.SettleFindings(ctx, at)
	}
	if err != nil {
		return activityError(err)
	}
	return nil
}

// FinishReconciliation looks again at what was found earlier and writes that the run has seen its window. A second run writes the
// same.
func (a *Activities) FinishReconciliation(ctx context.Context, in FinishReconciliationInput) (payment.ReconciliationCounts, error) {
	at, err := a.database.Now(ctx)
	if err != nil {
		return in.Counts, activityError(err)
	}
	if err := a.database.SettleFindings(ctx, at); err != nil {
		return in.Counts, activityError(err)
	}
	counts, err := a.database.FinishReconciliation(ctx, in.RunID, in.Counts, at)
	if err != nil {
		return in.Counts, activityError(err)
	}
	return counts, nil
}

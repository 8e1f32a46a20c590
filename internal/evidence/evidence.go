// Package evidence sends the documents of a dispute to the provider. REST and the command line read the files, call this package and print
// what it returns.
//
// Its one rule: the documents are in the memory of the process that takes them, for as long as the request lasts, and nowhere else. So no
// workflow sends them; whoever sends them repeats the request when its answer is lost, and it is looked first whether they are there.
package evidence

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
)

// Store keeps what is sent, without the contents: Postgres.
type Store interface {
	Evidence(ctx context.Context, id string) (payment.Evidence, error) // kind NotFound if there is none
	AskEvidence(ctx context.Context, e payment.Evidence, entry audit.Entry) error
	KeepEvidence(ctx context.Context, id string, at time.Time) (payment.Evidence, error)
	RefuseEvidence(ctx context.Context, id string) error
}

// Provider is whom the documents go to.
type Provider interface {
	Chargeback(ctx context.Context, id string) (payment.ProviderDispute, error)
	SendDocuments(ctx context.Context, chargeback, key string, documents []payment.Document) error
}

// Engine has the dispute read anew by its payment's workflow.
type Engine interface {
	Dispute(ctx context.Context, paymentID string, of payment.DisputeRef) error
}

// Actions sends documents. It is safe for concurrent use.
type Actions struct {
	Store    Store
	Provider Provider
	Engine   Engine
}

// ErrKeyReused says that the key was used for other documents about the dispute.
var ErrKeyReused error = &failure.Error{
	Kind: failure.Conflict, Message: "this key was used for other documents about the dispute; send those again, or use a new key",
}

// finish is how long it may take to store how the sending ended, whoever waits for it.
const finish = 10 * time.Second

// Send sends documents about a dispute. The key makes it one sending, however often it is asked for: documents that are known to be there are
// not sent again, and replayed is true. Errors:
//
//	Invalid      a document is not one that the provider takes; the fields name it
//	Conflict     documents are not wanted, or not any more, or the provider refuses these; or ErrKeyReused
//	Unavailable  it is not known whether they are there, or the provider does not answer: send them again with the same key
func (a Actions) Send(ctx context.Context, actor audit.Actor, d payment.Dispute, key string, documents []payment.Document) (sent payment.Evidence, replayed bool, err error) {
	if wrong := append(actor.Fields(), payment.DocumentFields(documents)...); len(wrong) > 0 {
		return sent, false, &failure.Error{Kind: failure.Invalid, Message: "the documents are not valid", Fields: wrong}
	}
	e := payment.Evidence{
		ID: payment.EvidenceID(d.ID, key), DisputeID: d.ID, PaymentID: d.PaymentID, Actor: actor.Name, AskedAt: time.Now(),
	}
	for _, document := range documents {
		e.Files = append(e.Files, document.DocumentInfo)
	}
	before, err := a.Store.Evidence(ctx, e.ID)
	known := err == nil
	switch {
	case known && !slices.Equal(before.Files, e.Files):
		return sent, false, ErrKeyReused
	case known && before.Status == payment.EvidenceSent:
		return before, true, nil
	case !known && failure.KindOf(err) != failure.NotFound:
		return sent, false, err
	}
	if d.Kind != payment.Chargeback {
		return sent, false, refused(d.Wants(time.Now()))
	}
	now, err := a.Provider.Chargeback(ctx, d.ProviderID) // its word counts, not the row's
	switch {
	case err != nil:
		return sent, false, unanswered(err)
	case known && before.Status == payment.EvidenceSending && now.Documented: // the answer was lost
		sent, err = a.keep(ctx, d, e.ID)
		return sent, true, err
	}
	d.Status, d.Deadline = now.Status, now.Deadline
	if why := d.Wants(time.Now()); why != "" {
		return sent, false, refused(why)
	}
	if err := a.Store.AskEvidence(ctx, e, entry(actor, e)); err != nil {
		return sent, false, err
	}
	sent, err = a.send(ctx, d, e, documents)
	return sent, false, err
}

// send sends documents that are asked for, and looks when it does not know how that ended.
func (a Actions) send(ctx context.Context, d payment.Dispute, e payment.Evidence, documents []payment.Document) (payment.Evidence, error) {
	err := a.Provider.SendDocuments(ctx, d.ProviderID, e.ID, documents)
	if err == nil {
		return a.keep(ctx, d, e.ID)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), finish)
	defer cancel()
	now, unseen := a.Provider.Chargeback(ctx, d.ProviderID)
	switch kind := failure.KindOf(err); {
	case unseen == nil && now.Documented:
		return a.keep(ctx, d, e.ID)
	case kind == failure.Unavailable || kind == failure.Limited || unseen != nil:
		return e, unanswered(err)
	}
	if err := a.Store.RefuseEvidence(ctx, e.ID); err != nil {
		return e, err
	}
	return e, &failure.Error{Kind: failure.Conflict, Message: "Mercado Pago does not take these documents", Err: err}
}

// keep stores that the documents are there. The workflow reads the dispute then; if it cannot be told, the schedule has it read.
func (a Actions) keep(ctx context.Context, d payment.Dispute, id string) (payment.Evidence, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), finish)
	defer cancel()
	sent, err := a.Store.KeepEvidence(ctx, id, time.Now())
	if err == nil {
		_ = a.Engine.Dispute(ctx, d.PaymentID, payment.DisputeRef{Kind: d.Kind, ID: d.ProviderID})
	}
	return sent, err
}

func refused(why string) error { return &failure.Error{Kind: failure.Conflict, Message: why} }

// unanswered is the error for a sending that may be repeated. When the provider refuses our own account, that is our fault.
func unanswered(err error) error {
	switch failure.KindOf(err) {
	case failure.Limited, failure.Unavailable:
		return &failure.Error{
			Kind: failure.Unavailable, Message: "Mercado Pago does not answer now; send the documents again with the same key", RetryAfter: failure.RetryAfter(err), Err: err,
		}
	}
	return &failure.Error{Kind: failure.Internal, Err: err}
}

// entry is the audit's entry of what is sent.
func entry(actor audit.Actor, e payment.Evidence) audit.Entry {
	var names []string
	for i, f := range e.Files {
		names = append(names, strconv.Itoa(i+1)+" "+f.Type+" "+strconv.FormatInt(f.Size, 10)+" "+f.SHA256)
	}
	return audit.Entry{
		ID: payment.NewAuditID("evidence\x00" + e.ID), Actor: actor, Action: audit.DisputeEvidence, Object: "payment/" + e.PaymentID,
		After: audit.Values{"dispute": e.DisputeID, "documents": strings.Join(names, ", ")},
	}
}

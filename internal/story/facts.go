package story

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/deadletter"
	"github.com/onlywave/onlywave/internal/language"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/postgres"
	"github.com/onlywave/onlywave/workflows"
)

// The largest parts of a story. What is older is left out, and a note says so.
const (
	maxRuns  = 10
	maxSteps = 100 // of one run
	maxRows  = 100 // of one kind in the database
)

// answerTime is how long the database or Temporal may take for its whole part.
const answerTime = 3 * time.Second

// Teller gathers stories. It is safe for concurrent use.
type Teller struct {
	Database  *postgres.Store
	Workflows *workflows.Client

	TemporalUIURL     string // optional; adds links to the Web UI
	TemporalNamespace string // for these links
	TraceURL          string // optional; adds links to traces: an address with {trace_id}
}

// facts is what is known of a payment.
type facts struct {
	payment       payment.Payment // with the ID only if the database does not have it or does not answer
	stored        bool            // the database has it
	events        []payment.Event
	operations    []payment.OperationRecord
	notifications []postgres.Archived
	emails        []payment.Email
	backlog       postgres.Backlog
	deadLetters   []deadletter.Message
	redrives      []deadletter.Redrive
	findings      []payment.Finding
	audit         []audit.Entry
	hold          payment.Hold
	runs          workflows.Runs
	emailRuns     []emailRun

	links       []Link
	databaseErr error
	temporalErr error
}

// Tell tells the story of a payment that the caller has read, perhaps from a cache.
func (t Teller) Tell(ctx context.Context, l language.Language, p payment.Payment) Story {
	return write(t.gather(ctx, p, true, nil), l, time.Now())
}

// TellUnread tells what is known of a payment with this ID that the database does not have, or while the database does not answer: err is
// its error, or nil.
func (t Teller) TellUnread(ctx context.Context, l language.Language, id string, err error) Story {
	return write(t.gather(ctx, payment.Payment{ID: id}, false, err), l, time.Now())
}

// gather asks the database and Temporal at once.
func (t Teller) gather(ctx context.Context, p payment.Payment, stored bool, databaseErr error) facts {
	f := facts{payment: p, stored: stored, databaseErr: databaseErr}
	var runs workflows.Runs
	var temporalErr error
	var asked sync.WaitGroup
	asked.Go(func() {
		waiting, cancel := context.WithTimeout(ctx, answerTime)
		defer cancel()
		runs, temporalErr = t.Workflows.RunsOf(waiting, p.ID, maxRuns, maxSteps)
	})
	if f.databaseErr == nil {
		f.databaseErr = t.fromDatabase(ctx, &f)
	}
	asked.Wait()
	f.runs, f.temporalErr = runs, temporalErr
	if f.temporalErr == nil {
		f.emailRuns, f.temporalErr = t.emailsUnsent(ctx, f)
	}
	f.links = t.links(f)
	return f
}

// ask reads one part unless an earlier one failed.
func ask[T any](err *error, into *T, read func() (T, error)) {
	if *err == nil {
		*into, *err = read()
	}
}

// fromDatabase reads everything about a payment; it stops at the first error.
func (t Teller) fromDatabase(ctx context.Context, f *facts) (err error) {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	id, provider := f.payment.ID, f.payment.Provider.PaymentID
	if f.stored {
		ask(&err, &f.events, func() ([]payment.Event, error) { return t.Database.Events(ctx, id, 0, maxRows) })
		ask(&err, &f.operations, func() ([]payment.OperationRecord, error) { return t.Database.Operations(ctx, id) })
		ask(&err, &f.emails, func() ([]payment.Email, error) { return t.Database.Emails(ctx, id) })
		ask(&err, &f.backlog, func() (postgres.Backlog, error) { return t.Database.Backlog(ctx, id) })
		ask(&err, &f.hold, func() (payment.Hold, error) { return t.Database.Hold(ctx, id) })
		ask(&err, &f.findings, func() ([]payment.Finding, error) { return t.Database.FindingsOf(ctx, id, maxRows) })
	}
	if provider != "" {
		ask(&err, &f.notifications, func() ([]postgres.Archived, error) { return t.Database.Notifications(ctx, provider, maxRows) })
	}
	ask(&err, &f.deadLetters, func() ([]deadletter.Message, error) {
		return t.Database.DeadLetters(ctx, deadletter.Filter{PaymentID: id, Limit: maxRows})
	})
	ids := make([]string, len(f.deadLetters))
	for i, d := range f.deadLetters {
		ids[i] = d.ID
	}
	ask(&err, &f.redrives, func() ([]deadletter.Redrive, error) { return t.Database.RedrivesOf(ctx, ids, maxRows) })
	ask(&err, &f.audit, func() ([]audit.Entry, error) { return t.Database.AuditOf(ctx, f.objects(), maxRows) })
	return err
}

// objects are what operators may have done something to, as the audit names them. It copies no facts: Temporal's may still be on their way.
func (f *facts) objects() []string {
	objects := []string{"payment/" + f.payment.ID}
	for _, d := range f.deadLetters {
		objects = append(objects, "dead_letter/"+d.ID)
	}
	for _, r := range f.redrives {
		objects = append(objects, "redrive/"+r.RedriveID)
	}
	for _, found := range f.findings {
		objects = append(objects, "finding/"+findingID(found))
	}
	return objects
}

// emailRun is the sending of an e-mail that has no outcome yet.
type emailRun struct {
	name string // of its notice
	run  workflows.EmailRun
}

// emailsUnsent asks Temporal about the e-mails that were to be sent and have no outcome.
func (t Teller) emailsUnsent(ctx context.Context, f facts) (runs []emailRun, err error) {
	if f.payment.Payer.NotifyBy != payment.ByEmail {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	var asked []string
	for _, e := range f.events {
		name := e.NoticeName()
		if e.Notice() == "" || slices.Contains(asked, name) || f.emailed(name) {
			continue
		}
		run, err := t.Workflows.EmailRun(ctx, f.payment.ID+"/"+name)
		if err != nil {
			return runs, err
		}
		asked, runs = append(asked, name), append(runs, emailRun{name, run})
	}
	return runs, nil
}

// emailed says whether an e-mail has an outcome.
func (f facts) emailed(name string) bool {
	id := payment.NewEmailID(f.payment.ID + "/" + name)
	return slices.ContainsFunc(f.emails, func(e payment.Email) bool { return e.ID == id })
}

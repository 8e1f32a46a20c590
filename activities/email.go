package activities

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"time"

	"go.temporal.io/sdk/activity"

	"github.com/onlywave/onlywave/internal/breaker"
	"github.com/onlywave/onlywave/internal/email"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/ratelimit"
)

const (
	emailsAtOnce = 16              // activities that a mail server may keep which is slow; the rest come again later
	emailNote    = 5 * time.Second // for noting what became of one, also when the activity's own time is over by then
)

// Mail sends e-mails to buyers and operators. Without a Sender none is sent.
type Mail struct {
	Sender    *email.Sender
	Operators []string // addresses; none: operators are not alerted
	// PerReader bounds how many e-mails one buyer's address is sent; nil: as many as there are. A client app decides
	// which address is written to, so that without it others could be flooded in our name.
	PerReader *ratelimit.Distinct
	// PayPage is the address of our page where a payment is paid; nil: e-mails link to the provider's.
	PayPage func(payment.Payment) string
}

// mail is the mail server behind its breaker.
type mail struct {
	Mail
	breaker *breaker.Breaker
	places  chan struct{}
}

func newMail(m Mail, breakers *breaker.Fleet) *mail {
	if m.Sender == nil {
		return nil
	}
	return &mail{Mail: m, breaker: breakers.Breaker(breaker.Email, breaker.Config{}), places: make(chan struct{}, emailsAtOnce)}
}

func (m *mail) on() bool { return m != nil }

// EmailInput names one e-mail. It holds no address: it lives in histories.
type EmailInput struct {
	Name       string           `json:"name"` // unique among all e-mails
	Notice     payment.Notice   `json:"notice"`
	PaymentID  string           `json:"payment_id"`
	DeadLetter *DeadLetterInput `json:"letter,omitempty"` // what operators are alerted of
}

// Emailed is what became of it.
type Emailed struct {
	Outcome payment.EmailOutcome `json:"outcome"`
}

// ToBuyer names the e-mail to the buyer about an event.
func ToBuyer(e payment.Event) EmailInput {
	return EmailInput{Name: e.PaymentID + "/" + e.NoticeName(), Notice: e.Notice(), PaymentID: e.PaymentID}
}

// alertByEmail alerts operators of a dead letter, unless they were alerted of its cause within the hour: when many payments meet one
// fault, one e-mail is enough.
func (a *Activities) alertByEmail(ctx context.Context, in DeadLetterInput) error {
	if !a.mail.on() || len(a.mail.Operators) == 0 {
		return nil
	}
	name := "operators/" + string(in.Cause) + "/" + in.At.UTC().Format("2006-01-02T15")
	in.Trail = nil
	return a.workflows.StartEmail(ctx, EmailInput{Name: name, Notice: payment.Alert, PaymentID: in.PaymentID, DeadLetter: &in})
}

// SendEmail sends one e-mail, to each operator if it is an alert. A second run finds in the database what the first has sent. If
// the database could not take that, it is in the heartbeat of the first run. A twin, with the same Message-ID, is sent only when the
// first run died before its heartbeat.
func (a *Activities) SendEmail(ctx context.Context, in EmailInput) (Emailed, error) {
	if !a.mail.on() {
		return Emailed{}, activityError(&failure.Error{Kind: failure.Unavailable, Message: "no mail server is set for this worker"})
	}
	if in.Notice == payment.Alert && in.DeadLetter != nil {
		done, err := a.alertOperators(ctx, in)
		return done, activityError(err)
	}
	outcome, err := a.emailOnce(ctx, in, payment.NewEmailID(in.Name), func(id string) (email.Message, bool, error) {
		p, err := a.database.Payment(ctx, in.PaymentID)
		if err != nil || in.Notice == payment.HowToPay && (p.Status != payment.Pending || !p.Method.Type.PaidByCode()) {
			return email.Message{}, false, err
		}
		page := ""
		if a.mail.PayPage != nil {
			page = a.mail.PayPage(p)
		}
		m, err := email.ToBuyer(p, in.Notice, id, page)
		return m, true, err
	})
	return Emailed{Outcome: outcome}, activityError(err)
}

// alertOperators sends each operator an e-mail of their own: an address that is refused, or that cannot be reached now, must not
// keep the alert from the others.
func (a *Activities) alertOperators(ctx context.Context, in EmailInput) (done Emailed, err error) {
	alert := email.Alert{
		Cause: in.DeadLetter.Cause, PaymentID: in.DeadLetter.PaymentID, WorkflowID: in.DeadLetter.WorkflowID, RunID: in.DeadLetter.RunID,
		Error: in.DeadLetter.Error, At: in.DeadLetter.At,
	}
	done.Outcome = payment.EmailRefused
	var later error
	for _, operator := range a.mail.Operators {
		outcome, err := a.emailOnce(ctx, in, payment.NewEmailID(in.Name+"/"+operator), func(id string) (email.Message, bool, error) {
			m, err := email.ToOperator(operator, alert, id)
			return m, true, err
		})
		switch {
		case err != nil && outcome != "":
			return Emailed{}, err // sent, and not noted: the next attempt must know that before another is sent
		case err != nil:
			later = err
		case outcome == payment.EmailSent:
			done.Outcome = outcome
		}
	}
	return done, later
}

// emailOnce sends what is written, unless it is known what became of it, and keeps that in the database.
func (a *Activities) emailOnce(ctx context.Context, in EmailInput, id string, write func(id string) (m email.Message, needed bool, err error)) (payment.EmailOutcome, error) {
	known, err := a.database.Email(ctx, id)
	if err == nil || failure.KindOf(err) != failure.NotFound {
		return known.Outcome, err
	}
	m, needed, err := write(id)
	if err != nil {
		return "", err
	}
	outcome, earlier := payment.EmailNeedless, sentEarlier(ctx)
	switch {
	case slices.Contains(earlier, id):
		outcome = payment.EmailSent
	case needed && in.Notice != payment.Alert && !a.mail.wanted(ctx, m):
		outcome = payment.EmailWithheld
	case needed:
		if outcome, err = a.mail.send(ctx, m); err != nil {
			return "", err
		}
	}
	noting, cancel := context.WithTimeout(context.WithoutCancel(ctx), emailNote)
	defer cancel()
	err = a.database.KeepEmail(noting, payment.Email{ID: id, Notice: in.Notice, PaymentID: in.PaymentID, Outcome: outcome, At: a.now()})
	if err != nil && outcome == payment.EmailSent {
		remember(ctx, append(earlier, id))
	}
	return outcome, err
}

// wanted says whether the reader of an e-mail may be sent one more. One that is tried again was counted before.
func (m *mail) wanted(ctx context.Context, e email.Message) bool {
	if m.PerReader == nil || m.PerReader.Admits(ctx, reader(e.To), e.ID) {
		return true
	}
	m.Sender.Withheld(e.Notice)
	return false
}

// reader is a hash of the reader's address: all spellings of an address that reach the same mailbox are one.
func reader(address string) string {
	name, domain, _ := strings.Cut(strings.ToLower(address), "@")
	name, _, _ = strings.Cut(name, "+")
	sum := sha256.Sum256([]byte(name + "@" + domain))
	return hex.EncodeToString(sum[:16])
}

// sentEarlier is what an earlier attempt has sent and could not note in the database. One that can be read and not written, as
// during a fail-over, must not cost the reader an e-mail with each attempt.
func sentEarlier(ctx context.Context) (ids []string) {
	if activity.IsActivity(ctx) && activity.HasHeartbeatDetails(ctx) {
		_ = activity.GetHeartbeatDetails(ctx, &ids) // what remember has kept
	}
	return ids
}

// remember keeps the IDs for the next attempt, in the heartbeat.
func remember(ctx context.Context, ids []string) {
	if activity.IsActivity(ctx) {
		activity.RecordHeartbeat(ctx, ids)
	}
}

// send takes a free place, and asks the breaker. That the mail server refuses an e-mail for good is an outcome: a wrong address
// is no reason for an alert. When to come again is left to the activity's own retry policy, which widens: thousands of e-mails
// that wait for one server, each asking every few seconds, would be more work than all payments together.
func (m *mail) send(ctx context.Context, written email.Message) (payment.EmailOutcome, error) {
	select {
	case m.places <- struct{}{}:
		defer func() { <-m.places }()
	default:
		return "", &failure.Error{Kind: failure.Limited, Message: "enough e-mails are under way"}
	}
	err := m.breaker.Do(ctx, func(ctx context.Context) error { return m.Sender.Send(ctx, written) })
	switch {
	case err == nil:
		return payment.EmailSent, nil
	case failure.KindOf(err) == failure.Invalid:
		return payment.EmailRefused, nil
	}
	return "", &failure.Error{Kind: failure.KindOf(err), Message: message(err), Err: errors.Unwrap(err)}
}

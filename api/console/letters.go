package console

import (
	"crypto/rand"
	"strings"

	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/workflows"
)

type lettersPage struct {
	Filter  payment.LetterFilter
	State   string // as the form has it
	States  []payment.LetterState
	Causes  []payment.Cause
	Letters []payment.DeadLetter
	Next    string
	Key     string // of the redrive that the page's form may start, once
}

func (c *Console) listLetters(v *visit) (reply, error) {
	page := lettersPage{State: v.FormValue("state"), States: payment.LetterStates(), Causes: payment.Causes(), Key: rand.Text()}
	if page.State == "" {
		page.State = string(payment.LetterOpen)
	}
	page.Filter = letterFilter(v)
	page.Filter.State, page.Filter.Limit = payment.ParseLetterState(page.State), pageSize+1
	if err := position(v, &page.Filter.After); err != nil {
		return reply{}, err
	}
	found, err := c.deadLetters.List(v.Context(), page.Filter)
	if err != nil {
		return reply{}, err
	}
	page.Letters, page.Next = cut(v, found, func(l payment.DeadLetter) payment.Position {
		return payment.Position{CreatedAt: l.DiedAt, ID: l.ID}
	})
	return reply{page: "dead-letters", title: "Dead letters", data: page}, nil
}

// letterFilter is what a form says of which letters are meant, whatever their state.
func letterFilter(v *visit) payment.LetterFilter {
	text := func(name string) string { return strings.TrimSpace(v.FormValue(name)) }
	return payment.LetterFilter{
		Source: payment.Source(text("source")), Cause: payment.Cause(text("cause")),
		Fingerprint: text("fingerprint"), PaymentID: text("payment_id"),
	}
}

type letterPage struct {
	payment.DeadLetter
	Redrives []payment.Redrive
	Temporal string
	Key      string // of the redrive that the page's button may start, once
}

// Open says that something can be done.
func (p letterPage) Open() bool { return p.State == payment.LetterOpen }

func (c *Console) showLetter(v *visit) (reply, error) {
	l, err := c.deadLetters.Show(v.Context(), v.PathValue("id"))
	if err != nil {
		return reply{}, err
	}
	page := letterPage{DeadLetter: l, Key: rand.Text()}
	if l.PaymentID != "" {
		page.Temporal = c.temporal(workflows.WorkflowID(l.PaymentID))
	}
	page.Redrives, err = c.config.Record.Redrives(v.Context(), l.ID)
	return reply{page: "dead-letter", title: "Dead letter " + l.ID, data: page}, err
}

// discardLetter gives a letter up for good.
func (c *Console) discardLetter(v *visit) (reply, error) {
	l, err := c.deadLetters.Discard(v.Context(), v.actor(), v.PathValue("id"), v.PostFormValue("reason"))
	if err != nil {
		return reply{}, err
	}
	c.acted(v, "discard", "dead_letter", l.ID)
	c.notify(v, "The dead letter is discarded.")
	return reply{to: "/console/dead-letters/" + l.ID}, nil
}

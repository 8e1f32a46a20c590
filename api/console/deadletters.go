package console

import (
	"crypto/rand"
	"strings"

	"github.com/onlywave/onlywave/internal/deadletter"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/workflows"
)

type lettersPage struct {
	Filter  deadletter.Filter
	State   string // as the form has it
	States  []deadletter.State
	Causes  []deadletter.Cause
	Letters []deadletter.Message
	Next    string
	Key     string // of the redrive that the page's form may start, once
}

func (c *Console) listLetters(v *visit) (reply, error) {
	page := lettersPage{State: v.FormValue("state"), States: deadletter.States(), Causes: deadletter.Causes(), Key: rand.Text()}
	if page.State == "" {
		page.State = string(deadletter.Open)
	}
	page.Filter = letterFilter(v)
	page.Filter.State, page.Filter.Limit = deadletter.ParseState(page.State), pageSize+1
	if err := position(v, &page.Filter.After); err != nil {
		return reply{}, err
	}
	found, err := c.deadLetters.List(v.Context(), page.Filter)
	if err != nil {
		return reply{}, err
	}
	page.Letters, page.Next = cut(v, found, func(l deadletter.Message) payment.Position {
		return payment.Position{CreatedAt: l.DiedAt, ID: l.ID}
	})
	return reply{page: "dead-letters", title: "Dead letters", data: page}, nil
}

// letterFilter is what a form says of which letters are meant, whatever their state.
func letterFilter(v *visit) deadletter.Filter {
	text := func(name string) string { return strings.TrimSpace(v.FormValue(name)) }
	return deadletter.Filter{
		Source: deadletter.Source(text("source")), Cause: deadletter.Cause(text("cause")),
		Fingerprint: text("fingerprint"), PaymentID: text("payment_id"),
	}
}

type letterPage struct {
	deadletter.Message
	Redrives []deadletter.Redrive
	Temporal string
	Key      string // of the redrive that the page's button may start, once
}

// Open says that something can be done.
func (p letterPage) Open() bool { return p.State == deadletter.Open }

func (c *Console) showLetter(v *visit) (reply, error) {
	l, err := c.deadLetters.Show(v.Context(), v.PathValue("id"))
	if err != nil {
		return reply{}, err
	}
	page := letterPage{Message: l, Key: rand.Text()}
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

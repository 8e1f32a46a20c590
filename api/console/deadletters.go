package console

import (
	"crypto/rand"
	"strings"
	"time"

	"github.com/onlywave/onlywave/internal/deadletter"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/presence"
	"github.com/onlywave/onlywave/workflows"
)

type deadLettersPage struct {
	Filter      deadletter.Filter
	State       string // of the form
	States      []deadletter.State
	Causes      []deadletter.Cause
	Sources     []deadletter.Source
	DeadLetters []deadletter.Message
	Next        string
	Key         string // idempotency key of the redrive that the form starts
}

func (c *Console) listDeadLetters(r *request) (response, error) {
	page := deadLettersPage{State: r.FormValue("state"), States: deadletter.States(), Causes: deadletter.Causes(),
		Sources: []deadletter.Source{deadletter.FromWebhook, deadletter.FromWorkflow}, Key: rand.Text()}
	if page.State == "" {
		page.State = string(deadletter.Open)
	}
	page.Filter = formFilter(r)
	page.Filter.State, page.Filter.Limit = deadletter.ParseState(page.State), pageSize+1
	if err := position(r, &page.Filter.After); err != nil {
		return response{}, err
	}
	found, err := c.deadLetters.List(r.Context(), page.Filter)
	if err != nil {
		return response{}, err
	}
	page.DeadLetters, page.Next = cut(r, found, func(m deadletter.Message) payment.Position {
		return payment.Position{CreatedAt: m.DiedAt, ID: m.ID}
	})
	return response{page: "dead-letters", title: "Dead letters", data: page}, nil
}

// formFilter is the filter of a form, without its state.
func formFilter(r *request) deadletter.Filter {
	text := func(name string) string { return strings.TrimSpace(r.FormValue(name)) }
	return deadletter.Filter{
		Source: deadletter.Source(text("source")), Cause: deadletter.Cause(text("cause")),
		Fingerprint: text("fingerprint"), PaymentID: text("payment_id"),
	}
}

type deadLetterPage struct {
	deadletter.Message
	Redrives []deadletter.Redrive
	Others   []presence.Look // who else looks at it
	Temporal string
	Key      string // idempotency key of the redrive that the button starts
}

// Open says that the dead letter can be redriven or discarded.
func (p deadLetterPage) Open() bool { return p.State == deadletter.Open }

func (c *Console) showDeadLetter(r *request) (response, error) {
	m, err := c.deadLetters.Show(r.Context(), r.PathValue("id"))
	if err != nil {
		return response{}, err
	}
	page := deadLetterPage{Message: m, Key: rand.Text()}
	page.Others = c.config.Presence.Look(r.Context(), "dead_letter/"+m.ID, r.user.Name, time.Now())
	if m.PaymentID != "" {
		page.Temporal = c.temporal(workflows.WorkflowID(m.PaymentID))
	}
	page.Redrives, err = c.config.Store.Redrives(r.Context(), m.ID)
	return response{page: "dead-letter", title: "Dead letter", subject: m.ID, data: page}, err
}

// discardDeadLetter closes a dead letter for good.
func (c *Console) discardDeadLetter(r *request) (response, error) {
	m, err := c.deadLetters.Discard(r.Context(), r.actor(), r.PathValue("id"), r.PostFormValue("reason"))
	if err != nil {
		return response{}, err
	}
	c.logAction(r, "discard", "dead_letter", m.ID)
	c.setNotice(r, r.say("The dead letter is discarded."))
	return response{redirect: "/console/dead-letters/" + m.ID}, nil
}

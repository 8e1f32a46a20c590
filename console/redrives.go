package console

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/workflows"
)

// canaryWait is how long a redrive waits to see what becomes of its canaries.
const canaryWait = time.Minute

// redriveLetter sends one letter again.
func (c *Console) redriveLetter(v *visit) (reply, error) {
	l, err := c.letter(v)
	if err != nil {
		return reply{}, err
	}
	reason := strings.TrimSpace(v.PostFormValue("reason"))
	if reason != "" {
		if wrong := payment.ReasonFields(reason); len(wrong) > 0 {
			return reply{}, &payment.Error{Kind: payment.Invalid, Message: "the form is not valid", Fields: wrong}
		}
	}
	in := workflows.RedriveInput{Reason: reason, Filter: payment.LetterFilter{IDs: []string{l.ID}}}
	return c.redrive(v, in, l.Redrivable())
}

// redriveLetters sends many letters again, or counts them.
func (c *Console) redriveLetters(v *visit) (reply, error) {
	var wrong []payment.Field
	number := func(name string, most int) int {
		text := v.PostFormValue(name)
		n, err := strconv.Atoi(text)
		if text != "" && (err != nil || n < 0 || n > most) {
			wrong = append(wrong, payment.Field{Pointer: "/" + name, Detail: fmt.Sprintf("must be a whole number from 0 to %d", most)})
		}
		return n
	}
	in := workflows.RedriveInput{
		Reason: strings.TrimSpace(v.PostFormValue("reason")), Filter: letterFilter(v), DryRun: v.PostFormValue("dry_run") != "",
		Canary: number("canary", workflows.CanaryMax), CanaryWait: canaryWait, Rate: number("rate", workflows.RateMax),
		StopAfter: number("stop_after_errors", workflows.StopAfterMax),
	}
	wrong = append(append(wrong, payment.ReasonFields(in.Reason)...), in.Filter.Fields()...)
	if !chooses(in.Filter) {
		wrong = append(wrong, payment.Field{Pointer: "/filter", Detail: "must choose by source, cause, fingerprint or payment: nobody means all of them"})
	}
	if len(wrong) > 0 {
		return reply{}, &payment.Error{Kind: payment.Invalid, Message: "the form is not valid", Fields: wrong}
	}
	return c.redrive(v, in, nil)
}

// redrive leads to the redrive that belongs to the form's key, which it starts unless it is there: sending a form twice is
// sending it once. refused is why it may not be started, or nil.
func (c *Console) redrive(v *visit, in workflows.RedriveInput, refused error) (reply, error) {
	key := v.PostFormValue("key")
	if key == "" || len(key) > 64 {
		return reply{}, &payment.Error{Kind: payment.Invalid, Message: "the form is not complete"}
	}
	if in.DryRun {
		key += " counted" // the same form, sent in earnest, is another redrive
	}
	joined, err := workflows.RedriveOnce(v.Context(), c.config.Redrives, v.user.Name, key, &in, refused)
	if err != refused && payment.KindOf(err) == payment.Conflict {
		err = &payment.Error{Kind: payment.Conflict, Message: "this form was sent before, and said something else"}
	}
	if err != nil {
		return reply{}, err
	}
	if !joined {
		c.acted(v, "redrive", "redrive_id", in.ID)
	}
	return reply{to: "/console/redrives/" + in.ID}, nil
}

type redrivePage struct {
	ID string
	workflows.RedriveProgress
	Temporal string
}

// Through is how many letters have been dealt with.
func (p redrivePage) Through() int { return p.Standing.Sent + p.Standing.Failed }

// refreshEvery is how often a browser looks again while a redrive goes on, in seconds.
const refreshEvery = 2

func (c *Console) showRedrive(v *visit) (reply, error) {
	id := v.PathValue("id")
	if !payment.ValidID(id) {
		return reply{}, &payment.Error{Kind: payment.NotFound, Message: "there is no redrive with this id"}
	}
	progress, err := c.config.Redrives.RedriveProgress(v.Context(), id)
	if err != nil {
		return reply{}, err
	}
	page := reply{page: "redrive", title: "Redrive " + id, data: redrivePage{
		ID: id, RedriveProgress: progress, Temporal: c.temporal(workflows.RedriveWorkflowID(id)),
	}}
	if !progress.State.Over() {
		page.refresh = refreshEvery
	}
	return page, nil
}

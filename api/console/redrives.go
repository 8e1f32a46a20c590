package console

import (
	"errors"
	"strconv"

	"github.com/onlywave/onlywave/internal/deadletter"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/workflows"
)

// redriveLetter sends one letter again.
func (c *Console) redriveLetter(v *visit) (reply, error) {
	key, err := formKey(v)
	if err != nil {
		return reply{}, err
	}
	started, err := c.deadLetters.RedriveOne(v.Context(), v.actor(), key, v.PathValue("id"), v.PostFormValue("reason"))
	return c.redriveStarted(v, started, err)
}

// redriveLetters sends many letters again, or counts them.
func (c *Console) redriveLetters(v *visit) (reply, error) {
	key, err := formKey(v)
	if err != nil {
		return reply{}, err
	}
	plan, wrong := planOf(v)
	if len(wrong) > 0 {
		return reply{}, &failure.Error{Kind: failure.Invalid, Message: "the form is not valid", Fields: append(wrong, plan.Fields()...)}
	}
	if plan.DryRun {
		key += " counted" // the same form, sent in earnest, is another redrive
	}
	started, err := c.deadLetters.Redrive(v.Context(), v.actor(), key, plan)
	return c.redriveStarted(v, started, err)
}

// planOf reads a form, and finds what is no number.
func planOf(v *visit) (deadletter.Plan, []failure.Field) {
	var wrong []failure.Field
	number := func(name string) int {
		text := v.PostFormValue(name)
		if text == "" {
			return 0
		}
		n, err := strconv.Atoi(text)
		if err != nil {
			wrong = append(wrong, failure.Field{Pointer: "/" + name, Detail: "must be a whole number"})
		}
		return n
	}
	return deadletter.Plan{
		Reason: v.PostFormValue("reason"), Filter: letterFilter(v), DryRun: v.PostFormValue("dry_run") != "",
		Canary: number("canary"), CanaryWait: deadletter.DefaultCanaryWait, Rate: number("rate"), StopAfter: number("stop_after_errors"),
	}, wrong
}

// formKey is the key that a form was made with: sending it twice is sending it once.
func formKey(v *visit) (string, error) {
	key := v.PostFormValue("key")
	if key == "" || len(key) > 64 {
		return "", &failure.Error{Kind: failure.Invalid, Message: "the form is not complete"}
	}
	return key, nil
}

// redriveStarted leads to the redrive.
func (c *Console) redriveStarted(v *visit, started deadletter.Started, err error) (reply, error) {
	if errors.Is(err, deadletter.ErrKeyUsed) {
		err = &failure.Error{Kind: failure.Conflict, Message: "this form was sent before, and said something else"}
	}
	if err != nil {
		return reply{}, err
	}
	if !started.Joined {
		c.acted(v, "redrive", "redrive_id", started.ID)
	}
	return reply{to: "/console/redrives/" + started.ID}, nil
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
		return reply{}, &failure.Error{Kind: failure.NotFound, Message: "there is no redrive with this id"}
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

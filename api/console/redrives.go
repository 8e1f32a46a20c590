package console

import (
	"errors"
	"strconv"

	"github.com/onlywave/onlywave/internal/deadletter"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/workflows"
)

// redriveDeadLetter sends one dead letter again.
func (c *Console) redriveDeadLetter(r *request) (response, error) {
	key, err := formKey(r)
	if err != nil {
		return response{}, err
	}
	started, err := c.deadLetters.RedriveOne(r.Context(), r.actor(), key, r.PathValue("id"), r.PostFormValue("reason"))
	return c.redriveStarted(r, started, err)
}

// redriveDeadLetters sends the dead letters of a filter again, or only counts them.
func (c *Console) redriveDeadLetters(r *request) (response, error) {
	key, err := formKey(r)
	if err != nil {
		return response{}, err
	}
	plan, wrong := planOf(r)
	if len(wrong) > 0 {
		return response{}, &failure.Error{Kind: failure.Invalid, Message: "the form is not valid", Fields: append(wrong, plan.Fields()...)}
	}
	if plan.DryRun {
		key += " counted" // the same form without the dry run is another redrive
	}
	started, err := c.deadLetters.Redrive(r.Context(), r.actor(), key, plan)
	return c.redriveStarted(r, started, err)
}

// planOf reads the plan of a form, with an error for each field that is not a number.
func planOf(r *request) (deadletter.Plan, []failure.Field) {
	var wrong []failure.Field
	number := func(name string) int {
		text := r.PostFormValue(name)
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
		Reason: r.PostFormValue("reason"), Filter: formFilter(r), DryRun: r.PostFormValue("dry_run") != "",
		Canary: number("canary"), CanaryWait: deadletter.DefaultCanaryWait, Rate: number("rate"), StopAfter: number("stop_after_errors"),
	}, wrong
}

// formKey is the idempotency key inside the form: a form that is sent twice starts one redrive.
func formKey(r *request) (string, error) {
	key := r.PostFormValue("key")
	if key == "" || len(key) > 64 {
		return "", &failure.Error{Kind: failure.Invalid, Message: "the form is not complete"}
	}
	return key, nil
}

// redriveStarted redirects to the redrive's page.
func (c *Console) redriveStarted(r *request, started deadletter.Started, err error) (response, error) {
	if errors.Is(err, deadletter.ErrKeyUsed) {
		err = &failure.Error{Kind: failure.Conflict, Message: "this form was already sent with other values"}
	}
	if err != nil {
		return response{}, err
	}
	if !started.Joined {
		c.logAction(r, "redrive", "redrive_id", started.ID)
	}
	return response{redirect: "/console/redrives/" + started.ID}, nil
}

type redrivePage struct {
	ID string
	workflows.RedriveProgress
	Temporal string
}

// Done is the number of dead letters that were sent or failed.
func (p redrivePage) Done() int { return p.Standing.Sent + p.Standing.Failed }

// refreshEvery is the time between two reloads of the page of a running redrive, in seconds.
const refreshEvery = 2

func (c *Console) showRedrive(r *request) (response, error) {
	id := r.PathValue("id")
	if !payment.ValidID(id) {
		return response{}, &failure.Error{Kind: failure.NotFound, Message: "there is no redrive with this id"}
	}
	progress, err := c.config.Redrives.RedriveProgress(r.Context(), id)
	if err != nil {
		return response{}, err
	}
	page := response{page: "redrive", title: "Redrive", subject: id, data: redrivePage{
		ID: id, RedriveProgress: progress, Temporal: c.temporal(workflows.RedriveWorkflowID(id)),
	}}
	if !progress.State.Over() {
		page.refresh = refreshEvery
	}
	return page, nil
}

package activities

import (
	"context"
	"errors"
	"sync"
	"time"

	"go.temporal.io/sdk/activity"
	"golang.org/x/sync/errgroup"

	"github.com/onlywave/onlywave/internal/deadletter"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/rabbitmq"
)

const (
	redrivesAtOnce = 16
	redriveTimeout = 5 * time.Second // for one dead letter

	// strandedAfter is when a dead letter that is being sent begins to be doubted: a batch of a redrive that was terminated just now may
	// still be on its way for some seconds. If it takes longer after all, a dead letter goes out twice under the same ID.
	strandedAfter = time.Minute
)

// SurveyInput chooses open dead letters.
type SurveyInput struct {
	Filter deadletter.Filter `json:"filter"`
}

// SurveyDeadLetters counts what a redrive would send again, with the dead letters of those that were terminated. A second run finds
// these open, and counts the same.
func (a *Activities) SurveyDeadLetters(ctx context.Context, in SurveyInput) (deadletter.Survey, error) {
	if err := a.openStranded(ctx); err != nil {
		return deadletter.Survey{}, activityError(err)
	}
	survey, err := a.database.SurveyDeadLetters(ctx, in.Filter)
	if err != nil {
		return survey, activityError(err)
	}
	return survey, nil
}

// Redrive sends dead letters again: a webhook's message to where it was first published, under the same ID; a workflow's
// dead letter as a signal to its payment. Dead letters are marked before they are sent and settled afterwards, so a second run sends
// those again that the first may not have sent, as twins at worst, and takes no others.
func (a *Activities) Redrive(ctx context.Context, in deadletter.Batch) (deadletter.Progress, error) {
	messages, err := a.database.TakeForRedrive(ctx, in)
	if err != nil {
		return deadletter.Progress{}, activityError(err)
	}
	if err := a.redrive(ctx, in.RedriveID, messages); err != nil {
		return deadletter.Progress{}, activityError(err)
	}
	return a.RedriveStanding(ctx, in)
}

// RedriveStanding counts how far a redrive has come. It only reads.
func (a *Activities) RedriveStanding(ctx context.Context, in deadletter.Batch) (deadletter.Progress, error) {
	standing, err := a.database.Standing(ctx, in)
	if err != nil {
		return standing, activityError(err)
	}
	return standing, nil
}

// AbandonInput names a redrive that ends early, and why.
type AbandonInput struct {
	RedriveID string `json:"redrive_id"`
	Why       string `json:"why"`
}

// AbandonRedrive opens those dead letters again that were marked and may not have been sent. A second run finds none.
func (a *Activities) AbandonRedrive(ctx context.Context, in AbandonInput) error {
	if err := a.database.AbandonRedrive(ctx, in.RedriveID, in.Why); err != nil {
		return activityError(err)
	}
	return nil
}

// ReopenStranded opens dead letters again that redrives have left behind which were terminated. A second run finds none.
func (a *Activities) ReopenStranded(ctx context.Context) error {
	if err := a.openStranded(ctx); err != nil {
		return activityError(err)
	}
	return nil
}

// openStranded opens dead letters again that were marked by redrives which run no more and could not do so themselves: they were
// terminated. A second run finds none.
func (a *Activities) openStranded(ctx context.Context) error {
	ids, err := a.database.Redriving(ctx, strandedAfter)
	if err != nil {
		return err
	}
	for _, id := range ids {
		runs, err := a.workflows.RedriveRuns(ctx, id)
		if err != nil {
			return err
		}
		if runs {
			continue
		}
		if err := a.database.AbandonRedrive(ctx, id, "the redrive was terminated"); err != nil {
			return err
		}
	}
	return nil
}

// redrive sends dead letters, several at once, and writes down what became of them. When a dependency fails, or the
// redrive is cancelled, what was sent by then is written down all the same.
func (a *Activities) redrive(ctx context.Context, redriveID string, messages []deadletter.Message) error {
	var mu sync.Mutex
	var sent, failed, why []string
	var group errgroup.Group
	group.SetLimit(redrivesAtOnce)
	for _, l := range messages {
		group.Go(func() error {
			err := a.sendAgain(ctx, l)
			if activity.IsActivity(ctx) {
				activity.RecordHeartbeat(ctx)
			}
			mu.Lock()
			defer mu.Unlock()
			switch kind := failure.KindOf(err); {
			case err == nil:
				sent = append(sent, l.ID)
			case kind == failure.Unavailable || kind == failure.Limited:
				return err
			default:
				failed, why = append(failed, l.ID), append(why, message(err))
			}
			return nil
		})
	}
	err := group.Wait()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), redriveTimeout)
	defer cancel()
	return errors.Join(err, a.database.SettleRedrive(ctx, redriveID, sent, failed, why))
}

func (a *Activities) sendAgain(ctx context.Context, l deadletter.Message) error {
	ctx, cancel := context.WithTimeout(ctx, redriveTimeout)
	defer cancel()
	if l.Source == deadletter.FromWorkflow {
		return a.signal(ctx, l)
	}
	err := a.publisher.Publish(ctx, l.Original.Exchange, rabbitmq.Message{
		ID: l.Original.ID, Key: l.Original.Key, ContentType: l.Original.ContentType, Body: l.Original.Body, Time: l.Original.SentAt,
		Headers: map[string]any{rabbitmq.HeaderDeaths: int64(l.Deaths)},
	})
	switch {
	case err == nil:
		return nil
	case errors.Is(err, rabbitmq.ErrUnavailable), errors.Is(err, rabbitmq.ErrRefused):
		return &failure.Error{Kind: failure.Unavailable, Message: "the broker did not take the message", Err: err}
	case errors.Is(err, rabbitmq.ErrUnroutable):
		return &failure.Error{Kind: failure.Invalid, Message: "no queue is bound for the message any more", Err: err}
	}
	return &failure.Error{Kind: failure.Invalid, Message: "the message cannot be sent as it is", Err: err}
}

// signal signals a dead letter's payment. If the payment was never written, only the history of its run holds the request: a new run
// would find no payment and end without an error.
func (a *Activities) signal(ctx context.Context, l deadletter.Message) error {
	if l.PaymentID == "" {
		return &failure.Error{Kind: failure.Invalid, Message: "the dead letter names no payment"}
	}
	_, err := a.database.Payment(ctx, l.PaymentID)
	if failure.KindOf(err) == failure.NotFound {
		return &failure.Error{Kind: failure.Invalid, Message: "the payment was never written: reset run " + l.RunID + " to its first task"}
	}
	if err != nil {
		return err
	}
	return a.workflows.Signal(ctx, l.PaymentID)
}

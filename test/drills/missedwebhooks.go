package drills

import (
	"context"
	"time"

	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/test/platform"
)

// countMissed notes how many missed webhooks reconciliation has counted before the fault.
func countMissed(ctx context.Context, s *Scene) (err error) {
	s.missed, err = s.countMissed(ctx)
	return err
}

func (s *Scene) countMissed(ctx context.Context) (int, error) {
	var reconciliation struct {
		Totals []struct {
			Kind string `json:"kind"`
			All  int    `json:"all"`
		} `json:"totals"`
	}
	if err := s.read(ctx, "/v1/reconciliation", &reconciliation); err != nil {
		return 0, err
	}
	for _, t := range reconciliation.Totals {
		if t.Kind == "missed_webhook" {
			return t.All, nil
		}
	}
	return 0, nil
}

const reconcileWait = time.Minute

// theMissedAreCounted: reconciliation counts every payment whose last webhook was lost. A lost webhook that was followed by another
// before reconciliation ran may be counted or not, and so may one of a refund or a cancel, whose answer has brought the news.
func theMissedAreCounted(ctx context.Context, s *Scene) ([]Objection, error) {
	all, lost, lastLost := 0, 0, map[string]bool{}
	for _, w := range s.Evidence.Webhooks {
		if w.Time.Before(s.Began) {
			continue
		}
		all++
		lastLost[w.PaymentID] = w.Suppressed
		if w.Suppressed {
			lost++
		}
	}
	least, ours := 0, s.Evidence.changedByUs()
	for id, isLost := range lastLost {
		if isLost && !ours[id] {
			least++
		}
	}
	counted := 0
	for end := time.Now().Add(reconcileWait); time.Now().Before(end); {
		now, err := s.countMissed(ctx)
		if err != nil {
			return nil, err
		}
		if counted = now - s.missed; counted >= least {
			break
		}
		if !platform.Pause(ctx, time.Second) {
			return nil, ctx.Err()
		}
	}
	s.remark("%d of %d webhooks lost, the last webhook of %d payments; counted as missed: %d", lost, all, least, counted)
	if least == 0 || counted < least || counted > lost {
		return []Objection{object("missed webhooks are counted", "", "%d were lost, the last webhook of %d payments among them, and %d are counted", lost, least, counted)}, nil
	}
	return nil, nil
}

// changedByUs are the provider's ids of the payments that were asked to be refunded or cancelled.
func (e Evidence) changedByUs() map[string]bool {
	asked := map[string]bool{}
	for _, o := range e.Operations {
		if o.Kind != string(payment.Charge) {
			asked[o.PaymentID] = true
		}
	}
	ids := map[string]bool{}
	for _, p := range e.Payments {
		if asked[p.ID] {
			ids[p.ProviderPaymentID] = true
		}
	}
	return ids
}

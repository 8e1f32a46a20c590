package drills

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/onlywave/onlywave/test/load"
)

// everyClientIsAnswered: repeating a request under the same key was enough; no client had to give up.
func everyClientIsAnswered(_ context.Context, s *Scene) ([]Objection, error) {
	var objections []Objection
	for _, i := range s.Log.Intents {
		if !i.Shed && !i.Acknowledged {
			objections = append(objections, object("every client is answered", i.PaymentID, "%s got %s", i.Key, answers(i)))
		}
	}
	for _, c := range s.Log.Checkouts {
		if !c.Acknowledged {
			objections = append(objections, object("every client is answered", c.ID, "%s got %s", c.Key, answered(c.Answers)))
		}
	}
	return objections, nil
}

// noRequestFails: every client got a 2xx the first time.
func noRequestFails(_ context.Context, s *Scene) ([]Objection, error) {
	var objections []Objection
	for _, i := range s.Log.Intents {
		if i.Shed || len(i.Answers) != 1 || !i.Acknowledged {
			objections = append(objections, object("no request fails", i.PaymentID, "%s got %s", i.Key, answers(i)))
		}
	}
	for _, c := range s.Log.Checkouts {
		if !c.Acknowledged || slices.ContainsFunc(c.Answers, func(a load.Answer) bool { return !a.Acknowledged() }) {
			objections = append(objections, object("no request fails", c.ID, "%s got %s", c.Key, answered(c.Answers)))
		}
	}
	return objections, nil
}

// webhooksAreTaken: every notification that the simulator sent was answered 200 the first time.
func webhooksAreTaken(ctx context.Context, s *Scene) ([]Objection, error) {
	attempts, err := s.Provider.Webhooks(ctx, "")
	if err != nil {
		return nil, err
	}
	sent := 0
	var objections []Objection
	for _, a := range attempts {
		if a.Suppressed || a.Time.Before(s.Began) {
			continue
		}
		sent++
		if !a.Delivered {
			objections = append(objections, object("every webhook is taken", "", "notification %d of the provider's payment %s got %d %s after %s",
				a.NotificationID, a.PaymentID, a.Status, a.Error, a.Duration.Round(time.Millisecond)))
		}
	}
	if sent == 0 {
		objections = append(objections, object("every webhook is taken", "", "none was sent, so nothing is shown"))
	}
	return objections, nil
}

// latencyStays: the fault does not make requests slower. The slowest of so few requests say little on a busy machine, so they are
// only shown, and the median decides.
func latencyStays(_ context.Context, s *Scene) ([]Objection, error) {
	const most = 100 * time.Millisecond
	var during, outside []time.Duration
	for _, i := range s.Log.Intents {
		switch took := i.Answered.Sub(i.Intended); {
		case i.Shed:
		case i.Intended.After(s.Struck) && i.Intended.Before(s.Healed):
			during = append(during, took)
		case i.Answered.Before(s.Struck) || i.Intended.After(s.Healed):
			outside = append(outside, took)
		}
	}
	if len(during) == 0 || len(outside) == 0 {
		return []Objection{object("latency stays", "", "%d requests during the fault and %d outside of it are too few", len(during), len(outside))}, nil
	}
	slices.Sort(during)
	slices.Sort(outside)
	middle := func(of []time.Duration) time.Duration { return of[len(of)/2].Round(time.Millisecond) }
	slowest := func(of []time.Duration) time.Duration { return of[len(of)-1].Round(time.Millisecond) }
	s.remark("median %s during the fault, %s otherwise; slowest %s and %s", middle(during), middle(outside), slowest(during), slowest(outside))
	if middle(during) > middle(outside)+most {
		return []Objection{object("latency stays", "", "the median was %s during the fault and %s otherwise", middle(during), middle(outside))}, nil
	}
	return nil, nil
}

// everyPartRuns: no process has exited because a dependency was unavailable.
func (s *Scene) everyPartRuns() []Objection {
	var objections []Objection
	for _, p := range s.parts() {
		select {
		case <-p.Exited():
			objections = append(objections, object("no process exits by itself", "", "process %d has", p.PID()))
		default:
		}
	}
	return objections
}

// floodCame: the flood of webhooks was sent in full, and no forged one was accepted.
func floodCame(_ context.Context, s *Scene) ([]Objection, error) {
	c := s.Log.Counts
	s.remark("%d forged webhooks, %d accepted; %d replayed", c.Forged, c.ForgedLetIn, c.Replayed)
	if c.Forged < s.Drill.Flood.Forged || c.Replayed < s.Drill.Flood.Replayed || c.ForgedLetIn > 0 || c.WebhooksUnanswered > 0 {
		return []Objection{object("forged webhooks are refused and all are answered", "", "%d forged, %d of them accepted, %d replayed, %d without an answer",
			c.Forged, c.ForgedLetIn, c.Replayed, c.WebhooksUnanswered)}, nil
	}
	return nil, nil
}

// replaysAreLeft: a copy of a stored webhook is neither stored again nor processed, except for copies that came at the same moment
// as the first. Each other API process may store a copy once if the signature is only seconds old.
func replaysAreLeft(_ context.Context, s *Scene) ([]Objection, error) {
	kept := map[string]int{}
	for _, n := range s.Evidence.Archived {
		kept[n.RequestID]++
	}
	replayed := map[string]bool{}
	for _, w := range s.Log.Webhooks {
		if w.Kind == load.Replayed && w.LetIn() {
			replayed[w.RequestID] = true
		}
	}
	twins := 0
	for requestID := range replayed {
		twins += kept[requestID] - 1
	}
	s.remark("copies of %d webhooks were sent, and %d were stored again", len(replayed), twins)
	if most := len(replayed)*(len(s.APIs)-1) + s.Drill.Flood.Replayed/100; twins > most {
		return []Objection{object("a replayed webhook is answered and not stored again", "", "%d were stored again, at most %d may be", twins, most)}, nil
	}
	return nil, nil
}

// webhooksWereSpooled: the fault had its effect, by the logs of the API processes.
func webhooksWereSpooled(_ context.Context, s *Scene) ([]Objection, error) {
	spooled := 0
	for _, page := range s.Evidence.Pages {
		if strings.HasPrefix(page.Where, "api") {
			spooled += strings.Count(page.Text, `"msg":"notification spooled"`)
		}
	}
	s.remark("%d webhooks were spooled", spooled)
	if spooled == 0 {
		return []Objection{object("a missing queue sends webhooks to the spool", "", "no webhook was spooled")}, nil
	}
	return nil, nil
}

// poisonIsDeadLettered: each unreadable message is a dead letter with its cause.
func poisonIsDeadLettered(_ context.Context, s *Scene) ([]Objection, error) {
	causes := map[string]string{}
	for _, d := range s.Evidence.DeadLetters {
		causes[d.MessageID] = d.Cause
	}
	var objections []Objection
	for _, id := range s.poison {
		if causes[id] != "unreadable" {
			objections = append(objections, object("an unreadable message ends as a dead letter", "", "message %s has the cause %q", id, causes[id]))
		}
	}
	s.remark("%d unreadable messages, %d without a dead letter", len(s.poison), len(objections))
	if len(s.poison) == 0 {
		objections = append(objections, object("an unreadable message ends as a dead letter", "", "none was sent, so nothing is shown"))
	}
	return objections, nil
}

// answers formats what a client got.
func answers(i load.Intent) string {
	if i.Shed {
		return "nothing: too many requests were in flight"
	}
	return answered(i.Answers)
}

func answered(all []load.Answer) string {
	var texts []string
	for _, a := range all {
		texts = append(texts, strings.TrimSpace(fmt.Sprintf("%d %s after %s", a.Code, a.Error, a.Took.Round(time.Millisecond))))
	}
	return strings.Join(texts, ", then ")
}

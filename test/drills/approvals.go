package drills

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/rabbitmq"
	"github.com/onlywave/onlywave/test/platform"
)

// approvalLimit is how soon after the buyer pays the database must have the approval (docs/slo.md).
const approvalLimit = 60 * time.Second

// Alarm is one moment at which an operator on call could see a fault of the platform.
type Alarm struct {
	At   time.Time
	What string // such as "worker-2: breaker read is open"
}

// paidAreApproved looks at the time of the fault itself: a paid payment is approved within approvalLimit, or an alarm shows a
// fault within the same time. The other rules check what is left after the fault.
func paidAreApproved(e Evidence, say objecting) {
	for id, s := range layOut(e) {
		paid, approved := s.paidAt(e.Since), s.approvedAt()
		if paid.IsZero() || !approved.IsZero() && approved.Sub(paid) <= approvalLimit {
			continue
		}
		if s.deadLetterBefore(paid.Add(approvalLimit)) || alarmed(e.Alarms, paid) {
			continue
		}
		say(id, "it was paid at %s and %s; no alarm within %s", clock(paid), approval(paid, approved), approvalLimit)
	}
}

// paidAreApprovedInTime is stricter: an alarm does not excuse a late approval.
func paidAreApprovedInTime(_ context.Context, s *Scene) ([]Objection, error) {
	var objections []Objection
	slowest := time.Duration(0)
	for id, sides := range layOut(s.Evidence) {
		paid, approved := sides.paidAt(s.Began), sides.approvedAt()
		switch {
		case paid.IsZero():
		case approved.IsZero() || approved.Sub(paid) > approvalLimit:
			objections = append(objections, object("a paid payment is approved in time", id, "it was paid at %s and %s", clock(paid), approval(paid, approved)))
		default:
			slowest = max(slowest, approved.Sub(paid))
		}
	}
	s.remark("the slowest approval came %s after the buyer had paid", slowest.Round(10*time.Millisecond))
	return objections, nil
}

func approval(paid, approved time.Time) string {
	if approved.IsZero() {
		return "never approved"
	}
	return fmt.Sprintf("approved %s later", approved.Sub(paid).Round(time.Millisecond))
}

// paidAt is when the provider took the buyer's money; zero when it did not, or before since.
func (s *sides) paidAt(since time.Time) time.Time {
	for _, entry := range s.entries {
		if ourStatus(entry) == payment.Approved && entry.Time.After(since) {
			return entry.Time
		}
	}
	return time.Time{}
}

// approvedAt is when the approval was written to the database; zero when it was not.
func (s *sides) approvedAt() time.Time {
	for _, e := range s.history {
		if e.Status == payment.Approved {
			return e.At
		}
	}
	return time.Time{}
}

// deadLetterBefore says whether the payment had a dead letter by then.
func (s *sides) deadLetterBefore(end time.Time) bool {
	return slices.ContainsFunc(s.deadLetters, func(d DeadLetter) bool { return d.DiedAt.Before(end) })
}

// alarmed says whether an alarm was raised between the buyer's payment and the end of approvalLimit.
func alarmed(alarms []Alarm, paid time.Time) bool {
	return slices.ContainsFunc(alarms, func(a Alarm) bool { return a.At.After(paid) && a.At.Before(paid.Add(approvalLimit)) })
}

// watchEvery is how often the platform's metrics are read during a drill.
const watchEvery = 2 * time.Second

// watch reads the metrics of all processes during the whole drill and notes the faults that alerts look at: a dependency that is
// down, a breaker that is not closed, a clock that differs, a process without metrics. Stop ends it and returns what it saw.
func watch(ctx context.Context, p *platform.Platform) (stop func() []Alarm) {
	ctx, cancel := context.WithCancel(ctx)
	var alarms []Alarm
	var watching sync.WaitGroup
	watching.Go(func() {
		for platform.Pause(ctx, watchEvery) {
			alarms = append(alarms, look(ctx, p)...)
		}
	})
	return func() []Alarm {
		cancel()
		watching.Wait()
		return alarms
	}
}

func look(ctx context.Context, p *platform.Platform) (alarms []Alarm) {
	for _, part := range p.Showing() {
		asking, cancel := context.WithTimeout(ctx, watchEvery)
		answer, err := p.Show(asking, part, "/metrics")
		cancel()
		if ctx.Err() != nil {
			return alarms
		}
		faults := []string{"shows no metrics"}
		if err == nil {
			faults = faultsIn(string(answer.Body))
		}
		for _, fault := range faults {
			alarms = append(alarms, Alarm{At: time.Now(), What: part + ": " + fault})
		}
	}
	return alarms
}

// faultsIn finds in a page of metrics the faults that alerts look at.
func faultsIn(page string) []string {
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(page))
	if err != nil {
		return []string{"its metrics cannot be read"}
	}
	var faults []string
	for _, m := range families["onlywave_dependency_up"].GetMetric() {
		// A subscriber's queue does not delay payments, so it is no excuse.
		if m.GetGauge().GetValue() == 0 && label(m, "dependency") != rabbitmq.ExchangeEvents {
			faults = append(faults, label(m, "dependency")+" is down")
		}
	}
	for _, m := range families["onlywave_breaker_state"].GetMetric() {
		if state := label(m, "state"); state != "closed" && m.GetGauge().GetValue() == 1 {
			faults = append(faults, "breaker "+label(m, "breaker")+" is "+state)
		}
	}
	for _, m := range families["onlywave_clock_ahead_seconds"].GetMetric() {
		if d := m.GetGauge().GetValue(); d > clockTolerance || d < -clockTolerance {
			faults = append(faults, fmt.Sprintf("its clock is %.0f s ahead", d))
		}
	}
	return faults
}

// clockTolerance is how many seconds a clock may differ before its alert fires.
const clockTolerance = 30

func label(m *dto.Metric, name string) string {
	for _, pair := range m.GetLabel() {
		if pair.GetName() == name {
			return pair.GetValue()
		}
	}
	return ""
}

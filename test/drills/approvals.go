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

// promise is how long after a buyer's payment the database has the approval (docs/slo.md: a buyer who has paid is believed).
const promise = 60 * time.Second

// Alarm is one moment at which somebody on call could see a trouble of the platform.
type Alarm struct {
	At   time.Time
	What string // such as "worker-2: breaker read is open"
}

// paidAreBelieved looks at the time of the fault itself: a payment that was paid is seen as paid within the promise, or
// somebody is told of a trouble within the same time. That all is well after the fault is the other rules' subject.
func paidAreBelieved(e Evidence, say objecting) {
	for id, s := range layOut(e) {
		paid, believed := s.paidAt(e.Since), s.believedAt()
		if paid.IsZero() || !believed.IsZero() && believed.Sub(paid) <= promise {
			continue
		}
		if s.toldBefore(paid.Add(promise)) || alarmed(e.Alarms, paid) {
			continue
		}
		say(id, "it was paid at %s and %s; nobody was told of any trouble within %s", clock(paid), approval(paid, believed), promise)
	}
}

// paidAreSeenInTime is the same without an excuse: no alarm makes up for an approval that is late.
func paidAreSeenInTime(_ context.Context, s *Scene) ([]Objection, error) {
	var objections []Objection
	slowest := time.Duration(0)
	for id, sides := range layOut(s.Evidence) {
		paid, believed := sides.paidAt(s.Began), sides.believedAt()
		switch {
		case paid.IsZero():
		case believed.IsZero() || believed.Sub(paid) > promise:
			objections = append(objections, object("who has paid is believed in time", id, "it was paid at %s and %s", clock(paid), approval(paid, believed)))
		default:
			slowest = max(slowest, believed.Sub(paid))
		}
	}
	s.remark("the slowest approval came %s after the buyer had paid", slowest.Round(10*time.Millisecond))
	return objections, nil
}

func approval(paid, believed time.Time) string {
	if believed.IsZero() {
		return "never approved"
	}
	return fmt.Sprintf("approved %s later", believed.Sub(paid).Round(time.Millisecond))
}

// paidAt is when the provider took the buyer's money; zero when it did not, or before since.
func (s *sides) paidAt(since time.Time) time.Time {
	for _, entry := range s.entries {
		if inOurWords(entry) == payment.Approved && entry.Time.After(since) {
			return entry.Time
		}
	}
	return time.Time{}
}

// believedAt is when the database came to have the approval.
func (s *sides) believedAt() time.Time {
	for _, e := range s.history {
		if e.Status == payment.Approved {
			return e.At
		}
	}
	return time.Time{}
}

// toldBefore says whether the payment was a dead letter by then.
func (s *sides) toldBefore(end time.Time) bool {
	return slices.ContainsFunc(s.letters, func(d DeadLetter) bool { return d.DiedAt.Before(end) })
}

// alarmed says whether a trouble could be seen between the buyer's payment and the end of the promise.
func alarmed(alarms []Alarm, paid time.Time) bool {
	return slices.ContainsFunc(alarms, func(a Alarm) bool { return a.At.After(paid) && a.At.Before(paid.Add(promise)) })
}

// watchEvery is how often the platform's metrics are read during a drill.
const watchEvery = 2 * time.Second

// watch reads what monitoring reads, during the whole drill: a dependency that is down, a breaker that is not closed, a clock that
// differs, and a process that shows nothing. Stop ends it and returns what it saw.
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
		troubles := []string{"shows no metrics"}
		if err == nil {
			troubles = troublesIn(string(answer.Body))
		}
		for _, trouble := range troubles {
			alarms = append(alarms, Alarm{At: time.Now(), What: part + ": " + trouble})
		}
	}
	return alarms
}

// troublesIn finds in a page of metrics what an alert looks at.
func troublesIn(page string) []string {
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(page))
	if err != nil {
		return []string{"its metrics cannot be read"}
	}
	var troubles []string
	for _, m := range families["onlywave_dependency_up"].GetMetric() {
		// What a subscriber's queue does concerns no payment, and excuses nothing.
		if m.GetGauge().GetValue() == 0 && label(m, "dependency") != rabbitmq.ExchangeEvents {
			troubles = append(troubles, label(m, "dependency")+" is down")
		}
	}
	for _, m := range families["onlywave_breaker_state"].GetMetric() {
		if state := label(m, "state"); state != "closed" && m.GetGauge().GetValue() == 1 {
			troubles = append(troubles, "breaker "+label(m, "breaker")+" is "+state)
		}
	}
	for _, m := range families["onlywave_clock_ahead_seconds"].GetMetric() {
		if d := m.GetGauge().GetValue(); d > clockTolerance || d < -clockTolerance {
			troubles = append(troubles, fmt.Sprintf("its clock is %.0f s ahead", d))
		}
	}
	return troubles
}

// clockTolerance is how many seconds a clock may differ before the alert on it looks.
const clockTolerance = 30

func label(m *dto.Metric, name string) string {
	for _, pair := range m.GetLabel() {
		if pair.GetName() == name {
			return pair.GetValue()
		}
	}
	return ""
}

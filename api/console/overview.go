package console

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/onlywave/onlywave/internal/breaker"
	"github.com/onlywave/onlywave/internal/deadletter"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/postgres"
	"github.com/onlywave/onlywave/internal/rabbitmq"
)

// Each part of the overview may be away by itself, so that the rest is seen when it is needed most.
type overviewPage struct {
	Health   []dependency
	Ails     int // dependencies that are away
	Figures  *postgres.Figures
	Letters  int // open ones
	Findings int // that a person has to look at
	Breakers []breaker.Status
	Queues   []rabbitmq.QueueDepth
	Away     map[string]string // why a part is not shown
}

// dependency is what the platform needs, and how it is.
type dependency struct {
	Name   string
	Reason string // why it is away; empty: it works
}

// State is in a word.
func (d dependency) State() string {
	if d.Reason == "" {
		return "works"
	}
	return "away"
}

// Statuses are those of payments that are open, in the order of a payment's life.
func (p overviewPage) Statuses() []payment.Status {
	return slices.DeleteFunc(payment.Statuses(), func(s payment.Status) bool { return !s.Open() })
}

// Causes are those of open dead letters, most first.
func (p overviewPage) Causes() []deadletter.Cause {
	causes := slices.DeleteFunc(slices.Collect(maps.Keys(p.Figures.Letters)), func(c deadletter.Cause) bool { return p.Figures.Letters[c].Count == 0 })
	slices.SortFunc(causes, func(a, b deadletter.Cause) int {
		return cmp.Or(cmp.Compare(p.Figures.Letters[b].Count, p.Figures.Letters[a].Count), strings.Compare(string(a), string(b)))
	})
	return causes
}

// Unknown is how many payments' outcome is unknown.
func (p overviewPage) Unknown() postgres.Figure { return p.Figures.Payments[payment.Unknown] }

// Calm says that nothing waits for a person.
func (p overviewPage) Calm() bool {
	held := slices.ContainsFunc(p.Breakers, func(b breaker.Status) bool { return b.Forced != "" || b.State != breaker.Closed })
	return p.Ails == 0 && len(p.Away) == 0 && !held && p.Letters == 0 && p.Findings == 0 && p.Unknown().Count == 0
}

func (c *Console) overview(v *visit) (reply, error) {
	page := c.lookAround(v.Context())
	return reply{page: "overview", title: "Overview", data: page}, nil
}

// partTime is how long one part of the overview may take.
const partTime = 4 * time.Second

func (c *Console) lookAround(ctx context.Context) overviewPage {
	ctx, cancel := context.WithTimeout(ctx, partTime)
	defer cancel()
	page := overviewPage{Away: map[string]string{}}
	var figures postgres.Figures
	var figuresErr, breakersErr, queuesErr error
	var asking sync.WaitGroup
	asking.Go(func() { page.Health = c.health(ctx) })
	asking.Go(func() { figures, figuresErr = c.config.Record.Figures(ctx) })
	asking.Go(func() { page.Breakers, breakersErr = c.config.Breakers.Statuses(ctx) })
	asking.Go(func() { page.Queues, queuesErr = c.config.Queues(ctx) })
	asking.Wait()
	for part, err := range map[string]error{"figures": figuresErr, "breakers": breakersErr, "queues": queuesErr} {
		if err != nil {
			page.Away[part] = err.Error()
		}
	}
	for _, d := range page.Health {
		if d.Reason != "" {
			page.Ails++
		}
	}
	if figuresErr == nil {
		page.Figures = &figures
		for _, f := range figures.Letters {
			page.Letters += f.Count
		}
		for _, f := range figures.Findings {
			page.Findings += f.Count
		}
	}
	return page
}

// health is of all we depend on. That Redis works is shown by the session that the visitor has from it.
func (c *Console) health(ctx context.Context) []dependency {
	all := []dependency{{Name: "redis"}}
	for name, err := range c.config.Ready(ctx) {
		d := dependency{Name: name}
		if err != nil {
			d.Reason = err.Error()
		}
		all = append(all, d)
	}
	slices.SortFunc(all, func(a, b dependency) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// setBreaker overrules one, or sets it free.
func (c *Console) setBreaker(v *visit) (reply, error) {
	name, setting := v.PathValue("name"), breaker.Setting{To: breaker.State(v.PostFormValue("state")), Reason: v.PostFormValue("reason")}
	if err := c.config.Breakers.Force(v.Context(), v.actor(), name, setting); err != nil {
		return reply{}, err
	}
	c.acted(v, "breaker "+string(setting.To), "breaker", name)
	c.notify(v, "The breaker "+name+" is set to "+string(setting.To)+".")
	return reply{to: "/console/#breakers"}, nil
}

// acted logs what a person did; the record has it too.
func (c *Console) acted(v *visit, what string, of ...any) {
	attrs := append([]any{"actor", v.user.Name, "action", what}, of...)
	c.config.Log.InfoContext(v.Context(), "console action", attrs...)
}

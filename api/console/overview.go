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
	"github.com/onlywave/onlywave/workflows"
)

// overviewPage is the data of the overview. Each part may be missing, so that an outage of one dependency hides only its part.
type overviewPage struct {
	Health      []dependency
	Down        int // dependencies that are unavailable
	Gauges      *postgres.Gauges
	DeadLetters int // open
	Findings    int // that an operator has to look at
	Breakers    []breaker.Status
	Queues      []rabbitmq.QueueDepth
	Chart       *chart      // payments of the last day
	Views       []savedView // in the Temporal Web UI; empty: no Web UI is configured
	Missing     []missingPart
}

// missingPart is a part that is not shown, and why.
type missingPart struct{ Part, Why string }

// savedView is a link to a list of workflows, with its title in the page's language.
type savedView struct{ Title, Link string }

// dependency is a service that the platform needs.
type dependency struct {
	Name   string
	Reason string // why it is unavailable; empty: it works
}

// State is one word for the page.
func (d dependency) State() string {
	if d.Reason == "" {
		return "works"
	}
	return "unavailable"
}

// Statuses are the statuses of open payments, in the order of a payment's life.
func (p overviewPage) Statuses() []payment.Status {
	return slices.DeleteFunc(payment.Statuses(), func(s payment.Status) bool { return !s.Open() })
}

// Causes are the causes of open dead letters, the most frequent first.
func (p overviewPage) Causes() []deadletter.Cause {
	causes := slices.DeleteFunc(slices.Collect(maps.Keys(p.Gauges.DeadLetters)), func(c deadletter.Cause) bool { return p.Gauges.DeadLetters[c].Count == 0 })
	slices.SortFunc(causes, func(a, b deadletter.Cause) int {
		return cmp.Or(cmp.Compare(p.Gauges.DeadLetters[b].Count, p.Gauges.DeadLetters[a].Count), strings.Compare(string(a), string(b)))
	})
	return causes
}

// Unknown counts the payments with an unknown outcome.
func (p overviewPage) Unknown() postgres.Gauge { return p.Gauges.Payments[payment.Unknown] }

// AllWell says that nothing waits for an operator.
func (p overviewPage) AllWell() bool {
	held := slices.ContainsFunc(p.Breakers, func(b breaker.Status) bool { return b.Forced != "" || b.State != breaker.Closed })
	return p.Down == 0 && len(p.Missing) == 0 && !held && p.DeadLetters == 0 && p.Findings == 0 && p.Unknown().Count == 0
}

func (c *Console) overview(r *request) (response, error) {
	page := c.gather(r.Context())
	if f, err := c.figures(r.Context()); err == nil {
		small := f.outcomes(r)
		page.Chart = &small
	}
	page.Views = c.savedViews(r)
	return response{page: "overview", title: "Overview", data: page}, nil
}

func (c *Console) savedViews(r *request) (links []savedView) {
	if c.config.TemporalUIURL == "" {
		return nil
	}
	for _, v := range workflows.SavedViews(time.Now()) {
		links = append(links, savedView{v.Title.In(r.language), v.Link(c.config.TemporalUIURL, c.config.TemporalNamespace)})
	}
	return links
}

// partTimeout is the timeout of each part of the overview.
const partTimeout = 4 * time.Second

func (c *Console) gather(ctx context.Context) overviewPage {
	ctx, cancel := context.WithTimeout(ctx, partTimeout)
	defer cancel()
	var page overviewPage
	var gauges postgres.Gauges
	var gaugesErr, breakersErr, queuesErr error
	var reading sync.WaitGroup
	reading.Go(func() { page.Health = c.health(ctx) })
	reading.Go(func() { gauges, gaugesErr = c.config.Store.Gauges(ctx) })
	reading.Go(func() { page.Breakers, breakersErr = c.config.Breakers.Statuses(ctx) })
	reading.Go(func() { page.Queues, queuesErr = c.config.Queues(ctx) })
	reading.Wait()
	page.missing("numbers", gaugesErr)
	page.missing("breakers", breakersErr)
	page.missing("queues", queuesErr)
	for _, d := range page.Health {
		if d.Reason != "" {
			page.Down++
		}
	}
	if gaugesErr == nil {
		page.Gauges = &gauges
		for _, f := range gauges.DeadLetters {
			page.DeadLetters += f.Count
		}
		for _, f := range gauges.Findings {
			page.Findings += f.Count
		}
	}
	return page
}

// missing notes that a part cannot be shown.
func (p *overviewPage) missing(part string, err error) {
	if err != nil {
		p.Missing = append(p.Missing, missingPart{part, err.Error()})
	}
}

// health is the state of all dependencies. Redis works: the user's session has just been read from it.
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

// setBreaker holds a breaker open or closed, or makes it automatic again.
func (c *Console) setBreaker(r *request) (response, error) {
	name, setting := r.PathValue("name"), breaker.Setting{To: breaker.State(r.PostFormValue("state")), Reason: r.PostFormValue("reason")}
	if err := c.config.Breakers.Force(r.Context(), r.actor(), name, setting); err != nil {
		return response{}, err
	}
	c.logAction(r, "breaker "+string(setting.To), "breaker", name)
	c.setNotice(r, r.say("The breaker %s is set to %s.", words(r.language, name), words(r.language, setting.To)))
	return response{redirect: "/console/#breakers"}, nil
}

// logAction logs an operator's action, in addition to the audit.
func (c *Console) logAction(r *request, what string, of ...any) {
	attrs := append([]any{"actor", r.user.Name, "action", what}, of...)
	c.config.Log.InfoContext(r.Context(), "console action", attrs...)
}

package deadletter

import (
	"context"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
)

// Limits of a plan.
const (
	MaxCanary     = 100
	MaxRate       = 1000
	MaxStopAfter  = 1_000_000
	MaxIDs        = 100
	MaxCanaryWait = 24 * time.Hour

	// DefaultCanaryWait applies if a request does not set one.
	DefaultCanaryWait = time.Minute
)

// Plan says which dead letters are sent again, why, and in which stages.
type Plan struct {
	Reason     string        `json:"reason,omitempty"`
	Filter     Filter        `json:"filter"`
	DryRun     bool          `json:"dry_run,omitempty"`     // only count
	Canary     int           `json:"canary,omitempty"`      // this many are sent first; 0: none
	CanaryWait time.Duration `json:"canary_wait,omitempty"` // the time to wait after the canary for deaths
	Rate       int           `json:"rate,omitempty"`        // dead letters a second at most; 0: no limit
	StopAfter  int           `json:"stop_after,omitempty"`  // stop after this many that fail or die again; 0: never
}

// Order is a plan with the id of its redrive and the actor who requested it.
type Order struct {
	ID    string `json:"id"`
	Actor string `json:"actor"`
	Plan
}

// Fields lists the errors of a plan for many dead letters.
func (p Plan) Fields() []failure.Field {
	var wrong failure.Fields
	for _, f := range audit.ReasonFields(p.Reason) {
		wrong.Add(f.Pointer, f.Detail)
	}
	between := func(name string, n, most int) {
		if n < 0 || n > most {
			f := wholeNumber("/"+name, 0, most)
			wrong.Add(f.Pointer, f.Detail)
		}
	}
	between("canary", p.Canary, MaxCanary)
	between("rate", p.Rate, MaxRate)
	between("stop_after_errors", p.StopAfter, MaxStopAfter)
	if p.CanaryWait < 0 || p.CanaryWait > MaxCanaryWait {
		wrong.Add("/canary_wait", "must be between 0 and 86400 seconds (24 hours)")
	}
	p.checkFilter(&wrong)
	return wrong
}

func (p Plan) checkFilter(wrong *failure.Fields) {
	for _, f := range p.Filter.Fields() {
		wrong.Add("/filter/"+f.Pointer, f.Detail)
	}
	if !p.Filter.Narrow() {
		wrong.Add("/filter", "must select by ids, source, cause, fingerprint or payment: one redrive may not send all dead letters")
	}
	ids := p.Filter.IDs
	if len(ids) > MaxIDs {
		wrong.Add("/filter/ids", fmt.Sprintf("must have at most %d", MaxIDs))
		ids = ids[:MaxIDs]
	}
	for i, id := range ids {
		if !payment.ValidID(id) {
			wrong.Add(fmt.Sprintf("/filter/ids/%d", i), "must be the id of a dead letter")
		}
	}
}

// One is the id of the dead letter if the plan is for exactly one: without other filters, stages or a dry run. RedriveOne is for it.
func (p Plan) One() (id string, ok bool) {
	if len(p.Filter.IDs) != 1 {
		return "", false
	}
	id = p.Filter.IDs[0]
	one := Plan{Reason: p.Reason, Filter: Filter{IDs: []string{id}}, CanaryWait: p.CanaryWait}
	return id, reflect.DeepEqual(p, one)
}

func wholeNumber(pointer string, least, most int) failure.Field {
	return failure.Field{Pointer: pointer, Detail: fmt.Sprintf("must be a whole number from %d to %d", least, most)}
}

// Started is a redrive that is running or has ended.
type Started struct {
	ID     string
	Joined bool // it existed already: the same request came before
}

// ErrKeyUsed says that the idempotency key of a request belongs to a redrive with another plan.
var ErrKeyUsed error = &failure.Error{Kind: failure.Conflict, Message: "the idempotency key was used for another redrive"}

// Redrive sends many dead letters again. A repeated request has the same key and joins the redrive that it started.
func (a Actions) Redrive(ctx context.Context, actor audit.Actor, key string, p Plan) (Started, error) {
	p.Reason = strings.TrimSpace(p.Reason)
	if wrong := append(actor.Fields(), p.Fields()...); len(wrong) > 0 {
		return Started{}, &failure.Error{Kind: failure.Invalid, Message: "the redrive is not valid", Fields: wrong}
	}
	return a.start(ctx, actor, key, p)
}

// RedriveOne sends one dead letter again; the reason may be empty. Kind Conflict if the dead letter is closed, unless its redrive
// was started with the same key: a request may always be repeated.
func (a Actions) RedriveOne(ctx context.Context, actor audit.Actor, key, id, reason string) (Started, error) {
	p := Plan{Reason: strings.TrimSpace(reason), Filter: Filter{IDs: []string{id}}}
	wrong := actor.Fields()
	if p.Reason != "" {
		wrong = append(wrong, audit.ReasonFields(p.Reason)...)
	}
	if len(wrong) > 0 {
		return Started{}, &failure.Error{Kind: failure.Invalid, Message: "the redrive is not valid", Fields: wrong}
	}
	m, err := a.Show(ctx, id)
	if err != nil {
		return Started{}, err
	}
	if closed := m.Redrivable(); closed != nil {
		repeated, err := a.Redriver.HasRedrive(ctx, NewRedriveID(actor.Name, key))
		if err != nil {
			return Started{}, err
		}
		if !repeated {
			return Started{}, closed
		}
	}
	return a.start(ctx, actor, key, p)
}

func (a Actions) start(ctx context.Context, actor audit.Actor, key string, p Plan) (Started, error) {
	o := Order{ID: NewRedriveID(actor.Name, key), Actor: actor.Name, Plan: p}
	if !p.DryRun { // a dry run changes nothing
		if err := a.Store.Audit(ctx, o.entry(actor)); err != nil {
			return Started{}, err
		}
	}
	joined, err := a.Redriver.Redrive(ctx, o)
	if failure.KindOf(err) == failure.Conflict {
		return Started{}, ErrKeyUsed
	}
	return Started{ID: o.ID, Joined: joined}, err
}

// entry is the order in the audit. A repeated request has the same id and adds no second entry.
func (o Order) entry(actor audit.Actor) audit.Entry {
	after := audit.Values{}
	set := func(name, value string) {
		if value != "" && value != "0" && value != "0s" {
			after[name] = value
		}
	}
	set("ids", strings.Join(o.Filter.IDs, " "))
	set("source", string(o.Filter.Source))
	set("cause", string(o.Filter.Cause))
	set("fingerprint", o.Filter.Fingerprint)
	set("payment_id", o.Filter.PaymentID)
	set("canary", strconv.Itoa(o.Canary))
	set("rate", strconv.Itoa(o.Rate))
	set("stop_after_errors", strconv.Itoa(o.StopAfter))
	for name, at := range map[string]time.Time{"died_from": o.Filter.DiedFrom, "died_to": o.Filter.DiedTo} {
		if !at.IsZero() {
			after[name] = at.UTC().Format(time.RFC3339)
		}
	}
	return audit.Entry{
		ID: payment.NewAuditID(string(audit.RedriveStart) + "/" + o.ID), Actor: actor, Action: audit.RedriveStart,
		Object: "redrive/" + o.ID, Reason: o.Reason, After: after,
	}
}

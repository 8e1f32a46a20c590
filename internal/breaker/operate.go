package breaker

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/failure"
)

// Names are the breakers there are, one for each kind of call.
const (
	Charge = "charge" // Mercado Pago is asked for money
	Read   = "read"   // Mercado Pago is asked where a payment stands, by its ID
	Search = "search" // Mercado Pago is searched for a payment, or for all that changed
	Cancel = "cancel" // Mercado Pago is asked to close an unpaid payment
	Refund = "refund" // Mercado Pago is asked to give money back
	Terms  = "terms"  // Mercado Pago is asked how a buyer may pay, and what installments cost

	Vault   = "vault"   // Mercado Pago is asked for customers and their saved cards
	Dispute = "dispute" // Mercado Pago is asked about disputes, or gets documents about one
	Email   = "email"   // the mail server is given an e-mail

	Checkout = "checkout" // Mercado Pago is asked for the page of a checkout, or for its order
)

// operatorTime is how long an operator waits for Redis, which is longer than a payment would.
const operatorTime = 2 * time.Second

// Names lists them.
func Names() []string {
	return []string{Charge, Read, Search, Cancel, Refund, Terms, Vault, Dispute, Checkout, Email}
}

// Status is a breaker as operators see it.
type Status struct {
	Name     string    `json:"name"`
	State    State     `json:"state"`
	Since    time.Time `json:"since,omitzero"`
	Until    time.Time `json:"until,omitzero"` // while open: when it lets probes through
	Openings int       `json:"openings"`       // so far
	Forcings int       `json:"forcings"`       // by operators, so far
	Forced   State     `json:"forced,omitempty"`
	Actor    string    `json:"actor,omitempty"` // the operator who forced it
	Reason   string    `json:"reason,omitempty"`
}

// Statuses reads all breakers.
func (f *Fleet) Statuses(ctx context.Context) ([]Status, error) {
	var all []Status
	for _, name := range Names() {
		s, err := f.Status(ctx, name)
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

// Status reads one breaker.
func (f *Fleet) Status(ctx context.Context, name string) (Status, error) {
	if err := known(name); err != nil {
		return Status{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, operatorTime)
	defer cancel()
	fields, err := f.store.Client().HGetAll(ctx, keys(name)[0]).Result()
	if err != nil {
		return Status{}, unavailable(err)
	}
	s := Status{
		Name: name, State: Closed, Since: millis(fields["since"]), Forced: State(fields["forced"]),
		Actor: fields["actor"], Reason: fields["reason"],
	}
	if fields["state"] != "" {
		s.State = State(fields["state"])
	}
	if s.State == Open {
		s.Until = millis(fields["until"])
	}
	s.Openings, _ = strconv.Atoi(fields["openings"])
	s.Forcings, _ = strconv.Atoi(fields["forcings"])
	return s, nil
}

// Automatic is no state of a breaker: it sets one free, to decide for itself again.
const Automatic State = "automatic"

// Setting is what an operator wants a breaker to be, and why.
type Setting struct {
	To     State // Open, Closed or Automatic
	Reason string
}

// Fields finds what is wrong with a setting.
func (s Setting) Fields() []failure.Field {
	wrong := audit.ReasonFields(s.Reason)
	if !slices.Contains([]State{Open, Closed, Automatic}, s.To) {
		wrong = append(wrong, failure.Field{Pointer: "/state", Detail: "must be open, closed or automatic"})
	}
	return wrong
}

// Force holds a breaker open or closed for the whole fleet until it is set to automatic. It is logged and announced like
// every change, with the operator and the reason.
func (f *Fleet) Force(ctx context.Context, actor audit.Actor, name string, s Setting) error {
	if err := known(name); err != nil {
		return err
	}
	s.Reason = strings.TrimSpace(s.Reason)
	if wrong := append(actor.Fields(), s.Fields()...); len(wrong) > 0 {
		return &failure.Error{Kind: failure.Invalid, Message: "the breaker's setting is not valid", Fields: wrong}
	}
	if err := f.writeAudit(ctx, actor, name, s); err != nil {
		return err
	}
	to := s.To
	if to == Automatic {
		to = ""
	}
	ctx, cancel := context.WithTimeout(ctx, operatorTime)
	defer cancel()
	answer, err := f.store.Run(ctx, forceScript, keys(name)[:1], string(to), actor.Name, s.Reason).StringSlice()
	if err != nil {
		return unavailable(err)
	}
	f.announce(Change{Breaker: name, From: State(answer[0]), To: State(answer[1]), Actor: actor.Name, Reason: s.Reason})
	return nil
}

// writeAudit writes into the audit what a breaker is set to. While Redis is unavailable nothing is set, and so nothing is written.
func (f *Fleet) writeAudit(ctx context.Context, actor audit.Actor, name string, s Setting) error {
	before, err := f.Status(ctx, name)
	if err != nil {
		return err
	}
	if f.Audit == nil {
		return &failure.Error{Kind: failure.Internal, Message: "a breaker is forced in a process that keeps no audit"}
	}
	return f.Audit(ctx, audit.Entry{
		Actor: actor, Action: audit.BreakerSet, Object: "breaker/" + name, Reason: s.Reason,
		Before: audit.Values{"state": string(cmp.Or(before.Forced, Automatic))}, After: audit.Values{"state": string(s.To)},
	})
}

func known(name string) error {
	if slices.Contains(Names(), name) {
		return nil
	}
	return &failure.Error{Kind: failure.NotFound, Message: "there are only the breakers " + strings.Join(Names(), ", ")}
}

func unavailable(err error) error {
	return &failure.Error{Kind: failure.Unavailable, Message: "Redis, which holds the breakers, is unavailable", Err: err}
}

func millis(text string) time.Time {
	ms, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

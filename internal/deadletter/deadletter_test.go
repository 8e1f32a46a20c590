package deadletter

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/failure"
)

func TestThePlansErrorsNameTheirFields(t *testing.T) {
	t.Parallel()
	good := Plan{Reason: "mended", Filter: Filter{Cause: CauseInvalid}, Canary: MaxCanary,
		CanaryWait: MaxCanaryWait, Rate: MaxRate, StopAfter: MaxStopAfter}
	require.Empty(t, good.Fields())
	tooMany := make([]string, MaxIDs+1)
	for i := range tooMany {
		tooMany[i] = NewID(strings.Repeat("x", i), "")
	}
	for pointer, change := range map[string]func(*Plan){
		"/reason":             func(p *Plan) { p.Reason = "card 4111 1111 1111 1111" },
		"/filter":             func(p *Plan) { p.Filter = Filter{State: Open} },
		"/filter/cause":       func(p *Plan) { p.Filter.Cause = "invald" },
		"/filter/source":      func(p *Plan) { p.Filter.Source = "mail" },
		"/filter/fingerprint": func(p *Plan) { p.Filter.Fingerprint = "x" },
		"/filter/payment_id":  func(p *Plan) { p.Filter.PaymentID = "7" },
		"/filter/ids":         func(p *Plan) { p.Filter.IDs = tooMany },
		"/filter/ids/0":       func(p *Plan) { p.Filter.IDs = []string{"x"} },
		"/canary":             func(p *Plan) { p.Canary = MaxCanary + 1 },
		"/canary_wait":        func(p *Plan) { p.CanaryWait = -time.Second },
		"/rate":               func(p *Plan) { p.Rate = -5 },
		"/stop_after_errors":  func(p *Plan) { p.StopAfter = -1 },
	} {
		p := good
		change(&p)
		wrong := p.Fields()
		require.Len(t, wrong, 1, pointer)
		require.Equal(t, pointer, wrong[0].Pointer)
	}
}

func TestAPlanForOneDeadLetterHasNothingElse(t *testing.T) {
	t.Parallel()
	id := NewID("m", "q")
	one := Plan{Reason: "fixed", Filter: Filter{IDs: []string{id}}, CanaryWait: DefaultCanaryWait}
	got, ok := one.One()
	require.True(t, ok)
	require.Equal(t, id, got)
	for name, change := range map[string]func(*Plan){
		"no id":     func(p *Plan) { p.Filter.IDs = nil },
		"two ids":   func(p *Plan) { p.Filter.IDs = []string{id, NewID("n", "q")} },
		"a cause":   func(p *Plan) { p.Filter.Cause = CauseInvalid },
		"a dry run": func(p *Plan) { p.DryRun = true },
		"a canary":  func(p *Plan) { p.Canary = 1 },
	} {
		p := one
		change(&p)
		_, ok := p.One()
		require.False(t, ok, name)
	}
}

// unused is a store and a redriver that no call may reach.
type unused struct {
	Store
	Redriver
}

// noAudit is a store that cannot write the audit.
type noAudit struct{ unused }

func (noAudit) Audit(context.Context, audit.Entry) error {
	return &failure.Error{Kind: failure.Unavailable, Message: "no room"}
}

func TestARedriveThatCannotBeAuditedIsNotStarted(t *testing.T) {
	t.Parallel()
	a := Actions{Store: noAudit{}, Redriver: unused{}}
	plan := Plan{Reason: "mended", Filter: Filter{Cause: CauseInvalid}}
	_, err := a.Redrive(t.Context(), audit.Actor{Name: "ana", Channel: audit.CommandLine}, "k", plan)
	require.ErrorContains(t, err, "no room")
}

func TestAnInvalidRequestReachesNeitherDatabaseNorTemporal(t *testing.T) {
	t.Parallel()
	a := Actions{Store: unused{}, Redriver: unused{}}
	ana, ctx := audit.Actor{Name: "ana", Channel: audit.CommandLine}, context.Background()
	id := NewID("m", "")
	plan := Plan{Reason: "mended", Filter: Filter{Cause: CauseInvalid}}
	for name, request := range map[string]func() error{
		"an unknown state":           func() error { _, err := a.List(ctx, Filter{State: "opne", Limit: 1}); return err },
		"no limit":                   func() error { _, err := a.List(ctx, Filter{}); return err },
		"a negative limit":           func() error { _, err := a.List(ctx, Filter{Limit: -1}); return err },
		"a discard without an actor": func() error { _, err := a.Discard(ctx, audit.Actor{}, id, "old"); return err },
		"a discard without reason":   func() error { _, err := a.Discard(ctx, ana, id, " "); return err },
		"a redrive without an actor": func() error { _, err := a.Redrive(ctx, audit.Actor{Name: " "}, "k", plan); return err },
		"a plan without a reason":    func() error { _, err := a.Redrive(ctx, ana, "k", Plan{Filter: plan.Filter}); return err },
		"a card number as reason":    func() error { _, err := a.RedriveOne(ctx, ana, "k", id, "4111 1111 1111 1111"); return err },
		"markup in the actor's name": func() error { _, err := a.RedriveOne(ctx, audit.Actor{Name: "<b>"}, "k", id, ""); return err },
	} {
		require.Equal(t, failure.Invalid, failure.KindOf(request()), name)
	}
	_, err := a.Show(ctx, "x")
	require.Equal(t, failure.NotFound, failure.KindOf(err))
}

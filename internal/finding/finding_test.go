package finding

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
)

// shelf keeps what it was asked to do.
type shelf struct {
	closed []string
	err    error
}

func (s *shelf) Findings(_ context.Context, f payment.FindingFilter) ([]payment.Finding, error) {
	return []payment.Finding{{ID: 7, Kind: f.Kind}}, nil
}

func (s *shelf) CloseFinding(_ context.Context, actor audit.Actor, id int64, reason string) (payment.Finding, error) {
	s.closed = append(s.closed, actor.Name+": "+reason)
	return payment.Finding{ID: id, ClosedBy: actor.Name, ClosedReason: reason}, s.err
}

func TestWhoClosesAFindingSaysWhy(t *testing.T) {
	t.Parallel()
	ana := audit.Actor{Name: "ana", Channel: audit.CommandLine}
	for name, example := range map[string]struct {
		actor   audit.Actor
		reason  string
		pointer string
	}{
		"nobody":        {audit.Actor{}, "made in the panel", "/actor"},
		"a second line": {audit.Actor{Name: "ana\nbia"}, "made in the panel", "/actor"},
		"no reason":     {ana, "  ", "/reason"},
		"a card":        {ana, "paid with 4235 6477 2802 5682", "/reason"},
		"too long":      {ana, strings.Repeat("é", audit.MaxReason+1), "/reason"},
	} {
		s := &shelf{}
		_, err := Actions{s}.Close(t.Context(), example.actor, 7, example.reason)
		e, ok := errors.AsType[*failure.Error](err)
		require.True(t, ok, name)
		require.Equal(t, []any{failure.Invalid, example.pointer}, []any{e.Kind, e.Fields[0].Pointer}, name)
		require.Empty(t, s.closed, name)
	}
	s := &shelf{}
	f, err := Actions{s}.Close(t.Context(), ana, 7, " made in the panel ")
	require.NoError(t, err)
	require.Equal(t, payment.Finding{ID: 7, ClosedBy: "ana", ClosedReason: "made in the panel"}, f)
	s.err = &failure.Error{Kind: failure.NotFound}
	_, err = Actions{s}.Close(t.Context(), ana, 7, "made in the panel")
	require.EqualError(t, errors.Unwrap(err), s.err.Error())
	require.ErrorContains(t, err, "there is no finding with this id")
}

func TestOnlyKindsThatThereAreAreListed(t *testing.T) {
	t.Parallel()
	for _, f := range []payment.FindingFilter{{Kind: "orphan", Limit: 1}, {Limit: 0}, {Limit: payment.MaxFindings + 1}} {
		_, err := Actions{&shelf{}}.List(t.Context(), f)
		require.Equal(t, failure.Invalid, failure.KindOf(err), "%v", f)
	}
	list, err := Actions{&shelf{}}.List(t.Context(), payment.FindingFilter{Kind: payment.OrphanPayment, Limit: 1})
	require.NoError(t, err)
	require.Equal(t, payment.OrphanPayment, list[0].Kind)
}

package breaker

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/test/devstack"
	"github.com/onlywave/onlywave/test/devstack/devstacktest"
)

func TestForcedOpenAndClosedAndFreeAgain(t *testing.T) {
	t.Parallel()
	stack := devstacktest.Start(t, devstack.Redis)
	fleet, b := newFleet(t, stack, "operator"), newFleet(t, stack, "a").Breaker(Charge, quickest)
	var mp party
	require.NoError(t, fleet.Force(t.Context(), audit.Actor{Name: "ana"}, Charge, Setting{To: Open, Reason: "maintenance"}))
	require.True(t, isRefused(b.Do(t.Context(), mp.call)))
	require.Zero(t, mp.calls.Load())

	require.NoError(t, fleet.Force(t.Context(), audit.Actor{Name: "ana"}, Charge, Setting{To: Closed, Reason: "they say it is us"}))
	mp.down.Store(true)
	for range 3 * quickest.Minimum {
		require.ErrorIs(t, b.Do(t.Context(), mp.call), errDown)
	}
	require.NoError(t, fleet.Force(t.Context(), audit.Actor{Name: "ana"}, Charge, Setting{To: Automatic, Reason: "done"}))
	trip(t, &mp, b)
	require.Equal(t, failure.Invalid, failure.KindOf(fleet.Force(t.Context(), audit.Actor{Name: "ana"}, Charge, Setting{To: HalfOpen, Reason: "done"})))
}

func TestEveryChangeIsAnnouncedOnceWithItsPlaceInTheStatus(t *testing.T) {
	t.Parallel()
	stack := devstacktest.Start(t, devstack.Redis)
	fleet := newFleet(t, stack, "a")
	var changes []State
	fleet.Changed = func(c Change) { changes = append(changes, c.From, c.To) }
	b := fleet.Breaker(Charge, quickest)
	var mp party
	trip(t, &mp, b)
	statuses, err := fleet.Statuses(t.Context())
	require.NoError(t, err)
	require.Len(t, statuses, len(Names()))
	require.Equal(t, Charge, statuses[0].Name)
	require.Equal(t, Open, statuses[0].State)
	require.Equal(t, 1, statuses[0].Openings)
	require.False(t, statuses[0].Until.IsZero())
	require.Equal(t, Closed, statuses[1].State)

	mp.down.Store(false)
	require.Eventually(t, func() bool { return b.Do(t.Context(), mp.call) == nil }, timeout, 10*time.Millisecond)
	require.NoError(t, b.Do(t.Context(), mp.call))
	require.Equal(t, []State{Closed, Open, Open, HalfOpen, HalfOpen, Closed}, changes)
}

// What cannot be written into the audit is not done.
func TestABreakerIsForcedWithAnAuditEntryOrNotAtAll(t *testing.T) {
	t.Parallel()
	stack := devstacktest.Start(t, devstack.Redis)
	fleet := newFleet(t, stack, "operator")
	var announced int
	fleet.Changed = func(Change) { announced++ }
	ana := audit.Actor{Name: "ana", Channel: audit.CommandLine, From: "root@host"}
	hold := Setting{To: Open, Reason: "maintenance"}
	for kind, write := range map[failure.Kind]func(context.Context, audit.Entry) error{
		failure.Unavailable: func(context.Context, audit.Entry) error { return &failure.Error{Kind: failure.Unavailable} },
		failure.Internal:    nil,
	} {
		fleet.Audit = write
		require.Equal(t, kind, failure.KindOf(fleet.Force(t.Context(), ana, Read, hold)))
		s, err := fleet.Status(t.Context(), Read)
		require.NoError(t, err)
		require.Equal(t, Status{Name: Read, State: Closed}, s)
		require.Zero(t, announced)
	}
	var entries []audit.Entry
	fleet.Audit = func(_ context.Context, e audit.Entry) error { entries = append(entries, e); return nil }
	require.NoError(t, fleet.Force(t.Context(), ana, Read, hold))
	require.NoError(t, fleet.Force(t.Context(), ana, Read, Setting{To: Automatic, Reason: "done"}))
	require.Equal(t, []audit.Entry{
		{Actor: ana, Action: audit.BreakerSet, Object: "breaker/read", Reason: "maintenance",
			Before: audit.Values{"state": "automatic"}, After: audit.Values{"state": "open"}},
		{Actor: ana, Action: audit.BreakerSet, Object: "breaker/read", Reason: "done",
			Before: audit.Values{"state": "open"}, After: audit.Values{"state": "automatic"}},
	}, entries)
}

func TestWhatAnOperatorDoesIsAnnounced(t *testing.T) {
	t.Parallel()
	stack := devstacktest.Start(t, devstack.Redis)
	fleet := newFleet(t, stack, "operator")
	var changes []Change
	fleet.Changed = func(c Change) { c.At = time.Time{}; changes = append(changes, c) }
	require.NoError(t, fleet.Force(t.Context(), audit.Actor{Name: "ana"}, Read, Setting{To: Open, Reason: "maintenance"}))
	s, err := fleet.Status(t.Context(), Read)
	require.NoError(t, err)
	require.Equal(t, Status{Name: Read, State: Closed, Forcings: 1, Forced: Open, Actor: "ana", Reason: "maintenance"}, s)
	require.NoError(t, fleet.Force(t.Context(), audit.Actor{Name: "ben"}, Read, Setting{To: Automatic, Reason: "done"}))
	s, err = fleet.Status(t.Context(), Read)
	require.NoError(t, err)
	require.Equal(t, Status{Name: Read, State: Closed, Forcings: 2}, s)
	require.Equal(t, []Change{
		{Breaker: Read, From: Closed, To: Open, Actor: "ana", Reason: "maintenance"},
		{Breaker: Read, From: Open, To: Closed, Actor: "ben", Reason: "done"},
	}, changes)

	require.Equal(t, failure.NotFound, failure.KindOf(fleet.Force(t.Context(), audit.Actor{Name: "ana"}, "capture", Setting{To: Open, Reason: "maintenance"})))
	for pointer, wrong := range map[string]struct {
		actor string
		Setting
	}{
		"/actor":  {" ", Setting{To: Open, Reason: "maintenance"}},
		"/reason": {"ana", Setting{To: Open, Reason: "card 4111 1111 1111 1111"}},
		"/state":  {"ana", Setting{To: HalfOpen, Reason: "maintenance"}},
	} {
		refused, ok := errors.AsType[*failure.Error](fleet.Force(t.Context(), audit.Actor{Name: wrong.actor}, Read, wrong.Setting))
		require.True(t, ok)
		require.Equal(t, failure.Invalid, refused.Kind)
		require.Equal(t, pointer, refused.Fields[0].Pointer)
	}
	require.NoError(t, stack.Process(devstack.Redis).Kill())
	require.Equal(t, failure.Unavailable, failure.KindOf(fleet.Force(t.Context(), audit.Actor{Name: "ana"}, Read, Setting{To: Open, Reason: "maintenance"})))
	_, err = fleet.Statuses(t.Context())
	require.Equal(t, failure.Unavailable, failure.KindOf(err))
	require.Len(t, changes, 2)
}

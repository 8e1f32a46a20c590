package postgres

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/access"
	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/deadletter"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
)

var ana = audit.Actor{Name: "ana", Channel: audit.Console, From: "203.0.113.7"}

// trail is what was done, the newest first, without what differs each time.
func (s *Store) trail(t *testing.T, f audit.Filter) []audit.Entry {
	t.Helper()
	f.Limit = audit.MaxList
	list, err := s.AuditTrail(t.Context(), f)
	require.NoError(t, err)
	for i, e := range list {
		require.WithinDuration(t, time.Now(), e.At, time.Minute)
		_, err := uuid.Parse(e.ID)
		require.NoError(t, err)
		list[i].ID, list[i].At = "", time.Time{}
	}
	return list
}

func TestEachChangeOfAUserOrAKeyIsAudited(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	rui := access.User{Name: "rui", Role: access.Viewer, PasswordHash: "$argon2id$secret", CreatedAt: timeAt(0)}
	require.NoError(t, s.AddUser(t.Context(), ana, rui))
	require.Error(t, s.AddUser(t.Context(), ana, rui))
	_, err := s.SetPassword(t.Context(), ana, "rui", "$argon2id$other")
	require.NoError(t, err)
	require.NoError(t, s.RevokeUser(t.Context(), ana, "rui"))
	require.NoError(t, s.RemoveUser(t.Context(), ana, "rui"))
	require.Error(t, s.RemoveUser(t.Context(), ana, "rui"))
	text, err := s.IssueAPIKey(t.Context(), ana, access.KeyRequest{
		Environment: "live", ClientID: "loja", Scopes: access.ClientScopes(), ExpiresAt: timeAt(9)}, timeAt(0))
	require.NoError(t, err)
	_, id, _ := access.ParseAPIKey(text)
	require.NoError(t, s.RevokeAPIKey(t.Context(), ana, id, timeAt(5)))
	require.NoError(t, s.RevokeAPIKey(t.Context(), ana, id, timeAt(6)))

	user := func(a audit.Action, before, after audit.Values) audit.Entry {
		return audit.Entry{Actor: ana, Action: a, Object: "user/rui", Before: before, After: after}
	}
	none := audit.Values{}
	require.Equal(t, []audit.Entry{
		{Actor: ana, Action: audit.KeyRevoke, Object: "api_key/" + id, Before: audit.Values{"client": "loja", "state": "in force"},
			After: audit.Values{"client": "loja", "state": "revoked"}},
		{Actor: ana, Action: audit.KeyCreate, Object: "api_key/" + id, Before: none, After: audit.Values{
			"client": "loja", "environment": "live", "scopes": "payments:read payments:write refunds:write", "expires": "2026-03-01T12:00:09Z"}},
		user(audit.UserRemove, audit.Values{"role": "viewer"}, none),
		user(audit.UserRevoke, none, none),
		user(audit.UserPassword, none, none),
		user(audit.UserAdd, none, audit.Values{"role": "viewer"}),
	}, s.trail(t, audit.Filter{Actor: "ana"}))
	require.Zero(t, s.number(t, `select count(*) from audit a where a::text ~ ('argon2|' || $1)`, text), "no secret")
}

// A change whose actor has no name is refused.
func TestAnActorWithoutANameChangesNothing(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	require.NoError(t, s.AddUser(t.Context(), ana, access.User{Name: "rui", Role: access.Viewer, CreatedAt: timeAt(0)}))
	before := s.trail(t, audit.Filter{})
	request := access.KeyRequest{Environment: "test", ClientID: "shop", Scopes: access.Scopes()}
	for _, actor := range []audit.Actor{{}, {Name: "<b>"}} {
		_, password := s.SetPassword(t.Context(), actor, "rui", "h")
		_, issue := s.IssueAPIKey(t.Context(), actor, request, timeAt(0))
		for _, err := range []error{
			issue, s.AddUser(t.Context(), actor, access.User{Name: "eva", Role: access.Viewer}), s.RemoveUser(t.Context(), actor, "rui"),
			s.RevokeUser(t.Context(), actor, "rui"), password, s.ClearSecondFactor(t.Context(), actor, "rui"),
			s.SetRecoveryCodes(t.Context(), actor, "rui", nil),
			s.RevokeAPIKey(t.Context(), actor, "aaaaaaaaaaaaa", timeAt(0)),
		} {
			require.Equal(t, failure.Invalid, failure.KindOf(err))
		}
	}
	require.Equal(t, before, s.trail(t, audit.Filter{}))
	require.Error(t, s.Audit(t.Context(), audit.Entry{Action: audit.LogIn}))
}

// A discard and its audit entry are stored together, and once.
func TestADiscardIsAuditedOnce(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	l := deadLetter(1)
	s.keep(t, l)
	for range 2 {
		_, err := s.DiscardDeadLetter(t.Context(), ana, l.ID, "old")
		require.NoError(t, err)
	}
	_, err := s.DiscardDeadLetter(t.Context(), ana, l.ID, "another word")
	require.Equal(t, failure.Conflict, failure.KindOf(err))
	require.Equal(t, []audit.Entry{{Actor: ana, Action: audit.DeadLetterDiscard, Object: "dead_letter/" + l.ID, Reason: "old",
		Before: audit.Values{"state": "open"}, After: audit.Values{"state": "discarded"}}}, s.trail(t, audit.Filter{Actor: "ana"}))

	other := deadLetter(2)
	s.keep(t, other)
	_, err = s.pool.Exec(t.Context(), `alter table audit rename to elsewhere`)
	require.NoError(t, err)
	_, err = s.DiscardDeadLetter(t.Context(), ana, other.ID, "old")
	require.Error(t, err)
	kept, err := s.DeadLetter(t.Context(), other.ID)
	require.NoError(t, err)
	require.Equal(t, deadletter.Open, kept.State, "without its audit entry the change is not made")
}

func TestAClosedFindingIsAuditedOnce(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	run, err := s.BeginReconciliation(t.Context(), plan("run", time.Now()))
	require.NoError(t, err)
	require.NoError(t, s.KeepFindings(t.Context(), run.ID, []payment.Finding{{Kind: payment.OrphanPayment, ProviderPaymentID: "77", ProviderUpdatedAt: timeAt(0), FoundAt: timeAt(0)}}))
	found, err := s.Findings(t.Context(), payment.FindingFilter{Limit: 1})
	require.NoError(t, err)
	for range 2 {
		_, err = s.CloseFinding(t.Context(), ana, found[0].ID, "another shop's")
		require.NoError(t, err)
	}
	require.Equal(t, []audit.Entry{{Actor: ana, Action: audit.FindingClose, Object: fmt.Sprint("finding/", found[0].ID), Reason: "another shop's",
		Before: audit.Values{"kind": "orphan_payment", "provider_payment_id": "77", "state": "open"},
		After:  audit.Values{"kind": "orphan_payment", "provider_payment_id": "77", "state": "closed"}}}, s.trail(t, audit.Filter{Actor: "ana"}))
}

// A settlement and its audit entry are stored together, and only when it moves the payment.
func TestASettlementIsAuditedOnce(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	p := s.open(t, newPayment("order-1"))
	settle := func(id string) (Move, error) {
		e := audit.Entry{Actor: ana, Action: audit.PaymentSettle, Object: "payment/" + id, Reason: "the panel has none"}
		return s.Settle(t.Context(), id, e, timeAt(2))
	}
	_, err := settle(p.ID)
	require.NoError(t, err)
	require.Empty(t, s.trail(t, audit.Filter{Actor: "ana"}), "it is not unknown")
	_, err = s.Park(t.Context(), p.ID, "silence", timeAt(1))
	require.NoError(t, err)
	for range 2 {
		m, err := settle(p.ID)
		require.NoError(t, err)
		require.Equal(t, payment.Failed, m.Status)
	}
	require.Equal(t, []audit.Entry{{Actor: ana, Action: audit.PaymentSettle, Object: "payment/" + p.ID, Reason: "the panel has none",
		Before: audit.Values{"status": "unknown"}, After: audit.Values{"status": "failed"}}}, s.trail(t, audit.Filter{Actor: "ana"}))

	other := s.open(t, newPayment("order-2"))
	_, err = s.Park(t.Context(), other.ID, "silence", timeAt(1))
	require.NoError(t, err)
	_, err = s.pool.Exec(t.Context(), `alter table audit rename to elsewhere`)
	require.NoError(t, err)
	_, err = settle(other.ID)
	require.Error(t, err)
	kept, err := s.Payment(t.Context(), other.ID)
	require.NoError(t, err)
	require.Equal(t, payment.Unknown, kept.Status, "without its audit entry the change is not made")
}

// No statement changes or removes an audit entry, and no retention does.
func TestTheAuditOnlyGrows(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	id := payment.NewAuditID("once")
	for range 2 {
		require.NoError(t, s.Audit(t.Context(), audit.Entry{ID: id, Actor: ana, Action: audit.RedriveStart, Object: "redrive/1", Reason: "r"}))
	}
	require.Len(t, s.trail(t, audit.Filter{Actor: "ana"}), 1, "stored once, however often it is called")
	for _, statement := range []string{
		`update audit set actor = 'nobody'`, `delete from audit`, `delete from audit where false`, `truncate audit`,
		`insert into audit select id, at, 'nobody', channel, origin, action, object, reason, before, after from audit on conflict (id) do update set actor = 'nobody'`,
	} {
		_, err := s.pool.Exec(t.Context(), statement)
		require.ErrorContains(t, err, "neither changed nor removed", statement)
	}
	second := payment.Retention{Notifications: time.Second, DeadLetters: time.Second, Reconciliation: time.Second, Emails: time.Second}
	_, _, err := s.Prune(t.Context(), second, time.Now().AddDate(50, 0, 0), 1000)
	require.NoError(t, err)
	require.Len(t, s.trail(t, audit.Filter{Actor: "ana"}), 1)
}

func TestTheAuditIsFilteredAndPaged(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	rui := audit.Actor{Name: "rui", Channel: audit.CommandLine, From: "root@host"}
	for _, e := range []audit.Entry{
		{Actor: ana, Action: audit.LogIn, Object: "user/ana"}, {Actor: rui, Action: audit.BreakerSet, Object: "breaker/read", Reason: "r"},
		{Actor: ana, Action: audit.BreakerSet, Object: "breaker/read"}, {Actor: ana, Action: audit.LogOut, Object: "user/ana"},
	} {
		require.NoError(t, s.Audit(t.Context(), e))
	}
	actions := func(f audit.Filter) (actions []audit.Action) {
		for _, e := range s.trail(t, f) {
			actions = append(actions, e.Action)
		}
		return actions
	}
	require.Equal(t, []audit.Action{audit.LogOut, audit.BreakerSet, audit.LogIn}, actions(audit.Filter{Actor: "ana"}))
	require.Equal(t, []audit.Action{audit.LogOut, audit.LogIn}, actions(audit.Filter{Object: "user/ana"}))
	require.Len(t, actions(audit.Filter{Action: audit.BreakerSet}), 2)
	require.Len(t, actions(audit.Filter{Actor: "rui", Action: audit.BreakerSet, Object: "breaker/read", From: time.Now().Add(-time.Hour), To: time.Now().Add(time.Hour)}), 1)
	require.Empty(t, actions(audit.Filter{From: time.Now().Add(time.Hour)}))
	require.Empty(t, actions(audit.Filter{To: time.Now().Add(-time.Hour)}))

	var paged []audit.Action
	for f := (audit.Filter{Actor: "ana", Limit: 1}); ; {
		list, err := s.AuditTrail(t.Context(), f)
		require.NoError(t, err)
		if len(list) == 0 {
			break
		}
		paged = append(paged, list[0].Action)
		f.After = payment.Position{CreatedAt: list[0].At, ID: list[0].ID}
	}
	require.Equal(t, []audit.Action{audit.LogOut, audit.BreakerSet, audit.LogIn}, paged)
	for pointer, f := range map[string]audit.Filter{
		"action": {Action: "users", Limit: 1}, "object": {Object: "ana", Limit: 1}, "limit": {}, "to": {From: timeAt(2), To: timeAt(1), Limit: 1},
	} {
		_, err := s.AuditTrail(t.Context(), f)
		require.Equal(t, failure.Invalid, failure.KindOf(err), pointer)
	}
}

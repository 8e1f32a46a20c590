package audit

import (
	"slices"
	"strings"
	"time"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
)

// Action is the kind of an action.
type Action string

// The actions.
const (
	LogIn        Action = "log_in"
	LogInRefused Action = "log_in.refused" // a log-in with this user's name and a wrong password or code
	LogOut       Action = "log_out"

	UserAdd      Action = "user.add"
	UserRemove   Action = "user.remove"
	UserRevoke   Action = "user.revoke" // all sessions of the user ended
	UserPassword Action = "user.password"

	UserSecondFactor      Action = "user.second_factor"       // set up, or replaced
	UserSecondFactorReset Action = "user.second_factor_reset" // removed
	UserRecoveryCodes     Action = "user.recovery_codes"      // new ones replaced the old ones

	KeyCreate Action = "key.create"
	KeyRevoke Action = "key.revoke"

	BreakerSet        Action = "breaker.set"
	DeadLetterDiscard Action = "dead_letter.discard"
	RedriveStart      Action = "redrive.start"
	PaymentLook       Action = "payment.look"
	PaymentRetry      Action = "payment.retry"
	PaymentHold       Action = "payment.hold"
	PaymentHoldEnd    Action = "payment.hold_end" // a hold has ended by itself
	PaymentRelease    Action = "payment.release"
	PaymentGiveUp     Action = "payment.give_up"
	PaymentSettle     Action = "payment.settle"
	PaymentCancel     Action = "payment.cancel"
	PaymentRefund     Action = "payment.refund"
	PaymentCapture    Action = "payment.capture"
	FindingClose      Action = "finding.close"
	DisputeEvidence   Action = "dispute.evidence" // documents about a dispute were sent
	PayerSearch       Action = "payer.search"     // somebody looked for the payments of an e-mail address, which the entry does not have
	RecordPrune       Action = "record.prune"     // by the command; runs of the schedule have no entry

	// Actions that change Temporal only. Scripts note them, see Notable.
	PaymentReset     Action = "payment.reset"
	ActivityPause    Action = "activity.pause"
	ActivityUnpause  Action = "activity.unpause"
	ActivityRetry    Action = "activity.retry"
	ProviderThrottle Action = "provider.throttle"
	WorkerDrain      Action = "worker.drain"
)

// Notable lists the actions that an operator's script notes before it asks Temporal for them. All other entries are written with the
// action itself, and no script can write those.
func Notable() []Action {
	return []Action{PaymentReset, ActivityPause, ActivityUnpause, ActivityRetry, ProviderThrottle, WorkerDrain}
}

// Actions lists every action.
func Actions() []Action {
	return append([]Action{
		LogIn, LogInRefused, LogOut, UserAdd, UserRemove, UserRevoke, UserPassword,
		UserSecondFactor, UserSecondFactorReset, UserRecoveryCodes, KeyCreate, KeyRevoke,
		BreakerSet, DeadLetterDiscard, RedriveStart, FindingClose, DisputeEvidence, PayerSearch, RecordPrune,
		PaymentLook, PaymentRetry, PaymentHold, PaymentHoldEnd, PaymentRelease, PaymentGiveUp, PaymentSettle,
		PaymentCancel, PaymentRefund, PaymentCapture,
	}, Notable()...)
}

// NoteFields lists the errors of an entry that a script wants to note.
func (e Entry) NoteFields() []failure.Field {
	wrong := append(e.Actor.Fields(), ReasonFields(e.Reason)...)
	if !slices.Contains(Notable(), e.Action) {
		wrong = append(wrong, failure.Field{Pointer: "/action", Detail: "must be one of " + failure.OneOf(Notable())})
	}
	if kind, id, ok := strings.Cut(e.Object, "/"); !ok || kind == "" || payment.NameFault(id) != "" || strings.ContainsAny(kind, " <>") {
		wrong = append(wrong, failure.Field{Pointer: "/object", Detail: "must be a kind and an id, such as payment/3f0c1f4e-7a52-5d0b-9a3f-0d6c1c1c8a11"})
	}
	return wrong
}

// Values are properties of an object, as plain text by name. They never hold a secret or a buyer's data.
type Values map[string]string

// Entry is one action.
type Entry struct {
	// ID keeps a repeated action from having two entries, see payment.NewAuditID. Empty: a new random id.
	ID     string
	At     time.Time // set by the database's clock
	Actor  Actor
	Action Action
	Object string // kind and id, such as user/ana
	Reason string
	Before Values
	After  Values
}

// Changes lists the values that differ, sorted by name.
func (e Entry) Changes() []Change {
	var changes []Change
	for name, before := range e.Before {
		if after := e.After[name]; after != before {
			changes = append(changes, Change{name, before, after})
		}
	}
	for name, after := range e.After {
		if _, there := e.Before[name]; !there {
			changes = append(changes, Change{name, "", after})
		}
	}
	slices.SortFunc(changes, func(a, b Change) int { return strings.Compare(a.Name, b.Name) })
	return changes
}

// Change is one changed value; empty means absent.
type Change struct{ Name, Before, After string }

// String looks like "state: open → closed".
func (c Change) String() string {
	if c.Before == "" {
		return c.Name + ": " + c.After
	}
	return c.Name + ": " + c.Before + " → " + c.After
}

// Filter selects entries, the newest first. Zero fields do not filter.
type Filter struct {
	Actor  string
	Action Action
	Object string
	From   time.Time // inclusive
	To     time.Time // exclusive
	After  payment.Position
	Limit  int
}

// MaxList is the largest limit of a list.
const MaxList = 1000

// Fields lists the errors of the filter; their pointers are bare names.
func (f Filter) Fields() []failure.Field {
	var wrong []failure.Field
	check := func(right bool, name, detail string) {
		if !right {
			wrong = append(wrong, failure.Field{Pointer: name, Detail: detail})
		}
	}
	check(f.Action == "" || slices.Contains(Actions(), f.Action), "action", "must be one of "+failure.OneOf(Actions()))
	check(f.Object == "" || strings.Contains(f.Object, "/"), "object", "must be a kind and an id, such as user/ana")
	check(f.To.IsZero() || f.From.Before(f.To), "to", "must be later than from")
	check(f.Limit >= 1 && f.Limit <= MaxList, "limit", "must be a whole number from 1 to 1000")
	return wrong
}

package audit

import (
	"slices"
	"strings"
	"time"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
)

// Action is what was done.
type Action string

// The actions.
const (
	LogIn        Action = "log_in"
	LogInRefused Action = "log_in.refused" // somebody gave this user's name and could not prove to be the user
	LogOut       Action = "log_out"

	UserAdd      Action = "user.add"
	UserRemove   Action = "user.remove"
	UserRevoke   Action = "user.revoke" // all sessions of the user ended
	UserPassword Action = "user.password"

	UserSecondFactor      Action = "user.second_factor"       // set up, or replaced
	UserSecondFactorReset Action = "user.second_factor_reset" // taken away
	UserRecoveryCodes     Action = "user.recovery_codes"      // made anew

	KeyCreate Action = "key.create"
	KeyRevoke Action = "key.revoke"

	BreakerSet        Action = "breaker.set"
	DeadLetterDiscard Action = "dead_letter.discard"
	RedriveStart      Action = "redrive.start"
	PaymentSettle     Action = "payment.settle"
	FindingClose      Action = "finding.close"
	RecordPrune       Action = "record.prune" // by hand; the schedule's runs are no action of anybody's
)

// Actions lists every action.
func Actions() []Action {
	return []Action{
		LogIn, LogInRefused, LogOut, UserAdd, UserRemove, UserRevoke, UserPassword,
		UserSecondFactor, UserSecondFactorReset, UserRecoveryCodes, KeyCreate, KeyRevoke,
		BreakerSet, DeadLetterDiscard, RedriveStart, PaymentSettle, FindingClose, RecordPrune,
	}
}

// Values are what an object was, or is: plain text by name. No secret, and nothing of a buyer's, is ever among them.
type Values map[string]string

// Entry is one action, as it is kept for good.
type Entry struct {
	// ID makes an action that may be recorded twice one entry, see payment.NewAuditID. Empty: an entry of its own.
	ID     string
	At     time.Time // by the database's clock, which writes it
	Actor  Actor
	Action Action
	Object string // kind and id, such as user/ana
	Reason string
	Before Values
	After  Values
}

// Changes lists what differs, in the names' order.
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

// Change is one value that an action changed; an empty one is not there.
type Change struct{ Name, Before, After string }

// String is such as "state: open → closed".
func (c Change) String() string {
	if c.Before == "" {
		return c.Name + ": " + c.After
	}
	return c.Name + ": " + c.Before + " → " + c.After
}

// Filter chooses entries, the newest first. Zero fields do not filter.
type Filter struct {
	Actor  string
	Action Action
	Object string
	From   time.Time // inclusive
	To     time.Time // exclusive
	After  payment.Position
	Limit  int
}

// MaxList is how many entries one list may ask for.
const MaxList = 1000

// Fields finds what is wrong with the filter; the pointers are bare names.
func (f Filter) Fields() []failure.Field {
	var wrong []failure.Field
	check := func(right bool, name, detail string) {
		if !right {
			wrong = append(wrong, failure.Field{Pointer: name, Detail: detail})
		}
	}
	check(f.Action == "" || slices.Contains(Actions(), f.Action), "action", "must be one of "+oneOf(Actions()))
	check(f.Object == "" || strings.Contains(f.Object, "/"), "object", "must be a kind and an id, such as user/ana")
	check(f.To.IsZero() || f.From.Before(f.To), "to", "must be later than from")
	check(f.Limit >= 1 && f.Limit <= MaxList, "limit", "must be a whole number from 1 to 1000")
	return wrong
}

func oneOf(all []Action) string {
	words := make([]string, len(all))
	for i, a := range all {
		words[i] = string(a)
	}
	return strings.Join(words, ", ")
}

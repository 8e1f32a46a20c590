// Package audit records who did what on the platform. Each action of an operator or an administrator, each log-in, and each search for a
// buyer, is an Entry; Postgres keeps it and never changes it.
//
// Its one rule: every action has an entry. A change in Postgres and its entry are one transaction. For a change elsewhere the entry
// is written first: then an entry may exist for a change that failed, and never a change without an entry. The result of a search is shown
// after its entry is written.
package audit

import (
	"strings"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
)

// Channel is the front end through which an action was requested.
type Channel string

// The channels.
const (
	Console     Channel = "console" // a user who is logged in to the console
	REST        Channel = "rest"    // a client app with its API key
	CommandLine Channel = "command" // somebody with a shell

	Temporal Channel = "temporal" // a signal or an update that none of our front ends has sent; the actor's name is not checked
	Workflow Channel = "workflow" // OnlyWave itself, as when a hold ends at its time
)

// Actor says who does something.
type Actor struct {
	Name    string // a user of the console, a client app, or the name given with --actor
	Channel Channel
	// From is where the request came from, as far as that is known: the network address, or for a command the operating
	// system's user and host, which the caller cannot choose.
	From string
}

// Fields lists the errors of the actor's name.
func (a Actor) Fields() []failure.Field {
	if strings.TrimSpace(a.Name) == "" {
		return []failure.Field{{Pointer: "/actor", Detail: "must say who does it"}}
	}
	if fault := payment.NameFault(a.Name); fault != "" {
		return []failure.Field{{Pointer: "/actor", Detail: fault}}
	}
	return nil
}

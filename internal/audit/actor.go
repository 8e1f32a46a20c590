// Package audit says who did what on the platform: each action of an operator, an administrator or somebody who logs in is an
// Entry, which Postgres keeps and never changes.
//
// Its one rule: nothing is done that is not on record. What changes in Postgres is written with its entry in one transaction; for
// what changes elsewhere the entry is written before, so that it may say what then failed, and never the other way round.
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
)

// Actor says who does something.
type Actor struct {
	Name    string // a user of the console, a client app, or the name given with --actor
	Channel Channel
	// From is where the request came from, as far as that is known: the network address, or for a command the operating
	// system's user and host, which the caller cannot choose.
	From string
}

// Fields finds what is wrong with the actor's name, which people will read later.
func (a Actor) Fields() []failure.Field {
	if strings.TrimSpace(a.Name) == "" {
		return []failure.Field{{Pointer: "/actor", Detail: "must say who does it"}}
	}
	if fault := payment.NameFault(a.Name); fault != "" {
		return []failure.Field{{Pointer: "/actor", Detail: fault}}
	}
	return nil
}

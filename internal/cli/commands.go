package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/user"
	"strconv"
	"strings"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/config"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/postgres"
)

// errSettings says that nothing was begun.
var errSettings = errors.New("the configuration is not right")

// settings is the configuration for one part of the program; the error lists every mistake.
func settings(part config.Part, environ []string) (config.Config, error) {
	c, err := config.Load(part, environ)
	if err != nil {
		return c, fmt.Errorf("%w:\n%w", errSettings, err)
	}
	return c, nil
}

// withDatabase is what a command does with the record, over one connection.
func withDatabase(ctx context.Context, part config.Part, environ []string, use func(config.Config, *postgres.Store) error) error {
	c, err := settings(part, environ)
	if err != nil {
		return err
	}
	record, err := postgres.Open(ctx, string(c.DatabaseURL), 1)
	if err != nil {
		return err
	}
	defer record.Close()
	return use(c, record)
}

// flagged says what is wrong with a command's flags, each by its name. Other errors stay as they are.
func flagged(err error) error {
	e, ok := errors.AsType[*failure.Error](err)
	if !ok || len(e.Fields) == 0 {
		return err
	}
	text := e.Message + ":"
	for _, f := range e.Fields {
		text += "\n  " + strings.TrimSpace(flagOf(f.Pointer)+" "+f.Detail)
	}
	return errors.New(text)
}

// flagOf is what a command calls the field of a request. A filter as a whole has no flag.
func flagOf(pointer string) string {
	name := strings.TrimPrefix(strings.TrimPrefix("/"+strings.TrimPrefix(pointer, "/"), "/filter"), "/")
	if place, ok := strings.CutPrefix(name, "ids/"); ok {
		return "ID number " + place + " (counted from 0)"
	}
	switch name {
	case "":
		return ""
	case "name":
		return "NAME"
	case "ids":
		return "the list of IDs"
	case "payment_id":
		return "--payment"
	case "stop_after_errors":
		return "--stop-after"
	}
	return "--" + strings.ReplaceAll(name, "_", "-")
}

// refuseStrangers makes groups of commands fail for a word that is none of theirs; left alone they show their help and are content.
func refuseStrangers(all []*cobra.Command) {
	for _, c := range all {
		if c.HasSubCommands() && !c.Runnable() {
			c.Args = cobra.NoArgs
			c.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
		}
	}
}

// signature is who gives a command, and why.
type signature struct{ actor, reason string }

func (s *signature) flags(command *cobra.Command) {
	command.Flags().StringVar(&s.actor, "actor", "", "who does it")
	command.Flags().StringVar(&s.reason, "reason", "", "why")
}

// actorFlag is for commands that need no reason.
func (s *signature) actorFlag(command *cobra.Command) {
	command.Flags().StringVar(&s.actor, "actor", "", "who does it; the operating system's user is recorded in any case")
}

// administrator is the actor of a command that asks for no reason. Who says nothing is whom the operating system says.
func (s *signature) administrator() audit.Actor {
	actor := s.by()
	if s.actor == "" {
		actor.Name, _, _ = strings.Cut(actor.From, "@")
	}
	return actor
}

// by is the actor: the name that was given, and whom the operating system says.
func (s *signature) by() audit.Actor {
	return audit.Actor{Name: s.actor, Channel: audit.CommandLine, From: osUser()}
}

// osUser is whom this process belongs to, as user@host. Who came by sudo is named, too.
func osUser() string {
	name := strconv.Itoa(os.Getuid()) // a container may have no name for it
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	if host, err := os.Hostname(); err == nil {
		name += "@" + host
	}
	if sudoer := os.Getenv("SUDO_USER"); sudoer != "" && payment.NameFault(sudoer) == "" {
		name += ", by sudo from " + sudoer
	}
	return name
}

// cell is text as it stands in one row of a table, whatever is in it.
func cell(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, text)
}

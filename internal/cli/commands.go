package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/user"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/config"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/postgres"
)

// errSettings says that a command did not start because of its settings.
var errSettings = errors.New("the configuration is not valid")

// settings is the configuration for one part of the program; the error lists every mistake.
func settings(part config.Part, environ []string) (config.Config, error) {
	c, err := config.Load(part, environ)
	if err != nil {
		return c, fmt.Errorf("%w:\n%w", errSettings, err)
	}
	return c, nil
}

// withDatabase runs a command with one connection to the database.
func withDatabase(ctx context.Context, part config.Part, environ []string, use func(config.Config, *postgres.Store) error) error {
	c, err := settings(part, environ)
	if err != nil {
		return err
	}
	database, err := postgres.Open(ctx, string(c.DatabaseURL), 1)
	if err != nil {
		return err
	}
	defer database.Close()
	return use(c, database)
}

// flagged replaces the fields of an error by the flags of the command. Other errors stay as they are.
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

// flagOf is the flag of a request's field, or "" for the filter as a whole.
func flagOf(pointer string) string {
	name := strings.TrimPrefix(strings.TrimPrefix("/"+strings.TrimPrefix(pointer, "/"), "/filter"), "/")
	if place, ok := strings.CutPrefix(name, "ids/"); ok {
		n, _ := strconv.Atoi(place)
		return fmt.Sprintf("ID %d of the command", n+1)
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

// requireSubcommand makes an unknown subcommand an error; cobra would print the help and exit with 0.
func requireSubcommand(all []*cobra.Command) {
	for _, c := range all {
		if c.HasSubCommands() && !c.Runnable() {
			c.Args = cobra.NoArgs
			c.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
		}
	}
}

// outputFlag adds --output, for users or for programs. checkOutput refuses what is neither.
func outputFlag(command *cobra.Command, output *string) {
	command.Flags().StringVar(output, "output", "text", "text or json")
}

func checkOutput(output string) error {
	if output != "text" && output != "json" {
		return fmt.Errorf("--output must be text or json, and not %q", output)
	}
	return nil
}

// limitHelp is the help of --limit.
const limitHelp = "largest number of rows, from 1 to 1000"

// signature is the actor of a command and the reason.
type signature struct{ actor, reason string }

func (s *signature) flags(command *cobra.Command) {
	command.Flags().StringVar(&s.actor, "actor", "", "your name, for the audit (required)")
	command.Flags().StringVar(&s.reason, "reason", "", "why you do this, for the audit; at most 500 characters (required)")
}

// actorFlag is for commands without a reason.
func (s *signature) actorFlag(command *cobra.Command) {
	command.Flags().StringVar(&s.actor, "actor", "", "your name, for the audit (default: the user of the operating system, which the audit holds in any case)")
}

// administrator is the actor of a command without a reason. Without --actor it is the user of the operating system.
func (s *signature) administrator() audit.Actor {
	actor := s.by()
	if s.actor == "" {
		actor.Name, _, _ = strings.Cut(actor.From, "@")
	}
	return actor
}

// by is the actor: the name of --actor, and the user of the operating system.
func (s *signature) by() audit.Actor {
	return audit.Actor{Name: s.actor, Channel: audit.CommandLine, From: osUser()}
}

// osUser is the user of this process, as user@host, with the user that called sudo.
func osUser() string {
	name := strconv.Itoa(os.Getuid()) // in a container the user may have no name
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

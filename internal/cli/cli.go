// Package cli has the program's commands and puts its parts together. Its one rule: each part is built from the ones above it in a flat
// list, and is closed in the reverse order.
package cli

//go:generate go test -run ^TestEveryMetricIsOnThePage$ -update .

import (
	"context"
	"io"
	"log/slog"
	"os"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/onlywave/onlywave/internal/config"
	"github.com/onlywave/onlywave/internal/tracing"
)

// gcPercent makes garbage collection rarer: the live heap is small and there are many requests, so the default would collect every
// few megabytes. GOGC overrides it, GOMEMLIMIT bounds it.
const gcPercent = 400

// Run is the program: it runs the command of args until it ends or ctx ends.
func Run(ctx context.Context, args, environ []string, out io.Writer) error {
	return Execute(ctx, Root(environ, out), args, out)
}

// Groups of commands in the help.
const (
	processes = "processes"
	setup     = "setup"
	operators = "operators"
)

// Root is the command onlywave with all its subcommands.
func Root(environ []string, out io.Writer) *cobra.Command {
	root := &cobra.Command{
		Use:   "onlywave",
		Short: "A payment platform: REST in, Mercado Pago out, every payment a Temporal workflow",
		Long: "A payment platform: REST in, Mercado Pago out, every payment a Temporal workflow.\n\n" +
			"All settings are environment variables; onlywave config prints them.",
	}
	root.AddGroup(&cobra.Group{ID: processes, Title: "Processes:"}, &cobra.Group{ID: setup, Title: "Setup and checks:"},
		&cobra.Group{ID: operators, Title: "Operators' commands:"})
	addCommands(root, processes,
		Part(config.API, environ, "Serve the REST API, the console and Mercado Pago's webhooks", traced(config.API, serveAPI)),
		Part(config.Worker, environ, "Run the workflows, their activities and the consumers of the queues", traced(config.Worker, serveWorker)),
	)
	addCommands(root, setup,
		Part(config.Migrate, environ, "Update the database's schema, and Temporal's search attributes and schedules", migrate),
		configCommand(environ, out),
		HealthyCommand(),
		versionCommand(out),
	)
	addCommands(root, operators,
		keysCommand(environ, out),
		usersCommand(environ, out),
		breakersCommand(environ, out),
		reconcileCommand(environ, out),
		deadLettersCommand(environ, out),
		explainCommand(environ, out),
		paymentsCommand(environ, out),
		resetPreviewCommand(environ, out),
		pruneCommand(environ, out),
		auditCommand(environ, out),
		viewsCommand(environ, out),
		codecCommand(environ),
	)
	return root
}

func addCommands(root *cobra.Command, group string, commands ...*cobra.Command) {
	for _, c := range commands {
		c.GroupID = group
		root.AddCommand(c)
	}
}

// Part is the command of a process, with its settings.
func Part(name config.Part, environ []string, short string, serve func(context.Context, config.Config, *slog.Logger) error) *cobra.Command {
	return &cobra.Command{Use: string(name), Short: short, Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		c, err := settings(name, environ)
		if err != nil {
			return err
		}
		log := newLogger(c.LogLevel)
		for _, u := range c.Unprotected(name) {
			log.Warn("connection without TLS or without credentials, allowed by the settings", "dependency", u[0], "reason", u[1])
		}
		return serve(cmd.Context(), c, log)
	}}
}

// Execute runs the command of args. main prints the error, once; cobra would print it too, with the usage.
func Execute(ctx context.Context, root *cobra.Command, args []string, out io.Writer) error {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	root.SilenceErrors, root.SilenceUsage = true, true
	requireSubcommand(root.Commands())
	root.SetArgs(args)
	root.SetOut(out)
	return flagged(root.ExecuteContext(ctx))
}

func newLogger(level string) *slog.Logger {
	var l slog.Level
	_ = l.UnmarshalText([]byte(level)) // config has checked it
	return slog.New(tracing.Logged(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: l})))
}

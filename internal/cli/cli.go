// Package cli is the program's commands, and the only place where its parts are put together. Its one rule: each part is built from the
// ones above it in a flat list, and ends in the reverse order.
package cli

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

// gcPercent lets the garbage wait: what lives is small, requests are many, and the default would collect
// every few megabytes. GOGC overrides it, GOMEMLIMIT bounds it.
const gcPercent = 400

// Run is the program: arguments and environment in, until it is done or ctx ends.
func Run(ctx context.Context, args, environ []string, out io.Writer) error {
	root := Root(environ, out)
	return Execute(ctx, root, args, out)
}

// Root is the command with all that it can do.
func Root(environ []string, out io.Writer) *cobra.Command {
	root := &cobra.Command{
		Use:   "onlywave",
		Short: "A payment platform: REST in, Mercado Pago out, every payment a Temporal workflow",
	}
	root.AddCommand(
		Part(config.API, environ, "Serve the REST API and take webhooks in", traced(config.API, serveAPI)),
		Part(config.Worker, environ, "Run the workflows, their activities and the queues' consumers", traced(config.Worker, serveWorker)),
		Part(config.Migrate, environ, "Bring the database's schema, Temporal's search attributes and its schedules up to date", migrate),
		keysCommand(environ, out),
		usersCommand(environ, out),
		breakersCommand(environ, out),
		reconcileCommand(environ, out),
		deadLettersCommand(environ, out),
		paymentsCommand(environ, out),
		pruneCommand(environ, out),
		auditCommand(environ, out),
		configCommand(environ, out),
		HealthyCommand(),
	)
	return root
}

// Part is the command that serves a part of the platform, with the settings for it.
func Part(name config.Part, environ []string, short string, serve func(context.Context, config.Config, *slog.Logger) error) *cobra.Command {
	return &cobra.Command{Use: string(name), Short: short, Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		c, err := settings(name, environ)
		if err != nil {
			return err
		}
		log := newLogger(c.LogLevel)
		for _, u := range c.Unprotected(name) {
			log.Warn("reached without TLS or without credentials, as the settings say", "dependency", u[0], "reason", u[1])
		}
		return serve(cmd.Context(), c, log)
	}}
}

// Execute runs one of a program's commands. Its error is for main to print, once, and a wrong setting is no reason to print the usage.
func Execute(ctx context.Context, root *cobra.Command, args []string, out io.Writer) error {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	root.SilenceErrors, root.SilenceUsage = true, true
	refuseStrangers(root.Commands())
	root.SetArgs(args)
	root.SetOut(out)
	return flagged(root.ExecuteContext(ctx))
}

func newLogger(level string) *slog.Logger {
	var l slog.Level
	_ = l.UnmarshalText([]byte(level)) // config has checked it
	return slog.New(tracing.Logged(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: l})))
}

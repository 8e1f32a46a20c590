// Package standin has the commands that serve the stand-ins for external services: the simulator for Mercado Pago, and the mail sink for a
// mail server. Its one rule: each is configured, logged and stopped as api and worker are.
package standin

import (
	"context"
	"fmt"
	"log/slog"
	"net"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/onlywave/onlywave/internal/cli"
	"github.com/onlywave/onlywave/internal/config"
	"github.com/onlywave/onlywave/test/mailsink"
	"github.com/onlywave/onlywave/test/simulator"
)

// Commands are simulator and mailsink.
func Commands(environ []string) []*cobra.Command {
	served := cli.Part(config.Simulator, environ, "Serve a faithful fake Mercado Pago", serveSimulator)
	served.AddCommand(triggerCommand())
	return []*cobra.Command{
		served,
		cli.Part(config.MailSink, environ, "Take e-mails, deliver none and show them on a page", serveMailSink),
	}
}

func serveSimulator(ctx context.Context, c config.Config, log *slog.Logger) error {
	s, err := openSimulator(simulator.Config{
		AccessToken: string(c.MercadoPagoAccessToken), WebhookSecret: string(c.WebhookSecrets[0]),
		PublicURL: c.SimulatorURL, DefaultNotificationURL: c.MercadoPagoNotificationURL, TimeScale: c.SimulatorTimeScale, ReleaseAfter: c.SimulatorReleaseAfter, Log: log,
	}, c.SimulatorData)
	if err != nil {
		return err
	}
	defer s.Close()
	return cli.Serve(ctx, c.SimulatorAddress, s, log)
}

func openSimulator(c simulator.Config, file string) (*simulator.Simulator, error) {
	if file == "" {
		return simulator.New(c), nil
	}
	return simulator.Open(c, file)
}

// serveMailSink serves a mail server that delivers nothing, and its page.
func serveMailSink(ctx context.Context, c config.Config, log *slog.Logger) error {
	sink := mailsink.New(log)
	listener, err := net.Listen("tcp", c.MailSinkSMTPAddress)
	if err != nil {
		return fmt.Errorf("listen for e-mails: %w", err)
	}
	both, ctx := errgroup.WithContext(ctx)
	both.Go(func() error { return sink.ServeSMTP(ctx, listener) })
	both.Go(func() error { return cli.Serve(ctx, c.MailSinkAddress, sink, log) })
	return both.Wait()
}

package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/onlywave/onlywave/activities"
	"github.com/onlywave/onlywave/internal/config"
	"github.com/onlywave/onlywave/internal/email"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/ratelimit"
	"github.com/onlywave/onlywave/internal/redisstore"
	"github.com/onlywave/onlywave/test/mailsink"
	"github.com/onlywave/onlywave/workflows"
)

// mailOf is the mail server that is set, or nothing.
func mailOf(c config.Config, door *workflows.Client, store *redisstore.Store) (activities.Mail, error) {
	if c.SMTPURL == "" {
		return activities.Mail{}, nil
	}
	sender, err := email.New(email.Config{URL: string(c.SMTPURL), From: c.EmailFrom})
	mail := activities.Mail{Sender: sender, Operators: c.OperatorsEmail, Start: door.Email}
	if c.EmailLimit > 0 {
		mail.PerReader = ratelimit.NewDistinct(store, "emails", c.EmailLimit, 24*time.Hour)
	}
	return mail, err
}

// buyersEmail begins the e-mails to buyers, if there is a mail server.
func buyersEmail(mail activities.Mail) func(context.Context, payment.Event) error {
	if mail.Sender == nil {
		return nil
	}
	return func(ctx context.Context, e payment.Event) error { return mail.Start(ctx, activities.ToBuyer(e)) }
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
	both.Go(func() error { return serveHTTP(ctx, c.MailSinkAddress, sink, log) })
	return both.Wait()
}

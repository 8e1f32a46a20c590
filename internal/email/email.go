// Package email writes e-mails and gives them to a mail server. Its one rule: the text and the recipient of an e-mail go to the
// mail server only, and are in no error, log or metric. The text of a server's reply is in none either, because it quotes addresses.
//
// If the connection is lost before the server confirms an e-mail, the e-mail is sent again, with the same Message-ID.
package email

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"net/mail"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	gomail "github.com/wneessen/go-mail"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/tracing"
)

// timeout is for each of four: the connection to the mail server, its greeting, the log-in, and the delivery of one e-mail.
const timeout = 6 * time.Second

// The ports of submission, with STARTTLS and with TLS from the start.
const (
	submission  = 587
	submissions = 465
)

// imageID is under which the HTML finds its image.
const imageID = "pix@onlywave"

// Message is one e-mail.
type Message struct {
	ID      string // a UUID; the same e-mail sent again has the same
	Notice  payment.Notice
	To      string
	Subject string
	Text    string
	HTML    string
	Image   []byte // PNG, shown by the HTML; nil: none
}

// Config says where e-mails go out.
type Config struct {
	// URL is smtp://user:password@host:587, which insists on STARTTLS, or smtps://user:password@host:465. A server on this very
	// machine may do without: smtp://host:port?tls=none.
	URL  string
	From string // Shop <payments@shop.example>
}

// Sender gives e-mails to one mail server.
type Sender struct {
	host    string
	options []gomail.Option
	from    *mail.Address
	domain  string // of the Message-IDs
	emails  *prometheus.CounterVec
}

// New makes a Sender. It does not connect yet: each e-mail is a connection of its own.
func New(c Config) (*Sender, error) {
	u, err := url.Parse(c.URL)
	if err != nil || u.Hostname() == "" {
		return nil, fmt.Errorf("the mail server's address is not such as smtp://host:587") // which holds a password
	}
	from, err := mail.ParseAddress(c.From)
	if err != nil {
		return nil, fmt.Errorf("the sender's address: %w", err)
	}
	options := []gomail.Option{gomail.WithTimeout(timeout), gomail.WithoutNoop()}
	port, _ := strconv.Atoi(u.Port())
	switch {
	case u.Scheme == "smtps":
		options = append(options, gomail.WithSSL(), gomail.WithPort(orElse(port, submissions)))
	case u.Scheme == "smtp" && u.Query().Get("tls") == "none":
		options = append(options, gomail.WithTLSPolicy(gomail.NoTLS), gomail.WithPort(orElse(port, submission)))
	case u.Scheme == "smtp":
		options = append(options, gomail.WithTLSPolicy(gomail.TLSMandatory), gomail.WithPort(orElse(port, submission)))
	default:
		return nil, fmt.Errorf("the mail server's address must begin with smtp:// or smtps://")
	}
	if password, ok := u.User.Password(); ok {
		options = append(options, gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover),
			gomail.WithUsername(u.User.Username()), gomail.WithPassword(password))
	}
	if _, err := gomail.NewClient(u.Hostname(), options...); err != nil {
		return nil, fmt.Errorf("the mail server's address: %w", err)
	}
	_, domain, _ := strings.Cut(from.Address, "@")
	return &Sender{host: u.Hostname(), options: options, from: from, domain: domain, emails: newCounter()}, nil
}

func orElse(port, preset int) int {
	if port == 0 {
		return preset
	}
	return port
}

func newCounter() *prometheus.CounterVec {
	counter := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "onlywave_emails_total", Help: "Attempts to send an e-mail, by notice and outcome: sent, or a kind of failure. invalid: the server refused the e-mail for good. withheld: the limit for one recipient was reached.",
	}, []string{"notice", "outcome"})
	for _, n := range payment.Notices() {
		for _, outcome := range []string{sent, withheld, string(failure.Invalid), string(failure.Limited), string(failure.Unauthorized), string(failure.Unavailable)} {
			counter.WithLabelValues(string(n), outcome)
		}
	}
	return counter
}

const (
	sent     = "sent"
	withheld = "withheld"
)

// Withheld counts an e-mail that is not sent, because its reader got too many.
func (s *Sender) Withheld(n payment.Notice) {
	s.emails.WithLabelValues(string(n), withheld).Inc()
}

// Collectors are the metrics, to be shown.
func (s *Sender) Collectors() []prometheus.Collector { return []prometheus.Collector{s.emails} }

// Send gives the server one e-mail. Errors: Invalid when it will not take it, now or ever; Limited when its reader cannot be
// reached now; Unauthorized when it does not accept us; Unavailable when it is unavailable or its reply was lost.
func (s *Sender) Send(ctx context.Context, m Message) error {
	ctx, span := tracing.Start(ctx, tracing.Client, "smtp ", string(m.Notice))
	err := s.send(ctx, m)
	failure := failure.Label(err)
	span.End(failure)
	s.emails.WithLabelValues(string(m.Notice), cmp.Or(failure, sent)).Inc()
	return err
}

func (s *Sender) send(ctx context.Context, m Message) error {
	out, err := s.message(m)
	if err != nil {
		return &failure.Error{Kind: failure.Invalid, Message: "the e-mail cannot be written"} // the cause holds an address
	}
	// A client keeps a connection, and this one is used by many at once.
	client, err := gomail.NewClient(s.host, s.options...)
	if err != nil {
		return fmt.Errorf("make a mail client: %w", err)
	}
	err = client.DialAndSendWithContext(ctx, out)
	if out.IsDelivered() {
		return nil // whatever became of the farewell
	}
	return interpret(err)
}

// message is the e-mail as it goes out. Addresses are parsed and other headers encoded, so that none can hold a second header.
func (s *Sender) message(m Message) (*gomail.Msg, error) {
	out := gomail.NewMsg(gomail.WithNoDefaultUserAgent()) // which would name its version
	out.FromMailAddress(s.from)
	if err := out.To(m.To); err != nil {
		return nil, err
	}
	out.Subject(strings.Join(strings.Fields(m.Subject), " "))
	out.SetMessageIDWithValue(m.ID + "@" + s.domain)
	out.SetGenHeader("X-Entity-Ref-ID", m.ID) // mail programs recognise a duplicate by it
	out.SetGenHeader("Auto-Submitted", "auto-generated")
	out.SetDate()
	out.SetBodyString(gomail.TypeTextPlain, m.Text)
	out.AddAlternativeString(gomail.TypeTextHTML, m.HTML)
	if m.Image == nil {
		return out, nil
	}
	return out, out.EmbedReader("pix.png", bytes.NewReader(m.Image),
		gomail.WithFileContentType("image/png"), gomail.WithFileContentID("<"+imageID+">"))
}

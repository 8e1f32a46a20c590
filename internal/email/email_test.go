package email

import (
	"log/slog"
	"net"
	"regexp"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/test/mailsink"
)

const reader = "ana@example.com"

// sink is a mail server, and a Sender that uses it.
func sink(t *testing.T, query string) (*mailsink.Sink, *Sender) {
	t.Helper()
	server := mailsink.New(slog.New(slog.DiscardHandler))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	served := make(chan error, 1)
	go func() { served <- server.ServeSMTP(t.Context(), listener) }()
	t.Cleanup(func() { require.NoError(t, <-served) })
	return server, sender(t, "smtp://"+listener.Addr().String()+query)
}

func sender(t *testing.T, url string) *Sender {
	t.Helper()
	s, err := New(Config{URL: url, From: "Loja São João <payments@shop.example>"})
	require.NoError(t, err)
	return s
}

func instructions(t *testing.T) Message {
	t.Helper()
	m, err := ToBuyer(bought(""), payment.HowToPay, aUUID, "")
	require.NoError(t, err)
	return m
}

func TestAnEmailArrivesAsItWasWritten(t *testing.T) {
	t.Parallel()
	server, s := sink(t, "?tls=none")
	m := instructions(t)
	require.NoError(t, s.Send(t.Context(), m))
	mails := server.Mails(reader)
	require.Len(t, mails, 1)
	got := mails[0]
	require.Equal(t, aUUID+"@shop.example", got.MessageID)
	require.Equal(t, "payments@shop.example", got.Sender)
	require.Equal(t, "Loja São João <payments@shop.example>", got.From)
	require.Equal(t, "Pague R$ 1.234,50 com Pix", got.Subject)
	require.Equal(t, m.Text, strings.ReplaceAll(got.Text, "\r\n", "\n"))
	require.Equal(t, m.HTML, strings.ReplaceAll(got.HTML, "\r\n", "\n"))
	require.Equal(t, m.Image, got.Images[imageID])
	require.Contains(t, string(got.Raw), "X-Entity-Ref-ID: "+aUUID)
	require.Contains(t, string(got.Raw), "Auto-Submitted: auto-generated")
	require.EqualValues(t, 1, testutil.ToFloat64(s.emails.WithLabelValues("instructions", sent)))
}

func TestNoTextBecomesAHeader(t *testing.T) {
	t.Parallel()
	server, s := sink(t, "?tls=none")
	m := instructions(t)
	m.Subject = "Pay\r\nBcc: eve@example.com\r\n\r\nnow"
	require.NoError(t, s.Send(t.Context(), m))
	for _, to := range []string{"ana@example.com\r\nBcc: eve@example.com", "ana@example.com, eve@example.com", "ana@example.com>\r\nRCPT TO:<eve@example.com"} {
		m.To = to
		err := s.Send(t.Context(), m)
		require.Equal(t, failure.Invalid, failure.KindOf(err), to)
		require.NotContains(t, err.Error(), "@")
	}
	mails := server.Mails("")
	require.Len(t, mails, 1)
	require.Equal(t, []string{reader}, mails[0].To)
	require.NotRegexp(t, regexp.MustCompile(`(?mi)^bcc:`), string(mails[0].Raw))
}

// Each way in which a mail server fails is a kind, and no address is in the error, though the server's own words hold one.
func TestEveryFailureHasItsKind(t *testing.T) {
	t.Parallel()
	rows := map[mailsink.Kind]failure.Kind{
		mailsink.KindForbid: failure.Unauthorized, mailsink.KindRefuse: failure.Invalid, mailsink.KindFull: failure.Limited,
		mailsink.KindReject: failure.Invalid, mailsink.KindLater: failure.Unavailable, mailsink.KindCut: failure.Unavailable,
		mailsink.KindLost: failure.Unavailable,
	}
	for fault, kind := range rows {
		t.Run(string(fault), func(t *testing.T) {
			t.Parallel()
			server, s := sink(t, "?tls=none")
			server.AddFault(mailsink.Fault{Kind: fault})
			err := s.Send(t.Context(), instructions(t))
			require.Error(t, err)
			require.Equal(t, kind, failure.KindOf(err), "%v", err)
			require.NotContains(t, err.Error(), "@")
			kept := 0
			if fault == mailsink.KindLost {
				kept = 1
			}
			require.Len(t, server.Mails(""), kept)
			require.EqualValues(t, 1, testutil.ToFloat64(s.emails.WithLabelValues("instructions", string(kind))))

			require.NoError(t, s.Send(t.Context(), instructions(t)), "the next try")
			require.Len(t, server.Mails(""), kept+1)
		})
	}
}

func TestAnEmailThatWasTakenIsSentWhateverComesAfter(t *testing.T) {
	t.Parallel()
	server, s := sink(t, "?tls=none")
	server.AddFault(mailsink.Fault{Kind: mailsink.KindHangUp})
	require.NoError(t, s.Send(t.Context(), instructions(t)))
	require.Len(t, server.Mails(reader), 1)
}

func TestNothingGoesOutInClearUnlessConfigured(t *testing.T) {
	t.Parallel()
	server, s := sink(t, "")
	require.Equal(t, failure.Unavailable, failure.KindOf(s.Send(t.Context(), instructions(t))), "the server has no STARTTLS")
	require.Empty(t, server.Mails(""))
	unreachable := sender(t, "smtps://127.0.0.1:1")
	require.Equal(t, failure.Unavailable, failure.KindOf(unreachable.Send(t.Context(), instructions(t))))
}

func TestAddressesThatAreNoneAreNamedWithoutTheirPassword(t *testing.T) {
	for _, url := range []string{"", "127.0.0.1:25", "http://user:secret@host", "smtp://user:secret@host:port"} {
		_, err := New(Config{URL: url, From: "a@b.example"})
		require.Error(t, err, url)
		require.NotContains(t, err.Error(), "secret")
	}
	_, err := New(Config{URL: "smtp://host", From: "nobody"})
	require.Error(t, err)
}

package email

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"math/big"
	"net"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
	"github.com/stretchr/testify/require"
	gomail "github.com/wneessen/go-mail"

	"github.com/onlywave/onlywave/internal/failure"
)

// guarded is a mail server as providers run them: it wants TLS and a password.
type guarded struct {
	url   string // without user and password
	trust *tls.Config
	taken chan string // the user that was logged in, for each e-mail
}

func newGuarded(t *testing.T) guarded {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	self := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA: true, BasicConstraintsValid: true,
	}
	certificate, err := x509.CreateCertificate(rand.Reader, self, self, key.Public(), key)
	require.NoError(t, err)
	parsed, err := x509.ParseCertificate(certificate)
	require.NoError(t, err)
	roots := x509.NewCertPool()
	roots.AddCert(parsed)

	g := guarded{trust: &tls.Config{RootCAs: roots, ServerName: "127.0.0.1"}, taken: make(chan string, 10)}
	server := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &guest{taken: g.taken}, nil }))
	server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{certificate}, PrivateKey: key}}}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close(); <-served })
	g.url = listener.Addr().String()
	return g
}

func (g guarded) sender(t *testing.T, login string) *Sender {
	t.Helper()
	s := sender(t, "smtp://"+login+g.url)
	s.options = append(s.options, gomail.WithTLSConfig(g.trust))
	return s
}

// guest is one SMTP session.
type guest struct {
	taken chan string
	name  string
}

func (*guest) AuthMechanisms() []string { return []string{sasl.Plain} }

func (g *guest) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, name, password string) error {
		if password != "p@ss/word" {
			return smtp.ErrAuthFailed
		}
		g.name = name
		return nil
	}), nil
}

func (g *guest) Mail(string, *smtp.MailOptions) error {
	if g.name == "" {
		return &smtp.SMTPError{Code: 530, EnhancedCode: smtp.EnhancedCode{5, 7, 0}, Message: "log in first"}
	}
	return nil
}

func (*guest) Rcpt(string, *smtp.RcptOptions) error { return nil }

func (g *guest) Data(r io.Reader) error {
	_, err := io.Copy(io.Discard, r)
	g.taken <- g.name
	return err
}

func (*guest) Reset()        {}
func (*guest) Logout() error { return nil }

func TestAMailServerThatWantsTLSAndAPassword(t *testing.T) {
	t.Parallel()
	g := newGuarded(t)
	require.NoError(t, g.sender(t, "shop:p%40ss%2Fword@").Send(t.Context(), instructions(t)))
	require.Equal(t, "shop", <-g.taken)
	for _, login := range []string{"shop:wrong@", ""} {
		err := g.sender(t, login).Send(t.Context(), instructions(t))
		require.Equal(t, failure.Unauthorized, failure.KindOf(err), "%q: %v", login, err)
		require.NotContains(t, err.Error(), "wrong")
	}
	untrusted := sender(t, "smtp://shop:p%40ss%2Fword@"+g.url)
	require.Equal(t, failure.Unavailable, failure.KindOf(untrusted.Send(t.Context(), instructions(t))), "its certificate is not known")
	require.Empty(t, g.taken)
}

func TestASilentMailServerIsNotWaitedForForEver(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0") // takes the connection, and says nothing
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	s := sender(t, "smtp://"+listener.Addr().String()+"?tls=none")
	s.options = append(s.options, gomail.WithTimeout(50*time.Millisecond))
	require.Equal(t, failure.Unavailable, failure.KindOf(s.Send(t.Context(), instructions(t))))
}

package nginx_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/deploy/nginx"
)

func TestTLSIsModern(t *testing.T) {
	t.Parallel()
	certificate, key, trust := selfSigned(t)
	e := start(t, nginx.Config{APIs: []string{echo(t, "api")}, Certificate: certificate, CertificateKey: key})
	url := strings.Replace(e.url, "http:", "https:", 1)
	client := func(most uint16) *http.Client {
		return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trust, MinVersion: tls.VersionTLS10, MaxVersion: most}}}
	}
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		a := do(t, client(version), http.MethodGet, url+"/v1/payments", nil)
		require.Equal(t, "https", a.arrived(t).Header.Get("X-Forwarded-Proto"))
		require.Contains(t, a.header.Get("Strict-Transport-Security"), "max-age=")
	}
	_, err := client(tls.VersionTLS11).Get(url + "/v1/payments")
	require.ErrorContains(t, err, "protocol version")
	do(t, http.DefaultClient, http.MethodGet, e.url+"/v1/payments", nil).requireProblem(t, 400, "invalid_header", "/v1/payments")
}

// selfSigned makes a certificate for this machine, and a pool that trusts it.
func selfSigned(t *testing.T) (certificate, key string, trust *x509.CertPool) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"}, IPAddresses: []net.IP{net.ParseIP("127.0.0.1")},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	require.NoError(t, err)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	require.NoError(t, err)
	dir := t.TempDir()
	write := func(name, kind string, content []byte) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: content}), 0o600))
		return path
	}
	parsed, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	trust = x509.NewCertPool()
	trust.AddCert(parsed)
	return write("cert.pem", "CERTIFICATE", der), write("key.pem", "PRIVATE KEY", pkcs8), trust
}

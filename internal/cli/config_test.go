package cli

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestConfigCheckSaysEverythingThatIsWrong(t *testing.T) {
	var out bytes.Buffer
	environ := []string{"DATABASE_URL=postgres://hunter2@db/onlywave", "CURSOR_SECRET=hunter2", "REDIS_URLS=x", "ENV=production"}
	require.ErrorIs(t, Run(t.Context(), []string{"config", "check"}, environ, &out), errSettings)
	said := out.String()
	for _, want := range []string{
		"DATABASE_URL                     ***", "? REDIS_URLS is not a setting; did you mean REDIS_URL?", "✗ api", "✗ worker", "✗ migrate",
		"REDIS_URL: must be set", "RABBITMQ_URLS: must be set", "CURSOR_SECRET: must have at least 32", "MERCADOPAGO_ACCESS_TOKEN: must be set",
		"ENVIRONMENT: must be live when ENV is production",
	} {
		require.Contains(t, said, want)
	}
	require.NotContains(t, said, "hunter2")

	out.Reset()
	require.NoError(t, Run(t.Context(), []string{"config", "check", "keys"}, environ[:1], &out))
	require.Contains(t, out.String(), "✓ keys")
	require.ErrorContains(t, Run(t.Context(), []string{"config", "check", "apis"}, environ, &out), "there is no part")
}

// A …_REASON setting allows a connection without protection, and the check reports it.
func TestConfigCheckSaysWhatIsUnprotected(t *testing.T) {
	environ := []string{"ENVIRONMENT=live", "DATABASE_URL=postgres://hunter2@db/onlywave"}
	var out bytes.Buffer
	require.ErrorIs(t, Run(t.Context(), []string{"config", "check", "keys", "payments"}, environ, &out), errSettings)
	for _, want := range []string{
		"✗ keys", "✗ payments", "DATABASE_URL: must have sslmode=verify-full", "DATABASE_URL: must have a password",
		"unless DATABASE_PLAINTEXT_REASON says why not", "TEMPORAL_TLS: must be true",
	} {
		require.Contains(t, out.String(), want)
	}
	out.Reset()
	environ = append(environ, "DATABASE_PLAINTEXT_REASON=a unix socket in the pod")
	require.NoError(t, Run(t.Context(), []string{"config", "check", "keys"}, environ, &out))
	require.Contains(t, out.String(), "✓ keys\n  ! Postgres is reached without TLS or credentials: a unix socket in the pod")
	require.NotContains(t, out.String(), "hunter2")
}

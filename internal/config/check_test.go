package config

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// live is what every part may start with when real money is at stake.
func live(more ...string) []string {
	return complete(append([]string{
		"ENVIRONMENT=live", "PUBLIC_URL=https://api.example.com", "MERCADOPAGO_ACCESS_TOKEN=APP_USR-hunter2",
		"MERCADOPAGO_NOTIFICATION_URL=https://api.example.com/webhooks/mercadopago",
	}, more...)...)
}

func TestWhatIsGoodForATestOnlyDoesNotGoLive(t *testing.T) {
	t.Parallel()
	for _, part := range []Part{API, Worker, Migrate} {
		require.Empty(t, mistakes(part, live()), part)
		require.Empty(t, mistakes(part, live("ENV=production")), part)
		require.Equal(t, []string{"ENVIRONMENT"}, named(mistakes(part, complete("ENV=production"))), part)
	}
	for _, row := range []struct {
		part Part
		set  string
		name string
	}{
		{API, "PUBLIC_URL=http://api.example.com", "PUBLIC_URL"},
		{API, "CURSOR_SECRET=onlywave-dev-cursor-secret-of-32-and-more", "CURSOR_SECRET"},
		{API, "MERCADOPAGO_WEBHOOK_SECRETS=a,onlywave-dev-webhook-secret", "MERCADOPAGO_WEBHOOK_SECRETS"},
		{API, "TRUSTED_PROXIES=10.0.0.1,0.0.0.0/0", "TRUSTED_PROXIES"},
		{API, "TRUSTED_PROXIES=::/0", "TRUSTED_PROXIES"},
		{Worker, "MERCADOPAGO_ACCESS_TOKEN=TEST-hunter2", "MERCADOPAGO_ACCESS_TOKEN"},
		{Worker, "MERCADOPAGO_NOTIFICATION_URL=http://api.example.com/webhooks/mercadopago", "MERCADOPAGO_NOTIFICATION_URL"},
		{Worker, "MERCADOPAGO_URL=http://127.0.0.1:8090", "MERCADOPAGO_URL"},
		{Simulator, "PUBLIC_URL=https://api.example.com", "ENVIRONMENT"},
		{MailSink, "PUBLIC_URL=https://api.example.com", "ENVIRONMENT"},
	} {
		lines := mistakes(row.part, live(row.set))
		require.Equal(t, []string{row.name}, named(lines), row.set)
		require.NotContains(t, lines[0], "hunter2")
		if row.part == API || row.part == Worker {
			require.Empty(t, mistakes(row.part, complete(row.set)), "%s is good for a test", row.set)
		}
	}
}

func TestWhatIsSetIsListedWithItsSecretsMasked(t *testing.T) {
	t.Parallel()
	set := Set([]string{"PATH=/bin", "DATABASE_URL=hunter2", "RABBITMQ_URLS=hunter2,hunter3", "CURSOR_SECRET=", "LOG_LEVEL=debug", "REDIS_URL_FILE=/run/secrets/redis",
		"OTEL_EXPORTER_OTLP_ENDPOINT=https://onlywave:hunter2@collector:4318", "PUBLIC_URL=https://pay.example.com", "SIMULATOR_URL=http://localhost/?token=hunter2"})
	slices.SortFunc(set, func(a, b [2]string) int { return slices.Compare(a[:], b[:]) })
	require.Equal(t, [][2]string{
		{"CURSOR_SECRET", ""}, {"DATABASE_URL", "***"}, {"LOG_LEVEL", "debug"}, {"OTEL_EXPORTER_OTLP_ENDPOINT", "***"},
		{"PUBLIC_URL", "https://pay.example.com"}, {"RABBITMQ_URLS", "***"}, {"REDIS_URL_FILE", "/run/secrets/redis"}, {"SIMULATOR_URL", "***"},
	}, set)
}

func TestAMisspeltNameIsFound(t *testing.T) {
	t.Parallel()
	require.Equal(t, [][2]string{{"DATABSE_URL", "DATABASE_URL"}, {"RABBITMQ_URL_FILE", "RABBITMQ_URLS"}},
		Misspelt([]string{"DATABSE_URL=x", "RABBITMQ_URL_FILE=y", "LOG_LEVEL=debug", "PATH=/bin", "HOME=/", "LANG=C", "EDITOR=vi", "DATABASE_URL_FILE=z"}))
}

package config

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// live is a configuration that is valid for every part in live.
func live(more ...string) []string {
	return complete(append([]string{
		"ENVIRONMENT=live", "CONSOLE_SECRET=hunter2-hunter2-hunter2-hunter2-console", "PUBLIC_URL=https://api.example.com", "MERCADOPAGO_ACCESS_TOKEN=APP_USR-hunter2",
		"MERCADOPAGO_NOTIFICATION_URL=https://api.example.com/webhooks/mercadopago",
		"DATABASE_URL=postgres://onlywave:hunter2@db/onlywave?sslmode=verify-full", "REDIS_URL=rediss://:hunter2@a/",
		"RABBITMQ_URLS=amqps://onlywave:hunter2@a/,amqps://onlywave:hunter2@b/", "TEMPORAL_TLS=true",
		"SMTP_URL=smtps://user:hunter2@mail", "EMAIL_FROM=Shop <a@shop.example>",
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
		{API, "CONSOLE_SECRET=", "CONSOLE_SECRET"},
		{API, "CONSOLE_SECRET=onlywave-dev-console-secret-of-32-and-more", "CONSOLE_SECRET"},
		{API, "SEARCH_KEY=onlywave-dev-search-key-of-32-characters", "SEARCH_KEY"}, {Worker, "SEARCH_KEY=onlywave-dev-search-key-of-32-characters", "SEARCH_KEY"},
		{API, "TEMPORAL_PAYLOAD_KEYS=k2:" + payloadKey + ",k1:" + publishedPayloadKey, "TEMPORAL_PAYLOAD_KEYS"}, {Worker, "TEMPORAL_PAYLOAD_KEYS=k1:" + publishedPayloadKey, "TEMPORAL_PAYLOAD_KEYS"},
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

// In live, another machine on the network must not read payments or impersonate a dependency.
func TestLiveReachesEachDependencyOverTLSWithCredentials(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		set, setting, reason string
		parts                []Part
	}{
		{"DATABASE_URL=postgres://onlywave:hunter2@db/onlywave", "DATABASE_URL", "DATABASE_PLAINTEXT_REASON", []Part{API, Worker, Migrate, Keys, Users, Audit}},
		{"DATABASE_URL=postgres://onlywave:hunter2@db/onlywave?sslmode=disable", "DATABASE_URL", "DATABASE_PLAINTEXT_REASON", []Part{API, Worker}},
		{"DATABASE_URL=postgres://onlywave:hunter2@a,b/onlywave?sslmode=prefer", "DATABASE_URL", "DATABASE_PLAINTEXT_REASON", []Part{API, Worker}},
		{"DATABASE_URL=postgres://onlywave@db/onlywave?sslmode=require", "DATABASE_URL", "DATABASE_PLAINTEXT_REASON", []Part{API, Worker}},
		{"DATABASE_URL=host=/run/postgresql dbname=onlywave", "DATABASE_URL", "DATABASE_PLAINTEXT_REASON", []Part{API, Migrate}},
		{"DATABASE_REPLICA_URL=postgres://onlywave:hunter2@db/onlywave", "DATABASE_REPLICA_URL", "DATABASE_PLAINTEXT_REASON", []Part{API}},
		{"REDIS_URL=redis://:hunter2@a/", "REDIS_URL", "REDIS_PLAINTEXT_REASON", []Part{API, Worker, Breakers}},
		{"REDIS_URL=redis://:hunter2@a:6379,b:6379/", "REDIS_URL", "REDIS_PLAINTEXT_REASON", []Part{API, Worker}},
		{"REDIS_URL=rediss://a:6379,b:6379/", "REDIS_URL", "REDIS_PLAINTEXT_REASON", []Part{API, Worker}},
		{"DATABASE_URL=postgres://onlywave:hunter2@a:5432,b:5432/onlywave?sslmode=disable", "DATABASE_URL", "DATABASE_PLAINTEXT_REASON", []Part{API}},
		{"REDIS_URL=rediss://a/", "REDIS_URL", "REDIS_PLAINTEXT_REASON", []Part{API, Worker}},
		{"REDIS_URL=redis://sentinel:26379/0?master_name=onlywave", "REDIS_URL", "REDIS_PLAINTEXT_REASON", []Part{API, Worker}},
		{"RABBITMQ_URLS=amqp://onlywave:hunter2@a/", "RABBITMQ_URLS", "RABBITMQ_PLAINTEXT_REASON", []Part{API, Worker, Breakers}},
		{"RABBITMQ_URLS=amqps://guest:guest@a/", "RABBITMQ_URLS", "RABBITMQ_PLAINTEXT_REASON", []Part{API, Worker}},
		{"RABBITMQ_URLS=amqps://onlywave:hunter2@a/,amqps://b/", "RABBITMQ_URLS", "RABBITMQ_PLAINTEXT_REASON", []Part{API, Worker}},
		{"TEMPORAL_TLS=", "TEMPORAL_TLS", "TEMPORAL_PLAINTEXT_REASON", []Part{API, Worker, Migrate, Reconcile, DeadLetters}},
		{"TEMPORAL_TLS=false", "TEMPORAL_TLS", "TEMPORAL_PLAINTEXT_REASON", []Part{API, Worker}},
		{"TEMPORAL_TLS_DISABLE_HOST_VERIFICATION=true", "TEMPORAL_TLS_DISABLE_HOST_VERIFICATION", "TEMPORAL_PLAINTEXT_REASON", []Part{API, Worker}},
		{"SMTP_URL=smtp://user:hunter2@mail?tls=none", "SMTP_URL", "SMTP_PLAINTEXT_REASON", []Part{Worker}},
		{"SMTP_URL=smtps://mail", "SMTP_URL", "SMTP_PLAINTEXT_REASON", []Part{Worker}},
	} {
		for _, part := range row.parts {
			lines := mistakes(part, live(row.set))
			require.NotEmpty(t, lines, "%s %s", part, row.set)
			for _, line := range lines {
				require.Equal(t, []string{row.setting}, named([]string{line}), "%s %s", part, row.set)
				require.Contains(t, line, row.reason, "it says what to set where it is meant so")
				require.NotContains(t, line, "hunter2")
			}
			require.Empty(t, mistakes(part, live(row.set, row.reason+"=a socket in the pod, which no other pod reaches")), row.set)
			require.Equal(t, []string{row.reason}, named(mistakes(part, live(row.set, row.reason+"=yes"))), "yes is no reason")
			require.Empty(t, mistakes(part, complete(row.set, "EMAIL_FROM=Shop <a@shop.example>")), "%s is good for a test", row.set)
		}
	}
	for _, set := range []string{
		"DATABASE_URL=host=db user=onlywave password='hunter2' sslmode=verify-ca", "DATABASE_URL=postgres://onlywave@db/x?sslmode=require&passfile=/run/pass",
		"DATABASE_URL=postgres://db/x?sslmode=verify-full&sslcert=c&sslkey=k", "REDIS_URL=rediss://sentinel:26379/0?master_name=m&password=hunter2",
		"SMTP_URL=", "TEMPORAL_API_KEY=hunter2", "REDIS_URL=rediss://:hunter2@a:6379,b:6379/",
		"DATABASE_URL=postgres://onlywave:hunt,er2@a:5432,b:5432/onlywave?sslmode=verify-full", "DATABASE_URL=postgres:///x?host=db&sslmode=require&password=hunter2",
	} {
		require.Empty(t, mistakes(Worker, live(set)), set)
	}
	require.Empty(t, mistakes(Worker, live("TEMPORAL_TLS=", "TEMPORAL_API_KEY=hunter2")), "a key is sent over TLS only")
}

// A part that reads the address of a dependency also checks its protection, so that no command reaches a live database in plain text.
func TestNoPartReachesADependencyUnprotected(t *testing.T) {
	t.Parallel()
	for dependency, row := range map[string]struct{ none, plain, setting string }{
		"Postgres": {"DATABASE_URL=", "DATABASE_URL=postgres://onlywave:hunter2@db/onlywave", "DATABASE_URL"},
		"Redis":    {"REDIS_URL=", "REDIS_URL=redis://:hunter2@a/", "REDIS_URL"},
		"RabbitMQ": {"RABBITMQ_URLS=", "RABBITMQ_URLS=amqp://onlywave:hunter2@a/", "RABBITMQ_URLS"},
		"Temporal": {"TEMPORAL_ADDRESS=nowhere", "TEMPORAL_TLS=", "TEMPORAL_TLS"},
	} {
		var reach int
		for _, part := range parts {
			if len(mistakes(part, complete(row.none))) == 0 {
				continue
			}
			reach++
			require.Contains(t, named(mistakes(part, live(row.plain))), row.setting, "%s reaches %s", part, dependency)
		}
		require.Positive(t, reach, dependency)
	}
}

// All mistakes are reported at once. Deliberate exceptions are in the log at the start.
func TestWhatLiveReachesUnprotectedIsKnown(t *testing.T) {
	t.Parallel()
	plain := []string{"DATABASE_URL=postgres://db/x", "REDIS_URL=redis://a/", "RABBITMQ_URLS=amqp://guest:guest@a/", "TEMPORAL_TLS=", "SMTP_URL=smtp://mail?tls=none"}
	require.Equal(t, []string{
		"DATABASE_URL", "DATABASE_URL", "REDIS_URL", "REDIS_URL", "RABBITMQ_URLS", "RABBITMQ_URLS", "TEMPORAL_TLS", "SMTP_URL", "SMTP_URL",
	}, named(mistakes(Worker, live(plain...))))
	c, err := Load(Worker, live("REDIS_URL=redis://a/", "REDIS_PLAINTEXT_REASON=a sidecar speaks TLS for us", "DATABASE_PLAINTEXT_REASON="))
	require.NoError(t, err)
	require.Equal(t, [][2]string{{"Redis", "a sidecar speaks TLS for us"}}, c.Unprotected(Worker))
	require.Empty(t, c.Unprotected(Migrate))
}

// A process without ENVIRONMENT would move real money with secrets that are public.
func TestARealTokenDoesNotStartWithPublishedSecrets(t *testing.T) {
	t.Parallel()
	for _, set := range []string{"CONSOLE_SECRET=onlywave-dev-console-secret-of-32-and-more", "CURSOR_SECRET=onlywave-dev-cursor-secret-of-32-and-more", "MERCADOPAGO_WEBHOOK_SECRETS=a,onlywave-dev-webhook-secret",
		"SEARCH_KEY=onlywave-dev-search-key-of-32-characters", "TEMPORAL_PAYLOAD_KEYS=k1:" + publishedPayloadKey} {
		name, _, _ := strings.Cut(set, "=")
		for _, part := range []Part{API, Worker, Migrate, Keys} {
			lines := mistakes(part, complete("MERCADOPAGO_ACCESS_TOKEN=APP_USR-hunter2", set))
			require.Equal(t, []string{name}, named(lines), part)
			require.Contains(t, lines[0], "MERCADOPAGO_ACCESS_TOKEN is a real one")
			require.Empty(t, mistakes(part, complete(set)), "a token for tests may")
		}
	}
	require.Empty(t, mistakes(API, complete("MERCADOPAGO_ACCESS_TOKEN=APP_USR-hunter2")), "test users have such tokens, too")
}

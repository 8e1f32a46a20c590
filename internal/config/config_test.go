package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// complete is the smallest configuration with which every part starts.
func complete(more ...string) []string {
	return append([]string{
		"DATABASE_URL=postgres://onlywave:hunter2@db/onlywave",
		"REDIS_URL=redis://:hunter2@a/",
		"RABBITMQ_URLS=amqp://onlywave:hunter2@a/,amqp://onlywave:hunter2@b/",
		"CURSOR_SECRET=hunter2-hunter2-hunter2-hunter2-hunter2",
		"MERCADOPAGO_ACCESS_TOKEN=TEST-hunter2",
		"MERCADOPAGO_WEBHOOK_SECRETS=hunter2-new,hunter2-old",
		"TEMPORAL_PAYLOAD_KEYS=k1:" + payloadKey,
	}, more...)
}

// thirtyTwo is a key of the least length.
const thirtyTwo = "hunter2-hunter2-hunter2-hunter2-"

// payloadKey is a key for the payloads of Temporal.
const payloadKey = "aHVudGVyMi1odW50ZXIyLWh1bnRlcjItaHVudGVyMi0="

// publishedPayloadKey is that of onlywave-lab dev.
const publishedPayloadKey = "b25seXdhdmUtZGV2LXBheWxvYWQta2V5LTMyYnl0ZXM="

// mistakes are the lines of Load's error.
func mistakes(part Part, environ []string) []string {
	_, err := Load(part, environ)
	if err == nil {
		return nil
	}
	return strings.Split(err.Error(), "\n")
}

// named are the variables that stand before the colon of each line.
func named(lines []string) []string {
	var names []string
	for _, line := range lines {
		name, _, _ := strings.Cut(line, ":")
		names = append(names, name)
	}
	return names
}

func TestTheLeastThatEveryPartNeeds(t *testing.T) {
	t.Parallel()
	for _, part := range parts {
		c, err := Load(part, complete())
		require.NoError(t, err, part)
		require.Equal(t, "test", c.Environment)
		require.Equal(t, []string{"amqp://onlywave:hunter2@a/", "amqp://onlywave:hunter2@b/"}, Plain(c.RabbitMQURLs))
		require.Equal(t, []string{"hunter2-new", "hunter2-old"}, Plain(c.WebhookSecrets))
	}
	c, err := Load(Worker, complete("POLL_FIRST=5s", "DATABASE_CONNS=3", "SIMULATOR_TIME_SCALE=60.5", "TRUSTED_PROXIES=10.0.0.0/8,192.0.2.1", "LOG_LEVEL="))
	require.NoError(t, err)
	require.Equal(t, 5*time.Second, c.PollFirst)
	require.Equal(t, int32(3), c.DatabaseConns)
	require.Equal(t, 60.5, c.SimulatorTimeScale)
	require.Equal(t, []string{"10.0.0.0/8", "192.0.2.1"}, c.TrustedProxies)
	require.Equal(t, "info", c.LogLevel, "set to nothing is not set")
}

func TestNothingIsTakenFromElsewhere(t *testing.T) {
	t.Setenv("DATABASE_URL", "postgres://elsewhere/")
	require.Contains(t, named(mistakes(Keys, nil)), "DATABASE_URL")
}

func TestEveryMistakeIsNamedAtOnce(t *testing.T) {
	t.Parallel()
	rows := map[Part][]string{
		API:         {"CURSOR_SECRET", "DATABASE_URL", "MERCADOPAGO_ACCESS_TOKEN", "MERCADOPAGO_WEBHOOK_SECRETS", "RABBITMQ_URLS", "REDIS_URL", "TEMPORAL_PAYLOAD_KEYS"},
		Worker:      {"DATABASE_URL", "MERCADOPAGO_ACCESS_TOKEN", "RABBITMQ_URLS", "REDIS_URL", "TEMPORAL_PAYLOAD_KEYS"},
		Breakers:    {"DATABASE_URL", "RABBITMQ_URLS", "REDIS_URL"},
		Migrate:     {"DATABASE_URL", "TEMPORAL_PAYLOAD_KEYS"},
		Keys:        {"DATABASE_URL"},
		Users:       {"DATABASE_URL"},
		Findings:    {"DATABASE_URL"},
		DeadLetters: {"DATABASE_URL", "TEMPORAL_PAYLOAD_KEYS"},
		Payments:    {"DATABASE_URL", "TEMPORAL_PAYLOAD_KEYS"},
		Prune:       {"DATABASE_URL"},
		Audit:       {"DATABASE_URL"},
		Simulator:   {"MERCADOPAGO_ACCESS_TOKEN", "MERCADOPAGO_WEBHOOK_SECRETS"},

		Reconcile: {"TEMPORAL_PAYLOAD_KEYS"}, ResetPreview: {"TEMPORAL_PAYLOAD_KEYS"}, Codec: {"TEMPORAL_PAYLOAD_KEYS"},
	}
	require.Len(t, rows, len(parts)-2, "MailSink and Views need nothing at all")
	for part, want := range rows {
		got := named(mistakes(part, nil))
		slices.Sort(got)
		require.Equal(t, want, got, part)
	}
	got := named(mistakes(API, []string{"DATABASE_CONNS=many", "POLL_MAX=soon", "ENVIRONMENT=staging", "PUBLIC_URL=api.example.com"}))
	slices.Sort(got)
	require.Equal(t, []string{
		"CURSOR_SECRET", "DATABASE_CONNS", "DATABASE_URL", "ENVIRONMENT", "MERCADOPAGO_ACCESS_TOKEN", "MERCADOPAGO_WEBHOOK_SECRETS", "POLL_MAX", "PUBLIC_URL", "RABBITMQ_URLS", "REDIS_URL", "TEMPORAL_PAYLOAD_KEYS",
	}, got)
}

func TestEachMistakeIsFound(t *testing.T) {
	t.Parallel()
	rows := []struct {
		part  Part
		set   string
		names string
	}{
		{API, "ENVIRONMENT=staging", "ENVIRONMENT"},
		{API, "LOG_LEVEL=loud", "LOG_LEVEL"},
		{API, "LOG_LEVEL=debug info", "LOG_LEVEL"},
		{Migrate, "DATABASE_CONNS=0", "DATABASE_CONNS"},
		{Worker, "DATABASE_CONNS=99999999999", "DATABASE_CONNS"},
		{Keys, "DATABASE_URL=hunter2", "DATABASE_URL"},
		{API, "RABBITMQ_URLS=amqp://a/,http://b/", "RABBITMQ_URLS"},
		{Worker, "RABBITMQ_URLS=amqp://onlywave:hunter2%@a/", "RABBITMQ_URLS"},
		{Breakers, "REDIS_URL=a:6379", "REDIS_URL"}, {API, "REDIS_URL=redis://a:6379,b:x", "REDIS_URL"}, {API, "REDIS_URL=redis://a,", "REDIS_URL"}, {API, "REDIS_URL=redis://a?cluster=true&addr=b", "REDIS_URL"},
		{API, "DATABASE_REPLICA_URL=b", "DATABASE_REPLICA_URL"},
		{API, "DATABASE_REPLICA_CONNS=0", "DATABASE_REPLICA_CONNS"},
		{API, "REPLICA_MAX_STALENESS=0s", "REPLICA_MAX_STALENESS"},
		{API, "CURSOR_SECRET=short", "CURSOR_SECRET"},
		{API, "CONSOLE_SECRET=short", "CONSOLE_SECRET"},
		{API, "SEARCH_KEY=short", "SEARCH_KEY"}, {Worker, "SEARCH_KEY=" + thirtyTwo + ",short", "SEARCH_KEY"},
		{Migrate, "SEARCH_KEY=" + thirtyTwo + "," + thirtyTwo + "," + thirtyTwo, "SEARCH_KEY"},
		{API, "TEMPORAL_PAYLOAD_KEYS=" + payloadKey, "TEMPORAL_PAYLOAD_KEYS"}, {Worker, "TEMPORAL_PAYLOAD_KEYS=k1:aHVudGVyMg==", "TEMPORAL_PAYLOAD_KEYS"},
		{Migrate, "TEMPORAL_PAYLOAD_KEYS=k1:" + payloadKey + ",k1:" + payloadKey, "TEMPORAL_PAYLOAD_KEYS"}, {Payments, "TEMPORAL_PAYLOAD_KEYS=k 1:" + payloadKey, "TEMPORAL_PAYLOAD_KEYS"},
		{API, "TEMPORAL_UI_ORIGINS=https://temporal.example.com,https://temporal.example.com/", "TEMPORAL_UI_ORIGINS"}, {API, "TEMPORAL_UI_ORIGINS=*", "TEMPORAL_UI_ORIGINS"},
		{API, "DRAIN_WAIT=-1s", "DRAIN_WAIT"},
		{API, "SESSION_IDLE=0s", "SESSION_IDLE"},
		{API, "SESSION_LIFETIME=10m", "SESSION_IDLE"},
		{API, "RATE_LIMIT_WRITES=-1", "RATE_LIMIT_WRITES"},
		{API, "RATE_LIMIT_READS=100001", "RATE_LIMIT_READS"},
		{API, "CACHE_TTL=-1s", "CACHE_TTL"}, {Worker, "CACHE_TTL=61s", "CACHE_TTL"},
		{API, "RATE_LIMIT_OPERATIONS=many", "RATE_LIMIT_OPERATIONS"},
		{API, "RATE_LIMIT_REFUSED=-1", "RATE_LIMIT_REFUSED"},
		{Migrate, "RECONCILE_EVERY=0s", "RECONCILE_EVERY"},
		{Migrate, "RECONCILE_GRACE=-1s", "RECONCILE_GRACE"},
		{Migrate, "RETENTION_NOTIFICATIONS=29", "RETENTION_NOTIFICATIONS"},
		{Prune, "RETENTION_DEAD_LETTERS=-1", "RETENTION_DEAD_LETTERS"},
		{Prune, "RETENTION_RECONCILIATION=long", "RETENTION_RECONCILIATION"},
		{Prune, "RETENTION_EMAILS=1", "RETENTION_EMAILS"},
		{API, "MERCADOPAGO_WEBHOOK_SECRETS=a,b,c", "MERCADOPAGO_WEBHOOK_SECRETS"},
		{API, "MERCADOPAGO_WEBHOOK_WINDOW=342h", "MERCADOPAGO_WEBHOOK_WINDOW"},
		{API, "MERCADOPAGO_WEBHOOK_WINDOW=-1h", "MERCADOPAGO_WEBHOOK_WINDOW"},
		{API, "PUBLIC_URL=ftp://example.com", "PUBLIC_URL"},
		{Worker, "MERCADOPAGO_COLLECTOR_ID=shop", "MERCADOPAGO_COLLECTOR_ID"},
		{Worker, "SEARCH_BEFORE_CHARGE_UNTIL=2026-11-30", "SEARCH_BEFORE_CHARGE_UNTIL"},
		{Worker, "POLL_FIRST=0s", "POLL_FIRST"},
		{Worker, "POLL_FIRST=2h", "POLL_FIRST"},
		{Worker, "MERCADOPAGO_TIMEOUT=5", "MERCADOPAGO_TIMEOUT"},
		{Worker, "MERCADOPAGO_TIMEOUT=0s", "MERCADOPAGO_TIMEOUT"},
		{Worker, "MERCADOPAGO_TIMEOUT=6s", "MERCADOPAGO_TIMEOUT"},
		{Worker, "MERCADOPAGO_RATE=-1", "MERCADOPAGO_RATE"},
		{Worker, "PROVIDER_CONCURRENCY=0", "PROVIDER_CONCURRENCY"},
		{Worker, "MERCADOPAGO_URL=localhost:8090", "MERCADOPAGO_URL"},
		{Worker, "METRICS_ADDRESS=9090", "METRICS_ADDRESS"},
		{API, "METRICS_ADDRESS=:x", "METRICS_ADDRESS"},
		{API, "API_ADDRESS=nowhere", "API_ADDRESS"},
		{API, "API_ADDRESS=0.0.0.0:http", "API_ADDRESS"},
		{API, "API_ADDRESS=0.0.0.0:65536", "API_ADDRESS"},
		{API, "TRUSTED_PROXIES=10.0.0.0/8,nginx", "TRUSTED_PROXIES"},
		{API, "TEMPORAL_UI_URL=localhost:8233", "TEMPORAL_UI_URL"},
		{API, "TEMPORAL_ADDRESS=temporal", "TEMPORAL_ADDRESS"},
		{Worker, "TEMPORAL_ADDRESS=temporal:99999", "TEMPORAL_ADDRESS"},
		{Migrate, "TEMPORAL_ADDRESS=http://temporal:7233/", "TEMPORAL_ADDRESS"},
		{Reconcile, "TEMPORAL_ADDRESS=temporal:", "TEMPORAL_ADDRESS"},
		{API, "PUBLIC_URL=https://example.com:99999", "PUBLIC_URL"},
		{Worker, "MERCADOPAGO_NOTIFICATION_URL=example.com/webhooks", "MERCADOPAGO_NOTIFICATION_URL"},
		{Worker, "RABBITMQ_URLS=amqp://a:70000/", "RABBITMQ_URLS"},
		{Breakers, "REDIS_URL=redis://a:70000/0", "REDIS_URL"},
		{Keys, "DATABASE_URL=postgres://onlywave:hunter2@a:5432,b:x/onlywave", "DATABASE_URL"},
		{Keys, "DATABASE_URL=host=a port=x", "DATABASE_URL"},
		{API, "OTEL_EXPORTER_OTLP_ENDPOINT=collector:4318", "OTEL_EXPORTER_OTLP_ENDPOINT"},
		{API, "OTEL_EXPORTER_OTLP_ENDPOINT=https://onlywave:hunter2@collector:4318", "OTEL_EXPORTER_OTLP_ENDPOINT"},
		{Worker, "OTEL_EXPORTER_OTLP_ENDPOINT=https://collector:4318/?token=hunter2", "OTEL_EXPORTER_OTLP_ENDPOINT"},
		{Worker, "OTEL_TRACES_SAMPLER_ARG=5", "OTEL_TRACES_SAMPLER_ARG"},
		{API, "TRACES_UI_URL=http://127.0.0.1:16686/trace/", "TRACES_UI_URL"},
		{Worker, "WEBHOOK_RETRY_DELAY=0s", "WEBHOOK_RETRY_DELAY"},
		{Worker, "WEBHOOK_RETRY_DELAY=61m", "WEBHOOK_RETRY_DELAY"},
		{Worker, "OPERATORS_EMAIL=ops@example.com", "OPERATORS_EMAIL"},
		{Worker, "SMTP_URL=smtp://mail:587", "EMAIL_FROM"},
		{MailSink, "ENVIRONMENT=live", "ENVIRONMENT"},
		{MailSink, "MAILSINK_ADDRESS=8025", "MAILSINK_ADDRESS"},
		{MailSink, "MAILSINK_SMTP_ADDRESS=1025", "MAILSINK_SMTP_ADDRESS"},
		{Simulator, "SIMULATOR_ADDRESS=8090", "SIMULATOR_ADDRESS"},
		{Simulator, "SIMULATOR_URL=localhost:8090", "SIMULATOR_URL"},
		{Simulator, "SIMULATOR_TIME_SCALE=0", "SIMULATOR_TIME_SCALE"},
		{Simulator, "SIMULATOR_RELEASE_AFTER=-1s", "SIMULATOR_RELEASE_AFTER"},
		{Simulator, "SIMULATOR_TIME_SCALE=fast", "SIMULATOR_TIME_SCALE"},
	}
	for _, row := range rows {
		require.Equal(t, []string{row.names}, named(mistakes(row.part, complete(row.set))), row.set)
	}
}

// Values are read as users and other tools write them.
func TestAddressesInAllTheirForms(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		part Part
		set  string
	}{
		{API, "API_ADDRESS=:8080"}, {API, "API_ADDRESS=[::1]:8080"}, {API, "API_ADDRESS=127.0.0.1:0"}, {API, "TRUSTED_PROXIES=10.0.0.1,fd00::/8"},
		{API, "PUBLIC_URL=http://[::1]:8080"}, {Worker, "TEMPORAL_ADDRESS=temporal.example.com:7233"}, {Breakers, "REDIS_URL=rediss://:hunter2@[fd00::1]/0"},
		{Keys, "DATABASE_URL=postgres://onlywave:hunter2@a:5432,[fd00::1]:5433,c/onlywave?sslmode=disable"}, {Keys, "DATABASE_URL=postgresql:///onlywave?host=/run/postgresql"},
		{Keys, "DATABASE_URL=host=a,b port=5432,5433 dbname=onlywave"},
		{API, "SEARCH_KEY="}, {Worker, "SEARCH_KEY=" + thirtyTwo}, {Migrate, "SEARCH_KEY=" + thirtyTwo + "," + thirtyTwo},
	} {
		require.Empty(t, mistakes(row.part, complete(row.set)), row.set)
	}
}

func TestLiveMovesMoneyAtTheRealProviderOnly(t *testing.T) {
	t.Parallel()
	toSimulator := live("MERCADOPAGO_URL=http://127.0.0.1:8090")
	for _, part := range []Part{API, Worker} {
		require.Equal(t, []string{"MERCADOPAGO_URL"}, named(mistakes(part, toSimulator)), part)
		require.Empty(t, mistakes(part, live()), part)
		require.Empty(t, mistakes(part, complete("MERCADOPAGO_URL=http://127.0.0.1:8090")), part)
	}
	require.Equal(t, []string{"ENVIRONMENT"}, named(mistakes(Simulator, complete("ENVIRONMENT=live"))))
}

func TestEmailsGoOutToAMailServerThatIsNamed(t *testing.T) {
	t.Parallel()
	with := func(more ...string) []string {
		return complete(append([]string{"EMAIL_FROM=Shop <a@shop.example>", "OPERATORS_EMAIL=a@ops.example,b@ops.example"}, more...)...)
	}
	require.Empty(t, mistakes(Worker, with("SMTP_URL=smtps://user:hunter2@mail")))
	require.Empty(t, mistakes(Worker, with("SMTP_URL=smtp://127.0.0.1:25?tls=none")))
	for _, wrong := range []string{"mail:587", "http://mail", "smtp://", "smtp://user:hunter2@mail:port", "smtp://user:hunter2@mail:99999"} {
		got := mistakes(Worker, with("SMTP_URL="+wrong))
		require.Equal(t, []string{"SMTP_URL"}, named(got), wrong)
		require.NotContains(t, got[0], "hunter2")
	}
	require.Equal(t, []string{"OPERATORS_EMAIL"}, named(mistakes(Worker, with("SMTP_URL=smtp://mail", "OPERATORS_EMAIL=a@ops.example,nobody"))))
}

func TestASecretIsPrintedNowhere(t *testing.T) {
	t.Parallel()
	c, err := Load(API, complete())
	require.NoError(t, err)
	var printed bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t"} {
		fmt.Fprintf(&printed, verb+"\n", c)
		fmt.Fprintf(&printed, verb+"\n", &c)
		fmt.Fprintf(&printed, verb+"\n", c.CursorSecret)
		fmt.Fprintf(&printed, verb+"\n", c.RabbitMQURLs)
	}
	fmt.Fprintln(&printed, c, c.CursorSecret, c.WebhookSecrets)
	asJSON, err := json.Marshal(c)
	require.NoError(t, err)
	printed.Write(asJSON)
	for _, handler := range []slog.Handler{slog.NewJSONHandler(&printed, nil), slog.NewTextHandler(&printed, nil)} {
		log := slog.New(handler).With("with", c.CursorSecret)
		log.Info("start", "config", c, "secret", c.CursorSecret, "secrets", c.WebhookSecrets, slog.Group("group", "url", c.DatabaseURL))
	}
	require.Contains(t, string(asJSON), `"CursorSecret":"***"`)
	for _, secret := range []string{"hunter2", fmt.Sprintf("%x", "hunter2"), fmt.Sprintf("%X", "hunter2")} {
		require.NotContains(t, printed.String(), secret)
	}
}

// A mistake in a variable with a secret is reported without its value.
func TestAMistakeDoesNotRepeatASecret(t *testing.T) {
	t.Parallel()
	for _, part := range parts {
		lines := mistakes(part, []string{"CURSOR_SECRET=hunter2", "MERCADOPAGO_WEBHOOK_SECRETS=hunter2,hunter2,hunter2", "TEMPORAL_PAYLOAD_KEYS=k1:hunter2", "DATABASE_CONNS=hunter2", "POLL_FIRST=hunter2"})
		require.NotContains(t, strings.Join(lines, "\n"), "hunter2")
		require.Contains(t, named(lines), "DATABASE_CONNS")
		require.Contains(t, named(lines), "POLL_FIRST")
	}
}

func TestAVariableMayBeInAFile(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "url")
	require.NoError(t, os.WriteFile(file, []byte("postgres://from-a-file/\n"), 0o600))
	c, err := Load(Keys, []string{"DATABASE_URL_FILE=" + file})
	require.NoError(t, err)
	require.Equal(t, Secret("postgres://from-a-file/"), c.DatabaseURL)

	require.Equal(t, []string{"DATABASE_URL: set it or DATABASE_URL_FILE, not both"},
		mistakes(Keys, []string{"DATABASE_URL=postgres://db/", "DATABASE_URL_FILE=" + file}))
	require.Equal(t, []string{"POLL_MAX"}, named(mistakes(Worker, complete("POLL_MAX=1h", "POLL_MAX_FILE="+file))))
	require.Contains(t, named(mistakes(Keys, []string{"DATABASE_URL_FILE=" + file + ".missing"})), "DATABASE_URL_FILE")
}

func TestEveryVariableHasOneNameAndAMeaning(t *testing.T) {
	t.Parallel()
	names, help := Names(), Help()
	require.Len(t, help, len(names))
	seen := map[string]bool{}
	for i, name := range names {
		require.Regexp(t, `^[A-Z][A-Z_]*[A-Z]$`, name)
		require.False(t, seen[name], name)
		require.False(t, strings.HasSuffix(name, "_FILE"), name)
		seen[name] = true
		require.Equal(t, name, help[i][0])
		require.NotEmpty(t, help[i][2], name)
	}
}

// Usually no database was restored: compose sets the variable to the empty string.
func TestATimeIsReadAndMayBeEmpty(t *testing.T) {
	t.Parallel()
	c, err := Load(Worker, complete("SEARCH_BEFORE_CHARGE_UNTIL=2026-11-30T12:00:00-03:00"))
	require.NoError(t, err)
	require.True(t, time.Date(2026, time.November, 30, 15, 0, 0, 0, time.UTC).Equal(c.SearchBeforeChargeUntil))
	c, err = Load(Worker, complete("SEARCH_BEFORE_CHARGE_UNTIL="))
	require.NoError(t, err)
	require.True(t, c.SearchBeforeChargeUntil.IsZero())
	_, err = Load(Worker, complete("SEARCH_BEFORE_CHARGE_UNTIL=in a week"))
	require.ErrorContains(t, err, "a time with its time zone, such as")
}

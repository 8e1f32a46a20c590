package config

import (
	"encoding/base64"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// checks collects the mistakes, one line for each setting.
type checks []error

// that notes what a setting has to be, unless it is right.
func (k *checks) that(right bool, name, what string) {
	if !right {
		*k = append(*k, fmt.Errorf("%s: %s", name, what))
	}
}

// validate finds everything that keeps a part from starting, and everything that must not go live.
func (c Config) validate(part Part, set envMap) []error {
	k := &checks{}
	k.that(c.Environment == "test" || c.Environment == "live", "ENVIRONMENT", "must be test or live")
	k.that(c.Env != "production" || c.Environment == "live", "ENVIRONMENT", "must be live when ENV is production")
	k.that(slices.Contains([]string{"debug", "info", "warn", "error"}, c.LogLevel), "LOG_LEVEL", "must be debug, info, warn or error")
	c.checkServices(k, part)
	switch part {
	case API:
		c.checkAPI(k)
	case Worker:
		c.checkWorker(k)
		c.checkEmail(k)
	case Migrate:
		k.that(c.ReconcileEvery >= time.Second, "RECONCILE_EVERY", "must be at least 1s")
		k.that(c.ReconcileGrace >= 0, "RECONCILE_GRACE", "must not be less than 0")
		c.checkRetention(k)
	case Prune:
		c.checkRetention(k)
	case MailSink:
		k.that(c.Environment != "live", "ENVIRONMENT", "the mail sink, which delivers nothing, is not for live")
		k.that(isAddress(c.MailSinkAddress), "MAILSINK_ADDRESS", "must be such as 127.0.0.1:8025")
		k.that(isAddress(c.MailSinkSMTPAddress), "MAILSINK_SMTP_ADDRESS", "must be such as 127.0.0.1:1025")
	case Simulator:
		k.that(c.Environment != "live", "ENVIRONMENT", "the simulator is not for live")
		k.that(isAddress(c.SimulatorAddress), "SIMULATOR_ADDRESS", "must be such as 127.0.0.1:8090")
		k.that(c.SimulatorURL == "" || isURL(c.SimulatorURL), "SIMULATOR_URL", "must be empty or an address such as http://127.0.0.1:8090")
		k.that(c.MercadoPagoAccessToken != "", "MERCADOPAGO_ACCESS_TOKEN", "must be set: the simulator accepts only this one")
		k.that(len(c.WebhookSecrets) > 0, "MERCADOPAGO_WEBHOOK_SECRETS", "must be set: the simulator signs with the first")
		k.that(c.SimulatorTimeScale > 0, "SIMULATOR_TIME_SCALE", "must be more than 0")
		k.that(c.SimulatorReleaseAfter >= 0, "SIMULATOR_RELEASE_AFTER", "must be at least 0s")
	}
	c.checkPublished(k)
	if c.Environment == "live" {
		c.checkLive(k, part)
		c.checkProtected(k, part, set)
	}
	return *k
}

// checkServices checks the settings of services that several parts use.
func (c Config) checkServices(k *checks, part Part) {
	if slices.Contains(onPostgres, part) {
		k.that(isDatabase(c.DatabaseURL), "DATABASE_URL", "must be set, such as postgres://user:password@host/onlywave")
		k.that(c.DatabaseConns > 0, "DATABASE_CONNS", "must be at least 1")
	}
	if slices.Contains(onRabbitMQ, part) {
		k.that(len(c.RabbitMQURLs) > 0 && !slices.ContainsFunc(c.RabbitMQURLs, func(u Secret) bool { return !isAt(u, "amqp", "amqps") }),
			"RABBITMQ_URLS", "must be set, such as amqp://user:password@host/")
	}
	if part == API || part == Worker {
		k.that(c.MercadoPagoAccessToken != "", "MERCADOPAGO_ACCESS_TOKEN", "must be set")
		k.that(isURL(c.MercadoPagoScriptURL), "MERCADOPAGO_JS_URL", "must be an address such as https://sdk.mercadopago.com/js/v2")
		k.that(c.Environment != "live" || strings.HasPrefix(c.MercadoPagoScriptURL, "https://sdk.mercadopago.com/"), "MERCADOPAGO_JS_URL", "must be Mercado Pago's own when ENVIRONMENT is live: buyers type their cards into it")
		k.that(c.MercadoPagoCollectorID == "" || isNumber(c.MercadoPagoCollectorID), "MERCADOPAGO_COLLECTOR_ID", "must be empty or a number such as 1164726384")
		k.that(c.MercadoPagoURL == "" || isURL(c.MercadoPagoURL), "MERCADOPAGO_URL", "must be empty or an address such as http://127.0.0.1:8090")
		k.that(c.MercadoPagoTimeout > 0 && c.MercadoPagoTimeout <= 5*time.Second, "MERCADOPAGO_TIMEOUT", "must be more than 0 and at most 5s")
		k.that(c.MercadoPagoRate >= 0, "MERCADOPAGO_RATE", "must be 0, for no limit, or more")
		k.that(c.Environment != "live" || c.MercadoPagoURL == "", "MERCADOPAGO_URL", "must be empty when ENVIRONMENT is live: only the real Mercado Pago moves money")
		k.that(c.PollFirst > 0 && c.PollMax >= c.PollFirst, "POLL_FIRST", "must be more than 0 and at most POLL_MAX")
		k.that(c.TracesEndpoint == "" || isCollector(c.TracesEndpoint), "OTEL_EXPORTER_OTLP_ENDPOINT",
			"must be empty or such as http://127.0.0.1:4318; a password or token goes into OTEL_EXPORTER_OTLP_HEADERS")
		k.that(c.TracesRatio >= 0 && c.TracesRatio <= 1, "OTEL_TRACES_SAMPLER_ARG", "must be between 0 and 1")
		k.that(c.MetricsAddress == "" || isAddress(c.MetricsAddress), "METRICS_ADDRESS", "must be empty or such as 127.0.0.1:9090")
	}
	if slices.Contains(onTemporal, part) {
		k.that(isAddress(c.TemporalAddress), "TEMPORAL_ADDRESS", "must be such as 127.0.0.1:7233")
	}
	if slices.Contains(onTemporal, part) || part == Codec {
		k.that(arePayloadKeys(c.PayloadKeys), "TEMPORAL_PAYLOAD_KEYS", "must be set: keys such as k1: and what openssl rand -base64 32 prints, comma-separated, each with an id of its own")
	}
	if part == API || part == Worker || part == Migrate {
		k.that(len(c.SearchKey) <= 2 && !slices.ContainsFunc(c.SearchKey, func(s Secret) bool { return len(s) < 32 }), "SEARCH_KEY",
			"must be empty, or a key of at least 32 characters, or two of them during rotation, new,old")
	}
	if slices.Contains(onRedis, part) {
		k.that(isRedis(c.RedisURL), "REDIS_URL", "must be set, such as redis://host:6379/0")
		k.that(c.CacheTTL >= 0 && c.CacheTTL <= time.Minute, "CACHE_TTL", "must be 0, for no cache, or at most 1m")
	}
}

// repetitions is for how long Mercado Pago repeats a notification that is not answered 200, perhaps without signing it anew (guide
// "webhooks"): after 15 and 30 minutes, 6 and 48 hours, and three times 96 hours.
const repetitions = 343 * time.Hour

func (c Config) checkAPI(k *checks) {
	k.that(isAddress(c.APIAddress), "API_ADDRESS", "must be such as 127.0.0.1:8080")
	k.that(!slices.ContainsFunc(c.TrustedProxies, func(p string) bool { return !isNetwork(p) }), "TRUSTED_PROXIES",
		"must be addresses or networks such as 10.0.0.0/8, comma-separated")
	k.that(c.TracesUIURL == "" || isURL(c.TracesUIURL) && strings.Contains(c.TracesUIURL, "{trace_id}"), "TRACES_UI_URL", "must be empty or an address such as http://127.0.0.1:16686/trace/{trace_id}")
	k.that(c.TemporalUIURL == "" || isURL(c.TemporalUIURL), "TEMPORAL_UI_URL", "must be empty or an address such as http://127.0.0.1:8233")
	k.that(!slices.ContainsFunc(c.TemporalUIOrigins, func(o string) bool { return !isOrigin(o) }), "TEMPORAL_UI_ORIGINS", "must be empty or origins such as https://temporal.example.com, without a path")
	k.that(c.DatabaseReplicaURL == "" || isDatabase(c.DatabaseReplicaURL), "DATABASE_REPLICA_URL", "must be empty or such as postgres://user:password@host/onlywave")
	k.that(c.DatabaseReplicaConns > 0, "DATABASE_REPLICA_CONNS", "must be at least 1")
	k.that(c.ReplicaMaxStaleness > 0, "REPLICA_MAX_STALENESS", "must be more than 0")
	k.that(c.DrainWait >= 0, "DRAIN_WAIT", "must not be less than 0")
	limit := func(n int, name string) {
		k.that(n >= 0 && n <= maxRateLimit, name, "must be 0, for no limit, or at most 100000")
	}
	limit(c.RateLimitWrites, "RATE_LIMIT_WRITES")
	limit(c.RateLimitReads, "RATE_LIMIT_READS")
	limit(c.RateLimitOperations, "RATE_LIMIT_OPERATIONS")
	limit(c.RateLimitRefused, "RATE_LIMIT_REFUSED")
	k.that(c.SessionIdle >= time.Second && c.SessionIdle <= c.SessionLifetime, "SESSION_IDLE", "must be at least 1s, and at most SESSION_LIFETIME")
	k.that(len(c.CursorSecret) >= 32, "CURSOR_SECRET", "must have at least 32 characters")
	k.that(c.ConsoleSecret == "" || len(c.ConsoleSecret) >= 32, "CONSOLE_SECRET", "must be empty or have at least 32 characters")
	k.that(len(c.WebhookSecrets) >= 1 && len(c.WebhookSecrets) <= 2, "MERCADOPAGO_WEBHOOK_SECRETS", "must hold one secret, or two during rotation")
	k.that(c.WebhookWindow == 0 || c.WebhookWindow >= repetitions, "MERCADOPAGO_WEBHOOK_WINDOW", "must be 0, for any age, or at least 343h")
	k.that(isURL(c.PublicURL), "PUBLIC_URL", "must be an address such as https://api.example.com")
}

func (c Config) checkWorker(k *checks) {
	k.that(c.MercadoPagoNotificationURL == "" || isURL(c.MercadoPagoNotificationURL), "MERCADOPAGO_NOTIFICATION_URL",
		"must be empty or an address such as https://api.example.com/webhooks/mercadopago")
	k.that(c.WebhookRetryDelay > 0 && c.WebhookRetryDelay <= time.Hour, "WEBHOOK_RETRY_DELAY", "must be more than 0 and at most 1h")
	k.that(c.EventRepeatDelay > 0 && c.EventRepeatDelay <= time.Hour, "EVENT_REPEAT_DELAY", "must be more than 0 and at most 1h")
	k.that(c.ProviderConcurrency > 0, "PROVIDER_CONCURRENCY", "must be at least 1")
	k.that(slices.Contains([]string{VersioningOff, VersioningAuto, VersioningManual}, c.WorkerVersioning), "WORKER_VERSIONING", "must be off, auto or manual")
}

func (c Config) checkRetention(k *checks) {
	retention := func(days int, name string) {
		k.that(days == 0 || days >= minRetention, name, "must be 0, for ever, or at least 30 days")
	}
	retention(c.RetentionNotifications, "RETENTION_NOTIFICATIONS")
	retention(c.RetentionDeadLetters, "RETENTION_DEAD_LETTERS")
	retention(c.RetentionReconciliation, "RETENTION_RECONCILIATION")
	retention(c.RetentionEmails, "RETENTION_EMAILS")
}

// arePayloadKeys takes keys with different ids, each an id of 1 to 32 letters, digits, dots, dashes and underscores, and 32 bytes in base64.
func arePayloadKeys(keys []Secret) bool {
	ids := map[string]bool{}
	for _, k := range keys {
		id, key, _ := strings.Cut(string(k), ":")
		secret, err := base64.StdEncoding.DecodeString(key)
		if err != nil || len(secret) != 32 || !payloadKeyID.MatchString(id) || ids[id] {
			return false
		}
		ids[id] = true
	}
	return len(keys) > 0
}

var payloadKeyID = regexp.MustCompile(`^[A-Za-z0-9._-]{1,32}$`)

// isNumber takes what Mercado Pago's ids look like.
func isNumber(s string) bool {
	n, err := strconv.ParseInt(s, 10, 64)
	return err == nil && n > 0 && strconv.FormatInt(n, 10) == s
}

// Package config is every setting of the program: one struct, filled from the environment only. Its
// rule: Load reports every mistake at once and names the variable; nothing starts half-configured.
package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"
)

// Secret is a value that prints as *** wherever it is printed: by any verb of fmt, in a log and as JSON.
type Secret string

const hidden = "***"

// Format hides the value from every verb, also from the wrong ones, which print what they are given.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hidden) }

// MarshalText hides the value from encoders, and so from structured logs.
func (Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// Config is all there is to set. Any variable may instead be given as NAME_FILE, the name of a file
// that holds the value. The rest of Temporal's own variables (TEMPORAL_TLS_…, TEMPORAL_PROFILE, …) is
// read by its client, as its command line does.
type Config struct {
	Environment string `env:"ENVIRONMENT" help:"test or live; live refuses the simulator, test keys, the secrets of onlywave-lab dev, and dependencies without TLS and credentials"`
	Env         string `env:"ENV" help:"production, as many set it, insists on ENVIRONMENT=live"`
	LogLevel    string `env:"LOG_LEVEL" help:"debug, info, warn or error"`

	DrainWait time.Duration `env:"DRAIN_WAIT" help:"at its end the API is not ready for so long, and still serves, until the balancers have noticed"`

	MetricsAddress string `env:"METRICS_ADDRESS" help:"where api and worker each show /metrics, /livez, /readyz (with reasons) and /startupz, host:port; not for strangers; empty: nowhere"`

	TracesEndpoint string  `env:"OTEL_EXPORTER_OTLP_ENDPOINT" help:"a collector of traces that speaks OTLP over HTTP, such as http://127.0.0.1:4318; empty: nothing is traced"`
	TracesRatio    float64 `env:"OTEL_TRACES_SAMPLER_ARG" help:"which part of the requests is traced, 0 to 1"`

	APIAddress     string   `env:"API_ADDRESS" help:"where the API listens, host:port"`
	PublicURL      string   `env:"PUBLIC_URL" help:"the API's address as clients see it; base of links"`
	TrustedProxies []string `env:"TRUSTED_PROXIES" help:"addresses or networks of our balancers, whose X-Forwarded-For is believed"`
	CursorSecret   Secret   `env:"CURSOR_SECRET" help:"signs list cursors; the same in every API process"`

	ConsoleSecret   Secret        `env:"CONSOLE_SECRET" help:"seals the second factors of the console's users, at least 32 characters; the same in every API process; live needs it; empty: nobody can set one up"`
	SessionIdle     time.Duration `env:"SESSION_IDLE" help:"a person's session in the console ends when nothing is asked for so long"`
	SessionLifetime time.Duration `env:"SESSION_LIFETIME" help:"and so long after the log-in at the latest"`

	RateLimitWrites     int `env:"RATE_LIMIT_WRITES" help:"requests per second that create or change payments, by one API key, and twice as many by all of a client; ten seconds' worth may come at once; 0: no limit"`
	RateLimitReads      int `env:"RATE_LIMIT_READS" help:"the same for requests that read payments"`
	RateLimitOperations int `env:"RATE_LIMIT_OPERATIONS" help:"the same for requests of operators"`
	RateLimitRefused    int `env:"RATE_LIMIT_REFUSED" help:"wrong API keys per minute by one address, and as many wrong webhook signatures; 0: no limit"`

	DatabaseURL   Secret `env:"DATABASE_URL" help:"Postgres, postgres://user:password@host/database; of several, host,host, the one that takes writes is used"`
	DatabaseConns int32  `env:"DATABASE_CONNS" help:"connections per process"`

	DatabasePlaintextReason string `env:"DATABASE_PLAINTEXT_REASON" help:"why Postgres is reached without TLS or a password when ENVIRONMENT is live, such as: a unix socket in the pod; empty: it is not"`

	DatabaseReplicaURL   Secret        `env:"DATABASE_REPLICA_URL" help:"where lists come from, postgres://user:password@host,host/database; of several the one that is a replica is used; empty: from the primary"`
	DatabaseReplicaConns int32         `env:"DATABASE_REPLICA_CONNS" help:"connections to it per api process"`
	ReplicaMaxStaleness  time.Duration `env:"REPLICA_MAX_STALENESS" help:"a replica further behind is not asked, unless the primary is away"`

	RabbitMQURLs []Secret `env:"RABBITMQ_URLS" help:"RabbitMQ nodes, amqp://user:password@host/, any one of which is used"`

	RabbitMQPlaintextReason string `env:"RABBITMQ_PLAINTEXT_REASON" help:"why RabbitMQ is reached without amqps:// or as guest when ENVIRONMENT is live; empty: it is not"`

	WebhookRetryDelay time.Duration `env:"WEBHOOK_RETRY_DELAY" help:"before a webhook that cannot be handled is tried again; six times as long before each of the two further tries"`
	EventRepeatDelay  time.Duration `env:"EVENT_REPEAT_DELAY" help:"before an event that a subscriber's queue has refused or not confirmed is published again; six times as long before each of the three further times"`

	RedisURL Secret `env:"REDIS_URL" help:"Redis; holds only what may be lost, such as the breakers' state. One server redis://user:password@host:6379/0; Sentinels redis://sentinel1:26379,sentinel2:26379/0?master_name=onlywave&username=…&password=…; a cluster redis://user:password@node1:6379,node2:6379"`

	RedisPlaintextReason string `env:"REDIS_PLAINTEXT_REASON" help:"why Redis is reached without rediss:// or a password when ENVIRONMENT is live; empty: it is not"`

	CacheTTL time.Duration `env:"CACHE_TTL" help:"for how long a payment read by id is answered from its copy in Redis; 0: from Postgres only"`

	TemporalAddress         string `env:"TEMPORAL_ADDRESS" help:"Temporal's frontend, host:port"`
	TemporalNamespace       string `env:"TEMPORAL_NAMESPACE" help:"where our workflows live"`
	TemporalPlaintextReason string `env:"TEMPORAL_PLAINTEXT_REASON" help:"why Temporal is reached without TLS when ENVIRONMENT is live; empty: it is not"`
	TemporalTLS             string `env:"TEMPORAL_TLS" help:"true: the frontend is reached over TLS; as all of Temporal's own settings (TEMPORAL_TLS_…, TEMPORAL_PROFILE, …) read by its client"`
	TemporalAPIKey          Secret `env:"TEMPORAL_API_KEY" help:"our credential at Temporal's frontend, over TLS; empty: none, or a certificate"`
	TemporalUIURL           string `env:"TEMPORAL_UI_URL" help:"the Temporal Web UI, for links; empty: no links"`

	MercadoPagoURL             string        `env:"MERCADOPAGO_URL" help:"empty: the real one; else the simulator's address"`
	MercadoPagoAccessToken     Secret        `env:"MERCADOPAGO_ACCESS_TOKEN" help:"our credential at Mercado Pago"`
	MercadoPagoCollectorID     string        `env:"MERCADOPAGO_COLLECTOR_ID" help:"our account's number at Mercado Pago, collector_id of its payments: a worker does not start with another account's token; empty: any account"`
	MercadoPagoTimeout         time.Duration `env:"MERCADOPAGO_TIMEOUT" help:"for one call, at most 5s: a step has time for two"`
	MercadoPagoRate            int           `env:"MERCADOPAGO_RATE" help:"calls per second by all workers together; 0: no limit"`
	ProviderConcurrency        int           `env:"PROVIDER_CONCURRENCY" help:"steps of one worker that wait for Mercado Pago at one time"`
	MercadoPagoNotificationURL string        `env:"MERCADOPAGO_NOTIFICATION_URL" help:"our webhook endpoint as Mercado Pago sees it; empty: the one set in its panel"`
	WebhookSecrets             []Secret      `env:"MERCADOPAGO_WEBHOOK_SECRETS" help:"signs its webhooks; two while one replaces the other"`
	WebhookWindow              time.Duration `env:"MERCADOPAGO_WEBHOOK_WINDOW" help:"how old a signature may be, at least 343h: Mercado Pago repeats a notification for so long; 0: any age"`

	SearchBeforeChargeUntil time.Time `env:"SEARCH_BEFORE_CHARGE_UNTIL" help:"after a restore of the database: until then each charge is searched for before it is sent, for a new payment may be one whose row was lost; such as 2026-11-30T12:00:00Z; empty: the database has lost nothing"`

	PollFirst       time.Duration `env:"POLL_FIRST" help:"first look at a payment without being told; the gaps double from here"`
	PollMax         time.Duration `env:"POLL_MAX" help:"longest gap between such looks"`
	PollAfterExpiry time.Duration `env:"POLL_AFTER_EXPIRY" help:"how long after its end a Pix is asked for"`

	ReconcileEvery time.Duration `env:"RECONCILE_EVERY" help:"how often Mercado Pago's books are compared with ours; takes effect with onlywave migrate"`
	ReconcileGrace time.Duration `env:"RECONCILE_GRACE" help:"a change younger than this is not judged yet, its webhook may be on the way; takes effect with onlywave migrate"`

	SMTPURL             Secret `env:"SMTP_URL" help:"mail server, smtp://user:password@host:587 (with STARTTLS) or smtps://user:password@host:465; ?tls=none for one on this machine; empty: no e-mail is sent"`
	SMTPPlaintextReason string `env:"SMTP_PLAINTEXT_REASON" help:"why the mail server is reached without TLS or a password when ENVIRONMENT is live; empty: it is not"`

	EmailFrom      string   `env:"EMAIL_FROM" help:"whom e-mails come from, such as Shop <payments@shop.example>"`
	EmailLimit     int      `env:"EMAIL_LIMIT" help:"e-mails to one buyer's address within 24 hours, of whatever kind; what is more is not sent; 0: no limit"`
	OperatorsEmail []string `env:"OPERATORS_EMAIL" help:"who is alerted of payments that wait for a person, comma-separated; empty: nobody"`

	MailSinkAddress     string `env:"MAILSINK_ADDRESS" help:"where the mail sink shows what it was given, host:port"`
	MailSinkSMTPAddress string `env:"MAILSINK_SMTP_ADDRESS" help:"where it takes e-mails, host:port"`

	RetentionNotifications  int `env:"RETENTION_NOTIFICATIONS" help:"days for which webhooks are kept as they came, at least 30; 0: for ever; takes effect with onlywave migrate"`
	RetentionDeadLetters    int `env:"RETENTION_DEAD_LETTERS" help:"the same for dead letters, since they were closed"`
	RetentionReconciliation int `env:"RETENTION_RECONCILIATION" help:"the same for runs of reconciliation and what they found, but what waits for a person"`
	RetentionEmails         int `env:"RETENTION_EMAILS" help:"the same for what became of e-mails, which keeps them from being sent again"`

	SimulatorAddress   string  `env:"SIMULATOR_ADDRESS" help:"where the simulator listens, host:port"`
	SimulatorURL       string  `env:"SIMULATOR_URL" help:"the simulator's address as the buyer sees it"`
	SimulatorData      string  `env:"SIMULATOR_DATA" help:"file in which it keeps its payments from one start to the next; empty: it forgets them"`
	SimulatorTimeScale float64 `env:"SIMULATOR_TIME_SCALE" help:"how much faster than Mercado Pago it repeats webhooks"`
}

func defaults() Config {
	return Config{
		Environment: "test", LogLevel: "info",
		DrainWait:   5 * time.Second,
		TracesRatio: 1,
		APIAddress:  "127.0.0.1:8080", PublicURL: "http://127.0.0.1:8080",
		SessionIdle: 15 * time.Minute, SessionLifetime: 12 * time.Hour,
		RateLimitWrites: 100, RateLimitReads: 500, RateLimitOperations: 50, RateLimitRefused: 100,
		CacheTTL:      5 * time.Second,
		DatabaseConns: 16, DatabaseReplicaConns: 16, ReplicaMaxStaleness: 10 * time.Second,
		WebhookRetryDelay: 5 * time.Second,
		EventRepeatDelay:  time.Minute,
		TemporalAddress:   "127.0.0.1:7233", TemporalNamespace: "default",
		MercadoPagoTimeout: 5 * time.Second, MercadoPagoRate: 100, ProviderConcurrency: 64, WebhookWindow: 15 * 24 * time.Hour,
		PollFirst: time.Minute, PollMax: time.Hour, PollAfterExpiry: 30 * time.Second,
		ReconcileEvery: 5 * time.Minute, ReconcileGrace: 2 * time.Minute,
		MailSinkAddress: "127.0.0.1:8025", MailSinkSMTPAddress: "127.0.0.1:1025",
		RetentionNotifications: 400, RetentionDeadLetters: 400, RetentionReconciliation: 400, RetentionEmails: 400,
		EmailLimit:       30,
		SimulatorAddress: "127.0.0.1:8090", SimulatorTimeScale: 1,
	}
}

// minRetention is longer than the provider repeats a notification, than reconciliation looks back, and than Temporal may be asked
// to repeat what is over.
const minRetention = 30

// maxRateLimit is where the limits' clock, which has microseconds, begins to be coarse.
const maxRateLimit = 100_000

// Part is a part of the program, which decides what must be set.
type Part string

// The parts that read the configuration.
const (
	API         Part = "api"
	Worker      Part = "worker"
	Migrate     Part = "migrate"
	Simulator   Part = "simulator"
	MailSink    Part = "mailsink"
	Keys        Part = "keys"
	Users       Part = "users"
	Breakers    Part = "breakers"
	Reconcile   Part = "reconcile"
	Findings    Part = "findings"
	DeadLetters Part = "dead-letters"
	Payments    Part = "payments"
	Prune       Part = "prune"
	Audit       Part = "audit"
)

var parts = []Part{API, Worker, Migrate, Simulator, MailSink, Keys, Users, Breakers, Reconcile, Findings, DeadLetters, Payments, Prune, Audit}

// The parts that reach a dependency: they are asked where it is, and when live, how it is protected.
var (
	onPostgres = []Part{API, Worker, Migrate, Keys, Users, Breakers, Findings, DeadLetters, Payments, Prune, Audit}
	onRedis    = []Part{API, Worker, Breakers}
	onRabbitMQ = []Part{API, Worker, Breakers}
	onTemporal = []Part{API, Worker, Migrate, Reconcile, DeadLetters, Payments}
)

// Load reads and checks the configuration for one part of the program. environ is as os.Environ
// gives it. The error lists every mistake, a line each.
func Load(part Part, environ []string) (Config, error) {
	c := defaults()
	variables, mistakes := readFiles(env.ToMap(environ))
	if err := env.ParseWithOptions(&c, env.Options{Environment: variables}); err != nil {
		mistakes = append(mistakes, parseMistakes(err)...)
	}
	mistakes = append(mistakes, c.validate(part, variables)...)
	return c, errors.Join(mistakes...)
}

// Names lists every variable the program knows, without the NAME_FILE forms.
func Names() []string {
	var names []string
	t := reflect.TypeFor[Config]()
	for i := range t.NumField() {
		names = append(names, t.Field(i).Tag.Get("env"))
	}
	return names
}

// Help is the table of all variables for people: name, default, meaning.
func Help() [][3]string {
	var rows [][3]string
	c := reflect.ValueOf(defaults())
	for i := range c.NumField() {
		f := c.Type().Field(i)
		value := ""
		if !c.Field(i).IsZero() {
			value = fmt.Sprint(c.Field(i).Interface())
		}
		rows = append(rows, [3]string{f.Tag.Get("env"), value, f.Tag.Get("help")})
	}
	return rows
}

// readFiles puts the content of each NAME_FILE under NAME.
func readFiles(variables map[string]string) (map[string]string, []error) {
	var mistakes []error
	for _, name := range Names() {
		file, ok := variables[name+"_FILE"]
		if !ok {
			continue
		}
		if _, both := variables[name]; both {
			mistakes = append(mistakes, fmt.Errorf("%s: set it or %s_FILE, not both", name, name))
			continue
		}
		content, err := os.ReadFile(file)
		if err != nil {
			mistakes = append(mistakes, fmt.Errorf("%s_FILE: %w", name, err))
			continue
		}
		variables[name] = strings.TrimSpace(string(content))
	}
	return variables, mistakes
}

// parseMistakes names the variable of each field that could not be read, and not its value, which may
// be a secret.
func parseMistakes(err error) []error {
	all, ok := errors.AsType[env.AggregateError](err)
	if !ok {
		return []error{err}
	}
	var mistakes []error
	for _, one := range all.Errors {
		parse, ok := errors.AsType[env.ParseError](one)
		if !ok {
			mistakes = append(mistakes, one)
			continue
		}
		field, _ := reflect.TypeFor[Config]().FieldByName(parse.Name)
		what := "a " + parse.Type.String()
		if parse.Type == reflect.TypeFor[time.Time]() {
			what = "a moment with its time zone, such as 2026-11-30T12:00:00Z"
		}
		mistakes = append(mistakes, fmt.Errorf("%s: must be %s", field.Tag.Get("env"), what))
	}
	return mistakes
}

// Plain gives secrets to those who must use them.
func Plain(secrets []Secret) []string {
	plain := make([]string, len(secrets))
	for i, s := range secrets {
		plain[i] = string(s)
	}
	return plain
}

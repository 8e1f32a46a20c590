// Package config is every setting of the program: one struct, filled from the environment only. Its one
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
	Env         string `env:"ENV" help:"production, which many platforms set, requires ENVIRONMENT=live"`
	LogLevel    string `env:"LOG_LEVEL" help:"debug, info, warn or error"`

	DrainWait time.Duration `env:"DRAIN_WAIT" help:"at shutdown the API reports not ready for this long and still serves, until the load balancers have noticed"`

	MetricsAddress string `env:"METRICS_ADDRESS" help:"where api and worker each serve /metrics, /livez, /readyz (with reasons) and /startupz, host:port; keep it internal; empty: nowhere"`

	TracesEndpoint string  `env:"OTEL_EXPORTER_OTLP_ENDPOINT" help:"a collector of traces that takes OTLP over HTTP, such as http://127.0.0.1:4318; empty: nothing is traced"`
	TracesRatio    float64 `env:"OTEL_TRACES_SAMPLER_ARG" help:"share of the requests that is traced, 0 to 1"`
	TracesUIURL    string  `env:"TRACES_UI_URL" help:"the page of a trace, with {trace_id} in its address, for links; empty: no links"`

	APIAddress     string   `env:"API_ADDRESS" help:"where the API listens, host:port"`
	PublicURL      string   `env:"PUBLIC_URL" help:"the API's address as clients see it; base of links"`
	TrustedProxies []string `env:"TRUSTED_PROXIES" help:"addresses or networks of our load balancers, whose X-Forwarded-For is believed"`
	CursorSecret   Secret   `env:"CURSOR_SECRET" help:"signs list cursors and the links to pay pages; the same in every API process; a new one makes the links that are out invalid; a worker that has it writes these links into its e-mails"`

	ConsoleSecret   Secret        `env:"CONSOLE_SECRET" help:"encrypts the second factors of the console's users, at least 32 characters; the same in every API process; required in live; empty: no second factor can be set up"`
	SearchKey       []Secret      `env:"SEARCH_KEY" help:"makes the index by which the console finds payments by the buyer's e-mail address, at least 32 characters; the same in every API, worker and migrate process; new,old while one replaces the other; empty: no payment is found by e-mail"`
	SessionIdle     time.Duration `env:"SESSION_IDLE" help:"a session in the console ends after this time without a request"`
	SessionLifetime time.Duration `env:"SESSION_LIFETIME" help:"a session in the console ends this long after the log-in at the latest"`

	RateLimitWrites     int `env:"RATE_LIMIT_WRITES" help:"requests per second that create or change payments, by one API key; twice as many by all keys of a client app; a burst of ten seconds' worth is allowed; 0: no limit"`
	RateLimitReads      int `env:"RATE_LIMIT_READS" help:"requests per second that read payments, limited in the same way"`
	RateLimitOperations int `env:"RATE_LIMIT_OPERATIONS" help:"requests per second of operators, limited in the same way"`
	RateLimitRefused    int `env:"RATE_LIMIT_REFUSED" help:"wrong API keys per minute from one address, and as many wrong webhook signatures; 0: no limit"`

	DatabaseURL   Secret `env:"DATABASE_URL" help:"Postgres, postgres://user:password@host/database; of several hosts (host,host) the primary is used"`
	DatabaseConns int32  `env:"DATABASE_CONNS" help:"connections per process"`

	DatabasePlaintextReason string `env:"DATABASE_PLAINTEXT_REASON" help:"reason why Postgres may be reached without TLS or a password in live, such as: a unix socket in the pod; empty: it may not"`

	DatabaseReplicaURL   Secret        `env:"DATABASE_REPLICA_URL" help:"the replica that answers lists, postgres://user:password@host,host/database; of several hosts a replica is used; empty: the primary answers"`
	DatabaseReplicaConns int32         `env:"DATABASE_REPLICA_CONNS" help:"connections to the replica per api process"`
	ReplicaMaxStaleness  time.Duration `env:"REPLICA_MAX_STALENESS" help:"a replica further behind is not used, unless the primary is unavailable"`

	RabbitMQURLs []Secret `env:"RABBITMQ_URLS" help:"RabbitMQ nodes, amqp://user:password@host/; any one of them is used"`

	RabbitMQPlaintextReason string `env:"RABBITMQ_PLAINTEXT_REASON" help:"reason why RabbitMQ may be reached without amqps:// or as guest in live; empty: it may not"`

	WebhookRetryDelay time.Duration `env:"WEBHOOK_RETRY_DELAY" help:"delay before a failed webhook is retried; each of the two further retries waits six times as long"`
	EventRepeatDelay  time.Duration `env:"EVENT_REPEAT_DELAY" help:"delay before an event that a subscriber's queue refused or did not confirm is published again; each of the three further repetitions waits six times as long"`

	RedisURL Secret `env:"REDIS_URL" help:"Redis; holds only what may be lost, such as the breakers' state. One server redis://user:password@host:6379/0; Sentinels redis://sentinel1:26379,sentinel2:26379/0?master_name=onlywave&username=…&password=…; a cluster redis://user:password@node1:6379,node2:6379"`

	RedisPlaintextReason string `env:"REDIS_PLAINTEXT_REASON" help:"reason why Redis may be reached without rediss:// or a password in live; empty: it may not"`

	CacheTTL time.Duration `env:"CACHE_TTL" help:"how long a payment read by id is answered from its copy in Redis; 0: always from Postgres"`

	TemporalAddress         string   `env:"TEMPORAL_ADDRESS" help:"Temporal's frontend, host:port"`
	TemporalNamespace       string   `env:"TEMPORAL_NAMESPACE" help:"the namespace of our workflows"`
	TemporalPlaintextReason string   `env:"TEMPORAL_PLAINTEXT_REASON" help:"reason why Temporal may be reached without TLS in live; empty: it may not"`
	TemporalTLS             string   `env:"TEMPORAL_TLS" help:"true: the frontend is reached over TLS; Temporal's client also reads its own settings (TEMPORAL_TLS_…, TEMPORAL_PROFILE, …)"`
	TemporalAPIKey          Secret   `env:"TEMPORAL_API_KEY" help:"our credential at Temporal's frontend, over TLS; empty: none, or a certificate"`
	PayloadKeys             []Secret `env:"TEMPORAL_PAYLOAD_KEYS" help:"keys that encrypt what Temporal stores, each an id, a colon and 32 bytes in base64 (openssl rand -base64 32), comma-separated; the first one encrypts, all of them decrypt; the same in every process that reaches Temporal; to change a key see docs/encryption.md"`
	TemporalUIURL           string   `env:"TEMPORAL_UI_URL" help:"the Temporal Web UI, for links; empty: no links"`

	TemporalUIOrigins []string `env:"TEMPORAL_UI_ORIGINS" help:"the Temporal Web UIs that may have payloads decrypted by the console, for operators who are logged in there, such as https://temporal.example.com, comma-separated; empty: none; each needs TEMPORAL_CODEC_ENDPOINT={PUBLIC_URL}/console/codec and TEMPORAL_CODEC_INCLUDE_CREDENTIALS=true"`

	WorkerVersioning string `env:"WORKER_VERSIONING" help:"off: workers have no version; auto: each build is a version, the one with the most workers is current, and open payments move to it; manual: an operator makes a version current, and open payments stay with theirs while it has workers, see releasing.md"`
	WorkerBuildID    string `env:"WORKER_BUILD_ID" help:"name of the worker's version, such as the image's tag; empty: what onlywave version prints"`

	MercadoPagoURL             string        `env:"MERCADOPAGO_URL" help:"empty: the real Mercado Pago; else the simulator's address"`
	MercadoPagoAccessToken     Secret        `env:"MERCADOPAGO_ACCESS_TOKEN" help:"our credential at Mercado Pago"`
	MercadoPagoPublicKey       string        `env:"MERCADOPAGO_PUBLIC_KEY" help:"our public key at Mercado Pago, with which buyers' browsers make tokens of cards on the pay page; empty: no card can be entered there"`
	MercadoPagoScriptURL       string        `env:"MERCADOPAGO_JS_URL" help:"Mercado Pago's script for browsers; in the lab the simulator's stand-in for it"`
	MercadoPagoCollectorID     string        `env:"MERCADOPAGO_COLLECTOR_ID" help:"our account's number at Mercado Pago (collector_id of its payments); a worker does not start with another account's token; empty: any account"`
	MercadoPagoTimeout         time.Duration `env:"MERCADOPAGO_TIMEOUT" help:"timeout of one call, at most 5s, because an activity makes up to two"`
	MercadoPagoRate            int           `env:"MERCADOPAGO_RATE" help:"calls per second by all processes together; 0: no limit"`
	ProviderConcurrency        int           `env:"PROVIDER_CONCURRENCY" help:"activities of one worker that wait for Mercado Pago at one time"`
	MercadoPagoNotificationURL string        `env:"MERCADOPAGO_NOTIFICATION_URL" help:"our webhook endpoint as Mercado Pago reaches it; empty: the one in its panel"`
	WebhookSecrets             []Secret      `env:"MERCADOPAGO_WEBHOOK_SECRETS" help:"Mercado Pago signs its webhooks with it; new,old while one replaces the other"`
	WebhookWindow              time.Duration `env:"MERCADOPAGO_WEBHOOK_WINDOW" help:"how old a webhook signature may be, at least 343h, because Mercado Pago repeats a notification for that long; 0: any age"`

	SearchBeforeChargeUntil time.Time `env:"SEARCH_BEFORE_CHARGE_UNTIL" help:"after a restore of the database: until this moment each charge is searched for before it is sent, because a new payment may be one whose row was lost; such as 2026-11-30T12:00:00Z; empty: the database has lost nothing"`

	PollFirst       time.Duration `env:"POLL_FIRST" help:"time until the first look at a payment without a webhook; later gaps double"`
	PollMax         time.Duration `env:"POLL_MAX" help:"longest gap between looks without a webhook"`
	PollAfterExpiry time.Duration `env:"POLL_AFTER_EXPIRY" help:"how long after the end of a Pix its workflow looks at it"`

	ReconcileEvery time.Duration `env:"RECONCILE_EVERY" help:"how often reconciliation compares Mercado Pago with the database; takes effect with onlywave migrate"`
	ReconcileGrace time.Duration `env:"RECONCILE_GRACE" help:"reconciliation ignores changes younger than this, because their webhooks may be on the way; takes effect with onlywave migrate"`

	SMTPURL             Secret `env:"SMTP_URL" help:"mail server, smtp://user:password@host:587 (with STARTTLS) or smtps://user:password@host:465; ?tls=none for one on this machine; empty: no e-mail is sent"`
	SMTPPlaintextReason string `env:"SMTP_PLAINTEXT_REASON" help:"reason why the mail server may be reached without TLS or a password in live; empty: it may not"`

	EmailFrom      string   `env:"EMAIL_FROM" help:"sender of e-mails, such as Shop <payments@shop.example>"`
	EmailLimit     int      `env:"EMAIL_LIMIT" help:"e-mails of all kinds to one buyer's address within 24 hours; further ones are not sent; 0: no limit"`
	OperatorsEmail []string `env:"OPERATORS_EMAIL" help:"addresses that are alerted when a payment needs a person, comma-separated; empty: none"`

	MailSinkAddress     string `env:"MAILSINK_ADDRESS" help:"where the mail sink shows its e-mails, host:port"`
	MailSinkSMTPAddress string `env:"MAILSINK_SMTP_ADDRESS" help:"where the mail sink receives e-mails, host:port"`

	RetentionNotifications  int `env:"RETENTION_NOTIFICATIONS" help:"days for which webhooks are kept as received, at least 30; 0: for ever; takes effect with onlywave migrate"`
	RetentionDeadLetters    int `env:"RETENTION_DEAD_LETTERS" help:"days for which closed dead letters are kept, since their closing; at least 30; 0: for ever; takes effect with onlywave migrate"`
	RetentionReconciliation int `env:"RETENTION_RECONCILIATION" help:"days for which runs of reconciliation and closed findings are kept, at least 30; 0: for ever; takes effect with onlywave migrate"`
	RetentionEmails         int `env:"RETENTION_EMAILS" help:"days for which results of e-mails are kept, which prevent a second sending; at least 30; 0: for ever; takes effect with onlywave migrate"`

	SimulatorAddress   string  `env:"SIMULATOR_ADDRESS" help:"where the simulator listens, host:port"`
	SimulatorURL       string  `env:"SIMULATOR_URL" help:"the simulator's address as the buyer sees it"`
	SimulatorData      string  `env:"SIMULATOR_DATA" help:"file in which the simulator keeps its payments between starts; empty: it forgets them"`
	SimulatorTimeScale float64 `env:"SIMULATOR_TIME_SCALE" help:"how much faster than Mercado Pago the simulator repeats webhooks"`

	SimulatorReleaseAfter time.Duration `env:"SIMULATOR_RELEASE_AFTER" help:"how long after a payment is paid the simulator releases its money; empty: at once"`
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
		TemporalAddress:   "127.0.0.1:7233", TemporalNamespace: "default", WorkerVersioning: VersioningOff,
		MercadoPagoScriptURL: "https://sdk.mercadopago.com/js/v2",
		MercadoPagoTimeout:   5 * time.Second, MercadoPagoRate: 100, ProviderConcurrency: 64, WebhookWindow: 15 * 24 * time.Hour,
		PollFirst: time.Minute, PollMax: time.Hour, PollAfterExpiry: 30 * time.Second,
		ReconcileEvery: 5 * time.Minute, ReconcileGrace: 2 * time.Minute,
		MailSinkAddress: "127.0.0.1:8025", MailSinkSMTPAddress: "127.0.0.1:1025",
		RetentionNotifications: 400, RetentionDeadLetters: 400, RetentionReconciliation: 400, RetentionEmails: 400,
		EmailLimit:       30,
		SimulatorAddress: "127.0.0.1:8090", SimulatorTimeScale: 1,
	}
}

// The values of WORKER_VERSIONING.
const (
	VersioningOff    = "off"
	VersioningAuto   = "auto"
	VersioningManual = "manual"
)

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
	Views       Part = "views"
	Codec       Part = "codec"

	ResetPreview Part = "reset-preview"
)

var parts = []Part{
	API, Worker, Migrate, Simulator, MailSink, Keys, Users, Breakers, Reconcile, Findings, DeadLetters, Payments, Prune, Audit, Views, ResetPreview, Codec,
}

// The parts that reach a dependency: they are asked where it is, and when live, how it is protected.
var (
	onPostgres = []Part{API, Worker, Migrate, Keys, Users, Breakers, Findings, DeadLetters, Payments, Prune, Audit}
	onRedis    = []Part{API, Worker, Breakers}
	onRabbitMQ = []Part{API, Worker, Breakers}
	onTemporal = []Part{API, Worker, Migrate, Reconcile, DeadLetters, Payments, ResetPreview}
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

// Help is the table of all variables: name, default, meaning.
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
			what = "a time with its time zone, such as 2026-11-30T12:00:00Z"
		}
		mistakes = append(mistakes, fmt.Errorf("%s: must be %s", field.Tag.Get("env"), what))
	}
	return mistakes
}

// Plain returns the values of secrets, for code that must use them.
func Plain(secrets []Secret) []string {
	plain := make([]string, len(secrets))
	for i, s := range secrets {
		plain[i] = string(s)
	}
	return plain
}

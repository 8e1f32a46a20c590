package config

import (
	"net/url"
	"regexp"
	"slices"
	"strings"

	"go.temporal.io/sdk/contrib/envconfig"
)

// dependency is what live reaches over TLS and with credentials of its own, unless its reason says why not.
type dependency struct {
	name   string // in messages
	parts  []Part // that reach it
	reason string // the setting that says why it is reached in another way
	why    func(Config) string
	faults func(Config, envMap) []fault
}

// fault is what a setting lacks.
type fault struct{ setting, needs string }

var dependencies = []dependency{
	{
		name: "Postgres", parts: onPostgres,
		reason: "DATABASE_PLAINTEXT_REASON", why: func(c Config) string { return c.DatabasePlaintextReason },
		faults: func(c Config, _ envMap) []fault {
			return append(databaseFaults("DATABASE_URL", c.DatabaseURL), databaseFaults("DATABASE_REPLICA_URL", c.DatabaseReplicaURL)...)
		},
	},
	{
		name: "Redis", parts: onRedis,
		reason: "REDIS_PLAINTEXT_REASON", why: func(c Config) string { return c.RedisPlaintextReason }, faults: redisFaults,
	},
	{
		name: "RabbitMQ", parts: onRabbitMQ,
		reason: "RABBITMQ_PLAINTEXT_REASON", why: func(c Config) string { return c.RabbitMQPlaintextReason }, faults: rabbitMQFaults,
	},
	{
		name: "Temporal", parts: onTemporal,
		reason: "TEMPORAL_PLAINTEXT_REASON", why: func(c Config) string { return c.TemporalPlaintextReason }, faults: temporalFaults,
	},
	{
		name: "the mail server", parts: []Part{Worker},
		reason: "SMTP_PLAINTEXT_REASON", why: func(c Config) string { return c.SMTPPlaintextReason }, faults: smtpFaults,
	},
}

// envMap is an environment as Temporal's reader of its settings wants it.
type envMap map[string]string

func (m envMap) LookupEnv(name string) (string, bool) {
	value, ok := m[name]
	return value, ok
}

func (m envMap) Environ() []string {
	var all []string
	for name, value := range m {
		all = append(all, name+"="+value)
	}
	return all
}

// minReason is how long a reason is at least, in bytes: yes and true are none.
const minReason = 10

// checkProtected refuses dependencies whose traffic another machine on the network could read, or that it could impersonate.
func (c Config) checkProtected(k *checks, part Part, set envMap) {
	for _, d := range dependencies {
		if !slices.Contains(d.parts, part) {
			continue
		}
		reason := strings.TrimSpace(d.why(c))
		k.that(reason == "" || len(reason) >= minReason, d.reason, "must say in words why, such as: a unix socket in the pod")
		if reason != "" {
			continue
		}
		for _, f := range d.faults(c, set) {
			k.that(false, f.setting, f.needs+" when ENVIRONMENT is live, unless "+d.reason+" says why not")
		}
	}
}

// Unprotected lists what a live part reaches without TLS or credentials, and why, for the log at its start.
func (c Config) Unprotected(part Part) [][2]string {
	var all [][2]string
	for _, d := range dependencies {
		if c.Environment == "live" && slices.Contains(d.parts, part) && d.why(c) != "" {
			all = append(all, [2]string{d.name, d.why(c)})
		}
	}
	return all
}

// databaseFaults reads an address, or words such as host=db sslmode=verify-full (libpq, "Connection Strings").
func databaseFaults(setting string, s Secret) []fault {
	if s == "" {
		return nil
	}
	words := map[string]string{}
	if u, ok := parseFirst(s); ok {
		for name, values := range u.Query() {
			words[name] = values[len(values)-1]
		}
		if password, ok := u.User.Password(); ok {
			words["password"] = password
		}
	} else {
		for word := range strings.FieldsSeq(string(s)) {
			name, value, _ := strings.Cut(word, "=")
			words[name] = strings.Trim(value, "'")
		}
	}
	var faults []fault
	if !slices.Contains([]string{"require", "verify-ca", "verify-full"}, words["sslmode"]) {
		faults = append(faults, fault{setting, "must have sslmode=verify-full (or verify-ca, or require)"})
	}
	if words["password"] == "" && words["passfile"] == "" && words["sslcert"] == "" {
		faults = append(faults, fault{setting, "must have a password, a passfile or an sslcert"})
	}
	return faults
}

// severalHosts finds what follows the first host of an address that names several, divided by commas.
var severalHosts = regexp.MustCompile(`^([^/]*://(?:[^/?#]*@)?[^/?#,]*),[^/?#]*`)

// parseFirst reads an address, of several hosts the first: scheme, user and query are those of all.
func parseFirst(s Secret) (*url.URL, bool) {
	u, err := url.Parse(severalHosts.ReplaceAllString(string(s), "$1"))
	return u, err == nil && u.Scheme != ""
}

func redisFaults(c Config, _ envMap) []fault {
	u, ok := parseFirst(c.RedisURL)
	if !ok {
		return nil // that is said elsewhere
	}
	var faults []fault
	if !strings.HasPrefix(u.Scheme, "rediss") {
		faults = append(faults, fault{"REDIS_URL", "must begin with rediss://"})
	}
	if password, _ := u.User.Password(); password == "" && u.Query().Get("password") == "" {
		faults = append(faults, fault{"REDIS_URL", "must have a password"})
	}
	return faults
}

func rabbitMQFaults(c Config, _ envMap) []fault {
	var faults []fault
	for _, address := range c.RabbitMQURLs {
		u, ok := parseFirst(address)
		if !ok {
			return nil // that is said elsewhere
		}
		if u.Scheme != "amqps" {
			faults = append(faults, fault{"RABBITMQ_URLS", "must begin with amqps://"})
		}
		// Without a user the client is guest, and the password of guest is public.
		if password, _ := u.User.Password(); password == "" || u.User.Username() == "guest" {
			faults = append(faults, fault{"RABBITMQ_URLS", "must have a user other than guest, with a password,"})
		}
	}
	slices.SortStableFunc(faults, func(a, b fault) int { return strings.Compare(a.needs, b.needs) })
	return slices.Compact(faults)
}

// temporalFaults asks Temporal's own reader of its settings what the client will do.
func temporalFaults(_ Config, set envMap) []fault {
	profile, err := envconfig.LoadClientConfigProfile(envconfig.LoadClientConfigProfileOptions{EnvLookup: set})
	if err != nil {
		return []fault{{"TEMPORAL_TLS", "and Temporal's other settings must be readable (" + err.Error() + ")"}}
	}
	switch {
	case profile.TLS != nil && profile.TLS.Disabled, profile.TLS == nil && profile.APIKey == "":
		return []fault{{"TEMPORAL_TLS", "must be true, or TEMPORAL_API_KEY or a certificate must be set,"}}
	case profile.TLS != nil && profile.TLS.DisableHostVerification:
		return []fault{{"TEMPORAL_TLS_DISABLE_HOST_VERIFICATION", "must not be set"}}
	}
	return nil
}

func smtpFaults(c Config, _ envMap) []fault {
	u, ok := parseFirst(c.SMTPURL)
	if !ok {
		return nil // no e-mail is sent, or it is said elsewhere
	}
	var faults []fault
	if u.Query().Get("tls") == "none" {
		faults = append(faults, fault{"SMTP_URL", "must not have tls=none"})
	}
	if password, _ := u.User.Password(); password == "" {
		faults = append(faults, fault{"SMTP_URL", "must have a user and a password"})
	}
	return faults
}

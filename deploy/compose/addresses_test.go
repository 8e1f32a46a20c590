package compose

import (
	"maps"
	"net"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/jackc/pgx/v5"
	goredis "github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/deploy/nginx"
)

// composeListens are the ports that each service listens on: by the settings of our images, by default for the others.
func composeListens(p *types.Project) map[string][]string {
	set := p.Services["api"].Environment
	at := func(name string) string { return (*set[name])[strings.LastIndexByte(*set[name], ':')+1:] }
	return map[string][]string{
		"api": {at("API_ADDRESS"), at("METRICS_ADDRESS")}, "worker": {at("METRICS_ADDRESS")}, "simulator": {at("SIMULATOR_ADDRESS")},
		"mailsink": {at("MAILSINK_ADDRESS"), at("MAILSINK_SMTP_ADDRESS")}, "nginx": {nginx.Compose.Listen},
		"postgres": {"5432"}, "postgres-replica": {"5432"}, "sentinel": {"26379"}, "redis": {"6379"}, "redis-replica": {"6379"},
		"rabbitmq": {"5672", "15672", "15692"}, "temporal": {"7233", "9091"}, "temporal-ui": {"8080"}, "temporal-ui-operators": {"8081"}, "temporal-ui-gate": {"8233", "8234"},
		"prometheus": {"9090"}, "alertmanager": {"9093"}, "grafana": {"3000"},
	}
}

var (
	composeURL  = regexp.MustCompile(`^\w+://(?:[^@/]*@)?([^/?]+)`)
	composeHost = regexp.MustCompile(`^[a-z0-9.-]+:\d+$`)
)

// addressed are the host:port pairs in a text; it may have none.
func addressed(text string) (all []string) {
	if url := composeURL.FindStringSubmatch(text); url != nil {
		return strings.Split(url[1], ",")
	}
	if composeHost.MatchString(text) {
		return []string{text}
	}
	return nil
}

// Every address in the compose file, and in the files that it mounts, has a service that listens on it.
func TestComposeAddressesLeadSomewhere(t *testing.T) {
	p := loadCompose(t, "monitoring")
	listens := composeListens(p)
	require.ElementsMatch(t, p.ServiceNames(), append(slices.Collect(maps.Keys(listens)), "migrate", "temporal-schema", "temporal-tools"))
	published := map[string]bool{}
	for _, s := range p.Services {
		for _, port := range s.Ports {
			require.Contains(t, listens[s.Name], strconv.Itoa(int(port.Target)), s.Name)
			published[port.Published] = true
		}
	}
	seen := map[string]bool{}
	leads := func(where, address string) {
		host, port, err := net.SplitHostPort(address)
		require.NoError(t, err, where)
		switch host {
		case "0.0.0.0":
		case "localhost":
			require.Contains(t, published, port, "%s: %s", where, address)
		default:
			require.Contains(t, listens[host], port, "%s: %s", where, address)
			seen[host] = true
		}
	}
	for _, s := range p.Services {
		for name, value := range s.Environment {
			if name == "TEMPORAL_UI_ORIGINS" {
				continue // several whole addresses, see TestTheConsoleDecryptsForBothWebUIs
			}
			for _, address := range addressed(*value) {
				leads(s.Name+": "+name, address)
			}
		}
		if s.HealthCheck != nil {
			last := s.HealthCheck.Test[len(s.HealthCheck.Test)-1]
			for _, address := range addressed(last) {
				_, port, err := net.SplitHostPort(address)
				require.NoError(t, err)
				require.Contains(t, listens[s.Name], port, "%s asks itself at %s", s.Name, address)
			}
		}
	}
	for file, pattern := range map[string]string{
		"../../deploy/prometheus/prometheus.yml":                       `"([a-z-]+:\d+)"`,
		"../../deploy/temporal/gate.conf":                              `proxy_pass http://([a-z-]+:\d+);`,
		"../../deploy/grafana/provisioning/datasources/prometheus.yml": `http://([a-z-]+:\d+)"`,
	} {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, found := range regexp.MustCompile(pattern).FindAllStringSubmatch(string(text), -1) {
			leads(file, found[1])
		}
	}
	require.Subset(t, slices.Collect(maps.Keys(seen)), []string{"postgres", "postgres-replica", "sentinel", "rabbitmq", "temporal", "temporal-ui", "temporal-ui-operators",
		"simulator", "mailsink", "nginx", "alertmanager", "prometheus"})
}

// All services that read or write have the addresses of both Postgres; only Temporal needs to know which one is the primary.
func TestComposeNamesBothPostgres(t *testing.T) {
	p := loadCompose(t)
	for _, variable := range []string{"DATABASE_URL", "DATABASE_REPLICA_URL"} {
		c, err := pgx.ParseConfig(*p.Services["api"].Environment[variable])
		require.NoError(t, err)
		require.Equal(t, "postgres", c.Host)
		require.Equal(t, "postgres-replica", c.Fallbacks[0].Host)
		own := p.Services["postgres"].Environment
		require.Equal(t, []string{*own["POSTGRES_USER"], *own["POSTGRES_PASSWORD"], *own["POSTGRES_DB"]}, []string{c.User, c.Password, c.Database})
	}
	for _, primary := range []string{"postgres", "postgres-replica"} {
		t.Setenv("POSTGRES_PRIMARY", primary)
		services := loadCompose(t).Services
		require.Equal(t, primary, *services["temporal"].Environment["POSTGRES_SEEDS"])
		require.Equal(t, primary, *services["temporal-schema"].Environment["SQL_HOST"])
	}
	one, other := p.Services["postgres"], p.Services["postgres-replica"]
	require.Equal(t, []any{one.Image, one.User, one.Environment, one.Deploy}, []any{other.Image, other.User, other.Environment, other.Deploy}, "either may lead")
	require.NotEqual(t, one.Volumes[0].Source, other.Volumes[0].Source)
}

// The Sentinels watch the Redis that is the first master, by its address, under the name in REDIS_URL.
func TestComposeSentinelsWatchRedis(t *testing.T) {
	p := loadCompose(t)
	text, err := os.ReadFile("../../deploy/compose/sentinel.conf")
	require.NoError(t, err)
	watched := regexp.MustCompile(`(?m)^sentinel monitor (\w+) (\S+) (\d+) (\d+)$`).FindStringSubmatch(string(text))
	require.NotNil(t, watched)
	ours, err := goredis.ParseFailoverURL(*p.Services["api"].Environment["REDIS_URL"])
	require.NoError(t, err)
	require.Equal(t, watched[1], ours.MasterName)
	require.Equal(t, []string{"sentinel:26379"}, ours.SentinelAddrs)
	require.Equal(t, p.Services["redis"].Networks["default"].Ipv4Address, watched[2])
	require.Contains(t, strings.Join(p.Services["redis-replica"].Command, " "), "echo replicaof "+watched[2]+" "+watched[3]+" >>")
	require.NotEqual(t, watched[2], p.Services["redis-replica"].Networks["default"].Ipv4Address)
	sentinels := p.Services["sentinel"]
	require.Equal(t, 3, *sentinels.Deploy.Replicas)
	require.Equal(t, "2", watched[4], "two of three agree")
	require.Len(t, sentinels.Volumes, 1, "each keeps what it learns in a volume of its own, which the image gives it")
	require.Contains(t, sentinels.HealthCheck.Test, watched[1])
	require.Contains(t, string(text), "\nport 26379\n")
}

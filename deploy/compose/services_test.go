package compose

import (
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/api"
	"github.com/onlywave/onlywave/deploy/nginx"
	"github.com/onlywave/onlywave/internal/config"
	"github.com/onlywave/onlywave/worker"
)

func loadCompose(t *testing.T, profiles ...string) *types.Project {
	options, err := cli.NewProjectOptions([]string{"../../docker-compose.yml"}, cli.WithName("onlywave"), cli.WithOsEnv, cli.WithDefaultProfiles(profiles...))
	require.NoError(t, err)
	project, err := options.LoadProject(t.Context())
	require.NoError(t, err)
	return project
}

// ours are the services that run our images, each with its command.
func ours(p *types.Project) map[config.Part]types.ServiceConfig {
	parts := map[config.Part]types.ServiceConfig{}
	for _, s := range p.Services {
		if strings.HasPrefix(s.Image, "onlywave") {
			parts[config.Part(s.Command[0])] = s
		}
	}
	return parts
}

func TestComposeHasEveryPartAndService(t *testing.T) {
	p := loadCompose(t)
	require.ElementsMatch(t, []string{"postgres", "postgres-replica", "redis", "redis-replica", "sentinel", "rabbitmq", "temporal-schema",
		"temporal", "temporal-tools", "temporal-ui", "temporal-ui-operators", "temporal-ui-gate", "migrate", "simulator", "mailsink", "api", "worker", "nginx"}, p.ServiceNames())
	require.Len(t, ours(p), 5)
	require.Contains(t, p.Services["rabbitmq"].Image, "rabbitmq:4")
}

func TestComposeSetsOnlyVariablesThatTheProgramKnowsAndStartsEveryPart(t *testing.T) {
	for part, service := range ours(loadCompose(t)) {
		var environ []string
		for name, value := range service.Environment {
			if name == memoryLimit {
				continue
			}
			require.Contains(t, config.Names(), name, "%s sets it", service.Name)
			environ = append(environ, name+"="+*value)
		}
		_, err := config.Load(part, environ)
		require.NoError(t, err, service.Name)
	}
}

// The compose file's secrets are public, so a platform that moves money must refuse them.
func TestWhatComposeSetsDoesNotGoLive(t *testing.T) {
	environ := []string{"ENVIRONMENT=live"}
	for name, value := range ours(loadCompose(t))[config.API].Environment {
		if name != "ENVIRONMENT" {
			environ = append(environ, name+"="+*value)
		}
	}
	_, err := config.Load(config.API, environ)
	require.Error(t, err)
	for _, name := range []string{"CURSOR_SECRET", "TEMPORAL_PAYLOAD_KEYS", "MERCADOPAGO_WEBHOOK_SECRETS", "MERCADOPAGO_URL", "PUBLIC_URL"} {
		require.Contains(t, err.Error(), name+": ")
	}
}

func TestComposeStartsInOrder(t *testing.T) {
	p := loadCompose(t)
	for _, name := range []string{"api", "worker"} {
		after := p.Services[name].DependsOn
		require.Equal(t, types.ServiceConditionCompletedSuccessfully, after["migrate"].Condition, name)
		for _, service := range []string{"postgres", "postgres-replica", "sentinel", "rabbitmq", "temporal-tools", "simulator"} {
			require.Equal(t, types.ServiceConditionHealthy, after[service].Condition, "%s after %s", name, service)
		}
	}
	for _, name := range []string{"temporal-schema", "migrate"} { // they write, which waits for the replica
		require.Equal(t, types.ServiceConditionHealthy, p.Services[name].DependsOn["postgres-replica"].Condition, name)
	}
	for _, service := range p.Services {
		for dependency, how := range service.DependsOn {
			if how.Condition == types.ServiceConditionHealthy {
				require.NotNil(t, p.Services[dependency].HealthCheck, "%s waits for %s to be healthy", service.Name, dependency)
			}
		}
	}
}

func TestComposeIsReachableFromThisMachineOnly(t *testing.T) {
	for _, service := range loadCompose(t).Services {
		for _, port := range service.Ports {
			require.Equal(t, "127.0.0.1", port.HostIP, service.Name)
		}
	}
}

// Clients and Mercado Pago reach the api through nginx only, which is the only proxy that the api trusts.
func TestComposeHasABalancerBeforeTheReplicas(t *testing.T) {
	p := loadCompose(t)
	balancer, api := p.Services["nginx"], p.Services["api"]
	require.Equal(t, 2, *api.Deploy.Replicas)
	require.Empty(t, api.Ports, "replicas cannot share one")
	require.Equal(t, types.ServiceConditionHealthy, balancer.DependsOn["api"].Condition)
	require.Equal(t, *api.Environment["TRUSTED_PROXIES"], balancer.Networks["default"].Ipv4Address)
	require.Equal(t, "http://nginx:8080/webhooks/mercadopago", *api.Environment["MERCADOPAGO_NOTIFICATION_URL"])
	require.Equal(t, "8080", nginx.Compose.Listen)
	require.Equal(t, uint32(8080), balancer.Ports[0].Target)
	require.Equal(t, []string{"api:" + strings.TrimPrefix(*api.Environment["API_ADDRESS"], "0.0.0.0:")}, nginx.Compose.APIs)
	require.True(t, strings.HasSuffix(balancer.Volumes[0].Source, "/deploy/nginx/compose.conf"), balancer.Volumes[0].Source)
	require.FileExists(t, balancer.Volumes[0].Source)
}

// Monitoring is in its own profile, and the files that it mounts exist.
func TestComposeWatchesOnRequest(t *testing.T) {
	p := loadCompose(t, "monitoring")
	for _, name := range []string{"prometheus", "alertmanager", "grafana"} {
		require.Equal(t, []string{"monitoring"}, p.Services[name].Profiles)
		for _, volume := range p.Services[name].Volumes {
			_, err := os.Stat(volume.Source)
			require.NoError(t, err)
		}
		for _, port := range p.Services[name].Ports {
			require.Equal(t, "127.0.0.1", port.HostIP, name)
		}
	}
}

// The image has no shell: its health checks must be commands of its binary.
func TestComposeHealthChecksOfOursRunTheBinary(t *testing.T) {
	for _, service := range ours(loadCompose(t)) {
		if service.HealthCheck == nil {
			continue
		}
		test := service.HealthCheck.Test
		require.True(t, slices.Equal(test[:3], []string{"CMD", "/" + service.Image, "healthy"}), strings.Join(test, " "))
	}
}

// One service builds each of our images; no other service builds the same image or pulls it from a registry. The stand-ins are not in
// the image that holds the provider's token.
func TestComposeBuildsTwoImages(t *testing.T) {
	p := loadCompose(t)
	builds := map[config.Part]string{config.Migrate: "", config.Simulator: "lab"}
	for part, service := range ours(p) {
		require.Equal(t, part == config.Simulator || part == config.MailSink, service.Image == "onlywave-lab", service.Name)
		if target, ok := builds[part]; ok {
			require.NotNil(t, service.Build)
			require.Equal(t, target, service.Build.Target)
			require.Empty(t, service.PullPolicy)
			continue
		}
		require.Nil(t, service.Build, service.Name)
		require.Equal(t, types.PullPolicyNever, service.PullPolicy, service.Name)
	}
	text, err := os.ReadFile("../../Dockerfile")
	require.NoError(t, err)
	for line := range strings.SplitSeq(string(text), "\n") {
		if strings.Contains(line, "go mod download") || strings.Contains(line, "go build") {
			require.Contains(t, string(text), "--mount=type=cache,target=/go/pkg/mod")
			require.Contains(t, string(text), "--mount=type=cache,target=/root/.cache/go-build")
		}
	}
}

// nginx looks names up only once, and Temporal's parts remember each other's addresses across a restart. With another address they would look for each other in vain for up
// to half a minute.
func TestComposeKeepsAddressesThatAreRemembered(t *testing.T) {
	p := loadCompose(t)
	pool := p.Networks["default"].Ipam.Config[0]
	drawn, whole := netip.MustParsePrefix(pool.IPRange), netip.MustParsePrefix(pool.Subnet)
	taken := map[netip.Addr]string{}
	for _, name := range []string{"temporal", "temporal-ui", "temporal-ui-operators", "redis", "redis-replica", "nginx"} {
		require.NotNil(t, p.Services[name].Networks["default"], name)
		at, err := netip.ParseAddr(p.Services[name].Networks["default"].Ipv4Address)
		require.NoError(t, err, name)
		require.True(t, whole.Contains(at) && !drawn.Contains(at), "%s: no other container may be given its address", name)
		require.Empty(t, taken[at], name)
		taken[at] = name
	}
}

// Both Web UIs have the settings that are tested in deploy/temporal, and nobody reaches them except through the gate.
func TestComposeHasTheWebUIsBehindTheirGate(t *testing.T) {
	p := loadCompose(t)
	for name, file := range map[string]string{"temporal-ui": "ui-read-only.env", "temporal-ui-operators": "ui-operators.env"} {
		ui := p.Services[name]
		require.Len(t, ui.EnvFiles, 1, name)
		require.True(t, strings.HasSuffix(ui.EnvFiles[0].Path, "/deploy/temporal/"+file), ui.EnvFiles[0].Path)
		require.Empty(t, ui.Ports, name)
		require.NotEmpty(t, *ui.Environment["TEMPORAL_UI_PORT"], name)
	}
	gate := p.Services["temporal-ui-gate"]
	require.True(t, strings.HasSuffix(gate.Volumes[0].Source, "/deploy/temporal/gate.conf"), gate.Volumes[0].Source)
	require.FileExists(t, gate.Volumes[0].Source)
	require.Equal(t, []string{"8233", "8234"}, []string{gate.Ports[0].Published, gate.Ports[1].Published})
	require.Equal(t, "http://localhost:8234", *p.Services["api"].Environment["TEMPORAL_UI_URL"], "links lead operators to their Web UI")
}

// A machine with one core refuses a container with a limit of two.
func TestComposeRunsOnOneCore(t *testing.T) {
	for _, s := range loadCompose(t, "monitoring").Services {
		require.LessOrEqual(t, float64(s.Deploy.Resources.Limits.NanoCPUs), 1.0, s.Name)
	}
}

// The simulator keeps its payments as long as Postgres keeps its data.
func TestComposeKeepsTheSimulatorsPayments(t *testing.T) {
	simulator := loadCompose(t).Services["simulator"]
	require.Len(t, simulator.Volumes, 1)
	require.Equal(t, types.VolumeTypeVolume, simulator.Volumes[0].Type)
	require.Equal(t, simulator.Volumes[0].Target, filepath.Dir(*simulator.Environment["SIMULATOR_DATA"]))
	dockerfile, err := os.ReadFile("../../Dockerfile")
	require.NoError(t, err)
	require.Contains(t, string(dockerfile), "static-debian12:nonroot", "whose user has a home, which a new volume takes its owner from")
	require.Equal(t, "/home/nonroot", simulator.Volumes[0].Target)
}

// RabbitMQ blocks publishers before the kernel kills it for its memory; by default it would compare its memory with the machine's.
func TestComposeTellsRabbitMQItsMemory(t *testing.T) {
	broker := loadCompose(t).Services["rabbitmq"]
	at := slices.IndexFunc(broker.Volumes, func(v types.ServiceVolumeConfig) bool { return filepath.Dir(v.Target) == "/etc/rabbitmq/conf.d" })
	require.GreaterOrEqual(t, at, 0)
	text, err := os.ReadFile(broker.Volumes[at].Source)
	require.NoError(t, err)
	set := regexp.MustCompile(`(?m)^vm_memory_high_watermark\.absolute = (\d+)MiB$`).FindStringSubmatch(string(text))
	require.NotNil(t, set)
	mebibytes, err := strconv.ParseInt(set[1], 10, 64)
	require.NoError(t, err)
	require.InEpsilon(t, 0.6*float64(broker.Deploy.Resources.Limits.MemoryBytes), mebibytes<<20, 0.05)
}

// Files with passwords go neither into the repository nor into an image.
func TestSecretsAreIgnored(t *testing.T) {
	for _, file := range []string{"../../.gitignore", "../../.dockerignore"} {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		var ignored []string
		for line := range strings.Lines(string(text)) {
			ignored = append(ignored, strings.Trim(strings.TrimSpace(line), "/"))
		}
		require.Subset(t, ignored, []string{".env", "secrets", ".data"}, file)
	}
}

// memoryLimit is the Go runtime's own variable.
const memoryLimit = "GOMEMLIMIT"

// Every service has a memory limit, a health check, and, in Go, a GOMEMLIMIT below the limit.
func TestComposeBoundsAndAsksEveryService(t *testing.T) {
	for _, s := range loadCompose(t, "monitoring").Services {
		require.NotNil(t, s.Deploy, s.Name)
		require.NotNil(t, s.Deploy.Resources.Limits, s.Name)
		require.Positive(t, s.Deploy.Resources.Limits.NanoCPUs, s.Name)
		require.Positive(t, s.Deploy.Resources.Limits.MemoryBytes, s.Name)
		require.Equal(t, s.Name == "migrate" || s.Name == "temporal-schema", s.HealthCheck == nil, s.Name)
		if strings.HasPrefix(s.Image, "onlywave") {
			mebibytes, err := strconv.ParseInt(strings.TrimSuffix(*s.Environment[memoryLimit], "MiB"), 10, 64)
			require.NoError(t, err)
			require.InEpsilon(t, 0.9*float64(s.Deploy.Resources.Limits.MemoryBytes), mebibytes<<20, 0.01, s.Name)
			continue
		}
		require.Regexp(t, `^[a-z/-]+:v?\d+\.\d+[a-z0-9.-]*$`, s.Image, "of a version, so that tomorrow's is the same")
	}
}

// No process is killed while it finishes its work.
func TestComposeWaitsForTheEnd(t *testing.T) {
	const goodbye = 10 * time.Second // connections and pools, after all else
	p := loadCompose(t)
	var environ []string
	for name, value := range p.Services["api"].Environment {
		environ = append(environ, name+"="+*value)
	}
	c, err := config.Load(config.API, environ)
	require.NoError(t, err)
	for name, end := range map[string]time.Duration{"api": c.DrainWait + api.FinishTime, "worker": worker.EndTime, "nginx": api.FinishTime} {
		require.GreaterOrEqual(t, time.Duration(*p.Services[name].StopGracePeriod), end+goodbye, name)
	}
}

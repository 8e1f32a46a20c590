package main

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/deploy/nginx"
	"github.com/onlywave/onlywave/internal/config"
)

func loadCompose(t *testing.T) *types.Project {
	options, err := cli.NewProjectOptions([]string{"docker-compose.yml"}, cli.WithName("onlywave"))
	require.NoError(t, err)
	project, err := options.LoadProject(t.Context())
	require.NoError(t, err)
	return project
}

// ours are the services that run our own image, each with the part of the program it is.
func ours(p *types.Project) map[config.Part]types.ServiceConfig {
	parts := map[config.Part]types.ServiceConfig{}
	for _, s := range p.Services {
		if s.Image == "onlywave" {
			parts[config.Part(s.Command[0])] = s
		}
	}
	return parts
}

func TestComposeHasEveryPartAndService(t *testing.T) {
	p := loadCompose(t)
	require.ElementsMatch(t, []string{"postgres", "redis", "rabbitmq", "temporal", "temporal-ui", "migrate", "simulator", "mailsink", "api", "worker", "nginx"}, p.ServiceNames())
	require.Len(t, ours(p), 5)
	require.Contains(t, p.Services["rabbitmq"].Image, "rabbitmq:4")
}

func TestComposeSetsOnlyVariablesThatTheProgramKnowsAndStartsEveryPart(t *testing.T) {
	for part, service := range ours(loadCompose(t)) {
		var environ []string
		for name, value := range service.Environment {
			require.Contains(t, config.Names(), name, "%s sets it", service.Name)
			environ = append(environ, name+"="+*value)
		}
		_, err := config.Load(part, environ)
		require.NoError(t, err, service.Name)
	}
}

// Its secrets can be read by anybody, and so must never be those of a platform that moves money.
func TestWhatComposeSetsDoesNotGoLive(t *testing.T) {
	environ := []string{"ENVIRONMENT=live"}
	for name, value := range ours(loadCompose(t))[config.API].Environment {
		if name != "ENVIRONMENT" {
			environ = append(environ, name+"="+*value)
		}
	}
	_, err := config.Load(config.API, environ)
	require.Error(t, err)
	for _, name := range []string{"CURSOR_SECRET", "MERCADOPAGO_WEBHOOK_SECRETS", "MERCADOPAGO_URL", "PUBLIC_URL"} {
		require.Contains(t, err.Error(), name+": ")
	}
}

func TestComposeStartsInOrder(t *testing.T) {
	p := loadCompose(t)
	for _, name := range []string{"api", "worker"} {
		after := p.Services[name].DependsOn
		require.Equal(t, types.ServiceConditionCompletedSuccessfully, after["migrate"].Condition, name)
		for _, service := range []string{"postgres", "rabbitmq", "temporal", "simulator"} {
			require.Equal(t, types.ServiceConditionHealthy, after[service].Condition, "%s after %s", name, service)
		}
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

// Clients and Mercado Pago come in through nginx only, which is the one hop that the api believes.
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

// Whoever wants to watch asks for it, and what is mounted is there.
func TestComposeWatchesOnRequest(t *testing.T) {
	options, err := cli.NewProjectOptions([]string{"docker-compose.yml"}, cli.WithName("onlywave"), cli.WithDefaultProfiles("monitoring"))
	require.NoError(t, err)
	p, err := options.LoadProject(t.Context())
	require.NoError(t, err)
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

// The image has no shell: its health checks must be commands of the binary's own.
func TestComposeHealthChecksOfOursRunTheBinary(t *testing.T) {
	for _, service := range ours(loadCompose(t)) {
		if service.HealthCheck == nil {
			continue
		}
		test := service.HealthCheck.Test
		require.True(t, slices.Equal(test[:3], []string{"CMD", "/onlywave", "healthy"}), strings.Join(test, " "))
	}
}

package compose

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/test/devstack"
	"github.com/onlywave/onlywave/test/devstack/devstacktest"
)

// The server has the version of the local one, and the tools have the server's, because they change the schema of its databases.
func TestComposeRunsTheTestedTemporal(t *testing.T) {
	modules, err := os.ReadFile("../../tools/temporal/go.mod")
	require.NoError(t, err)
	version := regexp.MustCompile(`(?m)^\tgo\.temporal\.io/server v(\S+)`).FindStringSubmatch(string(modules))
	require.NotNil(t, version)
	p := loadCompose(t)
	require.Equal(t, "temporalio/server:"+version[1], p.Services["temporal"].Image)
	require.Equal(t, "temporalio/admin-tools:"+version[1], p.Services["temporal-schema"].Image)
	require.Equal(t, "temporalio/admin-tools:"+version[1], p.Services["temporal-tools"].Image)
}

// The server starts after its databases have its schema, and migrate after there is a namespace.
func TestComposePreparesTemporalsDatabasesAndNamespace(t *testing.T) {
	p := loadCompose(t)
	schema, server, tools := p.Services["temporal-schema"], p.Services["temporal"], p.Services["temporal-tools"]
	require.Equal(t, types.RestartPolicyOnFailure, schema.Restart)
	require.Len(t, schema.Volumes, 1)
	require.True(t, strings.HasSuffix(schema.Volumes[0].Source, "/deploy/compose/temporal-schema.sh"), schema.Volumes[0].Source)
	require.FileExists(t, schema.Volumes[0].Source)
	require.Equal(t, []string{"sh", schema.Volumes[0].Target}, []string(schema.Command))
	for ours, theirs := range map[string]string{"SQL_PLUGIN": "DB", "SQL_HOST": "POSTGRES_SEEDS", "SQL_PORT": "DB_PORT", "SQL_USER": "POSTGRES_USER", "SQL_PASSWORD": "POSTGRES_PWD"} {
		require.Equal(t, *server.Environment[theirs], *schema.Environment[ours], ours)
	}
	require.Equal(t, types.ServiceConditionCompletedSuccessfully, server.DependsOn["temporal-schema"].Condition)
	require.Equal(t, types.ServiceConditionHealthy, tools.DependsOn["temporal"].Condition)
	namespace := *p.Services["api"].Environment["TEMPORAL_NAMESPACE"]
	require.Contains(t, script(t, "temporal-tools"), "temporal operator namespace create --namespace "+namespace+" ")
	require.Equal(t, namespace, tools.HealthCheck.Test[len(tools.HealthCheck.Test)-1])
	require.Equal(t, types.ServiceConditionHealthy, p.Services["migrate"].DependsOn["temporal-tools"].Condition)
}

// The tools create the namespace once, and their health check finds it from then on.
func TestTemporalsToolsCreateTheNamespaceOnce(t *testing.T) {
	t.Parallel()
	program, err := devstack.TemporalCommand()
	require.NoError(t, err)
	server := devstacktest.Start(t, devstack.Temporal)
	shell := func(line string) error {
		c := exec.CommandContext(within(t), "sh", "-c", line)
		c.Env = []string{"PATH=" + filepath.Dir(program) + ":" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "TEMPORAL_ADDRESS=" + server.TemporalAddress()}
		output, err := c.CombinedOutput()
		t.Logf("%s: %s", line, output)
		return err
	}
	// The local server has the namespace default from the beginning.
	create := script(t, "temporal-tools", "--namespace default", "--namespace other", "exec sleep infinity", "true")
	healthy := strings.Replace(strings.Join(service(t, "temporal-tools").HealthCheck.Test[1:], " "), "--namespace default", "--namespace other", 1)
	require.Error(t, shell(healthy))
	for range 2 {
		require.NoError(t, shell(create))
		require.NoError(t, shell(healthy))
	}
}

// Temporal's server reads the dynamic configuration that is tested in deploy/temporal.
func TestComposeGivesTemporalItsConfiguration(t *testing.T) {
	temporal := loadCompose(t).Services["temporal"]
	require.Len(t, temporal.Volumes, 1)
	require.FileExists(t, temporal.Volumes[0].Source)
	require.True(t, strings.HasSuffix(temporal.Volumes[0].Source, "/deploy/temporal/server.yaml"), temporal.Volumes[0].Source)
	require.Equal(t, temporal.Volumes[0].Target, *temporal.Environment["DYNAMIC_CONFIG_FILE_PATH"])
}

// Operators' commands reach Temporal from its tools, and from this machine at the command's default address.
func TestComposeLetsOperatorsReachTemporal(t *testing.T) {
	p := loadCompose(t)
	require.Equal(t, "temporal:7233", *p.Services["temporal-tools"].Environment["TEMPORAL_ADDRESS"])
	require.Len(t, p.Services["temporal"].Ports, 1)
	require.Equal(t, "7233", p.Services["temporal"].Ports[0].Published)
}

// The console decrypts payloads for the Web UIs at the ports where browsers reach them.
func TestTheConsoleDecryptsForBothWebUIs(t *testing.T) {
	p := loadCompose(t)
	var origins []string
	for _, port := range p.Services["temporal-ui-gate"].Ports {
		origins = append(origins, "http://localhost:"+port.Published)
	}
	require.Equal(t, strings.Join(origins, ","), *p.Services["api"].Environment["TEMPORAL_UI_ORIGINS"])
	for _, name := range []string{"temporal-ui", "temporal-ui-operators"} {
		require.Equal(t, *p.Services["api"].Environment["PUBLIC_URL"]+"/console/codec", *p.Services[name].Environment["TEMPORAL_CODEC_ENDPOINT"])
		require.Equal(t, "true", *p.Services[name].Environment["TEMPORAL_CODEC_INCLUDE_CREDENTIALS"])
	}
}

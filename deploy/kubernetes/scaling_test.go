package kubernetes

import (
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/onlywave/onlywave/internal/breaker"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/rabbitmq"
	"github.com/onlywave/onlywave/internal/redis"
	"github.com/onlywave/onlywave/worker"
	"github.com/onlywave/onlywave/workflows"
)

// known are the settings of KEDA's scalers that we use, as KEDA 2.18 reads them. KEDA ignores unknown settings.
var known = map[string][]string{
	"temporal":   {"endpointFromEnv", "namespaceFromEnv", "taskQueue", "queueTypes", "targetQueueSize"},
	"rabbitmq":   {"protocol", "queueName", "mode", "value"},
	"prometheus": {"serverAddress", "query", "threshold"},
	"cpu":        {"value"},
}

func list(t *testing.T, o *unstructured.Unstructured, fields ...string) []map[string]any {
	t.Helper()
	items, found, err := unstructured.NestedSlice(o.Object, fields...)
	require.NoError(t, err)
	require.True(t, found)
	var all []map[string]any
	for _, item := range items {
		all = append(all, item.(map[string]any))
	}
	return all
}

func integer(t *testing.T, o *unstructured.Unstructured, fields ...string) int {
	t.Helper()
	value, found, err := unstructured.NestedFieldNoCopy(o.Object, fields...)
	require.NoError(t, err)
	require.True(t, found, fields)
	n, ok := value.(int)
	require.True(t, ok, "%v is a %T", fields, value)
	return n
}

// Workers scale with queues, task queues and metrics that exist in the code.
func TestWorkersGrowWithTheWorkThatWaits(t *testing.T) {
	t.Parallel()
	for _, overlay := range overlays {
		p := render(t, overlay)
		object := p.custom["ScaledObject/worker"]
		name, _, _ := unstructured.NestedString(object.Object, "spec", "scaleTargetRef", "name")
		variables := p.variables(t, p.deployments[name].Spec.Template)
		taskQueues, queues, queries := map[string]string{}, map[string]bool{}, map[string]string{}
		for _, trigger := range list(t, object, "spec", "triggers") {
			kind := trigger["type"].(string)
			set := trigger["metadata"].(map[string]any)
			for key := range set {
				require.Contains(t, known[kind], key)
			}
			require.Len(t, set, len(known[kind]), kind)
			switch kind {
			case "temporal":
				require.Contains(t, variables, set["endpointFromEnv"])
				require.Contains(t, variables, set["namespaceFromEnv"])
				taskQueues[set["taskQueue"].(string)] = set["queueTypes"].(string)
			case "rabbitmq":
				queues[set["queueName"].(string)] = true
				ref := trigger["authenticationRef"].(map[string]any)["name"].(string)
				secret := list(t, p.custom["TriggerAuthentication/"+ref], "spec", "secretTargetRef")
				require.Equal(t, []map[string]any{{"parameter": "host", "name": "onlywave-scaling", "key": "RABBITMQ_URL"}}, secret)
			case "prometheus":
				require.Equal(t, "Value", trigger["metricType"], "an age is not divided among the workers")
				require.Contains(t, set["serverAddress"], ".monitoring.")
				queries[trigger["name"].(string)] = set["query"].(string)
			}
		}
		require.Equal(t, map[string]string{workflows.TaskQueue: "workflow,activity", workflows.ProviderTaskQueue: "activity"}, taskQueues)
		require.Equal(t, map[string]bool{rabbitmq.QueueProcess: true, rabbitmq.QueueArchive: true}, queues)
		requireQueries(t, queries)
		require.Contains(t, queries["oldest-payment"], `status="`+string(payment.Processing)+`"`)
		require.Contains(t, queries["oldest-payment"], `state="`+string(breaker.Open)+`"`)
		require.GreaterOrEqual(t, integer(t, object, "spec", "minReplicaCount"), 1, "otherwise nothing consumes the queues")
		for _, idle := range []string{"pollingInterval", "cooldownPeriod"} {
			_, found, err := unstructured.NestedFieldNoCopy(object.Object, "spec", idle)
			require.NoError(t, err)
			require.False(t, found, "%s does nothing where there is always a worker, and KEDA warns of it", idle)
		}
		require.GreaterOrEqual(t, integer(t, object, "spec", "advanced", "horizontalPodAutoscalerConfig", "behavior", "scaleDown", "stabilizationWindowSeconds"), 300)
	}
}

// requireQueries expects each query to be PromQL about metrics that a worker exports.
func requireQueries(t *testing.T, queries map[string]string) {
	t.Helper()
	shown := metricsOf(t)
	rules := "groups:\n  - name: scaling\n    rules:\n"
	for name, query := range queries {
		rules += "      - record: scaling:" + strings.ReplaceAll(name, "-", "_") + "\n        expr: " + strconv.Quote(query) + "\n"
		for _, metric := range regexp.MustCompile(`\bonlywave_\w+`).FindAllString(query, -1) {
			require.Contains(t, shown, strings.TrimSuffix(metric, "_bucket"))
		}
	}
	file := filepath.Join(t.TempDir(), "rules.yml")
	require.NoError(t, os.WriteFile(file, []byte(rules), 0o600))
	output, err := exec.CommandContext(t.Context(), "promtool", "check", "rules", file).CombinedOutput()
	require.NoError(t, err, string(output))
}

// metricsOf are the names of a worker's metrics about work.
func metricsOf(t *testing.T) (names []string) {
	t.Helper()
	store, err := redis.Open("redis://127.0.0.1:1/0", slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	defer store.Close()
	all := append(worker.NewMetrics().Collectors(), worker.NewGauges(nil, nil))
	all = append(all, breaker.NewFleet(store, "test", slog.New(slog.DiscardHandler)).Collectors()...)
	for _, c := range all {
		described := make(chan *prometheus.Desc, 64)
		c.Describe(described)
		close(described)
		for d := range described {
			names = append(names, regexp.MustCompile(`fqName: "(\w+)"`).FindStringSubmatch(d.String())[1])
		}
	}
	return names
}

// The API scales up quickly and down slowly. A scaled deployment has no number of replicas, because each apply would reset it.
func TestTheAPIGrowsWithItsLoad(t *testing.T) {
	t.Parallel()
	for _, overlay := range overlays {
		p := render(t, overlay)
		s := p.scalers["api"].Spec
		require.Nil(t, p.deployments[s.ScaleTargetRef.Name].Spec.Replicas)
		require.Nil(t, p.deployments["worker"].Spec.Replicas)
		targets := map[corev1.ResourceName]int32{}
		for _, m := range s.Metrics {
			require.Equal(t, autoscalingv2.UtilizationMetricType, m.Resource.Target.Type)
			targets[m.Resource.Name] = *m.Resource.Target.AverageUtilization
		}
		require.Equal(t, map[corev1.ResourceName]int32{corev1.ResourceCPU: 70, corev1.ResourceMemory: 85}, targets)
		require.GreaterOrEqual(t, *s.MinReplicas, int32(2))
		require.Greater(t, s.MaxReplicas, *s.MinReplicas)
		require.Zero(t, *s.Behavior.ScaleUp.StabilizationWindowSeconds)
		require.GreaterOrEqual(t, time.Duration(*s.Behavior.ScaleDown.StabilizationWindowSeconds)*time.Second, 5*time.Minute)
	}
}

// All pods together open no more connections than Postgres has by docs/scaling.md. A replica that was just promoted gets the connections
// of both for a moment.
func TestAllTogetherFitIntoPostgres(t *testing.T) {
	t.Parallel()
	p := render(t, "production")
	set := func(name string) int {
		n, err := strconv.Atoi(p.configMap(t, "settings").Data[name])
		require.NoError(t, err)
		return n
	}
	apis, workers := int(p.scalers["api"].Spec.MaxReplicas), integer(t, p.custom["ScaledObject/worker"], "spec", "maxReplicaCount")
	most := set("DATABASE_CONNS")*(apis+workers) + set("DATABASE_REPLICA_CONNS")*apis
	page, err := os.ReadFile("../../docs/scaling.md")
	require.NoError(t, err)
	require.Contains(t, string(page), "`max_connections = "+strconv.Itoa(most+most/4)+"`", "a quarter more than %d, for rollouts", most)
}

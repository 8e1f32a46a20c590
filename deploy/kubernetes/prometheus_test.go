package kubernetes

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

// Prometheus finds each container port named metrics, in our namespace, by the label of all our pods.
func TestPrometheusFindsWhatShowsMetrics(t *testing.T) {
	t.Parallel()
	made, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), "../prometheus")
	require.NoError(t, err)
	require.Equal(t, 1, made.Size())
	files := made.Resources()[0].GetDataMap()
	require.Equal(t, "onlywave-prometheus", made.Resources()[0].GetName())
	rules, err := os.ReadFile("../prometheus/rules.yml")
	require.NoError(t, err)
	require.Equal(t, string(rules), files["rules.yml"])

	type relabel struct {
		Sources []string `json:"source_labels"`
		Regex   string   `json:"regex"`
		Action  string   `json:"action"`
		Target  string   `json:"target_label"`
	}
	type discovery struct {
		Role       string `json:"role"`
		Namespaces struct {
			Names []string `json:"names"`
		} `json:"namespaces"`
	}
	var config struct {
		Global    map[string]string `json:"global"`
		RuleFiles []string          `json:"rule_files"`
		Alerting  struct {
			Alertmanagers []struct {
				Static []struct {
					Targets []string `json:"targets"`
				} `json:"static_configs"`
			} `json:"alertmanagers"`
		} `json:"alerting"`
		Scrapes []struct {
			Job       string      `json:"job_name"`
			Discovery []discovery `json:"kubernetes_sd_configs"`
			Relabel   []relabel   `json:"relabel_configs"`
		} `json:"scrape_configs"`
	}
	require.NoError(t, yaml.UnmarshalStrict([]byte(files["prometheus.yml"]), &config))
	require.Equal(t, []string{"rules.yml"}, config.RuleFiles)
	require.Len(t, config.Alerting.Alertmanagers, 1, "alerts must reach a receiver")
	require.Equal(t, []string{"alertmanager:9093"}, config.Alerting.Alertmanagers[0].Static[0].Targets)
	require.Len(t, config.Scrapes, 1)
	scrape, p := config.Scrapes[0], render(t, "production")
	beside, err := os.ReadFile("../prometheus/prometheus.yml")
	require.NoError(t, err)
	require.Contains(t, string(beside), "job_name: "+scrape.Job+"\n")
	require.Equal(t, "pod", scrape.Discovery[0].Role)
	for _, namespace := range scrape.Discovery[0].Namespaces.Names {
		require.Contains(t, p.namespaces, namespace)
	}
	kept := map[string]string{}
	for _, r := range scrape.Relabel {
		if r.Action == "keep" {
			kept[strings.TrimPrefix(r.Sources[0], "__meta_kubernetes_pod_")] = r.Regex
		}
	}
	require.Equal(t, map[string]string{"label_app_kubernetes_io_part_of": "onlywave", "container_port_name": "metrics"}, kept)
	for name, pod := range p.pods() {
		require.Equal(t, kept["label_app_kubernetes_io_part_of"], pod.Labels["app.kubernetes.io/part-of"], name)
	}
}

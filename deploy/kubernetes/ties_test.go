package kubernetes

import (
	"context"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"

	"github.com/onlywave/onlywave/api"
	"github.com/onlywave/onlywave/deploy/nginx"
	"github.com/onlywave/onlywave/internal/config"
	"github.com/onlywave/onlywave/internal/metrics"
	"github.com/onlywave/onlywave/worker"
)

// examples are the secrets of the README's examples, filled in.
func examples(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("README.md")
	require.NoError(t, err)
	all := map[string]string{}
	for _, row := range regexp.MustCompile("(?m)^\\| `([A-Z_]+)` \\| (?:`([^`]+)`)?").FindAllStringSubmatch(string(text), -1) {
		all[row[1]] = strings.ReplaceAll(row[2], "…", "k4vRk0wJ9d")
		if row[1] == "TEMPORAL_PAYLOAD_KEYS" { // its key has a fixed length
			all[row[1]] = strings.ReplaceAll(row[2], "…", "azR2UmswSjlkRzdiWDJtUHFUbjVzWWNIZkx6OGFVZTE=")
		}
		if row[2] == "" {
			all[row[1]] = "k4vRk0wJ9dG7bX2mPqTn5sYcHfLz8aUe"
		}
	}
	return all
}

// variables are the environment of a pod's process. Values from secret files are written to temporary files.
func (p *place) variables(t *testing.T, pod corev1.PodTemplateSpec) map[string]string {
	t.Helper()
	c := pod.Spec.Containers[0]
	all := map[string]string{}
	for _, from := range c.EnvFrom {
		require.Contains(t, p.settings, from.ConfigMapRef.Name)
		for name, value := range p.settings[from.ConfigMapRef.Name].Data {
			all[name] = value
		}
	}
	mounted := map[string]string{} // the key by its file
	for _, mount := range c.VolumeMounts {
		at := slices.IndexFunc(pod.Spec.Volumes, func(v corev1.Volume) bool { return v.Name == mount.Name })
		require.GreaterOrEqual(t, at, 0, mount.Name)
		for _, item := range pod.Spec.Volumes[at].Secret.Items {
			mounted[path.Join(mount.MountPath, item.Path)] = item.Key
		}
	}
	for _, e := range c.Env {
		all[e.Name] = e.Value
		if !strings.HasSuffix(e.Name, "_FILE") {
			continue
		}
		require.Contains(t, mounted, e.Value, "%s is not in the pod", e.Name)
		require.Contains(t, examples(t), mounted[e.Value], "the README does not name it")
		all[e.Name] = filepath.Join(t.TempDir(), "secret")
		require.NoError(t, os.WriteFile(all[e.Name], []byte(examples(t)[mounted[e.Value]]), 0o600))
		delete(mounted, e.Value)
	}
	require.Empty(t, mounted, "%s sees what it does not read", c.Name)
	return all
}

func environ(variables map[string]string) (all []string) {
	for name, value := range variables {
		all = append(all, name+"="+value)
	}
	return all
}

// optional are the files that may be empty, by overlay and part: a replica is optional, and so are the search by e-mail and, where no
// operator gets e-mails, the mail server. A worker without the secret of the pay pages links to the provider's.
var optional = map[string][]string{
	"production": {"api: DATABASE_REPLICA_URL", "api: SEARCH_KEY", "worker: CURSOR_SECRET", "worker: SEARCH_KEY", "migrate: SEARCH_KEY"},
	"staging":    {"api: DATABASE_REPLICA_URL", "api: CONSOLE_SECRET", "api: SEARCH_KEY", "worker: CURSOR_SECRET", "worker: SEARCH_KEY", "migrate: SEARCH_KEY", "worker: SMTP_URL"},
}

// requires says whether a part refuses to start when a file is empty.
func requires(t *testing.T, part config.Part, variables map[string]string, variable string) bool {
	t.Helper()
	empty := maps.Clone(variables)
	empty[variable+"_FILE"] = os.DevNull
	_, err := config.Load(part, environ(empty))
	if err != nil {
		require.ErrorContains(t, err, variable)
	}
	return err != nil
}

// Every pod runs an existing command, sets only variables that the program knows, and sets all that the command needs.
func TestEveryPartWouldStart(t *testing.T) {
	t.Parallel()
	for _, overlay := range overlays {
		p := render(t, overlay)
		var spared []string
		for name, pod := range p.ours() {
			variables := p.variables(t, pod)
			for variable := range variables {
				if variable != "GOMEMLIMIT" {
					require.Contains(t, config.Names(), strings.TrimSuffix(variable, "_FILE"), "%s sets it", name)
				}
			}
			require.Equal(t, []string{name}, pod.Spec.Containers[0].Args)
			part := config.Part(name)
			_, err := config.Load(part, environ(variables))
			require.NoError(t, err, "%s of %s", name, overlay)
			for _, e := range pod.Spec.Containers[0].Env {
				if variable, is := strings.CutSuffix(e.Name, "_FILE"); is && !requires(t, part, variables, variable) {
					spared = append(spared, name+": "+variable)
				}
			}
		}
		require.ElementsMatch(t, optional[overlay], spared, "a part has files that it does not need, or does without one that it needs")
	}
	production := render(t, "production").configMap(t, "settings").Data
	require.Equal(t, "live", production["ENVIRONMENT"])
	require.NotContains(t, production, "MERCADOPAGO_URL")
}

// Ports in manifests and settings agree, and their names are used.
func TestPortsAreTheProgramsOwn(t *testing.T) {
	t.Parallel()
	for _, overlay := range overlays {
		p := render(t, overlay)
		set := p.configMap(t, "settings").Data
		want := map[string]map[string]string{
			"api":    {"http": port(set["API_ADDRESS"]), "metrics": port(set["METRICS_ADDRESS"])},
			"worker": {"metrics": port(set["METRICS_ADDRESS"])},
			"nginx":  {"https": nginx.Kubernetes.Listen},
		}
		if overlay == "staging" {
			want["simulator"] = map[string]string{"http": port(set["SIMULATOR_ADDRESS"])}
		}
		for name, d := range p.deployments {
			got := map[string]string{}
			for _, at := range d.Spec.Template.Spec.Containers[0].Ports {
				got[at.Name] = strconv.Itoa(int(at.ContainerPort))
			}
			require.Equal(t, want[name], got, name)
		}
		for name, s := range p.services {
			require.Equal(t, p.deployments[name].Spec.Selector.MatchLabels, s.Spec.Selector, name)
			require.Contains(t, want[name], s.Spec.Ports[0].TargetPort.StrVal, name)
		}
	}
}

func port(address string) string { return address[strings.LastIndexByte(address, ':')+1:] }

// The balancer finds the API by its full name, and its files at the paths of its configuration.
func TestTheBalancerFindsWhatItNeeds(t *testing.T) {
	t.Parallel()
	p := render(t, "production")
	made, err := nginx.Render(nginx.Kubernetes)
	require.NoError(t, err)
	require.Equal(t, map[string]string{"nginx.conf": made}, p.configMap(t, "nginx").Data)
	s := p.services["api"]
	require.Equal(t, corev1.ClusterIPNone, s.Spec.ClusterIP, "nginx sees every instance")
	require.Equal(t, []string{s.Name + "." + s.Namespace + ".svc.cluster.local:" + strconv.Itoa(int(s.Spec.Ports[0].Port))}, nginx.Kubernetes.APIs)

	pod := p.deployments["nginx"].Spec.Template.Spec
	mounts := map[string]string{}
	for _, m := range pod.Containers[0].VolumeMounts {
		mounts[m.Name] = m.MountPath
	}
	require.Contains(t, pod.Containers[0].Command[2], "exec nginx -p /tmp/ -e stderr -c "+mounts["config"])
	require.Equal(t, mounts["certificate"]+"/"+corev1.TLSCertKey, nginx.Kubernetes.Certificate)
	require.Equal(t, mounts["certificate"]+"/"+corev1.TLSPrivateKeyKey, nginx.Kubernetes.CertificateKey)
	require.Equal(t, corev1.ServiceExternalTrafficPolicyLocal, p.services["nginx"].Spec.ExternalTrafficPolicy)

	compose, err := os.ReadFile("../../docker-compose.yml")
	require.NoError(t, err)
	require.Contains(t, string(compose), "image: "+pod.Containers[0].Image+"\n")
	require.NotContains(t, p.deployments["api"].Spec.Template.Spec.Containers[0].Image, "latest")
}

// The balancer uses its pod's name server, whatever the cluster has.
func TestTheBalancerUsesThePodsNameServer(t *testing.T) {
	t.Parallel()
	command := render(t, "production").deployments["nginx"].Spec.Template.Spec.Containers[0].Command
	require.Equal(t, []string{"sh", "-c"}, command[:2])
	for servers, want := range map[string]string{
		"nameserver 10.96.0.10":                                 "resolver 10.96.0.10 valid=5s ipv6=off;",
		"nameserver 169.254.20.10\nnameserver 10.96.0.10":       "resolver 169.254.20.10 valid=5s ipv6=off;",
		"# by the kubelet\noptions ndots:5\nnameserver fd00::a": "resolver [fd00::a] valid=5s ipv6=off;",
	} {
		asked, made := filepath.Join(t.TempDir(), "resolv.conf"), filepath.Join(t.TempDir(), "resolver.conf")
		require.NoError(t, os.WriteFile(asked, []byte("search onlywave.svc.cluster.local svc.cluster.local\n"+servers+"\n"), 0o600))
		require.Contains(t, command[2], nginx.Kubernetes.ResolverFile)
		script := strings.NewReplacer("/etc/resolv.conf", asked, nginx.Kubernetes.ResolverFile, made, "exec nginx", "echo").Replace(command[2])
		output, err := exec.CommandContext(t.Context(), "sh", "-c", script).CombinedOutput()
		require.NoError(t, err, string(output))
		text, err := os.ReadFile(made)
		require.NoError(t, err)
		require.Equal(t, want+"\n", string(text))
	}
}

// Probes use existing paths, on ports that the container has.
func TestProbesUseExistingPaths(t *testing.T) {
	t.Parallel()
	contract, err := os.ReadFile("../../api/openapi.yaml")
	require.NoError(t, err)
	balancer, err := nginx.Render(nginx.Kubernetes)
	require.NoError(t, err)
	health := metrics.New("api", func(context.Context) map[string]error { return nil }, slog.New(slog.DiscardHandler)).Handler()
	for _, overlay := range overlays {
		for name, d := range render(t, overlay).deployments {
			c := d.Spec.Template.Spec.Containers[0]
			require.NotNil(t, c.ReadinessProbe, name)
			for _, probe := range []*corev1.Probe{c.StartupProbe, c.LivenessProbe, c.ReadinessProbe} {
				if probe == nil {
					require.Equal(t, "simulator", name)
					continue
				}
				get := probe.HTTPGet
				at := slices.IndexFunc(c.Ports, func(p corev1.ContainerPort) bool { return p.Name == get.Port.StrVal })
				require.GreaterOrEqual(t, at, 0, "%s has no port %s", name, get.Port.StrVal)
				switch {
				case name == "nginx":
					require.Contains(t, balancer, "location = "+get.Path+" {")
					require.Equal(t, corev1.URISchemeHTTPS, get.Scheme)
				case get.Port.StrVal == "metrics":
					answer := httptest.NewRecorder()
					health.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, get.Path, nil))
					require.Equal(t, http.StatusOK, answer.Code, "%s of %s", get.Path, name)
				case name == "api":
					require.Contains(t, string(contract), "\n  "+get.Path+":\n")
				}
			}
			if name == "api" {
				require.Equal(t, "http", c.ReadinessProbe.HTTPGet.Port.StrVal, "only the API itself knows that it drains")
			}
			if probe := c.LivenessProbe; probe != nil {
				require.Equal(t, "/livez", probe.HTTPGet.Path, "%s: what it depends on is no reason to restart it", name)
			}
		}
	}
}

// No process is killed while it finishes its work.
func TestTheGraceIsLongerThanTheEnd(t *testing.T) {
	t.Parallel()
	const goodbye = 10 * time.Second // connections and pools, after all else
	p := render(t, "production")
	drain, err := time.ParseDuration(p.configMap(t, "settings").Data["DRAIN_WAIT"])
	require.NoError(t, err)
	require.Greater(t, drain, 10*time.Second, "nginx asks every 5 s, and the answer may be 5 s old")
	balancer := p.deployments["nginx"].Spec.Template.Spec
	ends := map[string]time.Duration{
		"api":    drain + api.FinishTime,
		"worker": worker.EndTime,
		"nginx":  time.Duration(balancer.Containers[0].Lifecycle.PreStop.Sleep.Seconds)*time.Second + api.FinishTime,
	}
	for name, end := range ends {
		grace := time.Duration(*p.deployments[name].Spec.Template.Spec.TerminationGracePeriodSeconds) * time.Second
		require.GreaterOrEqual(t, grace, end+goodbye, name)
	}
}

// GOMEMLIMIT is below the memory limit, so that the garbage collector runs before the kernel kills the process.
func TestGoKnowsItsMemory(t *testing.T) {
	t.Parallel()
	for _, d := range render(t, allComponents).deployments {
		for _, c := range d.Spec.Template.Spec.Containers {
			for _, e := range c.Env {
				if e.Name == "GOMEMLIMIT" {
					mebibytes, err := strconv.ParseInt(strings.TrimSuffix(e.Value, "MiB"), 10, 64)
					require.NoError(t, err)
					require.InEpsilon(t, 0.9*float64(c.Resources.Limits.Memory().Value()), mebibytes<<20, 0.01, c.Name)
				}
			}
		}
	}
}

// addresses are the host:port pairs of a URL in the README.
func addresses(t *testing.T, text string) []string {
	t.Helper()
	_, rest, _ := strings.Cut(text, "://")
	rest, query, _ := strings.Cut(rest, "?")
	hosts, _, _ := strings.Cut(rest, "/")
	more, err := url.ParseQuery(query)
	require.NoError(t, err)
	return append(strings.Split(hosts[strings.LastIndexByte(hosts, '@')+1:], ","), more["addr"]...) // the other Sentinels
}

package kubernetes

import (
	"os"
	"regexp"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
)

// temporalUI is the pod of the component temporal-ui: the gate, the read-only Web UI and the operators' Web UI.
func temporalUI(t *testing.T, p *place) (spec corev1.PodSpec, gate corev1.Container, uis []corev1.Container) {
	t.Helper()
	spec = p.deployments["temporal-ui"].Spec.Template.Spec
	require.Len(t, spec.Containers, 3)
	return spec, spec.Containers[0], spec.Containers[1:]
}

// Both Web UIs have the settings that are tested in deploy/temporal, and ask our Temporal.
func TestTheWebUIsHaveTheTestedSettings(t *testing.T) {
	t.Parallel()
	p := render(t, allComponents)
	_, _, uis := temporalUI(t, p)
	for i, file := range []string{"ui-read-only.env", "ui-operators.env"} {
		ui := uis[i]
		require.Regexp(t, "^temporalio/ui:", ui.Image)
		text, err := os.ReadFile("../temporal/" + file)
		require.NoError(t, err)
		tested := map[string]string{}
		for _, line := range regexp.MustCompile(`(?m)^([A-Z_]+)=(.*)$`).FindAllStringSubmatch(string(text), -1) {
			tested[line[1]] = line[2]
		}
		require.Len(t, ui.EnvFrom, 1)
		require.Equal(t, tested, p.settings[ui.EnvFrom[0].ConfigMapRef.Name].Data, file)
		for _, e := range ui.Env {
			require.NotContains(t, tested, e.Name, "it would win over %s", file)
			if from := e.ValueFrom; from != nil {
				require.Contains(t, p.settings[from.ConfigMapKeyRef.Name].Data, from.ConfigMapKeyRef.Key)
			}
		}
		require.Equal(t, "TEMPORAL_ADDRESS", ui.Env[1].ValueFrom.ConfigMapKeyRef.Key)
		require.Equal(t, tested["TEMPORAL_UI_PORT"], ui.ReadinessProbe.HTTPGet.Port.String())
		require.Equal(t, tested["TEMPORAL_UI_PORT"], ui.LivenessProbe.HTTPGet.Port.String())
	}
}

// The gate has the configuration that is tested in deploy/temporal, and finds both Web UIs in its own pod.
func TestTheGateStandsBeforeBothWebUIs(t *testing.T) {
	t.Parallel()
	p := render(t, allComponents)
	spec, gate, uis := temporalUI(t, p)
	text, err := os.ReadFile("../temporal/gate.conf")
	require.NoError(t, err)
	require.Equal(t, map[string]string{"nginx.conf": string(text)}, p.configMap(t, "temporal-ui-gate").Data)
	require.Equal(t, gate.VolumeMounts[0].MountPath, gate.Command[len(gate.Command)-1])
	require.Equal(t, p.deployments["nginx"].Spec.Template.Spec.Containers[0].Image, gate.Image)

	require.Len(t, spec.HostAliases, 1)
	require.Equal(t, "127.0.0.1", spec.HostAliases[0].IP)
	for i, address := range regexp.MustCompile(`proxy_pass http://([a-z-]+):(\d+);`).FindAllStringSubmatch(string(text), -1) {
		require.Equal(t, spec.HostAliases[0].Hostnames[i], address[1])
		require.Equal(t, p.settings[uis[i].EnvFrom[0].ConfigMapRef.Name].Data["TEMPORAL_UI_PORT"], address[2])
	}
	for i, port := range regexp.MustCompile(`listen (\d+);`).FindAllStringSubmatch(string(text), -1) {
		require.Equal(t, strconv.Itoa(int(gate.Ports[i].ContainerPort)), port[1])
	}
}

// No connection reaches a Web UI except through the gate, which only the authenticating proxy reaches. The pod reaches Temporal only.
func TestOnlyTheGateIsReached(t *testing.T) {
	t.Parallel()
	p := render(t, allComponents)
	_, gate, uis := temporalUI(t, p)
	in, out := networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress
	proxy := end{namespace: "onlywave-access"}
	others := []end{{}, {namespace: "onlywave-services"}, {namespace: "monitoring"}, {namespace: "kube-system"}}
	for name := range p.pods() {
		others = append(others, end{pod: name})
	}
	for _, port := range gate.Ports {
		require.True(t, p.passes(t, in, "temporal-ui", proxy, port.Name), port.Name)
		for _, other := range others {
			require.False(t, p.passes(t, in, "temporal-ui", other, port.Name, strconv.Itoa(int(port.ContainerPort))), "%v to %s", other, port.Name)
		}
	}
	for _, ui := range uis {
		require.Empty(t, ui.Ports)
		for _, other := range append(others, proxy) {
			require.False(t, p.passes(t, in, "temporal-ui", other, ui.ReadinessProbe.HTTPGet.Port.String()), "%v to %s", other, ui.Name)
		}
	}
	for i, name := range []string{"temporal-ui", "temporal-ui-operators"} {
		service := p.services[name].Spec
		require.Equal(t, p.deployments["temporal-ui"].Spec.Selector.MatchLabels, service.Selector)
		require.Len(t, service.Ports, 1)
		require.Equal(t, gate.Ports[i].Name, service.Ports[0].TargetPort.String())
		require.Equal(t, gate.Ports[i].ContainerPort, service.Ports[0].Port)
	}

	for _, port := range []string{"7233", "5432", "5671", "5672", "6379", "26379", "443"} {
		require.Equal(t, port == "7233", p.passes(t, out, "temporal-ui", end{namespace: "onlywave-services"}, port), port)
		require.False(t, p.passes(t, out, "temporal-ui", end{}, port), port)
	}
	for name := range p.pods() {
		require.False(t, p.passes(t, out, "temporal-ui", end{pod: name}, "8080"), name)
	}
}

// The overlay says where the operators' Web UI is; the component leaves that alone, and the README has the address of kubectl port-forward.
func TestLinksLeadToTheOperatorsWebUI(t *testing.T) {
	t.Parallel()
	p := render(t, allComponents)
	require.Equal(t, render(t, "production").configMap(t, "settings").Data, p.configMap(t, "settings").Data)
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	port := strconv.Itoa(int(p.services["temporal-ui-operators"].Spec.Ports[0].Port))
	require.Contains(t, string(readme), "kubectl -n onlywave port-forward service/temporal-ui-operators "+port)
	require.Contains(t, string(readme), "TEMPORAL_UI_URL=http://localhost:"+port)
}

package kubernetes

import (
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/onlywave/onlywave/deploy/nginx"
)

// selects says whether a selector matches these labels.
func selects(t *testing.T, selector *metav1.LabelSelector, of map[string]string) bool {
	t.Helper()
	s, err := metav1.LabelSelectorAsSelector(selector)
	require.NoError(t, err)
	return s.Matches(labels.Set(of))
}

// end is one end of a connection: one of our pods, or another namespace, or else the internet.
type end struct{ pod, namespace string }

func (e end) admitted(t *testing.T, p *place, peers []networkingv1.NetworkPolicyPeer) bool {
	if len(peers) == 0 {
		return true
	}
	return slices.ContainsFunc(peers, func(peer networkingv1.NetworkPolicyPeer) bool {
		switch {
		case peer.IPBlock != nil:
			return e == end{}
		case peer.NamespaceSelector != nil:
			return e.namespace != "" && selects(t, peer.NamespaceSelector, map[string]string{"kubernetes.io/metadata.name": e.namespace})
		}
		return e.pod != "" && selects(t, peer.PodSelector, p.pods()[e.pod].Labels)
	})
}

// passes says whether the policies let one of our pods reach, or be reached from, the other end on a port.
func (p *place) passes(t *testing.T, direction networkingv1.PolicyType, pod string, other end, ports ...string) bool {
	t.Helper()
	open := func(allowed []networkingv1.NetworkPolicyPort) bool {
		return len(allowed) == 0 || slices.ContainsFunc(allowed, func(a networkingv1.NetworkPolicyPort) bool { return slices.Contains(ports, a.Port.String()) })
	}
	denied, admitted := false, false
	for _, policy := range p.policies {
		if !selects(t, &policy.Spec.PodSelector, p.pods()[pod].Labels) || !slices.Contains(policy.Spec.PolicyTypes, direction) {
			continue
		}
		denied = true
		if direction == networkingv1.PolicyTypeEgress {
			for _, rule := range policy.Spec.Egress {
				admitted = admitted || open(rule.Ports) && other.admitted(t, p, rule.To)
			}
		} else {
			for _, rule := range policy.Spec.Ingress {
				admitted = admitted || open(rule.Ports) && other.admitted(t, p, rule.From)
			}
		}
	}
	return admitted || !denied
}

// connects says whether one of our pods reaches another one: egress and ingress both allow it.
func (p *place) connects(t *testing.T, from, to, named, port string) bool {
	return p.passes(t, networkingv1.PolicyTypeEgress, from, end{pod: to}, port) &&
		p.passes(t, networkingv1.PolicyTypeIngress, to, end{pod: from}, named, port)
}

// Each pod reaches what it needs, and nothing else.
func TestEachPodReachesWhatItNeeds(t *testing.T) {
	t.Parallel()
	p := render(t, "production")
	internet, services, monitoring := end{}, end{namespace: "onlywave-services"}, end{namespace: "monitoring"}
	out, in := networkingv1.PolicyTypeEgress, networkingv1.PolicyTypeIngress
	for name := range p.pods() {
		require.True(t, p.passes(t, out, name, end{namespace: "kube-system"}, "53"), "%s asks for names", name)
		for _, port := range []string{"443", "587", "465", "80", "25", "22", "5432"} {
			require.Equal(t, name == "worker" && slices.Contains([]string{"443", "587", "465"}, port) || name == "api" && port == "443", p.passes(t, out, name, internet, port), "%s to the internet on %s", name, port)
		}
		require.Equal(t, name == "nginx", p.passes(t, in, name, internet, "https", nginx.Kubernetes.Listen), "the internet to %s", name)
		require.Equal(t, name == "api" || name == "worker", p.passes(t, in, name, monitoring, "metrics"), "Prometheus to %s", name)
		require.Equal(t, name == "api" || name == "worker", p.passes(t, out, name, monitoring, "4318"), "%s to the traces' collector", name)
		for other := range p.pods() {
			require.Equal(t, name == "nginx" && other == "api", p.connects(t, name, other, "http", "8080"), "%s to %s", name, other)
			require.False(t, p.connects(t, name, other, "metrics", "9090"), "%s to %s's metrics", name, other)
		}
	}

	host, port, err := net.SplitHostPort(p.configMap(t, "settings").Data["TEMPORAL_ADDRESS"])
	require.NoError(t, err)
	require.Contains(t, strings.Split(host, "."), services.namespace)
	ports := map[string]bool{port: true, "6379": true} // to Redis its Sentinels show the way
	for name, text := range examples(t) {
		if !strings.Contains(text, "://") {
			continue
		}
		for _, address := range addresses(t, text) {
			host, port, err := net.SplitHostPort(address)
			require.NoError(t, err, name)
			if name == "SMTP_URL" {
				require.True(t, p.passes(t, out, "worker", internet, port), name)
				continue
			}
			require.Contains(t, strings.Split(host, "."), services.namespace, name)
			ports[port] = true
		}
	}
	require.Len(t, ports, 5, "Temporal, Postgres, RabbitMQ, Redis and its Sentinels")
	for port := range ports {
		for name := range p.pods() {
			require.Equal(t, name != "nginx", p.passes(t, out, name, services, port), "%s to %s", name, port)
		}
	}
}

// In staging the provider is the simulator, and no pod reaches the internet.
func TestStagingReachesTheSimulatorOnly(t *testing.T) {
	t.Parallel()
	p := render(t, "staging")
	for name := range p.pods() {
		for _, port := range []string{"443", "465", "587"} {
			require.False(t, p.passes(t, networkingv1.PolicyTypeEgress, name, end{}, port), name)
		}
		require.Equal(t, name == "api" || name == "worker", p.connects(t, name, "simulator", "http", "8090"), name)
		require.Equal(t, name == "nginx" || name == "simulator", p.connects(t, name, "api", "http", "8080"), name)
	}
	set := p.configMap(t, "settings").Data
	for variable, service := range map[string]string{"MERCADOPAGO_URL": "simulator", "MERCADOPAGO_NOTIFICATION_URL": "api"} {
		host, port, err := net.SplitHostPort(addresses(t, set[variable])[0])
		require.NoError(t, err)
		require.Equal(t, service, host)
		require.Equal(t, strconv.Itoa(int(p.services[service].Spec.Ports[0].Port)), port)
	}
}

// A component for a kind of cluster adds to one policy and changes nothing else.
func TestComponentsAddWhatAClusterHas(t *testing.T) {
	t.Parallel()
	plain, made := render(t, "production"), render(t, allComponents)
	names := made.policies["names"].Spec.Egress
	require.Equal(t, plain.policies["names"].Spec.Egress, names[:1])
	require.Len(t, names, 3)
	require.Equal(t, "169.254.20.10/32", names[1].To[0].IPBlock.CIDR)
	require.Equal(t, "openshift-dns", names[2].To[0].NamespaceSelector.MatchLabels["kubernetes.io/metadata.name"])
	require.Equal(t, "5353", names[2].Ports[0].Port.String())
	for _, outside := range []string{"provider", "mail"} {
		egress := made.policies[outside].Spec.Egress
		require.Len(t, egress, 1)
		require.Equal(t, plain.policies[outside].Spec.Egress[0].Ports, egress[0].Ports)
		require.Equal(t, networkingv1.IPBlock{CIDR: "::/0", Except: []string{"fc00::/7", "fe80::/10"}}, *egress[0].To[1].IPBlock)
	}
	for name, policy := range plain.policies {
		if !slices.Contains([]string{"names", "provider", "mail"}, name) {
			require.Equal(t, policy, made.policies[name])
		}
	}
	kept, err := filepath.Glob("components/*/kustomization.yaml")
	require.NoError(t, err)
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	require.Len(t, kept, 4, "the test has all of them")
	for _, file := range kept {
		require.Contains(t, string(readme), "`"+filepath.Dir(file)+"`")
	}
}

// Package kubernetes tests the manifests in this folder. Its one rule: nothing is written twice in them, and values that must equal those
// of the code are compared with it.
package kubernetes

import (
	"maps"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/resource"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

var overlays = []string{"production", "staging"}

// allComponents is the production overlay with every component.
const allComponents = "../testdata/components"

// place is all resources of one overlay, by name.
type place struct {
	deployments map[string]*appsv1.Deployment
	services    map[string]*corev1.Service
	settings    map[string]*corev1.ConfigMap
	jobs        map[string]*batchv1.Job
	budgets     map[string]*policyv1.PodDisruptionBudget
	policies    map[string]*networkingv1.NetworkPolicy
	scalers     map[string]*autoscalingv2.HorizontalPodAutoscaler
	accounts    map[string]*corev1.ServiceAccount
	namespaces  map[string]*corev1.Namespace
	custom      map[string]*unstructured.Unstructured // by kind and name
}

// build renders an overlay as kustomize does.
func build(t *testing.T, overlay string) []*resource.Resource {
	t.Helper()
	made, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), "overlays/"+overlay)
	require.NoError(t, err)
	return made.Resources()
}

var (
	rendering sync.Mutex
	rendered  = map[string]*place{} // by overlay
)

// render makes an overlay once for all tests, which only read it.
func render(t *testing.T, overlay string) *place {
	t.Helper()
	rendering.Lock()
	defer rendering.Unlock()
	if rendered[overlay] == nil {
		rendered[overlay] = decode(t, build(t, overlay))
	}
	return rendered[overlay]
}

// decode reads an overlay as a strict API server does: an unknown field, or one of another type, is an error. Each resource is checked
// against its schema.
func decode(t *testing.T, resources []*resource.Resource) *place {
	t.Helper()
	conforms := conform(t)
	p := &place{
		map[string]*appsv1.Deployment{}, map[string]*corev1.Service{}, map[string]*corev1.ConfigMap{}, map[string]*batchv1.Job{},
		map[string]*policyv1.PodDisruptionBudget{}, map[string]*networkingv1.NetworkPolicy{}, map[string]*autoscalingv2.HorizontalPodAutoscaler{},
		map[string]*corev1.ServiceAccount{}, map[string]*corev1.Namespace{}, map[string]*unstructured.Unstructured{},
	}
	for _, made := range resources {
		text, err := made.AsYAML()
		require.NoError(t, err)
		require.NoError(t, conforms(text), string(text))
		if made.GetGvk().Group == "keda.sh" {
			content, err := made.Map()
			require.NoError(t, err)
			p.custom[made.GetKind()+"/"+made.GetName()] = &unstructured.Unstructured{Object: content}
			continue
		}
		object, _, err := strict.Decode(text, nil, nil)
		require.NoError(t, err, string(text))
		p.add(t, made.GetName(), object)
	}
	return p
}

func (p *place) add(t *testing.T, name string, object runtime.Object) {
	switch o := object.(type) {
	case *appsv1.Deployment:
		p.deployments[name] = o
	case *corev1.Service:
		p.services[name] = o
	case *corev1.ConfigMap:
		p.settings[name] = o
	case *batchv1.Job:
		p.jobs[name] = o
	case *policyv1.PodDisruptionBudget:
		p.budgets[name] = o
	case *networkingv1.NetworkPolicy:
		p.policies[name] = o
	case *autoscalingv2.HorizontalPodAutoscaler:
		p.scalers[name] = o
	case *corev1.ServiceAccount:
		p.accounts[name] = o
	case *corev1.Namespace:
		p.namespaces[name] = o
	default:
		require.Fail(t, "a kind that no test looks at", "%T", object)
	}
}

var strict = func() runtime.Decoder {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		appsv1.AddToScheme, autoscalingv2.AddToScheme, batchv1.AddToScheme, corev1.AddToScheme, networkingv1.AddToScheme, policyv1.AddToScheme,
	} {
		if err := add(scheme); err != nil {
			panic(err)
		}
	}
	return serializer.NewCodecFactory(scheme, serializer.EnableStrict).UniversalDeserializer()
}()

// pods are all pods, by the name of their Deployment or Job.
func (p *place) pods() map[string]corev1.PodTemplateSpec {
	all := map[string]corev1.PodTemplateSpec{}
	for name, d := range p.deployments {
		all[name] = d.Spec.Template
	}
	for name, j := range p.jobs {
		all[name] = j.Spec.Template
	}
	return all
}

// ours are the pods that run our programs.
func (p *place) ours() map[string]corev1.PodTemplateSpec {
	all := p.pods()
	maps.DeleteFunc(all, func(_ string, pod corev1.PodTemplateSpec) bool {
		return !strings.Contains(pod.Spec.Containers[0].Image, "/onlywave")
	})
	return all
}

// configMap finds a ConfigMap by its name without the hash.
func (p *place) configMap(t *testing.T, name string) *corev1.ConfigMap {
	t.Helper()
	for full, c := range p.settings {
		if strings.HasPrefix(full, name+"-") {
			return c
		}
	}
	require.Fail(t, "no such ConfigMap", name)
	return nil
}

func TestEveryPlaceHasEveryPart(t *testing.T) {
	t.Parallel()
	for _, overlay := range overlays {
		p := render(t, overlay)
		for _, name := range []string{"api", "worker", "nginx"} {
			require.Contains(t, p.deployments, name, overlay)
			require.Contains(t, p.budgets, name, overlay)
		}
		require.Contains(t, p.jobs, "migrate", overlay)
		require.Equal(t, overlay == "staging", p.deployments["simulator"] != nil, "the simulator is where no money is")
		for name, c := range p.settings {
			require.Regexp(t, `-[a-z0-9]{10}$`, name, "a change of it rolls the pods")
			require.NotNil(t, c)
		}
	}
}

// The API server would silently drop a misspelt field.
func TestAMisspeltFieldIsFound(t *testing.T) {
	t.Parallel()
	_, _, err := strict.Decode([]byte("apiVersion: apps/v1\nkind: Deployment\nspec: {replica: 3}\n"), nil, nil)
	require.ErrorContains(t, err, `unknown field "spec.replica"`)
	_, _, err = strict.Decode([]byte("apiVersion: apps/v1\nkind: Deployment\nspec: {replicas: three}\n"), nil, nil)
	require.Error(t, err)
	conforms := conform(t)
	const worker = "apiVersion: keda.sh/v1alpha1\nkind: ScaledObject\nmetadata: {name: worker}\nspec: {scaleTargetRef: {name: worker}, triggers: []"
	require.NoError(t, conforms([]byte(worker+"}\n")))
	require.ErrorContains(t, conforms([]byte(worker+", maxReplicas: 3}\n")), "maxReplicas")
	const api = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: api}\nspec: {selector: {}, template: {spec: {containers: [{name: api}]"
	require.NoError(t, conforms([]byte(api+"}}}\n")))
	require.ErrorContains(t, conforms([]byte(strings.Replace(api, "selector: {}, ", "", 1)+"}}}\n")), "selector", "what must be there is missing")
	require.ErrorContains(t, conforms([]byte(api+", resources: {}}}}\n")), "resources", "a later Kubernetes allows it")
	_, _, err = strict.Decode([]byte(api+", resources: {}}}}\n"), nil, nil)
	require.NoError(t, err)
}

// A pod has no privileges, because it needs none.
func TestEveryPodIsConfined(t *testing.T) {
	t.Parallel()
	for _, overlay := range append([]string{allComponents}, overlays...) {
		p := render(t, overlay)
		require.Equal(t, "restricted", p.namespaces["onlywave"].Labels["pod-security.kubernetes.io/enforce"])
		for name, pod := range p.pods() {
			spec := pod.Spec
			require.Contains(t, p.accounts, spec.ServiceAccountName, name)
			require.False(t, *spec.AutomountServiceAccountToken, name)
			require.False(t, *spec.EnableServiceLinks, "%s: REDIS_PORT and the like would be in its environment", name)
			require.True(t, *spec.SecurityContext.RunAsNonRoot, name)
			require.NotZero(t, *spec.SecurityContext.RunAsUser, name)
			require.Equal(t, corev1.SeccompProfileTypeRuntimeDefault, spec.SecurityContext.SeccompProfile.Type, name)
			for _, c := range spec.Containers {
				requireConfined(t, c)
			}
		}
		for _, a := range p.accounts {
			require.False(t, *a.AutomountServiceAccountToken)
		}
	}
}

func requireConfined(t *testing.T, c corev1.Container) {
	t.Helper()
	require.False(t, *c.SecurityContext.AllowPrivilegeEscalation, c.Name)
	require.True(t, *c.SecurityContext.ReadOnlyRootFilesystem, c.Name)
	require.Equal(t, []corev1.Capability{"ALL"}, c.SecurityContext.Capabilities.Drop, c.Name)
	for _, resource := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory} {
		least, most := c.Resources.Requests[resource], c.Resources.Limits[resource]
		require.Equal(t, -1, least.Cmp(most), "%s of %s", resource, c.Name)
		require.False(t, least.IsZero(), "%s of %s", resource, c.Name)
	}
}

// Deployments are spread over zones and nodes, and their pods are evicted one at a time.
func TestWhatRunsForLongIsSpread(t *testing.T) {
	t.Parallel()
	p := render(t, allComponents)
	for name, d := range p.deployments {
		require.Equal(t, d.Spec.Template.Labels["app.kubernetes.io/name"], d.Spec.Selector.MatchLabels["app.kubernetes.io/name"], name)
		require.Zero(t, d.Spec.Strategy.RollingUpdate.MaxUnavailable.IntValue(), name)
		require.Equal(t, 1, p.budgets[name].Spec.MaxUnavailable.IntValue(), name)
		require.Equal(t, policyv1.AlwaysAllow, *p.budgets[name].Spec.UnhealthyPodEvictionPolicy, "%s: a broken pod does not block a drain", name)
		require.Equal(t, d.Spec.Selector.MatchLabels, p.budgets[name].Spec.Selector.MatchLabels, name)
		var over []string
		for _, s := range d.Spec.Template.Spec.TopologySpreadConstraints {
			over = append(over, s.TopologyKey)
			require.Equal(t, d.Spec.Selector.MatchLabels, s.LabelSelector.MatchLabels, name)
		}
		require.Equal(t, []string{corev1.LabelTopologyZone, corev1.LabelHostname}, over, name)
	}
	require.GreaterOrEqual(t, *p.deployments["nginx"].Spec.Replicas, int32(2))
}

// The migration's job, and what it needs, can be applied first.
func TestTheFirstStepIsWhole(t *testing.T) {
	t.Parallel()
	p := render(t, "production")
	first := map[string]string{"onlywave.dev/step": "first"}
	require.Subset(t, p.jobs["migrate"].Labels, first)
	require.Subset(t, p.namespaces["onlywave"].Labels, first)
	require.Subset(t, p.accounts["onlywave"].Labels, first)
	require.Subset(t, p.configMap(t, "settings").Labels, first)
	for _, policy := range []string{"deny-all", "names", "services"} {
		require.Subset(t, p.policies[policy].Labels, first, policy)
	}
	require.NotContains(t, p.deployments["api"].Labels, "onlywave.dev/step")
}

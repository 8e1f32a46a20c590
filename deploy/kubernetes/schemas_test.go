package kubernetes

import (
	"bytes"
	"encoding/json"
	"flag"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/yannh/kubeconform/pkg/resource"
	"github.com/yannh/kubeconform/pkg/validator"
	"sigs.k8s.io/kustomize/kyaml/resid"
	"sigs.k8s.io/yaml"
)

var update = flag.Bool("update", false, "regenerate testdata/schemas from the modules of Kubernetes and KEDA")

// The schemas are made from the oldest versions that the README allows: newer fields are unknown.
const (
	kubernetesModule = "k8s.io/kubernetes@v1.30.14"
	kedaModule       = "github.com/kedacore/keda/v2@v2.18.0"
	schemas          = "testdata/schemas"
)

// conform is kubeconform, strict and without the network. On the command line:
//
//	kustomize build overlays/production | kubeconform -strict -schema-location 'testdata/schemas/{{.ResourceKind}}{{.KindSuffix}}.json'
func conform(t *testing.T) func(text []byte) error {
	t.Helper()
	v, err := validator.New([]string{schemas + "/{{.ResourceKind}}{{.KindSuffix}}.json"}, validator.Opts{Strict: true})
	require.NoError(t, err)
	return func(text []byte) error {
		result := v.ValidateResource(resource.Resource{Bytes: text})
		if result.Err == nil {
			require.Equal(t, validator.Valid, result.Status, string(text))
		}
		return result.Err
	}
}

// Each kind in use has a schema, and no other kind has one.
func TestEveryKindHasItsSchema(t *testing.T) {
	kinds := map[string]resid.Gvk{} // by the file that kubeconform looks for
	for _, overlay := range overlays {
		for _, made := range build(t, overlay) {
			kind := made.GetGvk()
			file := kind.Kind + "-" + kind.Version
			if group, _, _ := strings.Cut(kind.Group, "."); group != "" {
				file = kind.Kind + "-" + group + "-" + kind.Version
			}
			kinds[strings.ToLower(file)+".json"] = kind
		}
	}
	if *update {
		makeSchemas(t, kinds)
	}
	kept, err := filepath.Glob(schemas + "/*.json")
	require.NoError(t, err)
	for i, file := range kept {
		kept[i] = filepath.Base(file)
	}
	require.ElementsMatch(t, append(slices.Collect(maps.Keys(kinds)), "definitions.json"), kept)
}

func makeSchemas(t *testing.T, kinds map[string]resid.Gvk) {
	t.Helper()
	require.NoError(t, os.RemoveAll(schemas))
	require.NoError(t, os.MkdirAll(schemas, 0o755))
	all, needed := definitions(t), map[string]json.RawMessage{}
	for file, kind := range kinds {
		if kind.Group == "keda.sh" {
			save(t, file, keda(t, kind))
			continue
		}
		name := named(t, all, kind)
		save(t, file, map[string]string{"$ref": "definitions.json#/definitions/" + name})
		need(t, all, name, needed)
	}
	save(t, "definitions.json", map[string]any{"definitions": needed})
}

// module downloads a module and returns its folder.
func module(t *testing.T, name string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "mod", "download", "-json", name)
	cmd.Dir = t.TempDir() // outside this module, which must not change
	text, err := cmd.Output()
	require.NoError(t, err)
	var downloaded struct{ Dir string }
	require.NoError(t, json.Unmarshal(text, &downloaded))
	return downloaded.Dir
}

// definitions are those of Kubernetes, by name.
func definitions(t *testing.T) map[string]map[string]any {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(module(t, kubernetesModule), "api/openapi-spec/swagger.json"))
	require.NoError(t, err)
	var swagger struct{ Definitions map[string]map[string]any }
	require.NoError(t, json.Unmarshal(text, &swagger))
	// The API server reads these two in either form.
	for name, other := range map[string]string{"util.intstr.IntOrString": "integer", "api.resource.Quantity": "number"} {
		swagger.Definitions["io.k8s.apimachinery.pkg."+name] = map[string]any{"type": []string{"string", other}}
	}
	return swagger.Definitions
}

// named is the name of a kind's definition.
func named(t *testing.T, all map[string]map[string]any, kind resid.Gvk) string {
	t.Helper()
	for name, definition := range all {
		kinds, _ := definition["x-kubernetes-group-version-kind"].([]any)
		if slices.ContainsFunc(kinds, func(each any) bool {
			return maps.Equal(each.(map[string]any), map[string]any{"group": kind.Group, "version": kind.Version, "kind": kind.Kind})
		}) {
			return name
		}
	}
	require.Fail(t, "no such kind", kind.String())
	return ""
}

// need keeps a definition and all definitions that it refers to.
func need(t *testing.T, all map[string]map[string]any, name string, needed map[string]json.RawMessage) {
	t.Helper()
	if needed[name] != nil {
		return
	}
	require.Contains(t, all, name)
	text, err := json.Marshal(sealed(all[name]))
	require.NoError(t, err)
	needed[name] = text
	for _, found := range bytes.Split(text, []byte(`"#/definitions/`))[1:] {
		other, _, _ := strings.Cut(string(found), `"`)
		need(t, all, other, needed)
	}
}

// keda is the schema of one of KEDA's custom resources.
func keda(t *testing.T, kind resid.Gvk) any {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(module(t, kedaModule), "config/crd/bases", "keda.sh_"+strings.ToLower(kind.Kind)+"s.yaml"))
	require.NoError(t, err)
	var definition struct {
		Spec struct {
			Versions []struct {
				Schema struct {
					OpenAPIV3Schema map[string]any `json:"openAPIV3Schema"`
				}
			}
		}
	}
	require.NoError(t, yaml.Unmarshal(text, &definition))
	require.Len(t, definition.Spec.Versions, 1)
	return sealed(definition.Spec.Versions[0].Schema.OpenAPIV3Schema)
}

// sealed is a schema without descriptions. Where it names properties, it allows no others.
func sealed(schema map[string]any) map[string]any {
	bare := map[string]any{}
	for key, value := range schema {
		if key == "description" || strings.HasPrefix(key, "x-kubernetes-") {
			continue
		}
		bare[key] = value
		switch value := value.(type) {
		case map[string]any:
			if key != "properties" {
				bare[key] = sealed(value)
				continue
			}
			properties := map[string]any{}
			for name, property := range value {
				properties[name] = sealed(property.(map[string]any))
			}
			bare[key] = properties
			if _, open := schema["additionalProperties"]; !open {
				bare["additionalProperties"] = false
			}
		case []any: // of anyOf and the like
			for i, each := range value {
				if one, is := each.(map[string]any); is {
					value[i] = sealed(one)
				}
			}
		}
	}
	return bare
}

func save(t *testing.T, file string, schema any) {
	t.Helper()
	text, err := json.MarshalIndent(schema, "", " ")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(schemas, file), append(text, '\n'), 0o644))
}

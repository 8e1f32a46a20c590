package kubernetes

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"
)

// definitions are KEDA's own, by kind, made strict: what they do not name is not allowed. They are those of KEDA 2.18.3.
func definitions(t *testing.T) map[string]*openapi3.Schema {
	t.Helper()
	all := map[string]*openapi3.Schema{}
	for _, file := range []string{"keda.sh_scaledobjects.yaml", "keda.sh_triggerauthentications.yaml"} {
		text, err := os.ReadFile("testdata/" + file)
		require.NoError(t, err)
		var definition struct {
			Spec struct {
				Names    struct{ Kind string }
				Versions []struct {
					Schema struct {
						OpenAPIV3Schema json.RawMessage `json:"openAPIV3Schema"`
					}
				}
			}
		}
		require.NoError(t, yaml.Unmarshal(text, &definition))
		require.Len(t, definition.Spec.Versions, 1)
		schema := &openapi3.Schema{}
		require.NoError(t, json.Unmarshal(definition.Spec.Versions[0].Schema.OpenAPIV3Schema, schema))
		seal(schema)
		all[definition.Spec.Names.Kind] = schema
	}
	return all
}

// seal allows nothing but what a schema names, where it names anything.
func seal(s *openapi3.Schema) {
	for _, property := range s.Properties {
		seal(property.Value)
	}
	if s.Items != nil {
		seal(s.Items.Value)
	}
	if more := s.AdditionalProperties.Schema; more != nil {
		seal(more.Value)
	} else if len(s.Properties) > 0 {
		no := false
		s.AdditionalProperties.Has = &no
	}
}

// requireDefined expects a custom resource to be as its definition says.
func requireDefined(t *testing.T, content map[string]any) {
	t.Helper()
	schema := definitions(t)[content["kind"].(string)]
	require.NotNil(t, schema, content["kind"])
	text, err := json.Marshal(content)
	require.NoError(t, err)
	var plain any
	require.NoError(t, json.Unmarshal(text, &plain))
	require.NoError(t, schema.VisitJSON(plain))
}

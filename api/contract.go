package api

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/gin-gonic/gin"

	"github.com/onlywave/onlywave/internal/payment"
)

//go:embed openapi.yaml
var contractYAML []byte

// contract is openapi.yaml, read.
type contract struct {
	document *openapi3.T
	json     []byte // as it is served
}

func loadContract(publicURL string) (*contract, error) {
	document, err := openapi3.NewLoader().LoadFromData(contractYAML)
	if err != nil {
		return nil, fmt.Errorf("load openapi.yaml: %w", err)
	}
	document.Servers = openapi3.Servers{{URL: publicURL}}
	text, err := json.Marshal(document)
	if err != nil {
		return nil, fmt.Errorf("write openapi.json: %w", err)
	}
	return &contract{document: document, json: text}, nil
}

// shape finds where a body does not have the shape that the schema gives it: fields that are unknown, missing or of another
// type. What values may be is the domain's affair, which says it in better words.
func (ct *contract) shape(schema string, body any) []payment.Field {
	// The library's own validator is enough for the plain schemas here, and much quicker than its JSON Schema 2020-12 one,
	// which compiles the schema anew for each body.
	err := ct.document.Components.Schemas[schema].Value.VisitJSON(body, openapi3.MultiErrors())
	return misshapen(err)
}

func misshapen(err error) []payment.Field {
	var fields []payment.Field
	if several, ok := errors.AsType[openapi3.MultiError](err); ok {
		for _, e := range several {
			fields = append(fields, misshapen(e)...)
		}
		return fields
	}
	wrong, ok := errors.AsType[*openapi3.SchemaError](err)
	if !ok {
		return nil
	}
	pointer := ""
	for _, key := range wrong.JSONPointer() {
		pointer += "/" + pointerToken(key)
	}
	switch wrong.SchemaField {
	case "required":
		fields = append(fields, payment.Field{Pointer: pointer, Detail: "is missing"})
	case "type", "nullable":
		fields = append(fields, payment.Field{Pointer: pointer, Detail: "must be " + typeInWords(wrong.Schema)})
	case "properties":
		object, _ := wrong.Value.(map[string]any)
		for key := range object {
			if wrong.Schema.Properties[key] == nil {
				fields = append(fields, payment.Field{Pointer: pointer + "/" + pointerToken(key), Detail: "is not a field here; remove it"})
			}
		}
	}
	return fields
}

func typeInWords(schema *openapi3.Schema) string {
	switch {
	case schema.Type.Is(openapi3.TypeInteger):
		return "a whole number"
	case schema.Type.Is(openapi3.TypeObject):
		return "an object"
	case schema.Type.Is(openapi3.TypeString):
		return "a string"
	}
	return "of another type"
}

// knowsQuery refuses query parameters that the route's operation does not have, and any that come twice: a filter that is
// misspelled must not silently list everything.
func (ct *contract) knowsQuery(r route) func(*gin.Context) error {
	known := ct.queryParameters(r)
	return func(c *gin.Context) error {
		values, err := url.ParseQuery(c.Request.URL.RawQuery)
		if err != nil {
			return refuse(queryInvalid, "the query cannot be read; percent-encode its values")
		}
		var wrong []payment.Field
		for name, several := range values {
			if !slices.Contains(known, name) {
				wrong = append(wrong, payment.Field{Pointer: "#query/" + name, Detail: "is not a parameter here; remove it"})
			} else if len(several) > 1 {
				wrong = append(wrong, payment.Field{Pointer: "#query/" + name, Detail: "is there more than once"})
			}
		}
		if len(wrong) > 0 {
			return refuse(queryInvalid, "", wrong...)
		}
		return nil
	}
}

// queryParameters are the names of those the contract knows for a route.
func (ct *contract) queryParameters(r route) []string {
	var names []string
	for _, p := range ct.operation(r).Parameters {
		if p.Value.In == openapi3.ParameterInQuery {
			names = append(names, p.Value.Name)
		}
	}
	return names
}

// operation is the contract's word on a route, or nil.
func (ct *contract) operation(r route) *openapi3.Operation {
	parts := strings.Split(r.path, "/")
	for i, part := range parts {
		if name, ok := strings.CutPrefix(part, ":"); ok {
			parts[i] = "{" + name + "}"
		}
	}
	path := ct.document.Paths.Value(strings.Join(parts, "/"))
	if path == nil {
		return nil
	}
	return path.GetOperation(r.method)
}

func (s *Server) openAPI(c *gin.Context) error {
	c.Header("Cache-Control", "max-age=300")
	c.Data(http.StatusOK, "application/json", s.contract.json)
	return nil
}

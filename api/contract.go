package api

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/gin-gonic/gin"

	"github.com/onlywave/onlywave/internal/failure"
)

//go:embed openapi.yaml
var contractYAML []byte

// contract is openapi.yaml, parsed.
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

// checkQuery refuses query parameters that the operation does not have, and any that come twice or are empty: a filter that is
// misspelled, or that lost its value, must not silently list everything.
func (ct *contract) checkQuery(r route) func(*gin.Context) error {
	known := ct.queryParameters(r)
	return func(c *gin.Context) error {
		values, err := url.ParseQuery(c.Request.URL.RawQuery)
		if err != nil {
			return refuse(queryInvalid, "the query cannot be parsed; percent-encode its values")
		}
		var wrong failure.Fields
		for name, several := range values {
			if !slices.Contains(known, name) {
				wrong.Add("#query/"+name, "is not a parameter of this operation; remove it")
			} else if len(several) > 1 {
				wrong.Add("#query/"+name, "is sent more than once; send it once")
			} else if several[0] == "" {
				wrong.Add("#query/"+name, "must not be empty; leave it out to set no filter")
			}
		}
		if len(wrong) > 0 {
			return refuse(queryInvalid, "", wrong...)
		}
		return nil
	}
}

// queryParameters returns the names of the query parameters that the contract has for a route.
func (ct *contract) queryParameters(r route) []string {
	var names []string
	for _, p := range ct.operation(r).Parameters {
		if p.Value.In == openapi3.ParameterInQuery {
			names = append(names, p.Value.Name)
		}
	}
	return names
}

// operation returns the operation of a route in the contract, or nil.
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

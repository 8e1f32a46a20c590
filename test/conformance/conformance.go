// Package conformance holds the provider's published contract (OpenAPI) against what really goes over the wire: every request of the
// adapter and every answer of the simulator. Its one rule: nothing is excused silently. The contract is made by a machine and wrong in
// places; each of these is an entry of known.go with its reason, and an entry that is not needed any more is a failure, too.
package conformance

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
)

// Exchange is one request with its answer.
type Exchange struct {
	Request     *http.Request
	RequestBody []byte
	Status      int
	Header      http.Header
	Body        []byte
}

// Recorder is a transport that keeps what goes through it.
type Recorder struct {
	Transport http.RoundTripper

	mu        sync.Mutex
	exchanges []Exchange
}

// RoundTrip sends the request and keeps a copy of both bodies.
func (r *Recorder) RoundTrip(request *http.Request) (*http.Response, error) {
	e := Exchange{Request: request.Clone(context.WithoutCancel(request.Context()))}
	var err error
	if request.Body != nil {
		if e.RequestBody, err = io.ReadAll(request.Body); err != nil {
			return nil, err
		}
		request.Body = io.NopCloser(bytes.NewReader(e.RequestBody))
	}
	response, err := r.Transport.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	if e.Body, err = io.ReadAll(response.Body); err != nil {
		return nil, err
	}
	response.Body = io.NopCloser(bytes.NewReader(e.Body))
	e.Status, e.Header = response.StatusCode, response.Header
	r.mu.Lock()
	defer r.mu.Unlock()
	r.exchanges = append(r.exchanges, e)
	return response, nil
}

// Exchanges are those so far.
func (r *Recorder) Exchanges() []Exchange {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.exchanges)
}

// Deviation is a place where the traffic is not as the contract says.
type Deviation struct {
	Operation string // such as "POST /v1/payments"
	Side      string // request or answer
	At        string // the place in its body, such as /payer/id or /results/*/card; "": the whole
	Says      string // what the contract wants
}

func (d Deviation) String() string {
	return fmt.Sprintf("%s, %s at %q: %s", d.Operation, d.Side, d.At, d.Says)
}

// Known is a deviation that is the contract's mistake.
type Known struct {
	Operation string // as a deviation's; "": any
	Side      string
	At        string // as a deviation's; one that begins with … is the end of it
	Says      string // a part of what the contract wants
	Reason    string // what really happens, and how that is known
}

func (k Known) covers(d Deviation) bool {
	end, isEnd := strings.CutPrefix(k.At, "…")
	at := k.At == d.At || isEnd && strings.HasSuffix(d.At, end)
	return (k.Operation == "" || k.Operation == d.Operation) && k.Side == d.Side && at && strings.Contains(d.Says, k.Says)
}

// Judge separates the deviations that are not known from the entries that are not needed.
func Judge(found []Deviation, known []Known) (strange []Deviation, needless []Known) {
	used := make([]bool, len(known))
	for _, d := range found {
		excused := false
		for i, k := range known {
			if k.covers(d) {
				used[i], excused = true, true
			}
		}
		if !excused && !slices.Contains(strange, d) {
			strange = append(strange, d)
		}
	}
	for i, k := range known {
		if !used[i] {
			needless = append(needless, k)
		}
	}
	return strange, needless
}

// Contract is a provider's OpenAPI document.
type Contract struct {
	router routers.Router
}

// Load reads the document. Fields of requests that it does not have are deviations, too: the provider refuses them (code 8). Answers may
// have more.
func Load(file string) (*Contract, error) {
	document, err := openapi3.NewLoader().LoadFromFile(file)
	if err != nil {
		return nil, fmt.Errorf("read the contract: %w", err)
	}
	document.Servers = nil // it is one host for all
	seen := map[*openapi3.Schema]bool{}
	for _, item := range document.Paths.Map() {
		for _, operation := range item.Operations() {
			if operation.RequestBody == nil || operation.RequestBody.Value == nil {
				continue
			}
			for _, content := range operation.RequestBody.Value.Content {
				closeFields(content.Schema, seen)
			}
		}
	}
	router, err := gorillamux.NewRouter(document)
	if err != nil {
		return nil, fmt.Errorf("read the contract's paths: %w", err)
	}
	return &Contract{router: router}, nil
}

// closeFields lets objects have no other fields than those they name.
func closeFields(ref *openapi3.SchemaRef, seen map[*openapi3.Schema]bool) {
	if ref == nil || ref.Value == nil || seen[ref.Value] {
		return
	}
	s := ref.Value
	seen[s] = true
	if len(s.Properties) > 0 && s.AdditionalProperties.Has == nil && s.AdditionalProperties.Schema == nil {
		no := false
		s.AdditionalProperties.Has = &no
	}
	for _, property := range s.Properties {
		closeFields(property, seen)
	}
	closeFields(s.Items, seen)
}

// idInPath is an id of the provider's, which the contract has as a parameter.
var idInPath = regexp.MustCompile(`/[0-9]+(?:-[0-9A-Za-z]+)?(/|$)`)

// Deviations finds where an exchange is not as the contract says.
func (c *Contract) Deviations(e Exchange) (found []Deviation) {
	request := e.Request.Clone(context.Background())
	request.Body = io.NopCloser(bytes.NewReader(e.RequestBody))
	if e.RequestBody == nil {
		request.Body = http.NoBody
	}
	route, params, err := c.router.FindRoute(request)
	if err != nil {
		operation := request.Method + " " + idInPath.ReplaceAllString(request.URL.Path, "/{id}$1")
		return []Deviation{{Operation: operation, Side: "request", Says: "no such operation"}}
	}
	add := func(side string, err error) {
		for _, one := range flat(err) {
			found = append(found, deviation(request.Method+" "+route.Path, side, one))
		}
	}
	options := &openapi3filter.Options{
		MultiError: true, IncludeResponseStatus: true, AuthenticationFunc: openapi3filter.NoopAuthenticationFunc,
	}
	input := &openapi3filter.RequestValidationInput{Request: request, PathParams: params, Route: route, Options: options}
	add("request", openapi3filter.ValidateRequest(context.Background(), input))
	if route.Operation.Responses.Status(e.Status) == nil {
		return append(found, Deviation{Operation: request.Method + " " + route.Path, Side: "answer", Says: fmt.Sprintf("no status %d", e.Status)})
	}
	add("answer", openapi3filter.ValidateResponse(context.Background(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: input, Status: e.Status, Header: e.Header, Body: io.NopCloser(bytes.NewReader(e.Body)), Options: options,
	}))
	return found
}

// flat takes the errors out of their containers.
func flat(err error) (all []error) {
	var several openapi3.MultiError
	var schema *openapi3.SchemaError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &schema) && !errors.As(err, &several):
		return []error{err}
	case errors.As(err, &several):
		for _, one := range several {
			all = append(all, flat(one)...)
		}
		return all
	}
	return []error{err}
}

func deviation(operation, side string, err error) Deviation {
	d := Deviation{Operation: operation, Side: side, Says: err.Error()}
	var schema *openapi3.SchemaError
	if errors.As(err, &schema) {
		d.Says = schema.Reason
		if _, says, nested := strings.Cut(d.Says, "': "); nested { // it repeats the place
			d.Says = says
		}
		for _, part := range schema.JSONPointer() {
			if strings.Trim(part, "0123456789") == "" {
				part = "*"
			}
			d.At += "/" + part
		}
	}
	var parameter *openapi3filter.RequestError
	if errors.As(err, &parameter) && parameter.Parameter != nil {
		d.At = "?" + parameter.Parameter.Name
		if schema == nil {
			d.Says = parameter.Reason + parameter.Error()
		}
	}
	return d
}

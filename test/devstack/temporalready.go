package devstack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
)

// temporalReady asks each of Temporal's services for an answer in the namespace: they come up one after the other, and
// the front end answers long before a workflow can be started. It asks over HTTP: Temporal's API in Go would be linked into every
// test that starts any service, and linking it costs more than most of them.
func temporalReady(ctx context.Context, port int, attributes map[string]string) error {
	namespace := fmt.Sprintf("http://127.0.0.1:%d/api/v1/namespaces/default/", port)
	if err := askTemporal(ctx, namespace+"workflows/is-the-history-service-there", nil); !isUnknownWorkflow(err) {
		return fmt.Errorf("history: %w", err)
	}
	if err := askTemporal(ctx, namespace+"task-queues/is-the-matching-service-there", nil); err != nil {
		return fmt.Errorf("matching: %w", err)
	}
	var known struct{ CustomAttributes map[string]string }
	if err := askTemporal(ctx, namespace+"search-attributes", &known); err != nil {
		return fmt.Errorf("search attributes: %w", err)
	}
	for name := range attributes {
		if _, ok := known.CustomAttributes[name]; !ok {
			return fmt.Errorf("search attribute %s is not registered", name)
		}
	}
	return nil
}

// isUnknownWorkflow is false for an unknown namespace, which is a NamespaceNotFoundFailure.
func isUnknownWorkflow(err error) bool {
	refusal, ok := errors.AsType[*temporalRefusal](err)
	return ok && len(refusal.Details) == 1 && refusal.Details[0].Type == "type.googleapis.com/temporal.api.errordetails.v1.NotFoundFailure"
}

// temporalRefusal is Temporal's answer to a request that it refuses.
type temporalRefusal struct {
	Message string
	Details []struct {
		Type string `json:"@type"`
	}
}

func (r *temporalRefusal) Error() string { return r.Message }

// temporalClient keeps no connections: nobody would close them.
var temporalClient = http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

// askTemporal reads the answer into a struct, or only finds out that there is one.
func askTemporal(ctx context.Context, url string, into any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := temporalClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	decoder := json.NewDecoder(response.Body)
	if response.StatusCode == http.StatusOK {
		if into == nil {
			return nil
		}
		return decoder.Decode(into)
	}
	var refusal temporalRefusal
	if err := decoder.Decode(&refusal); err != nil {
		return fmt.Errorf("HTTP status %s: %w", response.Status, err)
	}
	return &refusal
}

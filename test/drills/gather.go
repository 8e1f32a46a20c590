package drills

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"

	"github.com/onlywave/onlywave/test/load"
	"github.com/onlywave/onlywave/test/platform"
)

// Gather reads what each side has written down, for the whole platform and not for one run only. The clients' log may be nil.
// Messages in queues are read and put back, which counts as a delivery.
func Gather(ctx context.Context, p *platform.Platform, clients *load.Log) (Evidence, error) {
	e, err := gather(ctx, p, clients)
	if err != nil {
		return e, err
	}
	deadLetters, headers, err := peek(p.Stack.RabbitMQURL(), e.Queues)
	if err != nil {
		return e, fmt.Errorf("look into the queues: %w", err)
	}
	e.DeadLetters = append(e.DeadLetters, deadLetters...)
	e.Secrets = p.Secrets()
	if e.Pages, err = pages(ctx, p); err != nil {
		return e, fmt.Errorf("read logs and metrics: %w", err)
	}
	e.Pages = append(e.Pages, headers...)
	since := time.Time{}
	if clients != nil {
		since = clients.Began
	}
	e.Private = private(p, clients)
	if e.Stored, err = stored(ctx, p, e.Workflows, since); err != nil {
		return e, fmt.Errorf("read what Temporal stores: %w", err)
	}
	return e, nil
}

// gather leaves out messages in queues, logs and metrics.
func gather(ctx context.Context, p *platform.Platform, clients *load.Log) (Evidence, error) {
	var e Evidence
	if clients != nil {
		e.Intents, e.Sales, e.Flood = clients.Intents, clients.Checkouts, clients.Webhooks
	}
	for _, side := range []struct {
		name string
		ask  func() error
	}{
		{"the provider for its webhooks", func() (err error) { // first: one that is answered meanwhile may not be in the archive yet
			e.Webhooks, err = p.Provider.Webhooks(ctx, "")
			return err
		}},
		{"Postgres", func() error { return e.askPostgres(ctx, p.Stack.PostgresURL()) }},
		{"the workers", func() error { return e.askWorkers(p.Logs) }},
		{"the queues", func() error { return e.askRabbitMQ(p.Stack.RabbitMQURL()) }},
		{"Temporal", func() error { return e.askTemporal(ctx, p.Stack.TemporalAddress()) }},
		{"the provider", func() error { return e.askProvider(ctx, p.Provider) }},
	} {
		if err := side.ask(); err != nil {
			return e, fmt.Errorf("ask %s: %w", side.name, err)
		}
	}
	if clients != nil {
		return e, e.complete(clients.Began)
	}
	return e, nil
}

// complete fails when the simulator no longer has all requests and webhooks since then.
func (e *Evidence) complete(since time.Time) error {
	if r := e.Requests; len(r) > 0 && r[0].Number > 1 && r[0].Time.After(since) {
		return errors.New("the simulator has forgotten requests of this run")
	}
	if w := e.Webhooks; len(w) > 0 && w[0].Number > 1 && w[0].Time.After(since) {
		return errors.New("the simulator has forgotten webhooks of this run")
	}
	return nil
}

// askWorkers reads in the workers' logs which notifications they have processed or ignored, which is written nowhere else.
func (e *Evidence) askWorkers(logs string) error {
	files, err := filepath.Glob(filepath.Join(logs, "worker*.log"))
	if err != nil {
		return err
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		for line := range bytes.Lines(text) {
			var said struct {
				MessageID string `json:"message_id"`
			}
			if bytes.Contains(line, []byte(`"msg":"webhook`)) && json.Unmarshal(line, &said) == nil && said.MessageID != "" {
				e.Processed = append(e.Processed, said.MessageID)
			}
		}
	}
	return nil
}

func (e *Evidence) askProvider(ctx context.Context, p *platform.Provider) (err error) {
	if e.Requests, err = p.Requests(ctx); err != nil {
		return err
	}
	if e.Ledger, err = p.Ledger(ctx, ""); err != nil {
		return err
	}
	e.Asked = time.Now()
	if e.Books, err = p.Books(ctx); err != nil {
		return err
	}
	e.Disputed, err = p.Disputes(ctx)
	return err
}

// askTemporal lists the runs as the Web UI does. The list lags behind, so Settle waits until it agrees.
func (e *Evidence) askTemporal(ctx context.Context, address string) error {
	temporal, err := client.DialContext(ctx, client.Options{HostPort: address, Logger: log.NewStructuredLogger(quiet)})
	if err != nil {
		return err
	}
	defer temporal.Close()
	var next []byte
	for {
		page, err := temporal.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{PageSize: 1000, NextPageToken: next})
		if err != nil {
			return err
		}
		for _, w := range page.Executions {
			e.Workflows = append(e.Workflows, Workflow{
				ID: w.GetExecution().GetWorkflowId(), RunID: w.GetExecution().GetRunId(),
				Status: w.GetStatus().String(), Started: w.GetStartTime().AsTime(),
			})
		}
		if next = page.NextPageToken; len(next) == 0 {
			return nil
		}
	}
}

// pages reads every log, the services' own too, and the metrics of the processes that show any.
func pages(ctx context.Context, p *platform.Platform) ([]Page, error) {
	var all []Page
	folders := []string{p.Logs, p.Stack.Logs()}
	slices.Sort(folders)
	for _, folder := range slices.Compact(folders) {
		files, err := filepath.Glob(filepath.Join(folder, "*.log"))
		if err != nil {
			return nil, err
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				return nil, err
			}
			all = append(all, Page{Where: filepath.Base(file), Text: string(text)})
		}
	}
	for _, name := range p.Showing() {
		answer, err := p.Show(ctx, name, "/metrics")
		if err != nil {
			continue // a process that is down shows none
		}
		all = append(all, Page{Where: name + "'s metrics", Text: string(answer.Body)})
	}
	return all, nil
}

// requestID is the request id in a stored notification; "" when the body is no notification.
func requestID(body []byte) string {
	var n struct {
		RequestID string `json:"request_id"`
	}
	_ = json.Unmarshal(body, &n) // a dead letter may hold any body
	return n.RequestID
}

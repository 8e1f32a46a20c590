package worker

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/onlywave/onlywave/workflows"
)

var withoutWorkers = prometheus.NewDesc("onlywave_payments_without_workers",
	"Open payments that are pinned to a build of the workers that has no workers. Counted over all of Temporal: take the maximum over workers.", nil, nil)

// Pinned shows how many payments are pinned to a build without workers. While Temporal does not answer it shows nothing, which is not
// the same as 0.
type Pinned struct {
	worker *Worker

	mu    sync.Mutex
	asked time.Time
	last  int64
	err   error
}

// NewPinned makes the gauge. The first scrape asks Temporal.
func NewPinned(w *Worker) *Pinned { return &Pinned{worker: w} }

// Describe makes Pinned a prometheus.Collector.
func (p *Pinned) Describe(to chan<- *prometheus.Desc) { to <- withoutWorkers }

// Collect shows what was last counted, and counts anew when that is old.
func (p *Pinned) Collect(to chan<- prometheus.Metric) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if time.Since(p.asked) >= gaugesEvery {
		ctx, cancel := context.WithTimeout(context.Background(), gaugesTimeout)
		defer cancel()
		p.last, p.err = p.worker.pinnedWithoutWorkers(ctx)
		if p.asked = time.Now(); p.err != nil {
			p.worker.Log.Warn("payments pinned to a build without workers could not be counted", "error", p.err)
		}
	}
	if p.err == nil {
		to <- prometheus.MustNewConstMetric(withoutWorkers, prometheus.GaugeValue, float64(p.last))
	}
}

// pinnedWithoutWorkers counts the open payments that are pinned to a build of which no worker asks for tasks.
func (w *Worker) pinnedWithoutWorkers(ctx context.Context) (int64, error) {
	d, err := w.polling(ctx)
	if err != nil {
		return 0, err
	}
	query := `WorkflowType = "Payment" AND ExecutionStatus = "Running" AND TemporalWorkflowVersioningBehavior = "Pinned"`
	for build := range d.polling {
		if build != "" {
			query += fmt.Sprintf(" AND TemporalWorkerDeploymentVersion != %q", workflows.Deployment+":"+build)
		}
	}
	found, err := w.Temporal.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{Query: query})
	return found.GetCount(), err
}

package rabbitmq

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

const (
	queuesEvery = 15 * time.Second // the broker is asked at most so often, however many scrapes come
	queuesTime  = 2 * time.Second
)

var (
	queueUp = prometheus.NewDesc("onlywave_queue_up",
		"1 while the queue answers, 0 while it does not, and the broker does. Of the broker: take the minimum over processes.", []string{"queue"}, nil)
	queueMessages = prometheus.NewDesc("onlywave_queue_messages",
		"Messages that wait in the queue, without those that a consumer holds. Of the broker: take the maximum over processes.", []string{"queue"}, nil)
	queueConsumers = prometheus.NewDesc("onlywave_queue_consumers",
		"Consumers of the queue. Of the broker: take the maximum over processes.", []string{"queue"}, nil)
)

// Queues shows our queues as the broker reports them. While the broker does not answer it shows nothing.
type Queues struct {
	ask func(context.Context) ([]QueueDepth, error)
	log *slog.Logger

	mu     sync.Mutex
	asking bool
	asked  time.Time
	last   []QueueDepth
}

// NewQueues makes them. The first scrape asks the broker.
func NewQueues(urls []string, log *slog.Logger) *Queues {
	return &Queues{ask: func(ctx context.Context) ([]QueueDepth, error) { return Depths(ctx, urls) }, log: log}
}

// Describe makes Queues a prometheus.Collector.
func (q *Queues) Describe(to chan<- *prometheus.Desc) {
	to <- queueUp
	to <- queueMessages
	to <- queueConsumers
}

// Collect shows what the broker said last, and asks anew when that is old. It does not wait for the answer, which belongs to the next
// scrape: a broker that hangs must not cost a process all its other metrics.
func (q *Queues) Collect(to chan<- prometheus.Metric) {
	show := func(d *prometheus.Desc, value float64, queue string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, queue)
	}
	for _, d := range q.current() {
		if d.Err != nil {
			show(queueUp, 0, d.Queue)
			continue
		}
		show(queueUp, 1, d.Queue)
		show(queueMessages, float64(d.Messages), d.Queue)
		show(queueConsumers, float64(d.Consumers), d.Queue)
	}
}

func (q *Queues) current() []QueueDepth {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.asking && time.Since(q.asked) >= queuesEvery {
		q.asking = true
		go q.refresh()
	}
	return q.last
}

func (q *Queues) refresh() {
	ctx, cancel := context.WithTimeout(context.Background(), queuesTime)
	defer cancel()
	found, err := q.ask(ctx)
	if err != nil {
		q.log.Warn("queues", "error", err)
	}
	for _, d := range found {
		if d.Err != nil {
			q.log.Warn("queue does not answer", "queue", d.Queue, "error", d.Err)
		}
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.asking, q.asked, q.last = false, time.Now(), found
}

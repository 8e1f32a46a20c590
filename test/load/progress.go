package load

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// progress prints the run's counts once a second.
func (l *Log) progress(out io.Writer, over <-chan struct{}) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-over:
			return
		case <-tick.C:
			l.mu.Lock()
			fmt.Fprintf(out, "  %4.0fs  %s\n", time.Since(l.Began).Seconds(), l.line())
			l.mu.Unlock()
		}
	}
}

func (l *Log) line() string {
	c := l.Counts
	text := fmt.Sprintf("requests %d  2xx %d  4xx %d  5xx %d  broken %d  in flight %d  p50 %s  p99 %s  approved %d/%d",
		c.Asked, c.Answers[2], c.Answers[4], c.Answers[5], c.Answers[0], c.InFlight,
		at(l.Latency, 50), at(l.Latency, 99), c.Approved, c.Paid)
	if c.Shed > 0 {
		text += fmt.Sprintf("  shed %d", c.Shed)
	}
	if n := c.Duplicates + c.Forged + c.Replayed; n > 0 {
		text += fmt.Sprintf("  webhooks %d", n)
	}
	return text
}

// report prints the totals, the rates, and the distribution of the latencies.
func (l *Log) report(out io.Writer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c, took := l.Counts, time.Since(l.Began).Seconds()
	fmt.Fprintf(out, "\n%d requests, %d acknowledged, %d refused, %d given up, %d shed, in %.1f s\n", c.Asked, c.Acknowledged, c.Refused, c.GivenUp, c.Shed, took)
	fmt.Fprintf(out, "responses: %d of 2xx, %d of 4xx, %d of 5xx, %d broken; %d buyers paid, %d approved; %d reads, %d failed\n",
		c.Answers[2], c.Answers[4], c.Answers[5], c.Answers[0], c.Paid, c.Approved, c.Reads, c.ReadsFailed)
	if c.Duplicates+c.Forged+c.Replayed > 0 {
		fmt.Fprintf(out, "webhooks: %d duplicates ordered, %d forged (%d accepted), %d replayed (%d accepted), %d unanswered, %d shed\n",
			c.Duplicates, c.Forged, c.ForgedLetIn, c.Replayed, c.ReplayedLetIn, c.WebhooksUnanswered, c.WebhooksShed)
	}
	fmt.Fprintf(out, "rates: %.1f/s requests, %.1f/s acknowledged, %.1f/s approved\n",
		rate(c.Asked, took), rate(c.Acknowledged, took), rate(c.Approved, took))
	spread(out, "due → answered", l.Latency)
	spread(out, "buyer pays → approved", l.Approval)
}

func rate(n int, seconds float64) float64 { return float64(n) / max(seconds, 1e-3) }

// spread prints a histogram: for each percentile the latency, and a bar as long as its share of the longest.
func spread(out io.Writer, title string, h *hdrhistogram.Histogram) {
	if h.TotalCount() == 0 {
		return
	}
	const longest = 40
	fmt.Fprintf(out, "\n%s (%d)\n", title, h.TotalCount())
	for _, p := range []float64{50, 75, 90, 95, 99, 99.9, 100} {
		value := h.ValueAtPercentile(p)
		fmt.Fprintf(out, "  p%-5g %9s  %s\n", p, at(h, p), strings.Repeat("▇", int(value*longest/max(h.Max(), 1))))
	}
}

// at is a rounded percentile; zero when nothing was measured.
func at(h *hdrhistogram.Histogram, percentile float64) time.Duration {
	d := time.Duration(h.ValueAtPercentile(percentile)) * time.Microsecond
	if d < 10*time.Millisecond {
		return d.Round(10 * time.Microsecond)
	}
	return d.Round(time.Millisecond)
}

package console

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/postgres"
)

const (
	figuresSpan  = 15 * time.Minute
	figuresSpans = int(24 * time.Hour / figuresSpan)
	figuresKept  = time.Minute // the database is asked at most so often by one process
)

// figures are the numbers of the last day.
type figures struct {
	since    time.Time
	payments []postgres.Figure
	samples  []postgres.Sample
}

// figuresCache keeps the newest figures, so that many users cost the database no more than one. A question that fails is not kept.
type figuresCache struct {
	mu   sync.Mutex
	at   time.Time
	last figures
}

// figures are those of the last minute, or new ones.
func (c *Console) figures(ctx context.Context) (figures, error) {
	c.known.mu.Lock()
	defer c.known.mu.Unlock()
	if time.Since(c.known.at) < figuresKept {
		return c.known.last, nil
	}
	ctx, cancel := context.WithTimeout(ctx, partTimeout)
	defer cancel()
	f := figures{since: time.Now().Truncate(figuresSpan).Add(figuresSpan - 24*time.Hour)}
	var err error
	if f.payments, err = c.config.Store.Figures(ctx, f.since, figuresSpan); err != nil {
		return figures{}, err
	}
	if f.samples, err = c.config.Store.Samples(ctx, f.since); err != nil {
		return figures{}, err
	}
	c.known.at, c.known.last = time.Now(), f
	return f, nil
}

type figuresPage struct{ Charts []chart }

func (c *Console) showFigures(r *request) (response, error) {
	f, err := c.figures(r.Context())
	if err != nil {
		return response{}, err
	}
	return response{page: "figures", title: "Figures", data: figuresPage{[]chart{
		f.outcomes(r), f.approvalTimes(r), f.approvalRates(r), f.breakers(r), f.queues(r),
	}}}, nil
}

// span is the number of the span of a time; false: it is not in the day.
func (f figures) span(at time.Time) (int, bool) {
	n := int(at.Sub(f.since) / figuresSpan)
	return n, n >= 0 && n < figuresSpans && !at.Before(f.since)
}

// hours label the time axis.
func (f figures) hours() (labels []string) {
	for n := range 5 {
		labels = append(labels, f.since.Add(time.Duration(n)*6*time.Hour).UTC().Format("15:04"))
	}
	return labels
}

// clock is the begin of a span in a table.
func (f figures) clock(span int) string {
	return f.since.Add(time.Duration(span) * figuresSpan).UTC().Format("15:04")
}

// outcome is where a payment stands, in four groups: paid, waiting, ended without payment, unknown.
func outcome(s payment.Status) int {
	switch s {
	case payment.Approved, payment.PartiallyRefunded, payment.Refunded, payment.InDispute, payment.ChargedBack:
		return 0
	case payment.Unknown:
		return 3
	case payment.Rejected, payment.Cancelled, payment.Expired, payment.Failed:
		return 2
	}
	return 1
}

func (f figures) outcomes(r *request) chart {
	names := []string{r.say("paid"), r.say("waiting"), r.say("ended without payment"), r.say("unknown outcome")}
	classes := []string{"fill-good", "fill-waiting", "fill-quiet", "fill-bad"}
	values := make([][]float64, len(names))
	for i := range values {
		values[i] = make([]float64, figuresSpans)
	}
	counts, totals := map[int][]int{}, make([]float64, figuresSpans)
	for _, p := range f.payments {
		n, ok := f.span(p.From)
		if !ok || p.Status == "" {
			continue
		}
		if counts[n] == nil {
			counts[n] = make([]int, len(names))
		}
		counts[n][outcome(p.Status)] += p.Count
		values[outcome(p.Status)][n] += float64(p.Count) / figuresSpan.Minutes()
		totals[n] += float64(p.Count) / figuresSpan.Minutes()
	}
	top := roundUp(slices.Max(totals))
	c := chart{
		ID: "outcomes", Title: r.say("Payments a minute"), About: r.say("Payments by when they were created and where they stand now, in spans of 15 minutes."),
		Max: number(top), Hours: f.hours(), Head: append([]string{r.say("Time")}, names...), Empty: len(counts) == 0,
	}
	for i, name := range names {
		c.Legend = append(c.Legend, legend{classes[i], name})
	}
	for n := range figuresSpans {
		if of := counts[n]; of != nil {
			c.Rows = append(c.Rows, []string{f.clock(n), fmt.Sprint(of[0]), fmt.Sprint(of[1]), fmt.Sprint(of[2]), fmt.Sprint(of[3])})
		}
	}
	c.SVG = svg(c.Title, c.About, bars(values, classes, top))
	return c
}

func (f figures) approvalTimes(r *request) chart {
	c := chart{
		ID: "approval-times", Title: r.say("Time to approved, in seconds"), Hours: f.hours(), Empty: true,
		About:  r.say("Time from the creation of a payment to its approval: the median, and the time within which 95 of 100 were approved."),
		Legend: []legend{{"line-1", r.say("median (p50)")}, {"line-2", "p95"}}, Head: []string{r.say("Time"), "p50", "p95"},
	}
	values := [][]float64{unknownSpans(), unknownSpans()}
	for _, p := range f.payments {
		if n, ok := f.span(p.From); ok && p.Status == "" && p.P50 > 0 {
			values[0][n], values[1][n], c.Empty = p.P50, p.P95, false
			c.Rows = append(c.Rows, []string{f.clock(n), fmt.Sprintf("%.1f", p.P50), fmt.Sprintf("%.1f", p.P95)})
		}
	}
	top := roundUp(slices.Max(values[1]))
	c.Max, c.SVG = number(top), svg(c.Title, c.About, lines(values, []string{"line-1", "line-2"}, top))
	return c
}

func (f figures) approvalRates(r *request) chart {
	c := chart{
		ID: "approval-rates", Title: r.say("Approval rate by method"), Hours: f.hours(), Max: "100%",
		About: r.say("Of the payments that have ended, how many in 100 were paid, by method."), Head: []string{r.say("Time")},
	}
	ended, paid := map[payment.MethodType][]int{}, map[payment.MethodType][]int{}
	var methods []payment.MethodType
	for _, p := range f.payments {
		n, ok := f.span(p.From)
		group := outcome(p.Status)
		if !ok || p.Status == "" || group == 1 || group == 3 {
			continue
		}
		if ended[p.Method] == nil {
			methods = append(methods, p.Method)
			ended[p.Method], paid[p.Method] = make([]int, figuresSpans), make([]int, figuresSpans)
		}
		ended[p.Method][n] += p.Count
		if group == 0 {
			paid[p.Method][n] += p.Count
		}
	}
	slices.Sort(methods)
	var values [][]float64
	for i, m := range methods {
		series := unknownSpans()
		for n := range figuresSpans {
			if ended[m][n] > 0 {
				series[n] = 100 * float64(paid[m][n]) / float64(ended[m][n])
			}
		}
		values = append(values, series)
		c.Legend, c.Head = append(c.Legend, legend{lineClasses[i%len(lineClasses)], string(m)}), append(c.Head, string(m))
	}
	c.Rows = f.rows(values, "%.0f%%")
	c.Empty = len(methods) == 0
	c.SVG = svg(c.Title, c.About, lines(values, lineClasses, 100))
	return c
}

// lineClasses are the colours of lines, in order.
var lineClasses = []string{"line-1", "line-2", "line-3", "line-4", "line-5"}

// unknownSpans are spans without a value.
func unknownSpans() []float64 { return slices.Repeat([]float64{-1}, figuresSpans) }

// rows are the rows of a table with the known values of series.
func (f figures) rows(series [][]float64, format string) (rows [][]string) {
	for n := range figuresSpans {
		row, known := []string{f.clock(n)}, false
		for _, values := range series {
			cell := "–"
			if values[n] >= 0 {
				cell, known = fmt.Sprintf(format, values[n]), true
			}
			row = append(row, cell)
		}
		if known {
			rows = append(rows, row)
		}
	}
	return rows
}

// worst are the largest samples of each span, by name.
func (f figures) worst(kind postgres.SampleKind) (names []string, series map[string][]float64) {
	series = map[string][]float64{}
	for _, s := range f.samples {
		n, ok := f.span(s.Minute)
		if !ok || s.Kind != kind {
			continue
		}
		if series[s.Name] == nil {
			names, series[s.Name] = append(names, s.Name), unknownSpans()
		}
		series[s.Name][n] = max(series[s.Name][n], float64(s.Value))
	}
	return names, series
}

func (f figures) breakers(r *request) chart {
	names, series := f.worst(postgres.BreakerSample)
	c := chart{
		ID: "breaker-states", Title: r.say("Breakers"), Hours: f.hours(), Head: []string{r.say("Time")}, Empty: len(names) == 0,
		About:  r.say("The worst state of each breaker in spans of 15 minutes; one strip for each breaker."),
		Legend: []legend{{"fill-good", r.say("closed")}, {"fill-waiting", r.say("half-open")}, {"fill-bad", r.say("open")}},
	}
	states := []string{r.say("closed"), r.say("half-open"), r.say("open")}
	classes := make([][]string, len(names))
	for i, name := range names {
		c.Head, c.Lanes = append(c.Head, words(r.language, name)), append(c.Lanes, words(r.language, name))
		classes[i] = make([]string, figuresSpans)
		for n, value := range series[name] {
			if value >= 0 {
				classes[i][n] = []string{"fill-good", "fill-waiting", "fill-bad"}[min(int(value), 2)]
			}
		}
	}
	for n := range figuresSpans {
		row, known := []string{f.clock(n)}, false
		for _, name := range names {
			cell := "–"
			if value := series[name][n]; value >= 0 {
				cell, known = states[min(int(value), 2)], true
			}
			row = append(row, cell)
		}
		if known {
			c.Rows = append(c.Rows, row)
		}
	}
	c.SVG = svg(c.Title, c.About, lanes(classes))
	return c
}

func (f figures) queues(r *request) chart {
	names, series := f.worst(postgres.QueueSample)
	// Five lines are enough to read: those of the queues that were the longest.
	slices.SortStableFunc(names, func(a, b string) int { return int(slices.Max(series[b]) - slices.Max(series[a])) })
	names = names[:min(len(names), len(lineClasses))]
	c := chart{
		ID: "queue-depths", Title: r.say("Messages waiting in queues"), Hours: f.hours(), Head: []string{r.say("Time")}, Empty: len(names) == 0,
		About: r.say("The most messages that waited in spans of 15 minutes, of the five longest queues."),
	}
	var values [][]float64
	most := 0.0
	for i, name := range names {
		values, most = append(values, series[name]), max(most, slices.Max(series[name]))
		short := strings.TrimPrefix(name, "onlywave.")
		c.Head, c.Legend = append(c.Head, short), append(c.Legend, legend{lineClasses[i], short})
	}
	top := roundUp(most)
	c.Max, c.Rows = number(top), f.rows(values, "%.0f")
	c.SVG = svg(c.Title, c.About, lines(values, lineClasses, top))
	return c
}

// number is the top of a scale.
func number(value float64) string { return fmt.Sprintf("%g", value) }

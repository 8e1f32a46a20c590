package drills

import (
	"fmt"
	"io"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/onlywave/onlywave/test/load"
	"github.com/onlywave/onlywave/test/report"
)

// Result is the outcome of one drill.
type Result struct {
	Drill       Drill
	Log         *load.Log
	Webhooks    int // sent to the platform, the flood's too
	DeadLetters int
	Objections  []Objection
	Remarks     []string
	Err         error // the drill could not be run to its end
	Took        time.Duration
}

// Passed says whether the drill ran to its end without an objection.
func (r Result) Passed() bool { return r.Err == nil && len(r.Objections) == 0 }

const shownObjections = 10

// print shows the result and its first objections.
func (r Result) print(out io.Writer) {
	for i, o := range r.Objections {
		if i == shownObjections {
			fmt.Fprintf(out, "  … and %d more\n", len(r.Objections)-i)
			break
		}
		fmt.Fprintf(out, "  ✗ %s\n", o)
	}
	if r.Err != nil {
		fmt.Fprintf(out, "  ✗ did not run to its end: %v\n", r.Err)
	}
	mark := "✓"
	if !r.Passed() {
		mark = "✗"
	}
	fmt.Fprintf(out, "  %s %s\n", mark, strings.Join(r.cells(), " | "))
}

// cells are the result's row of the table.
func (r Result) cells() []string {
	outcome := "**" + strconv.Itoa(len(r.Objections)) + " objections**"
	switch {
	case r.Err != nil:
		outcome = "**did not run**"
	case r.Passed():
		outcome = "passed"
	}
	cells := []string{"`" + r.Drill.Name + "`", r.Drill.Shows, fmt.Sprintf("%g/s for %s", r.Drill.Rate, lead+r.Drill.Lasts+trail)}
	if r.Log == nil {
		return append(cells, "", "", "", "", strings.Join(r.Remarks, "; "), outcome, r.Took.Round(time.Second).String())
	}
	c := r.Log.Counts
	return append(cells,
		fmt.Sprintf("%d / %d / %d", c.Asked, c.Acknowledged, c.Approved),
		strconv.Itoa(repetitions(r.Log)),
		fmt.Sprintf("%d / %d", r.Webhooks, r.DeadLetters),
		fmt.Sprintf("%s / %s", latency(r.Log, 50), latency(r.Log, 99)),
		strings.Join(r.Remarks, "; "), outcome, r.Took.Round(time.Second).String())
}

// repetitions counts the requests that a client had to send again.
func repetitions(l *load.Log) int {
	n := 0
	for _, i := range l.Intents {
		n += max(0, len(i.Answers)-1)
	}
	return n
}

func latency(l *load.Log, percentile float64) time.Duration {
	return (time.Duration(l.Latency.ValueAtPercentile(percentile)) * time.Microsecond).Round(time.Millisecond)
}

func table(results []Result) string {
	var rows [][]string
	for _, r := range results {
		rows = append(rows, r.cells())
	}
	return report.Table([]string{"drill", "what it shows", "load", "requests / acknowledged / approved", "requests repeated",
		"webhooks / dead letters", "answered p50 / p99", "remarks", "outcome", "took"}, rows)
}

// reportTable is the table as the page shows it.
func reportTable(results []Result, seed uint64, length time.Duration) string {
	return fmt.Sprintf("Seed %d, %s on %d cores.\n\n%s", seed, length.Round(time.Second), runtime.NumCPU(), table(results))
}

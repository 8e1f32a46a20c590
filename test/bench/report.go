package bench

import (
	"fmt"
	"runtime"
	"strings"

	"github.com/onlywave/onlywave/test/report"
)

// results is the table of figures, and what stands below it.
type results struct {
	rows  [][]string
	notes []string
}

func (r *results) row(figure, ours, bare, verdict string) {
	r.rows = append(r.rows, []string{figure, ours, bare, verdict})
}

func (r *results) note(format string, args ...any) {
	r.notes = append(r.notes, fmt.Sprintf(format, args...))
}

// ratio is a row for a rate that must reach a share of the bare one: the median share of the pairs decides.
func (r *results) ratio(figure string, t turns, least float64) {
	share := median(t.ratios)
	verdict := fmt.Sprintf("%.2f of it (pairs from %.2f to %.2f); target %.1f", share, t.ratios[0], t.ratios[len(t.ratios)-1], least)
	if share < least {
		verdict += ", **missed**"
	}
	r.row(figure, fmt.Sprintf("%.0f/s", t.ours), fmt.Sprintf("%.0f/s", t.bare), verdict)
}

func (r *results) markdown() string {
	var t strings.Builder
	fmt.Fprintf(&t, "Measured on %d cores with %s.\n\n", runtime.NumCPU(), runtime.Version())
	t.WriteString(report.Table([]string{"figure", "ours", "limit in the same run", ""}, r.rows))
	for _, n := range r.notes {
		t.WriteString("\n" + n + "\n")
	}
	return t.String()
}

// keep puts the table between the marks in the report's file.
func (r *results) keep(file string) error { return report.Keep(file, "measured", r.markdown()) }

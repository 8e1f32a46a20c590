package bench

import (
	"fmt"
	"runtime"
	"strings"

	"github.com/onlywave/onlywave/test/report"
)

// results is the table and the notes below it.
type results struct {
	rows  [][]string
	notes []string
}

func (r *results) row(name, ours, bare, comparison string) {
	r.rows = append(r.rows, []string{name, ours, bare, comparison})
}

func (r *results) note(format string, args ...any) {
	r.notes = append(r.notes, fmt.Sprintf(format, args...))
}

// ratio adds a row for a rate that must reach a share of the bare rate, as the median of the pairs.
func (r *results) ratio(name string, t turns, least float64) {
	share := median(t.ratios)
	comparison := fmt.Sprintf("%.2f of it (pairs from %.2f to %.2f); target %.1f", share, t.ratios[0], t.ratios[len(t.ratios)-1], least)
	if share < least {
		comparison += ", **missed**"
	}
	r.row(name, fmt.Sprintf("%.0f/s", t.ours), fmt.Sprintf("%.0f/s", t.bare), comparison)
}

func (r *results) markdown() string {
	var t strings.Builder
	fmt.Fprintf(&t, "Measured on %d cores with %s.\n\n", runtime.NumCPU(), runtime.Version())
	t.WriteString(report.Table([]string{"measured", "OnlyWave", "limit in the same run", "comparison"}, r.rows))
	for _, n := range r.notes {
		t.WriteString("\n" + n + "\n")
	}
	return t.String()
}

// keep replaces the table in the report's file.
func (r *results) keep(file string) error { return report.Keep(file, "measured", r.markdown()) }

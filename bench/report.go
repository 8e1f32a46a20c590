package bench

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
)

// The marks in the report's file between which the table stands.
const (
	beginMark = "<!-- measured: begin -->"
	endMark   = "<!-- measured: end -->"
)

// report is the table of figures, and what stands below it.
type report struct {
	rows  [][4]string
	notes []string
}

func (r *report) row(figure, ours, bare, verdict string) {
	r.rows = append(r.rows, [4]string{figure, ours, bare, verdict})
}

func (r *report) note(format string, args ...any) {
	r.notes = append(r.notes, fmt.Sprintf(format, args...))
}

// ratio is a row for a rate that must reach a share of the bare one: the median share of the pairs decides.
func (r *report) ratio(figure string, t turns, least float64) {
	share := median(t.ratios)
	verdict := fmt.Sprintf("%.2f of it (pairs from %.2f to %.2f); target %.1f", share, t.ratios[0], t.ratios[len(t.ratios)-1], least)
	if share < least {
		verdict += ", **missed**"
	}
	r.row(figure, fmt.Sprintf("%.0f/s", t.ours), fmt.Sprintf("%.0f/s", t.bare), verdict)
}

func (r *report) markdown() string {
	var t strings.Builder
	fmt.Fprintf(&t, "Measured on %d cores with %s.\n\n", runtime.NumCPU(), runtime.Version())
	t.WriteString("| figure | ours | limit in the same run | |\n|---|---|---|---|\n")
	for _, row := range r.rows {
		fmt.Fprintf(&t, "| %s |\n", strings.Join(row[:], " | "))
	}
	for _, n := range r.notes {
		t.WriteString("\n" + n + "\n")
	}
	return t.String()
}

func replaceBetween(text, table string) (string, error) {
	before, rest, ok := strings.Cut(text, beginMark)
	_, after, ok2 := strings.Cut(rest, endMark)
	if !ok || !ok2 {
		return "", errors.New("the marks of the measured table are missing")
	}
	return before + beginMark + "\n" + table + endMark + after, nil
}

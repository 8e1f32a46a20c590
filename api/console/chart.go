package console

import (
	"fmt"
	"html/template"
	"strings"
)

// chart is a picture of numbers over a day: an SVG that a style sheet colours, a legend, and the same as a table. The known Go
// libraries for charts write fixed colours and fonts into the picture or need a script; the pages' rules allow neither.
type chart struct {
	ID     string
	Title  string
	About  string // what it shows, for those who cannot see it
	Max    string // the value of the top line; empty: there is no scale
	Hours  []string
	Legend []legend
	Lanes  []string // the names of the strips, if it has strips
	SVG    template.HTML
	Head   []string // of the table
	Rows   [][]string
	Empty  bool
}

// legend names a colour.
type legend struct{ Class, Name string }

// The size of a picture in its own units. The page stretches it; texts stand outside, so that they keep their size.
const (
	chartWidth  = 960.0
	chartHeight = 160.0
)

// svg wraps the marks of a picture.
func svg(title, about, marks string) template.HTML {
	return template.HTML(fmt.Sprintf(`<svg class="plot" viewBox="0 0 %g %g" preserveAspectRatio="none" role="img"><title>%s</title><desc>%s</desc>%s</svg>`,
		chartWidth, chartHeight, template.HTMLEscapeString(title), template.HTMLEscapeString(about), marks))
}

// gridLines are three lines across a picture.
func gridLines() string {
	var b strings.Builder
	for _, part := range []float64{0, 0.5, 1} {
		y := part*(chartHeight-1) + 0.5
		fmt.Fprintf(&b, `<line class="grid-line" x1="0" x2="%g" y1="%g" y2="%g"/>`, chartWidth, y, y)
	}
	return b.String()
}

// bars are stacked bars: values[series][span].
func bars(values [][]float64, classes []string, top float64) string {
	var b strings.Builder
	b.WriteString(gridLines())
	if len(values) == 0 || top <= 0 {
		return b.String()
	}
	width := chartWidth / float64(len(values[0]))
	for span := range values[0] {
		y := chartHeight
		for series := range values {
			height := values[series][span] / top * chartHeight
			if height <= 0 {
				continue
			}
			y -= height
			fmt.Fprintf(&b, `<rect class="%s" x="%.1f" y="%.1f" width="%.1f" height="%.1f"/>`, classes[series], float64(span)*width+0.5, y, width-1, height)
		}
	}
	return b.String()
}

// lines are one line for each series: values[series][span]. A span without a value, below 0, interrupts the line.
func lines(values [][]float64, classes []string, top float64) string {
	var b strings.Builder
	b.WriteString(gridLines())
	if top <= 0 {
		return b.String()
	}
	for series, all := range values {
		width := chartWidth / float64(len(all))
		for from := 0; from < len(all); {
			to := from
			var path strings.Builder
			for to < len(all) && all[to] >= 0 {
				fmt.Fprintf(&path, "%c%.1f %.1f", "ML"[min(to-from, 1)], (float64(to)+0.5)*width, chartHeight-all[to]/top*chartHeight)
				to++
			}
			switch to - from {
			case 0:
				to++
			case 1: // a single value is a dot
				fmt.Fprintf(&b, `<path class="%s dot" d="%sh.1"/>`, classes[series], path.String())
			default:
				fmt.Fprintf(&b, `<path class="%s" d="%s"/>`, classes[series], path.String())
			}
			from = to
		}
	}
	return b.String()
}

// lanes are one strip for each series: classes[series][span] is the colour, or empty if nothing is known.
func lanes(classes [][]string) string {
	var b strings.Builder
	height := chartHeight / float64(max(1, len(classes)))
	for series, all := range classes {
		width := chartWidth / float64(len(all))
		for from := 0; from < len(all); {
			to := from
			for to < len(all) && all[to] == all[from] {
				to++
			}
			if all[from] != "" {
				fmt.Fprintf(&b, `<rect class="%s" x="%.1f" y="%.1f" width="%.1f" height="%.1f"/>`,
					all[from], float64(from)*width, float64(series)*height+2, float64(to-from)*width, height-4)
			}
			from = to
		}
	}
	return b.String()
}

// roundUp is the next number for the top of a scale: 1, 2 or 5 with noughts.
func roundUp(value float64) float64 {
	for step := 1.0; ; step *= 10 {
		for _, times := range []float64{1, 2, 5} {
			if top := step * times; top >= value {
				return top
			}
		}
	}
}

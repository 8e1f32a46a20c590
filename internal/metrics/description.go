package metrics

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
)

// Description is what is known of a metric before it has a value.
type Description struct {
	Name   string
	Type   string // counter, gauge or histogram
	Help   string
	Labels []string
}

// Descriptions are those of all metrics that are shown, by name. Temporal's client describes none before it measures.
func (w *Watch) Descriptions() ([]Description, error) {
	byName := map[string]Description{}
	for _, collector := range w.shown {
		described := make(chan *prometheus.Desc, 100)
		go func() {
			defer close(described)
			collector.Describe(described)
		}()
		for desc := range described {
			d, err := describe(desc, collector)
			if err != nil {
				return nil, err
			}
			byName[d.Name] = d
		}
	}
	var all []Description
	for _, d := range byName {
		all = append(all, d)
	}
	slices.SortFunc(all, func(a, b Description) int { return strings.Compare(a.Name, b.Name) })
	return all, nil
}

// Prometheus' library shows what a Desc holds in this text only.
var (
	desc  = regexp.MustCompile(`^Desc\{fqName: ("(?:[^"\\]|\\.)*"), help: ("(?:[^"\\]|\\.)*"), constLabels: \{(.*)\}, variableLabels: \{(.*)\}\}$`)
	label = regexp.MustCompile(`[a-z_]+`)
	value = regexp.MustCompile(`="(?:[^"\\]|\\.)*"`)
)

func describe(from *prometheus.Desc, collector prometheus.Collector) (Description, error) {
	parts := desc.FindStringSubmatch(from.String())
	if parts == nil {
		return Description{}, fmt.Errorf("a description has another form: %s", from)
	}
	name, err := strconv.Unquote(parts[1])
	if err != nil {
		return Description{}, err
	}
	help, err := strconv.Unquote(parts[2])
	labels := append(label.FindAllString(value.ReplaceAllString(parts[3], ""), -1), label.FindAllString(parts[4], -1)...)
	return Description{name, typeOf(name, collector), help, labels}, err
}

// typeOf is a metric's type. A collector that is none of Prometheus' own has counters, which end in _total, and gauges.
func typeOf(name string, collector prometheus.Collector) string {
	switch collector.(type) {
	case *prometheus.HistogramVec, prometheus.Histogram:
		return "histogram"
	}
	if strings.HasSuffix(name, "_total") {
		return "counter"
	}
	return "gauge"
}

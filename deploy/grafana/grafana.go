// Package grafana makes the dashboards from a table of panels. Its one rule: a panel describes in words what it shows, and a test
// runs its query on a real Prometheus.
package grafana

import "encoding/json"

//go:generate go run generate.go

// Dashboard is a page of panels, two in a row.
type Dashboard struct {
	Name   string // of its file and in its URL
	Title  string
	Panels []Panel
}

// Panel is one graph.
type Panel struct {
	Title       string
	Description string // what it shows, and which values are bad
	Unit        string // as Grafana calls it
	Queries     []Query
	// Quiet says why the queries may find nothing; "": they must find something.
	Quiet string
}

// Query is in PromQL; rates are over $__rate_interval.
type Query struct{ Expr, Legend string }

type object = map[string]any

// JSON is the dashboard as Grafana reads it.
func (d Dashboard) JSON() ([]byte, error) {
	const width, height = 12, 8
	var panels []object
	source := object{"type": "prometheus", "uid": "prometheus"}
	for i, p := range d.Panels {
		var targets []object
		for n, q := range p.Queries {
			targets = append(targets, object{"refId": string(rune('A' + n)), "expr": q.Expr, "legendFormat": q.Legend, "datasource": source})
		}
		panels = append(panels, object{
			"id": i + 1, "type": "timeseries", "title": p.Title, "description": p.Description, "datasource": source, "targets": targets,
			"gridPos":     object{"x": i % 2 * width, "y": i / 2 * height, "w": width, "h": height},
			"fieldConfig": object{"defaults": object{"unit": p.Unit, "min": 0}, "overrides": []any{}},
			"options":     object{"tooltip": object{"mode": "multi"}, "legend": object{"displayMode": "list", "placement": "bottom"}},
		})
	}
	text, err := json.MarshalIndent(object{
		"uid": "onlywave-" + d.Name, "title": d.Title, "tags": []string{"onlywave"}, "schemaVersion": 39, "editable": false,
		"refresh": "10s", "time": object{"from": "now-1h", "to": "now"}, "timezone": "browser", "panels": panels,
	}, "", " ")
	return append(text, '\n'), err
}

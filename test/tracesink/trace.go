package tracesink

import (
	"cmp"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"
)

// Span is one operation of a trace. Ids are in hexadecimal.
type Span struct {
	Trace      string
	ID         string
	Parent     string // "" for the first
	Name       string
	Kind       string // server, client, producer, consumer or internal
	Service    string
	Began      time.Time
	Took       time.Duration
	Failure    string // a short description; "" when there is none
	Attributes []Attribute
	Links      []Link // to spans of other traces
}

// Attribute is a name and value of a span.
type Attribute struct{ Name, Value string }

// Link names a span of another trace.
type Link struct{ Trace, Span string }

// Attribute is the value of a span's attribute, "" when it has none.
func (s Span) Attribute(name string) string {
	for _, a := range s.Attributes {
		if a.Name == name {
			return a.Value
		}
	}
	return ""
}

func (s Span) end() time.Time { return s.Began.Add(s.Took) }

// Trace is the spans of one trace so far, in no order.
type Trace struct {
	ID    string
	Spans []Span
}

func (t *Trace) copy() Trace { return Trace{t.ID, slices.Clone(t.Spans)} }

// Root is its first span; of an incomplete trace, the earliest span without a parent.
func (t Trace) Root() Span {
	if rows := t.Rows(); len(rows) > 0 {
		return rows[0].Span
	}
	return Span{}
}

// Row is a span with its place in the tree.
type Row struct {
	Span
	Depth int
	// Waited is how long the trace was idle before this span.
	Waited time.Duration
}

// Rows are the spans as a tree: each before its children, and children by their start.
func (t Trace) Rows() []Row {
	known, inside := map[string]bool{}, map[string][]Span{}
	for _, s := range t.Spans {
		known[s.ID] = true
	}
	for _, s := range t.Spans {
		parent := s.Parent
		if !known[parent] {
			parent = ""
		}
		inside[parent] = append(inside[parent], s)
	}
	var rows []Row
	var add func(parent string, depth int)
	add = func(parent string, depth int) {
		children := inside[parent]
		delete(inside, parent) // so that a cycle ends
		slices.SortStableFunc(children, func(a, b Span) int { return cmp.Or(a.Began.Compare(b.Began), b.end().Compare(a.end())) })
		for _, s := range children {
			rows = append(rows, Row{Span: s, Depth: depth})
			add(s.ID, depth+1)
		}
	}
	add("", 0)
	gaps := t.gaps()
	for i := range rows {
		for _, g := range gaps {
			if rows[i].Began.Equal(g.to) {
				rows[i].Waited = g.to.Sub(g.from)
			}
		}
	}
	return rows
}

// gap is a time without any span.
type gap struct{ from, to time.Time }

// gaps are the longer ones, such as the wait for the buyer or for the end of an outage.
func (t Trace) gaps() []gap {
	const worth = 250 * time.Millisecond
	spans := slices.SortedFunc(slices.Values(t.Spans), func(a, b Span) int { return a.Began.Compare(b.Began) })
	var gaps []gap
	var busy time.Time
	for i, s := range spans {
		if i > 0 && s.Began.Sub(busy) > worth {
			gaps = append(gaps, gap{busy, s.Began})
		}
		if s.end().After(busy) {
			busy = s.end()
		}
	}
	return gaps
}

// String is the trace as a tree in text.
func (t Trace) String() string {
	var b strings.Builder
	root := t.Root()
	for _, r := range t.Rows() {
		if r.Waited > 0 {
			b.WriteString("         … waits " + short(r.Waited) + "\n")
		}
		b.WriteString(right(short(r.Began.Sub(root.Began)), 8) + " " + strings.Repeat("  ", r.Depth) + r.Name + "  " + short(r.Took) + "  (" + r.Service + ")")
		if r.Failure != "" {
			b.WriteString("  failed: " + r.Failure)
		}
		for range r.Links {
			b.WriteString("  ↔ another trace")
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func right(s string, width int) string {
	return strings.Repeat(" ", max(0, width-len([]rune(s)))) + s
}

// short is a rounded duration.
func short(d time.Duration) string {
	switch {
	case d >= 10*time.Second:
		return d.Round(time.Second).String()
	case d >= time.Second:
		return strconv.FormatFloat(d.Seconds(), 'f', 1, 64) + " s"
	}
	return strconv.FormatFloat(float64(d.Microseconds())/1000, 'f', 1, 64) + " ms"
}

func spansOf(request *collector.ExportTraceServiceRequest) []Span {
	var spans []Span
	for _, from := range request.GetResourceSpans() {
		service := valueOf(from.GetResource().GetAttributes(), "service.name")
		for _, scope := range from.GetScopeSpans() {
			for _, s := range scope.GetSpans() {
				spans = append(spans, spanOf(service, s))
			}
		}
	}
	return spans
}

func spanOf(service string, s *trace.Span) Span {
	began := time.Unix(0, int64(s.GetStartTimeUnixNano())) //nolint:gosec // a time of this century
	span := Span{
		Trace: hex.EncodeToString(s.GetTraceId()), ID: hex.EncodeToString(s.GetSpanId()), Parent: hex.EncodeToString(s.GetParentSpanId()),
		Name: s.GetName(), Kind: strings.ToLower(strings.TrimPrefix(s.GetKind().String(), "SPAN_KIND_")), Service: service,
		Began: began, Took: time.Unix(0, int64(s.GetEndTimeUnixNano())).Sub(began), //nolint:gosec // as above
	}
	if s.GetStatus().GetCode() == trace.Status_STATUS_CODE_ERROR {
		span.Failure = cmp.Or(s.GetStatus().GetMessage(), "error")
	}
	for _, a := range s.GetAttributes() {
		span.Attributes = append(span.Attributes, Attribute{a.GetKey(), textOf(a.GetValue())})
	}
	for _, l := range s.GetLinks() {
		span.Links = append(span.Links, Link{hex.EncodeToString(l.GetTraceId()), hex.EncodeToString(l.GetSpanId())})
	}
	return span
}

func valueOf(attributes []*common.KeyValue, name string) string {
	for _, a := range attributes {
		if a.GetKey() == name {
			return textOf(a.GetValue())
		}
	}
	return ""
}

func textOf(v *common.AnyValue) string {
	switch v := v.GetValue().(type) {
	case *common.AnyValue_StringValue:
		return v.StringValue
	case *common.AnyValue_IntValue:
		return strconv.FormatInt(v.IntValue, 10)
	case *common.AnyValue_BoolValue:
		return strconv.FormatBool(v.BoolValue)
	}
	return v.String()
}

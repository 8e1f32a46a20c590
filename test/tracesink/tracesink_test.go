package tracesink

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	resource "go.opentelemetry.io/proto/otlp/resource/v1"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

var noon = time.Date(2026, 11, 2, 12, 0, 0, 0, time.UTC)

func id(n byte, length int) []byte { return bytes.Repeat([]byte{n}, length) }

func text(name, value string) *common.KeyValue {
	return &common.KeyValue{Key: name, Value: &common.AnyValue{Value: &common.AnyValue_StringValue{StringValue: value}}}
}

// span is one of trace n, so many milliseconds after noon.
func span(n, own, parent byte, name string, from, to int) *trace.Span {
	s := &trace.Span{
		TraceId: id(n, 16), SpanId: id(own, 8), Name: name, Kind: trace.Span_SPAN_KIND_CLIENT,
		StartTimeUnixNano: uint64(noon.Add(time.Duration(from) * time.Millisecond).UnixNano()), //nolint:gosec // noon is later than 1970
		EndTimeUnixNano:   uint64(noon.Add(time.Duration(to) * time.Millisecond).UnixNano()),   //nolint:gosec // as above
	}
	if parent != 0 {
		s.ParentSpanId = id(parent, 8)
	}
	return s
}

// fill gives the sink spans in OTLP, and returns how its pages are read.
func fill(t *testing.T, spans ...*trace.Span) (*Sink, func(path string) (int, string)) {
	t.Helper()
	s := New()
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	body, err := proto.Marshal(&collector.ExportTraceServiceRequest{ResourceSpans: []*trace.ResourceSpans{{
		Resource:   &resource.Resource{Attributes: []*common.KeyValue{text("service.name", "onlywave-api")}},
		ScopeSpans: []*trace.ScopeSpans{{Spans: spans}},
	}}})
	require.NoError(t, err)
	answer, err := http.Post(server.URL+"/v1/traces", "application/x-protobuf", bytes.NewReader(body))
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	require.Equal(t, http.StatusOK, answer.StatusCode)
	return s, func(path string) (int, string) {
		answer, err := http.Get(server.URL + path)
		require.NoError(t, err)
		defer answer.Body.Close()
		require.Contains(t, answer.Header.Get("Content-Security-Policy"), "default-src 'none'")
		page, err := io.ReadAll(answer.Body)
		require.NoError(t, err)
		return answer.StatusCode, string(page)
	}
}

func TestATraceIsATreeInTheOrderOfTime(t *testing.T) {
	t.Parallel()
	failed := span(1, 5, 2, "call", 31_000, 31_010)
	failed.Status = &trace.Status{Code: trace.Status_STATUS_CODE_ERROR, Message: "unavailable"}
	failed.Links = []*trace.Span_Link{{TraceId: id(9, 16), SpanId: id(9, 8)}}
	s, _ := fill(t, span(1, 4, 2, "second", 20, 30), failed, span(1, 3, 2, "first", 10, 15), span(1, 2, 1, "start", 5, 40), span(1, 1, 0, "POST", 0, 50))
	found, ok := s.Trace(strings.Repeat("01", 16))
	require.True(t, ok)
	require.Equal(t, strings.Join([]string{
		"  0.0 ms POST  50.0 ms  (onlywave-api)",
		"  5.0 ms   start  35.0 ms  (onlywave-api)",
		" 10.0 ms     first  5.0 ms  (onlywave-api)",
		" 20.0 ms     second  10.0 ms  (onlywave-api)",
		"         … waits 31s",
		"     31s     call  10.0 ms  (onlywave-api)  failed: unavailable  ↔ another trace",
		"",
	}, "\n"), found.String())
	require.Equal(t, "client", found.Root().Kind)

	place := found.scale()
	require.Zero(t, place(noon))
	require.InDelta(t, 100, place(noon.Add(31_010*time.Millisecond)), .01)
	require.InDelta(t, 81.7, place(noon.Add(50*time.Millisecond)), .1, "60 ms of work have the room, not 31 s of waiting")
}

func TestWhatIsNotWholeIsShownAsFarAsItGoes(t *testing.T) {
	t.Parallel()
	s, _ := fill(t, span(1, 2, 7, "orphan", 5, 6), span(1, 3, 4, "a circle", 7, 8), span(1, 4, 3, "of two", 7, 8))
	found, _ := s.Trace(strings.Repeat("01", 16))
	require.Equal(t, "orphan", found.Root().Name)
	_, ok := s.Trace("none")
	require.False(t, ok)
}

func TestPagesShowTracesAndNothingRuns(t *testing.T) {
	t.Parallel()
	post := span(1, 1, 0, "POST <script>", 0, 50)
	post.Attributes = []*common.KeyValue{text("onlywave.payment_id", "p-1"), text("sql", "<b>")}
	get := span(2, 1, 0, "GET", 0, 50)
	get.Status = &trace.Status{Code: trace.Status_STATUS_CODE_ERROR}
	_, page := fill(t, post, get)

	status, front := page("/")
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, front, "POST &lt;script&gt;")
	require.Contains(t, front, ">GET</a> <span class=\"bad\">1 failed")
	_, one := page("/?payment=p-1")
	require.Contains(t, one, "POST")
	require.NotContains(t, one, ">GET<")
	_, bad := page("/?failed=1")
	require.NotContains(t, bad, "POST")
	_, none := page("/?payment=p-2")
	require.Contains(t, none, "No trace of that kind yet")

	status, whole := page("/traces/" + strings.Repeat("01", 16))
	require.Equal(t, http.StatusOK, status)
	require.NotContains(t, whole, "<script>")
	require.Contains(t, whole, "&lt;b&gt;")
	require.Contains(t, whole, `style="left:0%;width:100%"`)
	status, _ = page("/traces/none")
	require.Equal(t, http.StatusNotFound, status)
}

func TestOnlyTheLatestAreKept(t *testing.T) {
	t.Parallel()
	s := New()
	for i := range kept + 5 {
		s.keep([]Span{{Trace: fmt.Sprint(i), ID: "1"}})
	}
	require.Len(t, s.Traces(), kept)
	require.Equal(t, fmt.Sprint(kept+4), s.Traces()[0].ID)
	s.keep(make([]Span, maxSpans+5))
	require.Len(t, s.Traces()[0].Spans, maxSpans)
}

func TestWhatIsNotOTLPIsRefused(t *testing.T) {
	t.Parallel()
	post := func(contentType string, body []byte) int {
		out := httptest.NewRecorder()
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/traces", bytes.NewReader(body))
		r.Header.Set("Content-Type", contentType)
		New().ServeHTTP(out, r)
		return out.Code
	}
	require.Equal(t, http.StatusUnsupportedMediaType, post("application/json", []byte("{}")))
	require.Equal(t, http.StatusUnsupportedMediaType, post("application/x-protobuf", []byte("garbage")))
	require.Equal(t, http.StatusBadRequest, post("application/x-protobuf", make([]byte, maxBody+1)))
}

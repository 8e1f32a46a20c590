package api

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/failure"
)

// allocMax is the memory that refusing one request may allocate: the body is at most 64 KiB, and everything else is in proportion to
// it. The total that is allocated is never less than the memory in use at one time, and does not depend on the garbage collector.
const allocMax = 4 << 20

// stackMax is the same for the stack of the request's goroutine, which a recursive parser could fill.
const stackMax = 1 << 20

// No body may use up the memory of the process, on any route that takes JSON.
func TestOneBodyUsesLittleMemory(t *testing.T) { // not parallel: it measures the process
	f := newFixture(t)
	id := f.deadLetters.add("n-1", nil)
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(256 << 20)) // half the size of our containers
	routes := 0
	for _, r := range f.server.routes() {
		schema := bodySchema(f.server.contract.operation(r))
		if schema == nil {
			continue
		}
		routes++
		path := strings.NewReplacer(":id", id, ":name", "charge").Replace(r.path)
		for name, body := range hostileBodies(schema) {
			require.LessOrEqual(t, len(body), maxBody, name)
			w := f.measured(t, name, r.method, path, "", http.Header{"Content-Type": {"application/json"}, "Idempotency-Key": {"k"}}, body)
			if r.scope == public {
				continue // it accepts any body
			}
			require.GreaterOrEqual(t, w.Code, http.StatusBadRequest, "%s: %s", r.path, name)
			require.Less(t, w.Code, http.StatusInternalServerError, "%s: %s: %s", r.path, name, w.Body)
			require.LessOrEqual(t, len(decode[Problem](t, w).Errors), failure.MaxFields)
			require.Less(t, w.Body.Len(), 8<<10)
		}
	}
	require.GreaterOrEqual(t, routes, 5, "the routes that take JSON are found")
	require.Empty(t, f.engine.asked)
}

// The same for queries and headers.
func TestOneQueryOrHeaderUsesLittleMemory(t *testing.T) { // not parallel: it measures the process
	f := newFixture(t)
	const room = 14 << 10 // the server takes 16 KiB of headers and query together
	repeat := func(format string) string {
		var b strings.Builder
		for i := 0; b.Len() < room; i++ {
			fmt.Fprintf(&b, strings.ReplaceAll(format, "%d", "%[1]d"), i)
		}
		return b.String()[:room]
	}
	for _, r := range f.server.routes() {
		if r.scope == public {
			continue
		}
		path := strings.NewReplacer(":id", "x", ":name", "charge").Replace(r.path)
		for name, query := range map[string]string{
			"many parameters": repeat("k%d=1&"), "one parameter often": repeat("limit=1&"), "empty ones": repeat("&"), "a long one": repeat("limit1"),
			"a long value": "limit=" + repeat("1"), "a long cursor": "cursor=" + repeat("QUFB"),
		} {
			w := f.measured(t, name, r.method, path, query, http.Header{"Content-Type": {"application/json"}}, "")
			require.Equal(t, http.StatusBadRequest, w.Code, "%s: %s", r.path, name)
			require.Less(t, w.Body.Len(), 8<<10)
		}
		for name, headers := range map[string]http.Header{
			"preferences": {"Prefer": {repeat("wait=%d,")}}, "empty preferences": {"Prefer": {repeat(",")}},
			"many keys": {"Idempotency-Key": strings.Split(repeat("k,"), ",")}, "a long key": {"Idempotency-Key": {repeat("k")}},
			"a long type": {"Content-Type": {"application/json;" + repeat("a%d=b;")}}, "a long id": {"X-Request-Id": {repeat("i")}},
		} {
			f.measured(t, name, r.method, path, "", headers, goodBody)
		}
	}
}

// measured sends a request and checks how much memory it took.
func (f *fixture) measured(t *testing.T, name, method, path, query string, headers http.Header, body string) *httptest.ResponseRecorder {
	t.Helper()
	return f.measuredWithin(t, allocMax, name, method, path, query, headers, body)
}

func (f *fixture) measuredWithin(t *testing.T, limit int, name, method, path, query string, headers http.Header, body string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, host+path, strings.NewReader(body))
	r.URL.RawQuery, r.Header = query, headers
	if r.Header.Set("Authorization", "Bearer "+f.key); strings.HasPrefix(path, "/webhooks/") {
		r.URL.RawQuery = "data.id=106400160592&type=payment"
		r.Header.Set("X-Request-Id", "test-1")
		r.Header.Set("X-Signature", sign("106400160592", "test-1", strconv.FormatInt(time.Now().Unix(), 10)))
	}
	w := httptest.NewRecorder()
	served := make(chan struct{})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	go func() { // like net/http, on a stack of its own
		defer close(served)
		f.server.ServeHTTP(w, r)
	}()
	<-served
	runtime.ReadMemStats(&after)
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(limit), "%s %s: %s", method, path, name)
	require.Less(t, int64(after.StackInuse)-int64(before.StackInuse), int64(stackMax), "%s %s: %s", method, path, name)
	return w
}

// bodySchema is the schema of an operation's body, or nil when it takes no JSON.
func bodySchema(o *openapi3.Operation) *openapi3.Schema {
	if o == nil || o.RequestBody == nil || o.RequestBody.Value.Content["application/json"] == nil {
		return nil
	}
	return o.RequestBody.Value.Content["application/json"].Schema.Value
}

// hostileBodies are bodies of the full size by name. Each is tried at every place where the schema has an object.
func hostileBodies(schema *openapi3.Schema) map[string]string {
	bodies := map[string]string{
		"arrays":        strings.Repeat("[", maxBody),
		"closed arrays": strings.Repeat("[", maxBody/2) + strings.Repeat("]", maxBody/2),
		"objects":       strings.Repeat(`{"a":`, maxBody/5),
		"a string":      `"` + strings.Repeat("x", maxBody-2) + `"`,
		"a number":      strings.Repeat("9", maxBody),
		"blanks":        strings.Repeat(" ", maxBody),
		"a broken end":  strings.Repeat(" ", maxBody-1) + "x",
		"broken lines":  strings.Repeat("\n", maxBody-1) + "x",
		"bad UTF-8":     `"` + strings.Repeat("\xff", maxBody-2) + `"`,
		"zeros":         "[" + strings.Repeat("0,", maxBody/2-2) + "0]",
	}
	fill := func(format string) string {
		var b strings.Builder
		for i := 0; b.Len() < maxBody-200; i++ {
			if b.Len() > 0 {
				b.WriteByte(',')
			}
			fmt.Fprintf(&b, strings.ReplaceAll(format, "%d", "%[1]d"), i)
		}
		return b.String()
	}
	long := strings.Repeat("x", maxBody-300)
	for at, wrap := range objectsOf(schema, "", func(inner string) string { return "{" + inner + "}" }) {
		bodies["unknown fields in "+at] = wrap(fill(`"k%d":1`))
		bodies["texts in "+at] = wrap(fill(`"k%d":""`))
		bodies["objects in "+at] = wrap(fill(`"k%d":{"a":[]}`))
		bodies["control characters in "+at] = wrap(fill(`"%d\u0000":"\u0000"`))
		bodies["surrogates in "+at] = wrap(fill(`"k%d":"\ud800"`))
		bodies["nulls in "+at] = wrap(fill(`"k%d":null`))
		bodies["one field again and again in "+at] = wrap(fill(`"k":1`))
		bodies["a field again and again below "+at] = wrap(fill(`"k%d":{"a":1,"a":2}`))
		bodies["a long name in "+at] = wrap(`"` + long + `":1`)
		bodies["a long name of escapes in "+at] = wrap(`"` + long[:maxBody/2] + strings.Repeat(`~`, maxBody/4) + `":1`)
		bodies["a long name over many in "+at] = wrap(`"` + long[:maxBody/2] + `":{` + fill(`"k%d":1`)[:maxBody/2-400] + `1}`)
		bodies["a long text in "+at] = wrap(`"k":"` + long + `"`)
		bodies["arrays in "+at] = wrap(`"k":` + strings.Repeat("[", maxBody/2-200) + strings.Repeat("]", maxBody/2-200))
	}
	for at, wrap := range arraysOf(schema, "", func(inner string) string { return "{" + inner + "}" }) {
		bodies["numbers in "+at] = wrap(fill("1"))
		bodies["short texts in "+at] = wrap(fill(`"%d"`))
		bodies["objects in "+at] = wrap(fill(`{}`))
	}
	return bodies
}

// wrapper puts fields into a body at one place.
type wrapper = func(inner string) string

// objectsOf are the objects of a schema by pointer, itself included.
func objectsOf(schema *openapi3.Schema, at string, wrap wrapper) map[string]wrapper {
	found := map[string]wrapper{at + "/": wrap}
	for name, property := range schema.Properties {
		if property.Value.Type.Is(openapi3.TypeObject) {
			inner := func(fields string) string { return wrap(strconv.Quote(name) + ":{" + fields + "}") }
			for place, wrapped := range objectsOf(property.Value, at+"/"+name, inner) {
				found[place] = wrapped
			}
		}
	}
	return found
}

// arraysOf are the arrays of a schema by pointer.
func arraysOf(schema *openapi3.Schema, at string, wrap wrapper) map[string]wrapper {
	found := map[string]wrapper{}
	for name, property := range schema.Properties {
		switch {
		case property.Value.Type.Is(openapi3.TypeArray):
			found[at+"/"+name] = func(items string) string { return wrap(strconv.Quote(name) + ":[" + items + "]") }
		case property.Value.Type.Is(openapi3.TypeObject):
			inner := func(fields string) string { return wrap(strconv.Quote(name) + ":{" + fields + "}") }
			for place, wrapped := range arraysOf(property.Value, at+"/"+name, inner) {
				found[place] = wrapped
			}
		}
	}
	return found
}

package api

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/deadletter"
	"github.com/onlywave/onlywave/internal/failure"
)

// A wrong request gets a 4xx that says where it is wrong and repeats none of its values. It starts nothing.
func TestWrongBodiesAreRefused(t *testing.T) {
	t.Parallel()
	with := func(old, changed string) string { return strings.Replace(goodBody, old, changed, 1) }
	add := func(field string) string { return strings.Replace(goodBody, "{", "{"+field+", ", 1) }
	for name, row := range map[string]struct {
		body    string
		status  int
		code    string
		pointer string // of the first error; empty: there is none
		detail  string // part of it
	}{
		"empty":               {"", 400, "invalid_json", "", "empty"},
		"blank":               {" \n", 400, "invalid_json", "", "empty"},
		"no JSON":             {"amount=1050", 400, "invalid_json", "", "line 1, column 1"},
		"broken":              {"{\n  \"amount\": 1050,,\n}", 400, "invalid_json", "", "line 2, column 18"},
		"cut off":             {`{"amount": 1050`, 400, "invalid_json", "", "line 1, column 15"},
		"trailing garbage":    {goodBody + "x", 400, "invalid_json", "", "line 3"},
		"two objects":         {goodBody + goodBody, 400, "invalid_json", "", "line 3"},
		"invalid UTF-8":       {with("Order", "Or\xffder"), 400, "invalid_json", "", "UTF-8"},
		"deep":                {add(`"metadata2": ` + strings.Repeat("[", 200) + strings.Repeat("]", 200)), 400, "invalid_json", "", "nested"},
		"very deep":           {strings.Repeat("[", 60_000), 400, "invalid_json", "", "nested"},
		"null":                {"null", 422, "invalid_request", "", "an object"},
		"array":               {"[" + goodBody + "]", 422, "invalid_request", "", "an object"},
		"doubled key":         {add(`"amount": 1`), 422, "invalid_request", "/amount", "more than once"},
		"doubled key below":   {with(`"type": "pix"`, `"type": "pix", "type": "pix"`), 422, "invalid_request", "/method/type", "more than once"},
		"control character":   {with("Order 1042", `a\u0000b`), 422, "invalid_request", "/description", "control characters"},
		"control in a key":    {with(`"cart"`, `"\u0000"`), 422, "invalid_request", "/metadata", "control characters"},
		"lone surrogate":      {with("Order 1042", `a\ud800b`), 400, "invalid_json", "", "surrogate"},
		"lone low surrogate":  {with("c-7", `\udc00`), 400, "invalid_json", "", "surrogate"},
		"two high surrogates": {with("c-7", `\uD800\uD800`), 400, "invalid_json", "", "line 3"},
		"surrogate in a key":  {with(`"cart"`, `"\ud83d"`), 400, "invalid_json", "", "surrogate"},
		"turned around":       {with("Order 1042", "\u202e2401"), 422, "invalid_request", "/description", "U+202E"},
		"turned, escaped":     {with("c-7", `\u2066x`), 422, "invalid_request", "/metadata/cart", "U+2066"},
		"zero width":          {with("Ana Souza", "Ana\u200bSouza"), 422, "invalid_request", "/payer/name", "U+200B"},
		"line break":          {with("order-1042", `a\nb`), 422, "invalid_request", "/reference", "line breaks"},
		"unknown field":       {add(`"ammount": 1`), 422, "invalid_request", "/ammount", "remove it"},
		"unknown below":       {with(`"type"`, `"a/b~": 1, "type"`), 422, "invalid_request", "/method/a~1b~0", "remove it"},
		"field in capitals":   {add(`"Description": "x"`), 422, "invalid_request", "/Description", "remove it"},
		"no amount":           {with(`"amount": 1050,`, ""), 422, "invalid_request", "/amount", "missing"},
		"amount 0":            {with("1050", "0"), 422, "invalid_request", "/amount", "at least 1"},
		"amount -1":           {with("1050", "-1"), 422, "invalid_request", "/amount", "at least 1"},
		"amount 1.5":          {with("1050", "1.5"), 422, "invalid_request", "/amount", "whole number"},
		"amount 1050.0":       {with("1050", "1050.0"), 422, "invalid_request", "/amount", "digits only"},
		"amount 1e3":          {with("1050", "1e3"), 422, "invalid_request", "/amount", "digits only"},
		"amount 1e999":        {with("1050", "1e999"), 422, "invalid_request", "/amount", "whole number"},
		"amount string":       {with("1050", `"10"`), 422, "invalid_request", "/amount", "whole number"},
		"amount null":         {with("1050", "null"), 422, "invalid_request", "/amount", "whole number"},
		"amount 10^18":        {with("1050", "1000000000000000000"), 422, "invalid_request", "/amount", "at most"},
		"amount 10^30":        {with("1050", "1"+strings.Repeat("0", 30)), 422, "invalid_request", "/amount", "too large"},
		"currency":            {with("BRL", "USD"), 422, "invalid_request", "/currency", "BRL"},
		"no currency":         {with(`"currency": "BRL",`, ""), 422, "invalid_request", "/currency", "missing"},
		"method type":         {with(`"pix"`, `"cash"`), 422, "invalid_request", "/method/type", "pix"},
		"method string":       {with(`{"type": "pix", "expires_in": 3600}`, `"pix"`), 422, "invalid_request", "/method", "an object"},
		"expires soon":        {with("3600", "60"), 422, "invalid_request", "/method/expires_in", "1800"},
		"expires negative":    {with("3600", "-1"), 422, "invalid_request", "/method/expires_in", "1800"},
		"e-mail":              {with("ana@example.com", "ana"), 422, "invalid_request", "/payer/email", "e-mail"},
		"no payer":            {with(`"payer": {"email": "ana@example.com", "name": "Ana Souza", "tax_id": "12345678909"}, `, ""), 422, "invalid_request", "/payer", "missing"},
		"notified by pigeon":  {with(`"12345678909"`, `"12345678909", "notify_by": "pigeon"`), 422, "invalid_request", "/payer/notify_by", "email"},
		"language Latin":      {with(`"12345678909"`, `"12345678909", "language": "la"`), 422, "invalid_request", "/payer/language", "en"},
		"CPF":                 {with("12345678909", "12345678900"), 422, "invalid_request", "/payer/tax_id", "CPF"},
		"reference":           {with("order-1042", strings.Repeat("r", 65)), 422, "invalid_request", "/reference", "64"},
		"metadata number":     {with(`"c-7"`, "7"), 422, "invalid_request", "/metadata/cart", "a string"},
		"metadata nested":     {with(`"c-7"`, "{}"), 422, "invalid_request", "/metadata/cart", "a string"},
		"card number":         {with("c-7", "4111 1111 1111 1111"), 422, "invalid_request", "/metadata/cart", "card number"},
		"card number as key":  {with(`"cart"`, `"4111.1111.1111.1111"`), 422, "invalid_request", "/metadata", "card number"},
		"card, full width":    {with("Order 1042", "４１１１１１１１１１１１１１１１"), 422, "invalid_request", "/description", "card number"},
		"card as reference":   {with("order-1042", "4111/1111/1111/1111"), 422, "invalid_request", "/reference", "card number"},
		"2 MB":                {`{"description": "` + strings.Repeat("x", 2<<20) + `"}`, 413, "body_too_large", "", "64 KiB"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			w := f.create(t, "k", row.body)
			require.Equal(t, row.status, w.Code, "%s", w.Body)
			problem := decode[Problem](t, w)
			require.Equal(t, row.code, problem.Code)
			require.Contains(t, problem.Detail, row.detail)
			if row.pointer != "" {
				require.Equal(t, row.pointer, problem.Errors[0].Pointer)
				require.Contains(t, problem.Errors[0].Detail, row.detail)
				require.Len(t, problem.Errors, 1, "%s", w.Body)
			}
			require.Empty(t, f.engine.asked)
			for _, value := range []string{"4111 1111", "4111.1111", "4111/1111", "12345678900", "metadata2", "USD"} {
				require.NotContains(t, w.Body.String()+f.logs.String(), value)
			}
			require.NotContains(t, f.logs.String(), "ana@example.com")
		})
	}
}

func TestAllFindingsAreReportedAtOnce(t *testing.T) {
	t.Parallel()
	w := newFixture(t).create(t, "k", `{"amount": 0, "currency": "USD", "method": {"type": "pix", "expires_in": "1h"}, "payer": {"email": "ana"}, "note": 1.5}`)
	require.Equal(t, http.StatusUnprocessableEntity, w.Code)
	golden(t, "problem_fields", w)
}

// The Content-Length of a body may be missing or wrong.
func TestLongBodyWithoutALengthIsRefused(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	chunked := io.MultiReader(strings.NewReader(`{"description": "`), strings.NewReader(strings.Repeat("x", 2<<20)), strings.NewReader(`"}`))
	w := f.do(t, http.MethodPost, "/v1/payments", chunked, "Content-Type", "application/json", "Idempotency-Key", "k")
	require.Equal(t, http.StatusRequestEntityTooLarge, w.Code)

	cut := io.MultiReader(strings.NewReader(`{"amount"`), iotest.ErrReader(io.ErrUnexpectedEOF))
	w = f.do(t, http.MethodPost, "/v1/payments", cut, "Content-Type", "application/json", "Idempotency-Key", "k")
	require.Equal(t, http.StatusBadRequest, w.Code)
}

// The server stops reading a body at its ReadTimeout. The client may send the request again.
func TestABodyThatArrivesTooLateIsATimeout(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	server := httptest.NewUnstartedServer(f.server)
	server.Config.ReadTimeout = 300 * time.Millisecond
	server.Start()
	t.Cleanup(server.Close)
	late, begun := io.Pipe()
	defer begun.Close()
	go func() { _, _ = io.WriteString(begun, `{"amount": `) }()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+"/v1/payments", late)
	require.NoError(t, err)
	for name, value := range map[string]string{"Authorization": "Bearer " + f.key, "Content-Type": "application/json", "Idempotency-Key": "k"} {
		request.Header.Set(name, value)
	}
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	var problem Problem
	require.NoError(t, json.NewDecoder(response.Body).Decode(&problem))
	require.Equal(t, []any{http.StatusRequestTimeout, "request_timeout"}, []any{response.StatusCode, problem.Code})
	require.Empty(t, f.engine.asked)
}

func TestWrongHeadersAreRefused(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for _, key := range []string{"", `""`, " ", "a b", `a"b`, "naïve", "a\x01", strings.Repeat("k", 256), `"` + strings.Repeat("k", 256) + `"`} {
		w := f.create(t, key, goodBody)
		require.Equal(t, http.StatusBadRequest, w.Code, "%q", key)
		require.Equal(t, "#header/Idempotency-Key", decode[Problem](t, w).Errors[0].Pointer)
	}
	golden(t, "problem_no_key", f.create(t, "", goodBody))
	for i, key := range []string{"k", `"k"`, strings.Repeat("k", 255), "!~", "order:1/2=3"} {
		require.Equal(t, http.StatusCreated, f.create(t, key, goodBody).Code, "%d: %q", i, key)
	}
	for _, contentType := range []string{"", "text/plain", "application/x-www-form-urlencoded", "application/jsonp", ";"} {
		w := f.create(t, "k2", goodBody, "Content-Type", contentType)
		require.Equal(t, http.StatusUnsupportedMediaType, w.Code, "%q", contentType)
	}
	require.Equal(t, http.StatusCreated, f.create(t, "k3", goodBody, "Content-Type", "Application/JSON; charset=utf-8").Code)
}

// A compressed body and a body in another charset are refused with a reason, on every route that takes JSON.
func TestABodyThatIsNotPlainJSONIsUnsupported(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	var zipped bytes.Buffer
	w := gzip.NewWriter(&zipped)
	_, err := w.Write([]byte(goodBody))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	latin1 := strings.Replace(goodBody, "Ana Souza", "Jo\xe3o", 1)
	for name, row := range map[string]struct {
		body, header, value string
		pointer             string // of the finding; empty: the detail alone says what is wrong
		detail              string
	}{
		"gzip":              {zipped.String(), "Content-Encoding", "gzip", "#header/Content-Encoding", "compressed"},
		"gzip and identity": {zipped.String(), "Content-Encoding", "identity, gzip", "#header/Content-Encoding", "compressed"},
		"zstd":              {goodBody, "Content-Encoding", "zstd", "#header/Content-Encoding", "compressed"},
		"gzip, undeclared":  {zipped.String(), "X-Nothing", "x", "", "gzip"},
		"Latin-1":           {latin1, "Content-Type", "application/json; charset=ISO-8859-1", "#header/Content-Type", "utf-8"},
		"Latin-1 of ASCII":  {goodBody, "Content-Type", "application/json;charset=latin1", "#header/Content-Type", "utf-8"},
		"UTF-16":            {goodBody, "Content-Type", `application/json; charset="utf-16"`, "#header/Content-Type", "utf-8"},
		"no charset":        {goodBody, "Content-Type", "application/json; charset=", "#header/Content-Type", "application/json"},
		"twice":             {goodBody, "Content-Type", "application/json, application/json", "#header/Content-Type", "once"},
	} {
		for _, r := range f.server.routes() {
			if r.scope == public || bodySchema(f.server.contract.operation(r)) == nil {
				continue
			}
			path := strings.NewReplacer(":id", deadletter.NewID("n", "q"), ":name", "charge").Replace(r.path)
			answer := f.do(t, r.method, path, strings.NewReader(row.body), "Content-Type", "application/json", "Idempotency-Key", "k", row.header, row.value)
			require.Equal(t, http.StatusUnsupportedMediaType, answer.Code, "%s: %s: %s", r.path, name, answer.Body)
			problem := decode[Problem](t, answer)
			require.Contains(t, problem.Detail, row.detail, name)
			if row.pointer != "" {
				require.Equal(t, row.pointer, problem.Errors[0].Pointer, name)
			}
		}
	}
	require.Equal(t, http.StatusCreated, f.create(t, "k", goodBody, "Content-Encoding", "identity").Code)
	require.Equal(t, http.StatusCreated, f.create(t, "k", goodBody, "Content-Type", `application/json; charset="UTF-8"`).Code)
}

func TestWrongQueriesAreRefused(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for query, pointer := range map[string]string{
		"limit=0":                     "#query/limit",
		"limit=101":                   "#query/limit",
		"limit=ten":                   "#query/limit",
		"limit=":                      "#query/limit",
		"limit=5&limit=5":             "#query/limit",
		"status=paid":                 "#query/status",
		"status=":                     "#query/status",
		"method=cash":                 "#query/method",
		"reference=":                  "#query/reference",
		"reference=%00":               "#query/reference",
		"reference=%ff":               "#query/reference",
		"created_from=yesterday":      "#query/created_from",
		"created_to=2026-11-01":       "#query/created_to",
		"page=2":                      "#query/page",
		"%22%3Cscript%3E=1":           `#query/"<script>`,
		strings.Repeat("n", 500):      "#query/" + strings.Repeat("n", maxPointer-7) + "…",
		"status=pending&order=oldest": "#query/order",
	} {
		w := f.get(t, "/v1/payments?"+query)
		require.Equal(t, http.StatusBadRequest, w.Code, query)
		require.Equal(t, "invalid_query", decode[Problem](t, w).Code)
		require.Equal(t, pointer, decode[Problem](t, w).Errors[0].Pointer, query)
	}
	require.Equal(t, http.StatusBadRequest, f.get(t, "/v1/payments?limit=%zz").Code)
	for _, path := range []string{"/v1/payments?limit=1", "/v1/payments?created_from=2026-11-01T00:00:00-03:00&created_to=2026-11-01T00:00:00.5Z"} {
		require.Equal(t, http.StatusOK, f.get(t, path).Code, path)
	}
}

// Line breaks and tabs in texts are kept.
func TestLinesAreKept(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	body := strings.NewReplacer("Order 1042", `2 livros\r\n\t1 caneta`, "c-7", `a\n\tb`).Replace(goodBody)
	w := f.create(t, "k", body)
	require.Equal(t, http.StatusCreated, w.Code, "%s", w.Body)
	p := decode[Payment](t, w)
	require.Equal(t, "2 livros\r\n\t1 caneta", p.Description)
	require.Equal(t, "a\n\tb", p.Metadata["cart"])
}

// An order number is not taken for a card number, even when its check digit is right.
func TestOrderNumbersAreNoCardNumbers(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for _, number := range []string{"2000009876543205", "576460752303423402", "4006381333908"} {
		w := f.create(t, number, strings.Replace(goodBody, "order-1042", number, 1))
		require.Equal(t, http.StatusCreated, w.Code, "%s: %s", number, w.Body)
	}
}

// A card number in a header reaches neither the database nor the log.
func TestCardNumbersInHeaders(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for _, card := range []string{"4111111111111111", "4111-1111-1111-1111", "4111_1111_1111_1111"} {
		w := f.create(t, card, goodBody)
		require.Equal(t, http.StatusBadRequest, w.Code, card)
		require.Contains(t, decode[Problem](t, w).Errors[0].Detail, "card number")

		w = f.get(t, "/livez", "X-Request-Id", card)
		require.NotEqual(t, card, w.Header().Get("X-Request-Id"))
		require.NotContains(t, f.logs.String()+w.Body.String(), card)
	}
	for _, path := range []string{"/v1/dead-letters/redrive", "/v1/dead-letters/" + deadletter.NewID("n", "q") + "/redrive"} {
		w := f.post(t, path, "4111.1111.1111.1111", `{"reason": "x", "filter": {"source": "webhook"}}`)
		require.Equal(t, http.StatusBadRequest, w.Code)
	}
}

func TestManyFindingsAreCut(t *testing.T) {
	t.Parallel()
	var fields strings.Builder
	for i := range 500 {
		fields.WriteString(`"f` + strconv.Itoa(i) + `": 1, `)
	}
	w := newFixture(t).create(t, "k", strings.Replace(goodBody, "{", "{"+fields.String(), 1))
	require.Equal(t, http.StatusUnprocessableEntity, w.Code)
	require.Len(t, decode[Problem](t, w).Errors, failure.MaxFields)
	require.Less(t, w.Body.Len(), 4<<10)
}

func TestPathsAndMethods(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for _, path := range []string{"/", "/v2/payments", "/v1/payments/", "/V1/payments", "/docs/none.js", "/docs/..%2fapi.go"} {
		w := f.get(t, path)
		require.Equal(t, http.StatusNotFound, w.Code, path)
		require.Equal(t, "not_found", decode[Problem](t, w).Code)
	}
	w := f.do(t, http.MethodDelete, "/v1/payments", nil)
	require.Equal(t, http.StatusMethodNotAllowed, w.Code)
	require.Contains(t, w.Header().Get("Allow"), "POST")
	golden(t, "problem_method", w)

	w = f.do(t, http.MethodOptions, "/v1/payments", nil)
	require.Equal(t, http.StatusNoContent, w.Code)
	require.Contains(t, w.Header().Get("Allow"), "GET")

	w = f.do(t, http.MethodHead, "/v1/payments", nil)
	require.Equal(t, http.StatusOK, w.Code)
}

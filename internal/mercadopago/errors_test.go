package mercadopago

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/failure"
)

func TestRefusals(t *testing.T) {
	t.Parallel()
	code := func(c any) string {
		return fmt.Sprintf(`{"message":"no","error":"bad_request","status":400,"cause":[{"code":%v,"description":"so it is","data":"x"}]}`, c)
	}
	const page = `<!DOCTYPE html><html><body>Sorry</body></html>`
	for _, c := range []struct {
		status int
		body   string
		want   failure.Kind
		wait   time.Duration
	}{
		{400, code(2067), failure.Invalid, 0},
		{400, code(`"4292"`), failure.Invalid, 0},
		{400, ``, failure.Invalid, 0},
		{400, `{"cause":"x"}`, failure.Invalid, 0},
		{400, page, failure.Unavailable, 0},
		{400, code(2004), failure.Unavailable, 0},
		{400, code(`"2004"`), failure.Unavailable, 0},
		{400, `{"cause":{"code":2007}}`, failure.Unavailable, 0},
		{400, `{"cause":[{"code":1},{"code":"2007"}]}`, failure.Unavailable, 0},
		{400, code(2001), failure.Unavailable, time.Minute},
		{401, code(`"unauthorized"`), failure.Unauthorized, 0},
		{401, ``, failure.Unauthorized, 0},
		{403, `{"blocked_by":"PolicyAgent","code":"PA_UNAUTHORIZED_RESULT_FROM_POLICIES","message":"At least one policy returned UNAUTHORIZED.","status":403}`, failure.Forbidden, 0},
		{403, page, failure.Unavailable, 0},
		{404, code(2000), failure.NotFound, 0},
		{404, page, failure.Unavailable, 0},
		{405, ``, failure.Invalid, 0},
		{408, ``, failure.Unavailable, 0},
		{409, code(401001), failure.Unavailable, time.Second},
		{409, ``, failure.Unavailable, time.Second},
		{409, code(`"idempotency_key_already_used"`), failure.Conflict, 0},
		{409, `{"errors":[{"code":"idempotency_key_already_used","message":"no"}]}`, failure.Conflict, 0},
		{409, `{"message":"The idempotency key was Already Used"}`, failure.Conflict, 0},
		{409, code(2018), failure.Conflict, 0},
		{422, code(422001), failure.Conflict, 0},
		{422, code(1), failure.Invalid, 0},
		{423, ``, failure.Unavailable, 0},
		{424, ``, failure.Unavailable, 0},
		{425, ``, failure.Unavailable, 0},
		{429, ``, failure.Limited, 0},
		{429, page, failure.Limited, 0},
		{500, code(2067), failure.Unavailable, 0},
		{501, ``, failure.Internal, 0},
		{502, page, failure.Unavailable, 0},
		{503, ``, failure.Unavailable, 0},
		{504, ``, failure.Unavailable, 0},
		{520, ``, failure.Unavailable, 0},
		{302, ``, failure.Unavailable, 0},
		{100, ``, failure.Unavailable, 0},
	} {
		err := refused(&exchange{status: c.status, header: http.Header{}, body: []byte(c.body)})
		require.Equal(t, c.want, failure.KindOf(err), "%d %s", c.status, c.body)
		require.Equal(t, c.wait, failure.RetryAfter(err), "%d %s", c.status, c.body)
		require.ErrorContains(t, err, fmt.Sprintf("HTTP %d", c.status))
	}
}

func TestEveryKindHasItsMessage(t *testing.T) {
	t.Parallel()
	for _, kind := range failure.Kinds() {
		require.NotEmpty(t, messages[kind], kind)
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	for header, want := range map[string]time.Duration{
		"": 0, "soon": 0, "0": 0, "-5": 0, "7": 7 * time.Second, "86400": time.Hour, "9223372036854775807": time.Hour,
		"Mon, 23 Nov 2026 12:00:30 GMT": 30 * time.Second,
		"Mon, 23 Nov 2026 11:00:00 GMT": 0,
		"Tue, 24 Nov 2026 12:00:00 GMT": time.Hour,
	} {
		require.Equal(t, want, retryAfter(header, now), header)
	}
	for _, status := range []int{429, 503, 409} {
		err := refused(&exchange{status: status, header: http.Header{"Retry-After": {"7"}}})
		require.Equal(t, 7*time.Second, failure.RetryAfter(err), status)
	}
}

// The client app learns which of its fields is refused; the log learns why; neither sees personal data.
func TestRefusalsSayWhatIsWrongAndNoMore(t *testing.T) {
	t.Parallel()
	body := `{"message":"secret@example.com is bad","cause":[
		{"code":2067,"description":"Invalid number 123.456.789-09 or 123 456 789 09 of ana.souza@example.com,\n token APP_USR-123-abc or 0123456789abcdef0123456789abcdef0123"},
		{"code":"4050","description":"payer.email must be a valid email"}]}`
	err := refused(&exchange{status: 400, header: http.Header{"X-Request-Id": {"5b0f6c1e-7a2d"}}, body: []byte(body)})

	e, ok := errors.AsType[*failure.Error](err)
	require.True(t, ok)
	require.Equal(t, failure.CodeTaxID, e.Code)
	require.Equal(t, "the provider does not accept the buyer's CPF or CNPJ", e.Message)
	require.Equal(t, "HTTP 400, 2067 Invalid number ###.###.###-## or ### ### ### ## of *** token *** or ***, request 5b0f6c1e-7a2d", e.Err.Error())
}

// What can be put right has a code of its own, and so has one that needs an operator; all else is a refusal.
func TestCausesOfRefusalsHaveCodes(t *testing.T) {
	t.Parallel()
	for causes, want := range map[string]failure.Code{
		`{"code":2067}`:             failure.CodeTaxID,
		`{"code":"4050"}`:           failure.CodeEmail,
		`{"code":2060}`:             failure.CodeOwnEmail,
		`{"code":2072}`:             failure.CodeAmount,
		`{"code":4037}`:             failure.CodeAmount,
		`{"code":23}`:               failure.CodeExpiry,
		`{"code":7523}`:             failure.CodeExpiry,
		`{"code":13253}`:            failure.CodePixKey,
		`{"code":4020}`:             failure.CodeIntegration,
		`{"code":1},{"code":13253}`: failure.CodePixKey,
		`{"code":999999}`:           "",
		`{"description":"Collector user without key enabled"}`: "",
	} {
		err := refused(&exchange{status: 400, header: http.Header{}, body: []byte(`{"message":"no","cause":[` + causes + `]}`)})
		e, ok := errors.AsType[*failure.Error](err)
		require.True(t, ok)
		require.Equal(t, want, e.Code, causes)
		require.Equal(t, failure.Invalid, e.Kind)
		if want == "" {
			require.Equal(t, "Mercado Pago refuses this request", e.Message)
		} else {
			require.Equal(t, want.Message(), e.Message)
		}
	}
	err := refused(&exchange{status: 503, header: http.Header{}, body: []byte(`{"cause":[{"code":2067}]}`)})
	e, _ := errors.AsType[*failure.Error](err)
	require.Empty(t, e.Code, "it may yet be charged")
}

func TestLogLinesStayShort(t *testing.T) {
	t.Parallel()
	body := `{"code":"` + strings.Repeat("x", 500) + `","message":"` + strings.Repeat("é a ", 5000) + `"}`
	err := refused(&exchange{status: 400, header: http.Header{"X-Request-Id": {strings.Repeat("y", 1000)}}, body: []byte(body)})
	require.Less(t, len(err.Error()), 300)
}

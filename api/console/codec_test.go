package console

import (
	"bytes"
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/onlywave/onlywave/internal/payloadcodec"
	"github.com/onlywave/onlywave/internal/session"
)

// webUI is the origin of the Temporal Web UI's pages.
const webUI = "http://temporal.test"

// coded is what the console makes of payloads in the name of the browser's user.
func (b *browser) coded(method, path, namespace, origin string, payloads *common.Payloads) (*http.Response, *common.Payloads) {
	b.t.Helper()
	body, err := protojson.Marshal(payloads)
	require.NoError(b.t, err)
	request, err := http.NewRequestWithContext(b.t.Context(), method, b.url+path, bytes.NewReader(body))
	require.NoError(b.t, err)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("X-Namespace", namespace)
	if origin != "" {
		request.Header.Set("Origin", origin)
	}
	response, err := b.Do(request)
	require.NoError(b.t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	require.NoError(b.t, err)
	answer := &common.Payloads{}
	if response.StatusCode == http.StatusOK {
		require.NoError(b.t, protojson.Unmarshal(text, answer))
	}
	return response, answer
}

// Operators read in the Web UI what Temporal stores encrypted, and what they type there is encrypted.
func TestPayloadsAreDecryptedForOperators(t *testing.T) {
	t.Parallel()
	e := newEnv(t, session.Options{})
	data := converter.GetDefaultDataConverter()
	plain, err := data.ToPayloads("charge BRL 10.50")
	require.NoError(t, err)
	operator := e.as(e.operator)
	response, sealed := operator.coded(http.MethodPost, "/console/codec/encode", "default", webUI, plain)
	require.Equal(t, http.StatusOK, response.StatusCode)
	require.True(t, payloadcodec.Encrypted(sealed.GetPayloads()[0]))
	response, opened := operator.coded(http.MethodPost, "/console/codec/decode", "default", webUI, sealed)
	require.Equal(t, http.StatusOK, response.StatusCode)
	require.Equal(t, webUI, response.Header.Get("Access-Control-Allow-Origin"))
	require.Equal(t, "true", response.Header.Get("Access-Control-Allow-Credentials"))
	var text string
	require.NoError(t, data.FromPayloads(opened, &text))
	require.Equal(t, "charge BRL 10.50", text)

	preflight, _ := e.browser().coded(http.MethodOptions, "/console/codec/decode", "default", webUI, nil)
	require.Equal(t, http.StatusNoContent, preflight.StatusCode)
	require.Equal(t, webUI, preflight.Header.Get("Access-Control-Allow-Origin"))

	for _, row := range []struct {
		name   string
		who    *browser
		path   string
		in     string
		origin string
		status int
	}{
		{"nobody", e.browser(), "decode", "default", webUI, http.StatusUnauthorized},
		{"a viewer", e.as(e.viewer), "decode", "default", webUI, http.StatusForbidden},
		{"another site", operator, "decode", "default", "http://evil.test", http.StatusForbidden},
		{"no site", operator, "decode", "default", "", http.StatusForbidden},
		{"another namespace", operator, "decode", "other", webUI, http.StatusNotFound},
		{"something else", operator, "recode", "default", webUI, http.StatusNotFound},
	} {
		response, _ := row.who.coded(http.MethodPost, "/console/codec/"+row.path, row.in, row.origin, sealed)
		require.Equal(t, row.status, response.StatusCode, row.name)
		if row.status == http.StatusForbidden && row.origin != webUI {
			require.Empty(t, response.Header.Get("Access-Control-Allow-Origin"), row.name)
		}
	}
	require.Contains(t, e.logs.String(), `"msg":"payloads of temporal","actor":"`+e.operator)
}

package mailsink

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// raw is a malicious e-mail.
const raw = "From: Eve <eve@example.com>\r\nTo: ana@example.com\r\nSubject: =?utf-8?q?<b>Ol=C3=A1</b>?=\r\nMessage-ID: <1@example.com>\r\n" +
	"Content-Type: multipart/related; boundary=r\r\n\r\n--r\r\nContent-Type: multipart/alternative; boundary=a\r\n\r\n" +
	"--a\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nOl=C3=A1 </pre><script>1</script>\r\n" +
	"--a\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<script>alert(1)</script><img src=\"cid:i@x\">\r\n--a--\r\n" +
	"--r\r\nContent-Type: image/png\r\nContent-ID: <i@x>\r\nContent-Transfer-Encoding: base64\r\n\r\niVBORw==\r\n--r--\r\n"

func filled(t *testing.T) (*Sink, func(method, path, body string) (int, http.Header, string)) {
	t.Helper()
	s := New(slog.New(slog.DiscardHandler))
	s.keep(parse([]byte(raw), "eve@example.com", []string{"ana@example.com"}, time.Now()))
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return s, func(method, path, body string) (int, http.Header, string) {
		request, err := http.NewRequestWithContext(t.Context(), method, server.URL+path, strings.NewReader(body))
		require.NoError(t, err)
		answer, err := http.DefaultClient.Do(request)
		require.NoError(t, err)
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		require.NoError(t, err)
		return answer.StatusCode, answer.Header, string(text)
	}
}

func TestAnEmailCanDoNothingToItsReader(t *testing.T) {
	t.Parallel()
	_, get := filled(t)
	for _, path := range []string{"/", "/mails/1", "/mails/1/raw", "/api/mails"} {
		status, header, body := get(http.MethodGet, path, "")
		require.Equal(t, http.StatusOK, status, path)
		require.Contains(t, header.Get("Content-Security-Policy"), "default-src 'none'", path)
		require.Equal(t, "nosniff", header.Get("X-Content-Type-Options"))
		if strings.HasPrefix(header.Get("Content-Type"), "text/html") {
			require.NotContains(t, body, "<script>", path)
			require.NotContains(t, body, "<b>", path)
			require.Contains(t, body, "Olá")
		}
	}
	_, header, body := get(http.MethodGet, "/mails/1/html", "")
	policy := header.Get("Content-Security-Policy")
	require.Contains(t, policy, "sandbox")
	require.NotContains(t, policy, "allow-scripts")
	require.NotContains(t, policy, "allow-same-origin")
	require.Contains(t, body, `<img src="data:image/png;base64,iVBORw==">`)
	for _, path := range []string{"/mails/2", "/mails/2/html", "/mails/2/raw", "/mails/x"} {
		status, _, _ := get(http.MethodGet, path, "")
		require.Equal(t, http.StatusNotFound, status, path)
	}
}

func TestOnlyTheLatestAreKept(t *testing.T) {
	t.Parallel()
	s, get := filled(t)
	for i := range kept {
		s.keep(parse([]byte("nonsense"), "", []string{fmt.Sprintf("%d@example.com", i)}, time.Now()))
	}
	_, _, body := get(http.MethodGet, "/api/mails", "")
	var mails []Mail
	require.NoError(t, json.Unmarshal([]byte(body), &mails))
	require.Len(t, mails, kept)
	require.Equal(t, "2", mails[0].ID)
	require.NotEmpty(t, mails[0].Problem)
	_, _, body = get(http.MethodGet, "/api/mails?to=7@example.com", "")
	require.NoError(t, json.Unmarshal([]byte(body), &mails))
	require.Len(t, mails, 1)
	status, _, _ := get(http.MethodGet, "/mails/2", "")
	require.Equal(t, http.StatusOK, status, "one that cannot be read is shown as far as it goes")
}

func TestFaultsAreUsedUp(t *testing.T) {
	t.Parallel()
	s, ask := filled(t)
	status, _, _ := ask(http.MethodPost, "/api/faults", `[{"kind": "later", "to": "ana@example.com", "times": 2}, {"kind": "cut"}]`)
	require.Equal(t, http.StatusOK, status)
	for _, wrong := range []string{`{}`, `[{"kind": "other"}]`} {
		status, _, _ = ask(http.MethodPost, "/api/faults", wrong)
		require.Equal(t, http.StatusBadRequest, status, wrong)
	}
	require.False(t, s.meets("eve@example.com", KindLater))
	require.True(t, s.meets("ana@example.com", KindLater))
	require.True(t, s.meets("ana@example.com", KindLater))
	require.False(t, s.meets("ana@example.com", KindLater))
	require.True(t, s.meets("eve@example.com", KindCut))
	_, _, body := ask(http.MethodGet, "/api/faults", "")
	require.JSONEq(t, `[]`, body)
}

package simulator

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

// reopen starts a simulator on a file, as another process would.
func reopen(t *testing.T, path string) account {
	t.Helper()
	s, err := Open(Config{AccessToken: token, PublicURL: "http://simulator"}, path)
	require.NoError(t, err)
	server := httptest.NewServer(s)
	t.Cleanup(func() {
		s.Close()
		server.Close()
	})
	return account{Simulator: s, t: t, url: server.URL, client: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}}
}

// What the buyers and the platform did before a restart is known after it: payments, their codes, spent keys, the ledger.
func TestPaymentsOutliveTheProcess(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ledger")
	a := reopen(t, path)
	paid, pending := a.charge(nil), a.charge(map[string]any{"external_reference": "order-2", "metadata": map[string]any{"cart": "c-7"}})
	require.NoError(t, a.Pay(paid.id()))
	key := uuid.NewString()
	status, keyed := a.call("POST", "/v1/payments", key, pix(nil))
	require.Equal(t, http.StatusCreated, status)
	before, ledger := a.get(pending.id()), a.Ledger()
	a.Close()

	b := reopen(t, path)
	require.Equal(t, "approved", b.get(paid.id())["status"])
	require.Equal(t, before, b.get(pending.id()))
	require.Equal(t, ledger, b.Ledger())
	status, again := b.call("POST", "/v1/payments", key, pix(nil))
	require.Equal(t, http.StatusCreated, status)
	require.Equal(t, keyed.id(), again.id(), "the key is spent")
	status, _ = b.call("POST", "/v1/payments", key, pix(map[string]any{"transaction_amount": 99}))
	require.Equal(t, http.StatusConflict, status, "on that body")
	status, found := b.call("GET", "/v1/payments/search?external_reference=order-2", "", nil)
	require.Equal(t, http.StatusOK, status)
	require.EqualValues(t, 1, found.at("paging.total"))
	require.NoError(t, b.Pay(pending.id()), "and life goes on")
	b.Close()

	require.Equal(t, "approved", reopen(t, path).get(pending.id())["status"])
}

// A Pix that expired while no simulator was running expires at the start.
func TestWhatExpiredMeanwhileIsExpired(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ledger")
	a := reopen(t, path)
	id := a.charge(nil).id()
	a.Close()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	expires := a.book.payments[id].expires.Format(time.RFC3339Nano)
	past := time.Now().Add(-time.Minute).Format(time.RFC3339Nano)
	require.Contains(t, string(text), expires)
	require.NoError(t, os.WriteFile(path, []byte(strings.ReplaceAll(string(text), expires, past)), 0o600))

	b := reopen(t, path)
	require.Eventually(t, func() bool { return b.get(id)["status"] == "cancelled" }, 30*time.Second, 5*time.Millisecond)
}

// A simulator that was killed may leave a part of a line, which was never answered. Anything else that cannot be read is an error.
func TestAPartOfALineIsNoEntry(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ledger")
	a := reopen(t, path)
	first := a.charge(nil)
	a.Close()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, append(text, `{"kind": "cha`...), 0o600))
	b := reopen(t, path)
	second := b.charge(nil)
	b.Close()
	c := reopen(t, path)
	require.Len(t, c.Ledger(), 2)
	c.get(first.id())
	c.get(second.id())

	require.NoError(t, os.WriteFile(path, []byte("nonsense\n"), 0o600))
	_, err = Open(Config{}, path)
	require.ErrorContains(t, err, path)
	require.ErrorContains(t, err, "line 1")
}

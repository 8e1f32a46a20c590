package system

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/test/platform"
)

func TestBadRequestsAreNamedAndLeaveNoTraceInTheLogs(t *testing.T) {
	t.Parallel()
	const secret = "segredo@example.com"
	rows := map[string]struct {
		body, pointer string
		status        int
	}{
		"bad JSON":      {`{"amount": 1050,`, "", http.StatusBadRequest},
		"unknown field": {strings.Replace(platform.Order(1050, "x"), `"currency"`, `"surprise": 1, "currency"`, 1), "/surprise", http.StatusUnprocessableEntity},
		"amount 0":      {platform.Order(0, "x"), "/amount", http.StatusUnprocessableEntity},
		"amount 10^18":  {platform.Order(1e18, "x"), "/amount", http.StatusUnprocessableEntity},
		"other money":   {strings.Replace(platform.Order(1050, "x"), "BRL", "USD", 1), "/currency", http.StatusUnprocessableEntity},
		"bad CPF":       {strings.Replace(platform.Order(1050, "x"), "12345678909", "12345678900", 1), "/payer/tax_id", http.StatusUnprocessableEntity},
		"a card number": {strings.Replace(platform.Order(1050, "x"), "c-7", "4235 6477 2802 5682", 1), "/metadata/cart", http.StatusUnprocessableEntity},
		"2 MB":          {`{"x": "` + strings.Repeat("x", 2<<20) + `"}`, "", http.StatusRequestEntityTooLarge},
	}
	for name, row := range rows {
		answer, err := shared.Shops[0].Post(within(t), "bad-"+strings.ReplaceAll(name, " ", "-"), strings.ReplaceAll(row.body, "ana@example.com", secret))
		require.NoError(t, err, name)
		require.Equal(t, row.status, answer.Status, "%s: %s", name, answer.Body)
		require.Contains(t, answer.Header.Get("Content-Type"), "application/problem+json", name)
		require.Contains(t, string(answer.Body), row.pointer, name)
		require.NotContains(t, string(answer.Body), "goroutine", name)
	}
	noKey, err := shared.Shops[0].Post(within(t), "", platform.Order(1050, "x"))
	require.NoError(t, err)
	require.Equal(t, http.StatusBadRequest, noKey.Status)
	require.Contains(t, string(noKey.Body), "Idempotency-Key")

	logs, err := filepath.Glob(filepath.Join(shared.Logs, "*.log"))
	require.NoError(t, err)
	require.NotEmpty(t, logs)
	for _, file := range logs {
		content, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, trace := range []string{secret, "4235 6477 2802 5682", "12345678900", shared.Key} {
			require.False(t, bytes.Contains(content, []byte(trace)), "%s in %s", trace, filepath.Base(file))
		}
	}
}

func TestListsArePaged(t *testing.T) {
	t.Parallel()
	name, _ := key(t)
	for i := range 5 {
		k := fmt.Sprintf("%s-%d", name, i)
		answer, err := shared.Shops[0].Post(within(t), k, strings.Replace(platform.Order(1050, k), `"reference": "`+k, `"reference": "`+name, 1))
		require.NoError(t, err)
		require.Equal(t, http.StatusCreated, answer.Status, string(answer.Body))
	}
	seen := map[string]bool{}
	cursor := ""
	for pages := 1; ; pages++ {
		page, err := shared.Shops[0].List(within(t), "reference="+name+"&status=pending&limit=2"+cursor)
		require.NoError(t, err)
		for _, p := range page.Data {
			require.False(t, seen[p.ID])
			seen[p.ID] = true
		}
		if page.NextCursor == "" {
			require.Equal(t, 3, pages)
			break
		}
		cursor = "&cursor=" + page.NextCursor
	}
	require.Len(t, seen, 5)
}

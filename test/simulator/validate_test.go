package simulator

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestWrongRequestsAreRefused(t *testing.T) {
	t.Parallel()
	a := open(t, Config{})
	in := func(wait time.Duration) string {
		return time.Now().Add(wait).In(brasilia).Format("2006-01-02T15:04:05.000-07:00")
	}
	payer := func(id, number string) map[string]any {
		return map[string]any{"email": "ana@example.com", "identification": map[string]any{"type": id, "number": number}}
	}
	for name, row := range map[string]struct {
		changes map[string]any
		code    any
	}{
		"no amount":               {map[string]any{"transaction_amount": nil}, 4002.0},
		"amount as text":          {map[string]any{"transaction_amount": "10.5"}, 4003.0},
		"amount zero":             {map[string]any{"transaction_amount": 0}, 4037.0},
		"amount below zero":       {map[string]any{"transaction_amount": -1.5}, 4037.0},
		"three decimals":          {map[string]any{"transaction_amount": 1.005}, 4037.0},
		"amount beyond belief":    {map[string]any{"transaction_amount": 1e21}, 4037.0},
		"no method":               {map[string]any{"payment_method_id": nil}, 4001.0},
		"unknown method":          {map[string]any{"payment_method_id": "cheque"}, 2131.0},
		"no payer":                {map[string]any{"payer": nil}, 4050.0},
		"bad e-mail":              {map[string]any{"payer": map[string]any{"email": "ana@example"}}, 4050.0},
		"name with e-mail":        {map[string]any{"payer": map[string]any{"email": "Ana <ana@example.com>"}}, 4050.0},
		"bad CPF digit":           {map[string]any{"payer": payer("CPF", "12345678900")}, 2067.0},
		"CPF with dots":           {map[string]any{"payer": payer("CPF", "123.456.789-09")}, 2067.0},
		"CPF of ones":             {map[string]any{"payer": payer("CPF", "11111111111")}, 2067.0},
		"bad CNPJ":                {map[string]any{"payer": payer("CNPJ", "11222333000180")}, 2067.0},
		"other document":          {map[string]any{"payer": payer("RG", "123")}, 2067.0},
		"document without number": {map[string]any{"payer": payer("CPF", "")}, 2067.0},
		"expiry too soon":         {map[string]any{"date_of_expiration": in(28 * time.Minute)}, 7523.0},
		"expiry too late":         {map[string]any{"date_of_expiration": in(30*24*time.Hour + time.Minute)}, 7523.0},
		"expiry in UTC":           {map[string]any{"date_of_expiration": time.Now().Add(time.Hour).UTC().Format(time.RFC3339)}, 23.0},
		"expiry in nanoseconds":   {map[string]any{"date_of_expiration": "2026-10-07T10:00:00.123456789-03:00"}, 23.0},
		"expiry not a date":       {map[string]any{"date_of_expiration": "tomorrow"}, 23.0},
		"URL too long":            {map[string]any{"notification_url": "https://example.com/" + strings.Repeat("a", 229)}, 4020.0},
		"URL without host":        {map[string]any{"notification_url": "/webhooks"}, 4020.0},
		"URL of another kind":     {map[string]any{"notification_url": "ftp://example.com/"}, 4020.0},
		"unknown field":           {map[string]any{"amount": 1}, 8.0},
		"wrong type":              {map[string]any{"description": 1}, 1.0},
	} {
		t.Run(name, func(t *testing.T) {
			status, refused := a.call("POST", "/v1/payments", "key", pix(row.changes))
			require.Equal(t, http.StatusBadRequest, status)
			require.Equal(t, row.code, refused.at("cause.0.code"))
			require.Equal(t, "bad_request", refused["error"])
			require.Equal(t, 400.0, refused["status"])
			require.Equal(t, refused.at("cause.0.description"), refused["message"])
			require.Regexp(t, `^\d\d-\d\d-\d{4}T\d\d:\d\d:\d\dUTC;[0-9a-f-]{36}$`, refused.at("cause.0.data"))
		})
	}
	require.Empty(t, a.Ledger())
}

func TestOddRequestsAreAccepted(t *testing.T) {
	t.Parallel()
	a := open(t, Config{})
	in := func(wait time.Duration) string {
		return time.Now().Add(wait).In(brasilia).Format("2006-01-02T15:04:05-07:00")
	}
	payer := func(id, number string) map[string]any {
		return map[string]any{"email": "ana@example.com", "identification": map[string]any{"type": id, "number": number}}
	}
	for name, changes := range map[string]map[string]any{
		"no reference":      {"external_reference": nil},
		"one centavo":       {"transaction_amount": 0.01},
		"expiry in 30 min":  {"date_of_expiration": in(30*time.Minute - 30*time.Second)},
		"expiry in 30 days": {"date_of_expiration": in(30 * 24 * time.Hour)},
		"payer with e-mail": {"payer": map[string]any{"email": "ana@example.com"}},
		"CNPJ":              {"payer": payer("CNPJ", "11222333000181")},
		"CNPJ with letters": {"payer": payer("CNPJ", "12ABC34501DE35")},
		"longest URL":       {"notification_url": "http://127.0.0.1:1/" + strings.Repeat("a", 229)},
	} {
		t.Run(name, func(t *testing.T) {
			account{a.Simulator, t, a.url, a.client}.charge(changes)
		})
	}
	require.Equal(t, int64(1), a.Ledger()[findAmount(a.Ledger(), 1)].Amount)
}

func findAmount(entries []Entry, amount int64) int {
	for i, e := range entries {
		if e.Amount == amount {
			return i
		}
	}
	return 0
}

func TestSeveralMistakesAreAllNamed(t *testing.T) {
	t.Parallel()
	a := open(t, Config{})
	_, refused := a.call("POST", "/v1/payments", "key", map[string]any{})
	var codes []any
	for _, reason := range refused["cause"].([]any) {
		codes = append(codes, reason.(map[string]any)["code"])
	}
	require.Equal(t, []any{4002.0, 4001.0, 4050.0}, codes)
}

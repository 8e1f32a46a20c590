package mercadopago

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/onlywave/onlywave/internal/failure"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// Every payload x.json must be read as x.state.json says.
func TestPayloadsAreRead(t *testing.T) {
	files, err := filepath.Glob("testdata/payments/*.json")
	require.NoError(t, err)
	read := 0
	for _, file := range files {
		if strings.HasSuffix(file, ".state.json") {
			continue
		}
		read++
		t.Run(filepath.Base(file), func(t *testing.T) {
			body, err := os.ReadFile(file)
			require.NoError(t, err)
			state, err := reader{}.payment(body)
			require.NoError(t, err)
			got, err := json.MarshalIndent(state, "", "  ")
			require.NoError(t, err)
			golden := strings.TrimSuffix(file, ".json") + ".state.json"
			if *update {
				require.NoError(t, os.WriteFile(golden, append(got, '\n'), 0o644))
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err)
			require.JSONEq(t, string(want), string(got))
		})
	}
	require.Equal(t, 25, read)
}

func TestAnswersThatSayNothingLeaveTheOutcomeUnknown(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"empty":            ``,
		"null":             `null`,
		"empty object":     `{}`,
		"array":            `[]`,
		"truncated":        `{"id":106400160592,"status":"appro`,
		"trailing garbage": minimal("approved", "") + `}`,
		"HTML":             `<html><body>Bad gateway</body></html>`,
		"id is a word":     strings.Replace(minimal("approved", ""), `106400160592`, `"abc"`, 1),
		"id is a fraction": strings.Replace(minimal("approved", ""), `106400160592`, `1.5`, 1),
		"no status":        minimal("", ""),
		"no amount":        strings.Replace(minimal("approved", ""), `10.50`, `null`, 1),
		"amount is a word": strings.Replace(minimal("approved", ""), `10.50`, `"ten"`, 1),
		"amount is NaN":    strings.Replace(minimal("approved", ""), `10.50`, `"NaN"`, 1),
		"amount is huge":   strings.Replace(minimal("approved", ""), `10.50`, `1e300`, 1),
		"amount, object":   strings.Replace(minimal("approved", ""), `10.50`, `{}`, 1),
		"refund is a word": strings.Replace(minimal("approved", ""), `"refunded":0`, `"refunded":"some"`, 1),
		"no date":          strings.Replace(minimal("approved", ""), `2026-11-23T15:25:12.000-04:00`, ``, 1),
		"date of nowhere":  strings.Replace(minimal("approved", ""), `12.000-04:00`, `12.000`, 1),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body = strings.Replace(body, `"refunded":`, `"transaction_amount_refunded":`, 1)
			_, err := reader{}.payment([]byte(body))
			require.Equal(t, failure.Unavailable, failure.KindOf(err), "%v", err)
		})
	}
}

// minimal is a payment with nothing but what must be there.
func minimal(status, detail string) string {
	return `{"id":106400160592,"status":"` + status + `","status_detail":"` + detail + `","refunded":0,` +
		`"transaction_amount":10.50,"currency_id":"BRL","date_last_updated":"2026-11-23T15:25:12.000-04:00"}`
}

// A receipt shows the id without the word PIX, and so does OnlyWave.
func TestTheEndToEndIDOfAPixIsRead(t *testing.T) {
	t.Parallel()
	const id = "E18236120202611231925abcDEF12345"
	for given, want := range map[string]string{
		`"point_of_interaction":{"transaction_data":{"e2e_id":"` + id + `"}}`:                                                  id,
		`"point_of_interaction":{"transaction_data":{"e2e_id":"PIX` + id + `"}}`:                                               id,
		`"point_of_interaction":{"transaction_data":{"e2e_id":null,"transaction_id":"PIX` + id + `"}}`:                         id,
		`"point_of_interaction":{"transaction_data":{"e2e_id":null}},"transaction_details":{"transaction_id":"PIX` + id + `"}`: id,
		`"transaction_details":{"transaction_id":"` + id + `"}`:                                                                id,
		`"point_of_interaction":{"transaction_data":{"e2e_id":null,"transaction_id":null}}`:                                    "",
		`"point_of_interaction":{"transaction_data":{"e2e_id":"PIX","transaction_id":{}}}`:                                     "",
		`"transaction_details":{"transaction_id":"60022334455"}`:                                                               "",
	} {
		body := strings.TrimSuffix(minimal("approved", ""), "}") + "," + given + "}"
		state, err := reader{}.payment([]byte(body))
		require.NoError(t, err, given)
		require.Equal(t, want, state.EndToEndID, given)
	}
}

// An amount comes back as the centavos that were sent, whichever way it is written.
func TestAmountsAreExact(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		centavos := rapid.Int64Range(0, 100_000_000_000).Draw(t, "centavos")
		sent, err := json.Marshal(float64(centavos) / 100)
		require.NoError(t, err)
		for _, written := range []string{string(sent), `"` + string(sent) + `"`} {
			var a amount
			require.NoError(t, json.Unmarshal([]byte(written), &a))
			require.Equal(t, amount{centavos: centavos, known: true}, a)
		}
	})
}

func TestDates(t *testing.T) {
	t.Parallel()
	want := time.Date(2026, 11, 23, 19, 25, 12, 500_000_000, time.UTC)
	for _, written := range []string{
		`"2026-11-23T15:25:12.500-04:00"`, `"2026-11-23T16:25:12.5-0300"`, `"2026-11-23T19:25:12.500Z"`, `"2026-11-23T19:25:12.500000+00:00"`,
	} {
		var d date
		require.NoError(t, json.Unmarshal([]byte(written), &d))
		require.Equal(t, want, d.Time, written)
	}
	for _, written := range []string{`""`, `null`, `"yesterday"`, `{}`, `[]`, `12`, `"2026-11-23T15:25:12"`} {
		d := date{want}
		require.NoError(t, json.Unmarshal([]byte(written), &d))
		require.True(t, d.IsZero(), written)
	}
}

// The newest date there is gives the age of an answer.
func TestUpdatedAtFallsBack(t *testing.T) {
	t.Parallel()
	body := strings.Replace(minimal("approved", ""), `"date_last_updated"`, `"date_last_updated":"","date_approved":null,"date_created"`, 1)
	state, err := reader{}.payment([]byte(body))
	require.NoError(t, err)
	require.Equal(t, time.Date(2026, 11, 23, 19, 25, 12, 0, time.UTC), state.UpdatedAt)
}

func FuzzDecodePayment(f *testing.F) {
	files, err := filepath.Glob("testdata/payments/*.json")
	require.NoError(f, err)
	for _, file := range files {
		body, err := os.ReadFile(file)
		require.NoError(f, err)
		f.Add(body)
	}
	f.Add([]byte(`{"id":1,"status":"approved","transaction_amount":"1e3","date_created":"2026-11-23T15:25:12Z","point_of_interaction":[[],{"transaction_data":""}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		state, err := reader{}.payment(body)
		if err != nil {
			require.Contains(t, []failure.Kind{failure.Unavailable, failure.Internal}, failure.KindOf(err))
			require.Zero(t, state)
		} else {
			require.True(t, decimal(state.PaymentID))
			require.True(t, state.Status.Known())
			require.False(t, state.UpdatedAt.IsZero())
		}
		_, err = reader{}.search(body, state.Reference)
		if err != nil {
			require.Contains(t, []failure.Kind{failure.Unavailable, failure.Internal}, failure.KindOf(err))
		}
		readRefusal(body)
	})
}

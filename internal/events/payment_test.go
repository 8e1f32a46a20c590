package events

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
)

// The id is what the buyer's receipt shows, so a shop that gets the event need not read the payment.
func TestTheEventOfAPaidPixHasItsEndToEndID(t *testing.T) {
	t.Parallel()
	const id = "E18236120202611231932abcDEF12345"
	for _, given := range []string{id, ""} {
		message, err := Payment(payment.Event{PaymentID: payment.NewID("shop", "k"), Seq: 3, Status: payment.Approved, Data: payment.EventData{EndToEndID: given}})
		require.NoError(t, err)
		var read struct{ Data map[string]any }
		require.NoError(t, json.Unmarshal(message.Body, &read))
		got, has := read.Data["end_to_end_id"]
		require.Equal(t, given != "", has)
		if has {
			require.Equal(t, given, got)
		}
	}
}

// Other services read of a failure what client apps read, whenever it was written.
func TestAnEventTellsOfAFailureAsTheAPIDoes(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		data payment.EventData
		want string
	}{
		"with a code":           {payment.EventData{FailureCode: failure.CodeTaxID}, `{"code": "invalid_tax_id", "message": "the provider does not accept the buyer's CPF or CNPJ", "pointer": "/payer/tax_id"}`},
		"from before the codes": {payment.EventData{Failure: "no"}, `{"code": "provider_refused", "message": "no"}`},
		"none":                  {payment.EventData{}, ""},
	} {
		message, err := Payment(payment.Event{PaymentID: payment.NewID("shop", "k"), Seq: 1, Status: payment.Failed, Data: row.data})
		require.NoError(t, err)
		require.NotContains(t, string(message.Body), "failure_code")
		var read struct {
			Data struct{ Failure json.RawMessage }
		}
		require.NoError(t, json.Unmarshal(message.Body, &read))
		if row.want == "" {
			require.Nil(t, read.Data.Failure, name)
		} else {
			require.JSONEq(t, row.want, string(read.Data.Failure), name)
		}
	}
}

package payment

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWhyAPaymentFailed(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		status Status
		code   FailureCode
		text   string
		want   *FailureReason
	}{
		"well":                     {Approved, "", "", nil},
		"a wrong tax id":           {Failed, FailureTaxID, "no CPF", &FailureReason{FailureTaxID, "no CPF", "/payer/tax_id"}},
		"without a text":           {Rejected, FailureAccount, "", &FailureReason{FailureAccount, FailureAccount.Message(), ""}},
		"failed before the codes":  {Failed, "", "no", &FailureReason{FailureRefused, "no", ""}},
		"unknown before the codes": {Unknown, "", "silence", &FailureReason{FailureUnknown, "silence", ""}},
	} {
		p := Payment{Status: row.status, FailureCode: row.code, Failure: row.text}
		require.Equal(t, row.want, p.Why(), name)
		e := Event{Status: row.status, Data: EventData{FailureCode: row.code, Failure: row.text}}
		require.Equal(t, row.want, e.Why(), name)
	}
}

package payment

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/failure"
)

func TestWhyAPaymentFailed(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		status Status
		code   failure.Code
		text   string
		want   *FailureReason
	}{
		"well":                     {Approved, "", "", nil},
		"a wrong tax id":           {Failed, failure.CodeTaxID, "no CPF", &FailureReason{failure.CodeTaxID, "no CPF", "/payer/tax_id"}},
		"without a text":           {Rejected, failure.CodeAccount, "", &FailureReason{failure.CodeAccount, failure.CodeAccount.Message(), ""}},
		"failed before the codes":  {Failed, "", "no", &FailureReason{failure.CodeRefused, "no", ""}},
		"unknown before the codes": {Unknown, "", "silence", &FailureReason{failure.CodeUnknown, "silence", ""}},
	} {
		p := Payment{Status: row.status, FailureCode: row.code, Failure: row.text}
		require.Equal(t, row.want, p.Why(), name)
		e := Event{Status: row.status, Data: EventData{FailureCode: row.code, Failure: row.text}}
		require.Equal(t, row.want, e.Why(), name)
	}
}

package payment

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// An answer whose amounts do not add up contradicts the payment, so that it is not applied and nothing is posted.
func TestAmountsThatDoNotAddUpContradict(t *testing.T) {
	t.Parallel()
	sum := func(n int64) *int64 { return &n }
	for name, row := range map[string]struct {
		state ProviderState
		says  string
	}{
		"nothing is said":         {ProviderState{Status: Approved}, ""},
		"the fee only":            {ProviderState{Status: Approved, Fee: sum(10)}, ""},
		"both":                    {ProviderState{Status: Approved, Fee: sum(10), Net: sum(1040)}, ""},
		"the net is the gross":    {ProviderState{Status: Approved, Net: sum(1050)}, ""},
		"the net is too low":      {ProviderState{Status: Approved, Fee: sum(10), Net: sum(1039)}, "do not add up"},
		"a fee is missing":        {ProviderState{Status: Approved, Net: sum(1040)}, "do not add up"},
		"money went back":         {ProviderState{Status: PartiallyRefunded, Fee: sum(10), Net: sum(540), Refunded: 500}, ""},
		"a fee above the payment": {ProviderState{Status: Approved, Fee: sum(1051)}, "a fee of 1051"},
		"a fee below zero":        {ProviderState{Status: Approved, Fee: sum(-1)}, "a fee of -1"},
		"too much went back":      {ProviderState{Status: Refunded, Refunded: 1051}, "1051 centavos are refunded"},
	} {
		row.state.PaymentID, row.state.Reference, row.state.Money = "7", "p", Money{1050, BRL}
		why := row.state.Contradicts("p", "7", Money{1050, BRL})
		if row.says == "" {
			require.Empty(t, why, name)
		} else {
			require.Contains(t, why, row.says, name)
		}
	}
}

// A settlement is the seller's news: it has an event of its own type, and no e-mail.
func TestASettlementIsNoNewsForTheBuyer(t *testing.T) {
	t.Parallel()
	e := Event{Status: Approved, Data: EventData{Settlement: &Settlement{Amount: 1040}}}
	require.Equal(t, "payment.settled", e.Type())
	require.Empty(t, e.Notice())
}

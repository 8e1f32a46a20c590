package drills

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/test/simulator"
)

// A buyer whose first card was rejected has entered another. One who leaves keeps the payment waiting.
func TestACardThatWasEnteredAfterARejectedOne(t *testing.T) {
	e := clean()
	e.enter(1)
	require.Empty(t, Check(e))
	e.Payments[2].OnPage, e.Payments[2].ProviderPaymentID = true, ""
	e.Ledger = without(e.Ledger, func(x simulator.Entry) bool { return x.ExternalReference == id(3) })
	e.Operations = without(e.Operations, func(o Operation) bool { return o.PaymentID == id(3) })
	e.Requests = without(e.Requests, func(r simulator.Request) bool { return r.Reference == id(3) })
	require.Empty(t, Check(e))
	e.Events = without(e.Events, func(v Event) bool { return v.PaymentID == id(3) && v.Seq == 1 })
	for n, v := range e.Events {
		if v.PaymentID == id(3) {
			e.Events[n].Seq = 1
		}
	}
	e.Payments[2].Version = 1
	require.Empty(t, Check(e), "such a payment begins by waiting")
	e.Intents[2].Status = "processing"
	require.Empty(t, Check(e), "it was accepted, and not stored yet")
	e.Payments[2].OnPage = false
	require.NotEmpty(t, Check(e))
}

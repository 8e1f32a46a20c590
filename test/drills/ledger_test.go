package drills

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Money is released between two looks at the sides. Its settlement is waited for, and not missed before.
func TestMoneyThatIsReleasedInAMomentIsWaitedFor(t *testing.T) {
	e := clean()
	require.Empty(t, stillToCome(e))
	e.Books.Payments[0].ReleasedAt = e.Asked.Add(releaseSoon / 2)
	e.Events = without(e.Events, func(v Event) bool { return v.PaymentID == id(1) && v.Settled != nil })
	e.Entries = without(e.Entries, func(x LedgerEntry) bool { return x.PaymentID == id(1) && x.Cause == "settlement" })
	require.Len(t, stillToCome(e), 1)
	for _, o := range Check(e) {
		require.NotContains(t, o.Known, "no event says that it is settled")
	}
}

package payment

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestEveryStatusHasARowInTheTableOfMoves(t *testing.T) {
	require.Len(t, moves, len(Statuses()))
	for _, s := range Statuses() {
		require.Contains(t, moves, s)
		require.True(t, s.Known())
	}
	require.False(t, Status("paid").Known())
}

func TestMoves(t *testing.T) {
	// What Mercado Pago documents: a payment may begin anywhere, and ends rejected, cancelled, expired or refunded.
	allowed := map[Status][]Status{
		Processing: {Pending, InReview, Authorized, Approved, Rejected, Unknown, Failed},
		Unknown:    {Pending, InReview, Authorized, Approved, Rejected, Failed, ChargedBack},
		Pending:    {Approved, Expired, Cancelled, Rejected, InReview, Authorized},
		InReview:   {Approved, Rejected, Cancelled, Authorized},
		// Captured, voided, after five days of nothing, or refused at the last moment.
		Authorized:        {Approved, Cancelled, Expired, Rejected},
		Approved:          {PartiallyRefunded, Refunded, InDispute, ChargedBack},
		PartiallyRefunded: {PartiallyRefunded, Refunded, InDispute, ChargedBack},
		InDispute:         {Approved, PartiallyRefunded, Refunded, ChargedBack},
		// The seller has won. What was refunded before stays so.
		ChargedBack: {Approved, PartiallyRefunded},
	}
	for from, tos := range allowed {
		for _, to := range tos {
			require.True(t, CanMove(from, to), "%s → %s", from, to)
			require.Contains(t, to.From(), from)
		}
	}
	forbidden := map[Status][]Status{
		Pending:   {Processing, Failed, Unknown, Refunded},
		Approved:  {Pending, Failed, Unknown, Expired, Approved},
		InReview:  {Pending, Failed},
		Refunded:  {Approved, ChargedBack},
		Rejected:  {Approved, Pending},
		Cancelled: {Approved, Pending},
		Failed:    {Approved},
		Expired:   {Approved},
	}
	for from, tos := range forbidden {
		for _, to := range tos {
			require.False(t, CanMove(from, to), "%s → %s", from, to)
			require.NotContains(t, to.From(), from)
		}
	}
}

func TestNothingReturnsToProcessing(t *testing.T) {
	require.Empty(t, Processing.From())
}

func TestAPaymentThatCanStillMoveByItselfIsOpen(t *testing.T) {
	open := []Status{Processing, Pending, InReview, Authorized, Unknown}
	for _, s := range Statuses() {
		require.Equal(t, slices.Contains(open, s), s.Open(), s)
	}
}

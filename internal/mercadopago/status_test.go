package mercadopago

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
)

// Each status with each detail that Mercado Pago documents for it, and with one that it does not.
func TestStatuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		status, detail string
		refunded       int64 // of 1050
		want           payment.Status
	}{
		{"pending", "pending_waiting_transfer", 0, payment.Pending},
		{"pending", "pending_waiting_payment", 0, payment.Pending},
		{"pending", "pending_challenge", 0, payment.Pending},
		{"pending", "pending_provider_response", 0, payment.Pending},
		{"pending", "pending_waiting_for_remedy", 0, payment.Pending},
		{"pending", "another word", 0, payment.Pending},
		{"in_process", "pending_contingency", 0, payment.InReview},
		{"in_process", "pending_review_manual", 0, payment.InReview},
		{"in_process", "offline_process", 0, payment.InReview},
		{"in_process", "deferred_retry", 0, payment.InReview},
		{"in_process", "another word", 0, payment.InReview},
		{"authorized", "pending_capture", 0, payment.Authorized},
		{"approved", "accredited", 0, payment.Approved},
		{"approved", "", 0, payment.Approved},
		{"approved", "another word", 0, payment.Approved},
		{"approved", "accredited", 1, payment.PartiallyRefunded},
		{"approved", "accredited", 1049, payment.PartiallyRefunded},
		{"approved", "accredited", 1050, payment.Approved},
		{"approved", "partially_refunded", 0, payment.PartiallyRefunded},
		{"approved", "partially_bpp_refunded", 0, payment.PartiallyRefunded},
		{"approved", "partially_bpp_covered", 0, payment.Approved},
		{"rejected", "cc_rejected_high_risk", 0, payment.Rejected},
		{"rejected", "another word", 0, payment.Rejected},
		{"cancelled", "by_collector", 0, payment.Cancelled},
		{"cancelled", "by_payer", 0, payment.Cancelled},
		{"canceled", "by_payer", 0, payment.Cancelled},
		{"cancelled", "by_admin", 0, payment.Cancelled},
		{"cancelled", "another word", 0, payment.Cancelled},
		{"cancelled", "expired", 0, payment.Expired},
		{"canceled", "expired", 0, payment.Expired},
		{"refunded", "refunded", 1050, payment.Refunded},
		{"refunded", "by_admin", 1050, payment.Refunded},
		{"refunded", "bpp_refunded", 1050, payment.Refunded},
		{"refunded", "bpp_covered", 1050, payment.Refunded},
		{"refunded", "another word", 1050, payment.Refunded},
		{"in_mediation", "pending", 0, payment.InDispute},
		{"in_mediation", "another word", 0, payment.InDispute},
		{"charged_back", "settled", 0, payment.ChargedBack},
		{"charged_back", "in_process", 0, payment.ChargedBack},
		{"charged_back", "another word", 0, payment.ChargedBack},
		{"charged_back", "reimbursed", 0, payment.Approved},
		{"charged_back", "reimbursed", 300, payment.PartiallyRefunded},
	} {
		got, err := statusOf(paymentBody{
			Status: text(c.status), StatusDetail: text(c.detail),
			Amount: amount{1050, true}, Refunded: amount{c.refunded, true},
		})
		require.NoError(t, err)
		require.Equal(t, c.want, got, "%+v", c)
	}
}

func TestUnknownStatusIsNamed(t *testing.T) {
	t.Parallel()
	for _, status := range []text{"Approved", "paid", "approved "} {
		_, err := statusOf(paymentBody{Status: status})
		require.Equal(t, failure.Internal, failure.KindOf(err))
		require.ErrorContains(t, err, string(status))
	}
}

// A rejection that only the seller or we can put right has a code, whatever else is rejected has none.
func TestRejectionsForAReasonOfOursHaveACode(t *testing.T) {
	t.Parallel()
	for detail, want := range map[string]failure.Code{
		"collector_unavailable": failure.CodeAccount, "rejected_insufficient_data": failure.CodeIntegration, "cc_rejected_high_risk": "", "": "",
	} {
		state, err := reader{}.payment([]byte(`{"id":1,"status":"rejected","status_detail":"` + detail + `","transaction_amount":1,"date_created":"2026-11-23T12:00:00Z"}`))
		require.NoError(t, err)
		require.Equal(t, want, state.FailureCode, detail)
	}
	state, err := reader{}.payment([]byte(`{"id":1,"status":"cancelled","status_detail":"collector_unavailable","transaction_amount":1,"date_created":"2026-11-23T12:00:00Z"}`))
	require.NoError(t, err)
	require.Empty(t, state.FailureCode)
}

package mercadopago

import (
	"fmt"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
)

// statusOf translates Mercado Pago's status and status_detail (API reference, payments; guide "payment
// query results") to ours. A word it does not know is an error of kind Internal: a guess about a
// buyer's money is worse than waiting for an operator.
func statusOf(p paymentBody) (payment.Status, error) {
	switch p.Status {
	case "pending":
		return payment.Pending, nil
	case "in_process":
		return payment.InReview, nil
	case "authorized":
		return payment.Authorized, nil
	case "approved":
		return approved(p), nil
	case "rejected":
		return payment.Rejected, nil
	case "cancelled", "canceled": // its pages spell it both ways
		if p.StatusDetail == "expired" {
			return payment.Expired, nil
		}
		return payment.Cancelled, nil
	case "refunded":
		return payment.Refunded, nil
	case "in_mediation":
		return payment.InDispute, nil
	case "charged_back":
		if p.StatusDetail == "reimbursed" { // the seller has won, and has the money again
			return approved(p), nil
		}
		return payment.ChargedBack, nil
	}
	return "", &failure.Error{
		Kind: failure.Internal, Message: "Mercado Pago gives the payment a status that is not known here",
		Err: fmt.Errorf("unknown status %.40q, detail %.40q", p.Status, p.StatusDetail),
	}
}

// approved looks closer: Mercado Pago keeps the word until all of the money went back. The detail with bpp
// (buyer protection program) says that a part was given back after a dispute.
func approved(p paymentBody) payment.Status {
	back := p.Refunded.centavos > 0 && p.Refunded.centavos < p.Amount.centavos
	if back || p.StatusDetail == "partially_refunded" || p.StatusDetail == "partially_bpp_refunded" {
		return payment.PartiallyRefunded
	}
	return payment.Approved
}

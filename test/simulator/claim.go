package simulator

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// The stages of a claim. A buyer complains first, and Mercado Pago decides if the seller does not help.
const (
	stageClaim   = "claim"
	stageDispute = "dispute"
)

var errClosedClaim = errors.New("the claim is closed")

// OpenClaim lets the buyer of a paid payment complain; the payment stays as it is. It returns the claim's id.
func (s *Simulator) OpenClaim(paymentID string) (string, error) {
	id := strconv.FormatInt(5_000_000_000+nextID()%1_000_000_000, 10)
	d, _, err := s.book.openDispute(id, paymentID, "", stageClaim, time.Now())
	if err != nil {
		return "", fmt.Errorf("open a claim about %s: %w", paymentID, err)
	}
	s.notifyClaim(d)
	return id, nil
}

// MediateClaim lets the buyer ask Mercado Pago to decide: the payment is in mediation.
func (s *Simulator) MediateClaim(id string) error {
	d, err := s.book.changeDispute(id, time.Now(), func(d *dispute) error {
		if d.stage == "" || d.closed {
			return errClosedClaim
		}
		d.stage = stageDispute
		return nil
	})
	if err == nil {
		err = s.moveDisputed(d.paymentID, "in_mediation", "pending")
	}
	if err != nil {
		return fmt.Errorf("mediate claim %s: %w", id, err)
	}
	s.notifyClaim(d)
	return nil
}

// CloseClaim ends a claim. If the seller has won, the payment is approved again; else the buyer gets the money back.
func (s *Simulator) CloseClaim(id string, won bool) error {
	d, err := s.book.changeDispute(id, time.Now(), func(d *dispute) error {
		if d.stage == "" || d.closed {
			return errClosedClaim
		}
		d.closed, d.benefited = true, map[bool]string{true: "respondent", false: "complainant"}[won]
		return nil
	})
	switch {
	case err != nil:
	case won:
		err = s.moveDisputed(d.paymentID, "approved", "accredited")
	default:
		err = s.refundDisputed(d.paymentID)
	}
	if err != nil {
		return fmt.Errorf("close claim %s: %w", id, err)
	}
	s.notifyClaim(d)
	return nil
}

// refundDisputed gives all that is left back to the buyer, whom Mercado Pago has found right.
func (s *Simulator) refundDisputed(paymentID string) error {
	p, err := s.book.move(paymentID, time.Now(), func(p *payment) error {
		p.status, p.detail = "approved", "accredited" // so that it can be refunded
		return nil
	})
	if err != nil {
		return err
	}
	_, err = s.RefundInPanel(p.id, 0)
	return err
}

// notifyClaim sends the notification of a claim, which names no payment.
func (s *Simulator) notifyClaim(d dispute) {
	s.notifyDispute(d, "topic_claims_integration_wh", map[string]any{"id": json.Number(d.id), "resource": "/post-purchase/v1/claims/" + d.id},
		map[string]any{"action": "updated", "type": "claim"})
}

// AlertFraud warns the seller of a payment: do not deliver. The notification has no id, and is not sent again when it fails.
func (s *Simulator) AlertFraud(paymentID string) error {
	p, ok := s.book.get(paymentID)
	if !ok {
		return fmt.Errorf("warn of %s: %w", paymentID, errUnknownPayment)
	}
	n := s.notification(p, "")
	if n == nil {
		return nil
	}
	n.topic, n.paymentID, n.once, n.action = "stop_delivery_op_wh", "", true, "created"
	n.data = map[string]any{"description": "suspected fraud", "merchant_order": 4945357007, "payment_id": json.Number(paymentID)}
	s.sender.send(n, 0)
	return nil
}

func (s *Simulator) claimAnswer(d dispute) map[string]any {
	due := any(date(d.deadline.In(manaus)))
	a := map[string]any{
		"id": json.Number(d.id), "resource": "payment", "resource_id": json.Number(d.paymentID), "type": "mediations", "stage": d.stage, "status": "opened",
		"parent_id": nil, "reason_id": "PDD9549", "fulfilled": true, "quantity_type": "total", "site_id": "MLB", "resolution": nil,
		"date_created": date(d.created.In(manaus)), "last_updated": date(d.updated.In(manaus)),
	}
	actions := []map[string]any{{"action": "send_message_to_complainant", "mandatory": true, "due_date": due}}
	if d.stage == stageDispute {
		actions = []map[string]any{{"action": "refund", "mandatory": false, "due_date": nil}}
	}
	if d.closed {
		a["status"], actions = "closed", []map[string]any{}
		a["resolution"] = map[string]any{"reason": "mediated", "date_created": date(d.updated.In(manaus)), "benefited": []string{d.benefited}, "closed_by": "mediator"}
	}
	a["players"] = []map[string]any{
		{"role": "complainant", "type": "buyer", "user_id": 1325224382, "available_actions": []any{}},
		{"role": "respondent", "type": "seller", "user_id": s.config.CollectorID, "available_actions": actions},
	}
	return a
}

func (s *Simulator) getClaim(c *call) answer {
	s.hold(c)
	d, ok := s.book.dispute(c.request.PathValue("id"))
	if !ok || d.stage == "" {
		return c.refuse(http.StatusNotFound, causeNoClaim)
	}
	return jsonAnswer(http.StatusOK, s.claimAnswer(d))
}

// searchClaims lists the claims about a payment, or about all payments.
func (s *Simulator) searchClaims(c *call) answer {
	s.hold(c)
	about, status := c.request.FormValue("resource_id"), c.request.FormValue("status")
	limit, offset := paged(c.request)
	results := []map[string]any{}
	for _, d := range s.book.claims(about) {
		if a := s.claimAnswer(d); status == "" || a["status"] == status {
			results = append(results, a)
		}
	}
	total := len(results)
	results = results[min(offset, total):min(offset+limit, total)]
	return jsonAnswer(http.StatusOK, map[string]any{"paging": paging{total, limit, offset}, "results": results})
}

// paged is how many results a search wants, and from which on.
func paged(r *http.Request) (limit, offset int) {
	limit, err := strconv.Atoi(r.FormValue("limit"))
	if err != nil || limit <= 0 {
		limit = defaultLimit
	}
	offset, _ = strconv.Atoi(r.FormValue("offset")) // none: 0
	return limit, max(offset, 0)
}

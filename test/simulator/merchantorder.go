package simulator

import (
	"encoding/json"
	"net/http"
	"slices"
	"time"
)

// A merchant order gathers the payments that were made for a preference. Where Mercado Pago's pages are silent, the simulator's order is closed
// when it is paid, and its notifications come after those of its payments.

var causeNoOrder = cause{Code: "not_found", Description: "Merchant order not found"}

func (s *Simulator) getMerchantOrder(c *call) answer {
	s.hold(c)
	of, payments, ok := s.book.order(c.request.PathValue("id"))
	if !ok {
		return c.refuse(http.StatusNotFound, causeNoOrder)
	}
	return jsonAnswer(http.StatusOK, s.orderAnswer(c, of, payments))
}

func (s *Simulator) searchMerchantOrders(c *call) answer {
	s.hold(c)
	elements := []map[string]any{}
	for _, of := range s.book.preferencesOf(c.request.URL.Query().Get("external_reference")) {
		if of, payments, ok := s.book.order(of.Order); ok {
			elements = append(elements, s.orderAnswer(c, of, payments))
		}
	}
	return jsonAnswer(http.StatusOK, map[string]any{"elements": elements, "total": len(elements), "next_offset": len(elements)})
}

// order is the preference of an order, with its payments, oldest first.
func (b *book) order(id string) (preference, []payment, bool) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	of, ok := b.preferences[b.orders[id]]
	if !ok {
		return of, nil, false
	}
	var payments []payment
	for _, p := range b.byReference[of.Request.ExternalReference] {
		if p.preference == of.ID {
			payments = append(payments, *p)
		}
	}
	return of, payments, true
}

func (s *Simulator) orderAnswer(c *call, of preference, payments []payment) map[string]any {
	money := amounts{text: c.fault.Kind == KindTextAmounts}
	status, state := orderState(of, payments)
	var paid, refunded int64
	shown := []map[string]any{}
	updated := of.Updated
	for _, p := range payments {
		if p.updated.After(updated) {
			updated = p.updated
		}
		if !p.approved.IsZero() {
			paid += p.received()
			refunded += p.refunded()
		}
		shown = append(shown, map[string]any{
			"id": json.Number(p.id), "transaction_amount": money.of(p.amount), "total_paid_amount": money.of(p.received()), "shipping_cost": 0,
			"currency_id": "BRL", "status": p.status, "status_detail": p.detail, "operation_type": "regular_payment",
			"date_approved": date(p.approved.In(manaus)), "date_created": date(p.created.In(manaus)), "last_modified": date(p.updated.In(manaus)),
			"amount_refunded": money.of(p.refunded()),
		})
	}
	return map[string]any{
		"id": json.Number(of.Order), "status": status, "order_status": state, "external_reference": of.Request.ExternalReference, "preference_id": of.ID,
		"marketplace": "NONE", "application_id": "4222763492741", "site_id": "MLB", "notification_url": of.Request.NotificationURL,
		"collector": map[string]any{"id": s.config.CollectorID, "email": "", "nickname": "SIMULADOR"}, "payer": map[string]any{"id": 0, "email": of.Request.Payer.Email, "nickname": ""}, "payments": shown,
		"shipments": []any{}, "payouts": []any{}, "items": of.Request.Items, "additional_info": "", "shipping_cost": 0,
		"total_amount": money.of(of.Amount), "paid_amount": money.of(paid), "refunded_amount": money.of(refunded), "cancelled": false,
		"date_created": date(of.Created.In(manaus)), "last_updated": date(updated.In(manaus)),
	}
}

// orderState is Mercado Pago's status and order_status of an order.
func orderState(of preference, payments []payment) (status, state string) {
	has := func(words ...string) bool {
		return slices.ContainsFunc(payments, func(p payment) bool { return slices.Contains(words, p.status) })
	}
	switch {
	case has("approved"):
		return "closed", "paid"
	case has("refunded", "charged_back"):
		return "closed", "reverted"
	case has("pending", "in_process", "authorized"):
		return "opened", "payment_in_process"
	case of.over(time.Now()):
		return "expired", "expired"
	}
	return "opened", "payment_required"
}

// notifyOrder sends the notification of the order that a payment is in, if it is in one.
func (s *Simulator) notifyOrder(p payment) {
	if p.order == "" {
		return
	}
	of, payments, ok := s.book.order(p.order)
	if !ok {
		return
	}
	n := s.sender.notification(p, "update", s.config.DefaultNotificationURL)
	n.fault = s.faults.take(OrderWebhook, p.order, func() string { return p.reference })
	switch {
	case n.url == "":
		s.sender.suppress(n, "no notification_url")
		return
	case n.fault.Kind == KindLost:
		s.sender.suppress(n, "lost")
		return
	}
	status, _ := orderState(of, payments)
	n.topic, n.paymentID = "topic_merchant_order_wh", p.order
	n.data, n.extra = map[string]any{"currency_id": "BRL", "marketplace": "NONE", "status": status}, map[string]any{"status": status, "version": len(payments)}
	s.sender.send(n, 0)
}

// newestOrder is the order of the newest preference, "" when there is none.
func (b *book) newestOrder() string {
	b.mu.RLock()
	defer b.mu.RUnlock()
	var newest preference
	for _, p := range b.preferences {
		if p.Created.After(newest.Created) {
			newest = p
		}
	}
	return newest.Order
}

package simulator

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// refundLimit is how long after its approval a payment can be refunded in Brazil (guide "refunds and cancellations").
const refundLimit = 180 * 24 * time.Hour

// renderInProcess is the header that shows refunds in progress: without it, their creation answers 400 and the list hides them.
const renderInProcess = "X-Render-In-Process-Refunds"

// The statuses of a refund.
const (
	refundApproved  = "approved"
	refundInProcess = "in_process"
	refundRejected  = "rejected"
)

// refund is one refund of a payment.
type refund struct {
	ID      string    `json:"id"`
	Key     string    `json:"key,omitempty"`  // X-Idempotency-Key; "" when it was made in the panel
	Body    [32]byte  `json:"body,omitempty"` // of the request that made it
	Amount  int64     `json:"amount"`         // centavos
	Status  string    `json:"status"`
	Created time.Time `json:"created"`
}

// refunded is the sum in centavos that has been given back.
func (p payment) refunded() (sum int64) {
	for _, r := range p.refunds {
		if r.Status == refundApproved {
			sum += r.Amount
		}
	}
	return sum
}

// refundLimit is the sum in centavos that all refunds together may reach: what was paid, and at most what was asked for.
func (p payment) refundLimit() int64 { return min(p.amount, p.received()) }

// refundable is the sum in centavos that can still be refunded.
func (p payment) refundable() int64 {
	rest := p.refundLimit()
	for _, r := range p.refunds {
		if r.Status != refundRejected {
			rest -= r.Amount
		}
	}
	return rest
}

var (
	errRefundAmount  = errors.New("the sum of the refunds would be larger than the payment")
	errRefundTooOld  = errors.New("the payment was approved more than 180 days ago")
	errUnknownRefund = errors.New("there is no such refund")
)

// refund adds a refund to a payment; an amount of 0 is all that is left.
func (b *book) refund(id string, r refund, now time.Time) (payment, refund, error) {
	p, err := b.change(Refund, id, now, func(p *payment) (string, error) {
		if p.status != "approved" {
			return "", errState{p.status, p.detail}
		}
		if now.Sub(p.approved) > refundLimit {
			return "", errRefundTooOld
		}
		if r.Amount == 0 {
			r.Amount = p.refundable()
		}
		if r.Amount <= 0 || r.Amount > p.refundable() {
			return "", errRefundAmount
		}
		r.ID, r.Created = strconv.FormatInt(nextID(), 10), now
		p.refunds = append(slices.Clone(p.refunds), r)
		p.settleRefunds()
		if use := b.keys[refundKey(id, r.Key)]; r.Key != "" && use != nil {
			use.payment, use.refund = b.payments[id], r.ID
		}
		return r.ID, nil
	})
	return p, r, err
}

// settleRefund ends a refund in process, or takes back one that was approved.
func (b *book) settleRefund(id, refundID, status string, now time.Time) (payment, error) {
	return b.change(Refund, id, now, func(p *payment) (string, error) {
		i := slices.IndexFunc(p.refunds, func(r refund) bool { return r.ID == refundID })
		if i < 0 {
			return "", errUnknownRefund
		}
		if from := p.refunds[i].Status; from == status || from == refundRejected {
			return "", fmt.Errorf("the refund is %s", from)
		}
		p.refunds = slices.Clone(p.refunds)
		p.refunds[i].Status = status
		p.settleRefunds()
		return refundID, nil
	})
}

// settleRefunds is the payment's status after its refunds have changed: it is refunded only when all of the money went back.
func (p *payment) settleRefunds() {
	switch back := p.refunded(); {
	case back == p.refundLimit():
		p.status, p.detail = "refunded", "refunded"
	case back > 0:
		p.status, p.detail = "approved", "partially_refunded"
	default:
		p.status, p.detail = "approved", "accredited"
	}
}

// refundKey keeps the idempotency keys of refunds apart from those of payments.
func refundKey(paymentID, key string) string { return "refund\x00" + paymentID + "\x00" + key }

// createRefund gives money back. An empty body, or one without an amount, refunds all that is left.
func (s *Simulator) createRefund(c *call) answer {
	key := c.request.Header.Get("X-Idempotency-Key")
	if key == "" {
		return c.refuse(http.StatusBadRequest, causeNoKey)
	}
	id := c.request.PathValue("id")
	if _, ok := s.book.get(id); !ok {
		return c.refuse(http.StatusNotFound, causeNotFound)
	}
	amount, wrong := refundAmount(c.body)
	if wrong != nil {
		return c.refuse(http.StatusBadRequest, *wrong)
	}
	if c.fault.Kind == KindForgottenKey {
		s.book.forget(refundKey(id, key), c.fault.Delay)
	}
	state, earlier, refundID := s.book.claim(refundKey(id, key), c.body)
	switch state {
	case keyRunning:
		return c.refuse(http.StatusConflict, causeKeyRunning)
	case keyTaken:
		return c.refuse(http.StatusConflict, causeKeyTaken)
	case keyRepeated:
		return s.refundCreated(c, earlier, refundID)
	}

	s.hold(c)
	r := refund{Key: key, Body: fingerprint(c.body), Amount: amount, Status: refundApproved}
	if c.fault.Kind == KindInProcess {
		r.Status = refundInProcess
	}
	p, r, err := s.book.refund(id, r, time.Now())
	if err != nil {
		s.book.release(refundKey(id, key))
		return c.refuse(http.StatusBadRequest, refundCause(err))
	}
	s.settleLater(c.fault, p, r)
	s.notifyUpdated(p)
	return s.refundCreated(c, p, r.ID)
}

// settleLater lets a fault decide what becomes of a refund after its Delay.
func (s *Simulator) settleLater(f Fault, p payment, r refund) {
	status := ""
	switch {
	case f.Kind == KindInProcess && f.Delay > 0:
		status = refundApproved
	case f.Kind == KindRefundFails:
		status = refundRejected
	default:
		return
	}
	id := p.id
	s.expiries.at(time.Now().Add(f.Delay), func() { _ = s.SettleRefund(id, r.ID, status) }) // an operator may have settled it before
}

// refundCreated answers the creation of a refund: with 400 while it is in process, unless the caller asks to see such refunds.
func (s *Simulator) refundCreated(c *call, p payment, refundID string) answer {
	i := slices.IndexFunc(p.refunds, func(r refund) bool { return r.ID == refundID })
	r := p.refunds[i]
	if r.Status == refundInProcess && !rendersInProcess(c.request) {
		return c.refuse(http.StatusBadRequest, causeInProcess)
	}
	return jsonAnswer(http.StatusCreated, s.refundAnswer(c, p, r))
}

func rendersInProcess(r *http.Request) bool { return r.Header.Get(renderInProcess) == "true" }

// listRefunds lists a payment's refunds, the oldest first.
func (s *Simulator) listRefunds(c *call) answer {
	s.hold(c)
	p, ok := s.book.get(c.request.PathValue("id"))
	if !ok {
		return c.refuse(http.StatusNotFound, causeNotFound)
	}
	return jsonAnswer(http.StatusOK, s.refundAnswers(c, p))
}

func (s *Simulator) getRefund(c *call) answer {
	s.hold(c)
	p, ok := s.book.get(c.request.PathValue("id"))
	i := slices.IndexFunc(p.refunds, func(r refund) bool { return r.ID == c.request.PathValue("refund") })
	if !ok || i < 0 || p.refunds[i].Status == refundInProcess && !rendersInProcess(c.request) {
		return c.refuse(http.StatusNotFound, causeNoRefund)
	}
	return jsonAnswer(http.StatusOK, s.refundAnswer(c, p, p.refunds[i]))
}

// refundAmount reads a refund's request: 0 is all that is left.
func refundAmount(body []byte) (int64, *cause) {
	var in struct {
		Amount json.RawMessage `json:"amount"`
	}
	if len(body) > 0 && json.Unmarshal(body, &in) != nil {
		return 0, &causeParams
	}
	if len(in.Amount) == 0 || string(in.Amount) == "null" {
		return 0, nil
	}
	amount, wrong := centavos(in.Amount)
	if wrong != nil {
		return 0, &causeRefundAmount
	}
	return amount, nil
}

// refundCause is Mercado Pago's word for why a refund is refused.
func refundCause(err error) cause {
	switch {
	case errors.Is(err, errRefundAmount):
		return causeRefundAmount
	case errors.Is(err, errRefundTooOld):
		return causeRefundTooOld
	}
	return causeRefundState
}

// refundAnswer is a refund as Mercado Pago returns it.
type refundAnswer struct {
	ID                   json.Number       `json:"id"`
	PaymentID            json.Number       `json:"payment_id"`
	Amount               any               `json:"amount"`
	AdjustmentAmount     int               `json:"adjustment_amount"`
	Status               string            `json:"status"`
	RefundMode           string            `json:"refund_mode"`
	DateCreated          date              `json:"date_created"`
	Metadata             struct{}          `json:"metadata"`
	Source               map[string]string `json:"source"`
	UniqueSequenceNumber *string           `json:"unique_sequence_number"`
	Reason               *string           `json:"reason"`
	Labels               []string          `json:"labels"`
	PartitionDetails     []struct{}        `json:"partition_details"`
}

func (s *Simulator) refundAnswer(c *call, p payment, r refund) refundAnswer {
	money := amounts{text: c.fault.Kind == KindTextAmounts}
	return refundAnswer{
		ID: json.Number(r.ID), PaymentID: json.Number(p.id), Amount: money.of(r.Amount), Status: r.Status, RefundMode: "standard",
		DateCreated: date(r.Created.In(manaus)), Labels: []string{}, PartitionDetails: []struct{}{},
		Source: map[string]string{"id": strconv.FormatInt(s.config.CollectorID, 10), "name": merchantName, "type": "collector"},
	}
}

// refundAnswers lists the refunds that the caller may see.
func (s *Simulator) refundAnswers(c *call, p payment) []refundAnswer {
	answers := []refundAnswer{}
	for _, r := range p.refunds {
		if r.Status != refundInProcess || rendersInProcess(c.request) {
			answers = append(answers, s.refundAnswer(c, p, r))
		}
	}
	return answers
}

// RefundInPanel lets the seller refund a payment in Mercado Pago's panel; an amount of 0 is all that is left. It returns the refund's ID.
func (s *Simulator) RefundInPanel(paymentID string, centavos int64) (string, error) {
	p, r, err := s.book.refund(paymentID, refund{Amount: centavos, Status: refundApproved}, time.Now())
	if err != nil {
		return "", fmt.Errorf("refund %s: %w", paymentID, err)
	}
	s.notifyUpdated(p)
	return r.ID, nil
}

// SettleRefund ends a refund in process as approved or rejected, or rejects one that was approved.
func (s *Simulator) SettleRefund(paymentID, refundID, status string) error {
	if status != refundApproved && status != refundRejected {
		return fmt.Errorf("settle refund %s: a refund ends as approved or rejected", refundID)
	}
	p, err := s.book.settleRefund(paymentID, refundID, status, time.Now())
	if err != nil {
		return fmt.Errorf("settle refund %s: %w", refundID, err)
	}
	s.notifyUpdated(p)
	return nil
}

func (s *Simulator) adminRefund(w http.ResponseWriter, r *http.Request) {
	amount, err := number(r, "amount", 0)
	if err != nil {
		adminError(w, http.StatusBadRequest, err)
		return
	}
	id, err := s.RefundInPanel(r.PathValue("id"), int64(amount))
	if err != nil {
		adminError(w, moveStatus(err), err)
		return
	}
	adminAnswer(w, map[string]string{"refund_id": id})
}

func (s *Simulator) adminSettleRefund(w http.ResponseWriter, r *http.Request) {
	if err := s.SettleRefund(r.PathValue("id"), r.PathValue("refund"), r.FormValue("status")); err != nil {
		adminError(w, moveStatus(err), err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

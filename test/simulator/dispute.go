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

// dispute is a chargeback or a claim.
type dispute struct {
	id        string
	paymentID string
	amount    int64 // centavos
	created   time.Time
	updated   time.Time // in milliseconds, grows with each change
	deadline  time.Time // for documents, or for the seller's answer
	documents string    // documentation_status of a chargeback
	evidence  []Evidence
	coverage  *bool  // of a chargeback: decided for the seller; nil: not decided
	stage     string // of a claim
	benefited string // of a closed claim: whom it was decided for
	closed    bool
}

// Disputed is a dispute in the admin API and in the simulator's file.
type Disputed struct {
	ID        string     `json:"id"`
	PaymentID string     `json:"payment_id"`
	Amount    int64      `json:"amount"` // centavos
	Created   time.Time  `json:"created"`
	Updated   time.Time  `json:"updated"`
	Deadline  time.Time  `json:"deadline"`
	Documents string     `json:"documents,omitempty"` // documentation_status of a chargeback
	Evidence  []Evidence `json:"evidence,omitempty"`
	Coverage  *bool      `json:"coverage,omitempty"`  // of a chargeback that is decided: for the seller
	Stage     string     `json:"stage,omitempty"`     // of a claim
	Benefited string     `json:"benefited,omitempty"` // of a closed claim
	Closed    bool       `json:"closed,omitempty"`
}

func (d dispute) view() *Disputed {
	return &Disputed{d.id, d.paymentID, d.amount, d.created.UTC(), d.updated.UTC(), d.deadline.UTC(), d.documents, d.evidence, d.coverage, d.stage, d.benefited, d.closed}
}

func (d Disputed) dispute() *dispute {
	return &dispute{d.ID, d.PaymentID, d.Amount, d.Created, d.Updated, d.Deadline, d.Documents, d.Evidence, d.Coverage, d.Stage, d.Benefited, d.Closed}
}

// Disputes lists all chargebacks and claims, oldest first.
func (s *Simulator) Disputes() []Disputed {
	s.book.mu.RLock()
	defer s.book.mu.RUnlock()
	all := []Disputed{}
	for _, d := range s.book.disputes {
		all = append(all, *d.view())
	}
	slices.SortFunc(all, func(a, b Disputed) int { return a.Created.Compare(b.Created) })
	return all
}

func (s *Simulator) adminDisputes(w http.ResponseWriter, _ *http.Request) {
	adminAnswer(w, s.Disputes())
}

// answerTime is how long the seller may take to send documents or to answer a claim.
const answerTime = 10 * 24 * time.Hour

var errUnknownDispute = errors.New("there is no such chargeback or claim")

// openDispute adds a dispute of a payment that is paid.
func (b *book) openDispute(id, paymentID string, documents, stage string, now time.Time) (dispute, payment, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p, ok := b.payments[paymentID]
	switch {
	case !ok:
		return dispute{}, payment{}, errUnknownPayment
	case p.status != "approved" && p.status != "in_mediation":
		return dispute{}, payment{}, errState{p.status, p.detail}
	}
	d := &dispute{
		id: id, paymentID: paymentID, amount: p.received() - p.refunded(), created: now.Truncate(time.Millisecond), updated: now.Truncate(time.Millisecond),
		deadline: now.Add(answerTime).Truncate(time.Second), documents: documents, stage: stage,
	}
	b.disputes[id] = d
	b.journal.append(paymentID, line{Dispute: d.view()})
	return *d, *p, nil
}

func (b *book) changeDispute(id string, now time.Time, change func(*dispute) error) (dispute, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	d, ok := b.disputes[id]
	if !ok {
		return dispute{}, errUnknownDispute
	}
	if err := change(d); err != nil {
		return *d, err
	}
	d.updated = later(now.Truncate(time.Millisecond), d.updated.Add(time.Millisecond))
	b.journal.append(d.paymentID, line{Dispute: d.view()})
	return *d, nil
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

func (b *book) dispute(id string) (dispute, bool) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	d, ok := b.disputes[id]
	if !ok {
		return dispute{}, false
	}
	return *d, true
}

// chargebacks lists those of a payment, oldest first.
func (b *book) chargebacks(paymentID string) []dispute {
	return b.disputesThat(func(d *dispute) bool { return d.paymentID == paymentID && d.stage == "" })
}

// claims lists those about a payment, or about all payments, oldest first.
func (b *book) claims(paymentID string) []dispute {
	return b.disputesThat(func(d *dispute) bool { return (paymentID == "" || d.paymentID == paymentID) && d.stage != "" })
}

func (b *book) disputesThat(are func(*dispute) bool) []dispute {
	b.mu.RLock()
	defer b.mu.RUnlock()
	var found []dispute
	for _, d := range b.disputes {
		if are(d) {
			found = append(found, *d)
		}
	}
	slices.SortFunc(found, func(a, b dispute) int { return a.created.Compare(b.created) })
	return found
}

// moveDisputed moves a payment because of a dispute.
func (s *Simulator) moveDisputed(paymentID, status, detail string) error {
	p, err := s.book.move(paymentID, time.Now(), func(p *payment) error {
		p.status, p.detail = status, detail
		return nil
	})
	if err == nil {
		s.notifyUpdated(p)
	}
	return err
}

// OpenChargeback lets the buyer's bank take the money of a paid payment back. Mercado Pago asks the seller for documents. It returns the
// chargeback's id.
func (s *Simulator) OpenChargeback(paymentID string) (string, error) {
	id := strconv.FormatInt(233_000_000_000_000_000+nextID(), 10)
	d, _, err := s.book.openDispute(id, paymentID, "pending", "", time.Now())
	if err != nil {
		return "", fmt.Errorf("open a chargeback of %s: %w", paymentID, err)
	}
	if err := s.moveDisputed(paymentID, "charged_back", "in_process"); err != nil {
		return "", fmt.Errorf("open a chargeback of %s: %w", paymentID, err)
	}
	s.notifyChargeback(d)
	return id, nil
}

// DecideChargeback ends a chargeback, for the seller or for the buyer.
func (s *Simulator) DecideChargeback(id string, won bool) error {
	d, err := s.book.changeDispute(id, time.Now(), func(d *dispute) error {
		if d.stage != "" {
			return errUnknownDispute
		}
		d.coverage = &won
		switch {
		case d.documents == "pending":
			d.documents = "not_supplied"
		case won:
			d.documents = "valid"
		default:
			d.documents = "invalid"
		}
		return nil
	})
	if err == nil {
		detail := map[bool]string{true: "reimbursed", false: "settled"}[won]
		err = s.moveDisputed(d.paymentID, "charged_back", detail)
	}
	if err != nil {
		return fmt.Errorf("decide chargeback %s: %w", id, err)
	}
	s.notifyChargeback(d)
	return nil
}

// notifyChargeback sends the notification of a chargeback, whose ids are numbers.
func (s *Simulator) notifyChargeback(d dispute) {
	s.notifyDispute(d, "topic_chargebacks_wh", chargebackData(payment{id: d.paymentID}, d.id), map[string]any{"actions": []string{"changed_case_status"}})
}

// notifyDispute sends a notification whose body is not that of a payment's.
func (s *Simulator) notifyDispute(d dispute, topic string, data any, extra map[string]any) {
	p, ok := s.book.get(d.paymentID)
	if !ok {
		return
	}
	if n := s.notification(p, ""); n != nil {
		n.topic, n.paymentID, n.data, n.extra = topic, d.id, data, extra
		s.sender.send(n, 0)
	}
}

// chargebackAnswer is a chargeback as Mercado Pago returns it.
type chargebackAnswer struct {
	ID                    string        `json:"id"`
	Payments              []json.Number `json:"payments"`
	Currency              string        `json:"currency"`
	Amount                any           `json:"amount"`
	Reason                string        `json:"reason"`
	CoverageApplied       *bool         `json:"coverage_applied"`
	CoverageElegible      bool          `json:"coverage_elegible"` // so spelled
	DocumentationRequired bool          `json:"documentation_required"`
	DocumentationStatus   string        `json:"documentation_status"`
	Documentation         []document    `json:"documentation"`
	Deadline              date          `json:"date_documentation_deadline"`
	DateCreated           date          `json:"date_created"`
	DateLastUpdated       date          `json:"date_last_updated"`
	LiveMode              bool          `json:"live_mode"`
}

type document struct {
	Type        string `json:"type"`
	URL         string `json:"url"`
	Description string `json:"description"`
}

func (s *Simulator) chargebackAnswer(c *call, d dispute) chargebackAnswer {
	return chargebackAnswer{
		ID: d.id, Payments: []json.Number{json.Number(d.paymentID)}, Currency: "BRL", Amount: amounts{text: c.fault.Kind == KindTextAmounts}.of(d.amount),
		Reason: "general", CoverageApplied: d.coverage, CoverageElegible: true, DocumentationRequired: true, DocumentationStatus: d.documents,
		Documentation: s.documentAnswers(c, d), Deadline: date(d.deadline.In(manaus)), DateCreated: date(d.created.In(manaus)), DateLastUpdated: date(d.updated.In(manaus)),
		LiveMode: s.config.LiveMode,
	}
}

func (s *Simulator) getChargeback(c *call) answer {
	s.hold(c)
	d, ok := s.book.dispute(c.request.PathValue("id"))
	if !ok || d.stage != "" {
		return c.refuse(http.StatusNotFound, causeNoChargeback)
	}
	return jsonAnswer(http.StatusOK, s.chargebackAnswer(c, d))
}

// searchChargebacks lists the chargebacks of a payment; with the fault search_lag none that is younger than its Delay.
func (s *Simulator) searchChargebacks(c *call) answer {
	s.hold(c)
	found := struct {
		Paging  paging             `json:"paging"`
		Results []chargebackAnswer `json:"results"`
	}{Results: []chargebackAnswer{}}
	for _, d := range s.book.chargebacks(c.request.FormValue("payment_id")) {
		if c.fault.Kind == KindSearchLag && (c.fault.Delay == 0 || time.Since(d.created) < c.fault.Delay) {
			continue
		}
		found.Results = append(found.Results, s.chargebackAnswer(c, d))
	}
	found.Paging = paging{Total: len(found.Results), Limit: defaultLimit}
	return jsonAnswer(http.StatusOK, found)
}

// adminDispute opens a dispute, and answers with its id.
func (s *Simulator) adminDispute(open func(paymentID string) (string, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		id, err := open(r.PathValue("id"))
		if err != nil {
			adminError(w, moveStatus(err), err)
			return
		}
		adminAnswer(w, map[string]string{"id": id})
	}
}

// adminDecide does something to a dispute.
func (s *Simulator) adminDecide(decide func(id string) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := decide(r.PathValue("id")); err != nil {
			adminError(w, moveStatus(err), err)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	}
}

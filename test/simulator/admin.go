package simulator

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// adminPayment is a payment in the admin API: amounts in centavos, times in UTC.
type adminPayment struct {
	ID                string     `json:"id"`
	ExternalReference string     `json:"external_reference"`
	IdempotencyKey    string     `json:"idempotency_key"`
	Amount            int64      `json:"amount"`
	Status            string     `json:"status"`
	StatusDetail      string     `json:"status_detail"`
	Description       string     `json:"description"`
	NotificationURL   string     `json:"notification_url"`
	CreatedAt         time.Time  `json:"created_at"`
	UpdatedAt         time.Time  `json:"updated_at"`
	ExpiresAt         time.Time  `json:"expires_at"`
	ApprovedAt        *time.Time `json:"approved_at"`
	PayURL            string     `json:"pay_url"`
}

func (s *Simulator) adminPayments(w http.ResponseWriter, r *http.Request) {
	limit, err := number(r, "limit", maxLimit)
	if err != nil {
		adminError(w, http.StatusBadRequest, err)
		return
	}
	found := s.book.latest(r.FormValue("external_reference"), r.FormValue("status"), limit)
	payments := make([]adminPayment, len(found))
	for i, p := range found {
		payments[i] = s.adminView(r, p)
	}
	adminAnswer(w, payments)
}

func (s *Simulator) adminView(r *http.Request, p payment) adminPayment {
	view := adminPayment{
		ID: p.id, ExternalReference: p.reference, IdempotencyKey: p.key, Amount: p.amount, Status: p.status,
		StatusDetail: p.detail, Description: p.text, NotificationURL: p.notifyURL, CreatedAt: p.created.UTC(),
		UpdatedAt: p.updated.UTC(), ExpiresAt: p.expires.UTC(), PayURL: s.publicURL(r) + "/pay/" + p.id,
	}
	if !p.approved.IsZero() {
		approved := p.approved.UTC()
		view.ApprovedAt = &approved
	}
	return view
}

func (s *Simulator) adminMove(move func(string) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := move(r.PathValue("id")); err != nil {
			adminError(w, moveStatus(err), err)
			return
		}
		p, _ := s.book.get(r.PathValue("id"))
		adminAnswer(w, s.adminView(r, p))
	}
}

func moveStatus(err error) int {
	if errors.Is(err, errUnknownPayment) || errors.Is(err, errUnknownRefund) || errors.Is(err, errUnknownDispute) || errors.Is(err, errUnknownPreference) {
		return http.StatusNotFound
	}
	return http.StatusConflict
}

func (s *Simulator) adminLedger(w http.ResponseWriter, r *http.Request) {
	after, afterErr := number(r, "after", 0)
	limit, limitErr := number(r, "limit", 0)
	if err := errors.Join(afterErr, limitErr); err != nil {
		adminError(w, http.StatusBadRequest, err)
		return
	}
	entries := s.book.ledger(after)
	if reference := r.FormValue("external_reference"); reference != "" {
		entries = slices.DeleteFunc(entries, func(e Entry) bool { return e.ExternalReference != reference })
	}
	if limit > 0 {
		entries = entries[:min(limit, len(entries))]
	}
	adminAnswer(w, entries)
}

func (s *Simulator) adminRequests(w http.ResponseWriter, _ *http.Request) {
	adminAnswer(w, s.Requests())
}

func (s *Simulator) adminWebhooks(w http.ResponseWriter, r *http.Request) {
	attempts := s.Webhooks()
	if id := r.FormValue("payment_id"); id != "" {
		attempts = slices.DeleteFunc(attempts, func(a WebhookAttempt) bool { return a.PaymentID != id })
	}
	adminAnswer(w, attempts)
}

func (s *Simulator) adminRedeliver(w http.ResponseWriter, r *http.Request) {
	count, err := number(r, "count", 1)
	if err != nil || count > 1000 {
		adminError(w, http.StatusBadRequest, cmp.Or(err, errors.New("count is at most 1000")))
		return
	}
	attempts := s.Webhooks()
	slices.Reverse(attempts)
	wanted := r.PathValue("n")
	i := slices.IndexFunc(attempts, func(a WebhookAttempt) bool {
		return wanted == strconv.Itoa(a.Number) || wanted == a.PaymentID
	})
	switch {
	case i < 0:
		adminError(w, http.StatusNotFound, errors.New("no webhook has this number or payment"))
	case attempts[i].URL == "":
		adminError(w, http.StatusConflict, errors.New("the payment has no notification_url"))
	default:
		s.sender.redeliver(attempts[i], count)
		adminAnswer(w, map[string]any{"redelivering": count, "attempt": attempts[i]})
	}
}

func (s *Simulator) adminFaults(w http.ResponseWriter, _ *http.Request) { adminAnswer(w, s.Faults()) }

func (s *Simulator) adminAddFaults(w http.ResponseWriter, r *http.Request) {
	faults, err := readFaults(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		adminError(w, http.StatusBadRequest, err)
		return
	}
	s.faults.add(faults...)
	adminAnswer(w, s.Faults())
}

// readFaults reads one fault or an array of them, and accepts none if one is invalid.
func readFaults(body io.Reader) ([]Fault, error) {
	data, err := io.ReadAll(body)
	if err != nil {
		return nil, err
	}
	if !bytes.HasPrefix(bytes.TrimSpace(data), []byte("[")) {
		data = slices.Concat([]byte("["), data, []byte("]"))
	}
	var faults []Fault
	if err := json.Unmarshal(data, &faults); err != nil {
		return nil, err
	}
	if len(faults) == 0 {
		return nil, errors.New("there is no fault in the body")
	}
	for i := range faults {
		faults[i].Met, faults[i].Used = 0, 0
		if err := faults[i].check(); err != nil {
			return nil, err
		}
	}
	return faults, nil
}

func (s *Simulator) adminClearFaults(w http.ResponseWriter, r *http.Request) {
	if reference := r.FormValue("external_reference"); reference != "" {
		s.faults.drop(reference)
	} else {
		s.SetFaults(nil)
	}
	w.WriteHeader(http.StatusNoContent)
}

// number reads a query parameter that is a count.
func number(r *http.Request, name string, otherwise int) (int, error) {
	text := r.FormValue(name)
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return 0, errors.New(name + " is not a number from 0 up")
	}
	return n, nil
}

func adminAnswer(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_ = json.NewEncoder(w).Encode(body) // our own types; a client that has disconnected does not matter
}

func adminError(w http.ResponseWriter, status int, err error) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"error": err.Error()})
}

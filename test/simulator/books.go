package simulator

import (
	"net/http"
	"time"
)

// Books is what the account has earned: the sums of its payments, and each payment that was paid.
type Books struct {
	CollectorID int64 `json:"collector_id"`
	Earned
	Payments []Earning `json:"payments"` // oldest first
}

// Earned is money in centavos. Net is what is left of the gross after fees and refunds; the fee of a refunded payment is not given back.
type Earned struct {
	Gross   int64 `json:"gross"`
	Fees    int64 `json:"fees"`
	Refunds int64 `json:"refunds"`
	Net     int64 `json:"net"`
	Held    int64 `json:"held"` // of the net: a dispute withholds it
	Lost    int64 `json:"lost"` // of the net: a lost chargeback has taken it
}

// Earning is what one payment has earned, and when its money is released.
type Earning struct {
	PaymentID         string `json:"payment_id"`
	ExternalReference string `json:"external_reference"`
	Earned
	ReleasedAt time.Time `json:"released_at"`
}

// Books returns the account's books, which know no ledger but the simulator's own.
func (s *Simulator) Books() Books {
	s.book.mu.RLock()
	defer s.book.mu.RUnlock()
	books := Books{CollectorID: s.config.CollectorID, Payments: []Earning{}}
	for _, p := range s.book.byAge {
		if p.approved.IsZero() {
			continue
		}
		e := Earned{Gross: p.received(), Fees: p.fee(), Refunds: p.refunded()}
		e.Net = e.Gross - e.Fees - e.Refunds
		switch {
		case p.status == "charged_back" && p.detail == "settled":
			e.Lost = e.Net
		case p.status == "in_mediation", p.status == "charged_back" && p.detail != "reimbursed":
			e.Held = e.Net
		}
		books.Held, books.Lost = books.Held+e.Held, books.Lost+e.Lost
		books.Gross, books.Fees, books.Refunds, books.Net = books.Gross+e.Gross, books.Fees+e.Fees, books.Refunds+e.Refunds, books.Net+e.Net
		books.Payments = append(books.Payments, Earning{p.id, p.reference, e, s.released(*p).UTC()})
	}
	return books
}

// released is when the money of a payment is released; zero until it is paid.
func (s *Simulator) released(p payment) time.Time {
	if p.approved.IsZero() {
		return time.Time{}
	}
	return p.approved.Add(s.config.ReleaseAfter)
}

func (s *Simulator) adminBooks(w http.ResponseWriter, _ *http.Request) { adminAnswer(w, s.Books()) }

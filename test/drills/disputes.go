package drills

import (
	"slices"

	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/test/simulator"
)

// The rules about disputes.

// Dispute is a row of the table disputes.
type Dispute struct {
	ID         string
	PaymentID  string
	ProviderID string
	Status     payment.DisputeStatus
}

// disputeStatus translates how a dispute stands at the provider independently of the adapter, so that a mistake there shows.
func disputeStatus(d simulator.Disputed) payment.DisputeStatus {
	switch {
	case d.Coverage != nil && *d.Coverage, d.Closed && d.Benefited == "respondent":
		return payment.DisputeWon
	case d.Coverage != nil, d.Closed:
		return payment.DisputeLost
	case d.Documents == "review_pending":
		return payment.DisputeInReview
	case d.Stage == "dispute":
		return payment.DisputeOpen
	}
	return payment.DisputeEvidenceWanted
}

// disputesRight compares the disputes of a payment at the provider with the rows: each is there once, as it stands.
func disputesRight(s *sides, say objecting) {
	if s.row == nil {
		return
	}
	rows := map[string]Dispute{}
	for _, d := range s.disputes {
		if _, twice := rows[d.ProviderID]; twice {
			say(s.id, "its dispute %s has two rows", d.ProviderID)
		}
		rows[d.ProviderID] = d
	}
	for _, d := range s.disputed {
		row, known := rows[d.ID]
		switch want := disputeStatus(d); {
		case !known:
			say(s.id, "the provider has dispute %s, %s; there is no row", d.ID, want)
		case row.Status != want:
			say(s.id, "the provider says that dispute %s is %s; the row: %s", d.ID, want, row.Status)
		}
		delete(rows, d.ID)
	}
	for id, row := range rows {
		say(s.id, "the row of dispute %s is %s; the provider has no such dispute", id, row.Status)
	}
}

// disputesTold compares the disputes with their events: opened once, first, and the end once, last.
func disputesTold(s *sides, say objecting) {
	told := map[string][]payment.DisputeChange{}
	for _, e := range s.history {
		if e.DisputeID != "" {
			told[e.DisputeID] = append(told[e.DisputeID], e.Dispute)
		}
	}
	for _, d := range s.disputes {
		changes := told[d.ID]
		opened, ended := 0, 0
		for _, c := range changes {
			switch c {
			case payment.DisputeOpened:
				opened++
			case payment.DisputeIsWon, payment.DisputeIsLost, payment.DisputeIsClosed:
				ended++
			}
		}
		end := map[payment.DisputeStatus]payment.DisputeChange{
			payment.DisputeWon: payment.DisputeIsWon, payment.DisputeLost: payment.DisputeIsLost, payment.DisputeClosed: payment.DisputeIsClosed,
		}[d.Status]
		wantEnded := 0
		if end != "" {
			wantEnded = 1
		}
		if opened != 1 || changes[0] != payment.DisputeOpened || ended != wantEnded || end != "" && !slices.Contains(changes, end) {
			say(s.id, "dispute %s is %s; its events are %v", d.ProviderID, d.Status, changes)
		}
	}
}

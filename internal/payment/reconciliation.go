package payment

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/onlywave/onlywave/internal/failure"
)

// FindingKind is how the provider's statement and the database disagree.
type FindingKind string

// The kinds of findings.
const (
	Difference    FindingKind = "difference"     // the provider has a newer state; the payment was signalled
	Contradiction FindingKind = "contradiction"  // it contradicts the database, such as by another amount
	OrphanPayment FindingKind = "orphan_payment" // it has a payment that carries our reference, address or metadata, and we do not have it
	Unreadable    FindingKind = "unreadable"     // it has a payment that cannot be understood
	MissedWebhook FindingKind = "missed_webhook" // it changed a payment and sent no notification
)

// FindingKinds lists every kind.
func FindingKinds() []FindingKind {
	return []FindingKind{Difference, Contradiction, OrphanPayment, Unreadable, MissedWebhook}
}

// UnmarshalText reads a kind as JSON has it. Histories from before hold the word stranger.
func (k *FindingKind) UnmarshalText(text []byte) error {
	if *k = FindingKind(text); *k == "stranger" {
		*k = OrphanPayment
	}
	return nil
}

// Alarming says whether an operator has to look at a finding of this kind. The others resolve themselves, or only
// their number matters.
func (k FindingKind) Alarming() bool {
	return k == Contradiction || k == OrphanPayment || k == Unreadable
}

// Known says whether k is one of the kinds at all.
func (k FindingKind) Known() bool { return slices.Contains(FindingKinds(), k) }

// Finding is one disagreement. It has no personal data.
type Finding struct {
	ID                int64       `json:"id"`
	Kind              FindingKind `json:"kind"`
	PaymentID         string      `json:"payment_id,omitempty"` // ours; empty when there is none
	ProviderPaymentID string      `json:"provider_payment_id,omitempty"`
	ProviderUpdatedAt time.Time   `json:"provider_updated_at,omitzero"` // of what the provider said, by its clock
	ProviderStatus    Status      `json:"provider_status,omitempty"`    // that it said, in our words; empty when it cannot be read
	Detail            string      `json:"detail"`
	FoundAt           time.Time   `json:"found_at"`
	ResolvedAt        time.Time   `json:"resolved_at,omitzero"` // when both agreed again, the notification came after all, or an operator closed it
	ClosedBy          string      `json:"closed_by,omitempty"`  // the operator, or the client app whose key was used
	ClosedReason      string      `json:"closed_reason,omitempty"`
}

// Reconciliation is one run that compares the provider's statement with the database.
type Reconciliation struct {
	ID         string // of the workflow's run
	From, To   time.Time
	StartedAt  time.Time
	FinishedAt time.Time // zero: not finished
	Counts     ReconciliationCounts
}

// ReconciliationCounts is what a run saw, found for the first time, and did.
type ReconciliationCounts struct {
	Seen           int `json:"seen"` // payments that the provider changed in the window
	Differences    int `json:"differences"`
	Contradictions int `json:"contradictions"`
	OrphanPayments int `json:"strangers"` // histories hold the name of before
	Unreadable     int `json:"unreadable"`
	Missed         int `json:"missed"` // notifications
	Quiet          int `json:"quiet"`  // open payments that have not changed for long
	Signalled      int `json:"nudged"` // payments that were signalled to look, for a difference or because they were quiet
	Others         int `json:"others"` // payments of other sales on the same account
}

// FindingTotal is how many findings of a kind there are, and how many of them are not resolved.
type FindingTotal struct {
	Kind FindingKind
	All  int
	Open int
}

// FindingFilter chooses findings that are not resolved, newest first. Zero fields do not filter.
type FindingFilter struct {
	Kind   FindingKind
	Before int64 // only those with a smaller ID
	Limit  int
}

// MaxFindings is how many findings one list may ask for.
const MaxFindings = 1000

// Fields finds what is wrong with a filter. The pointers are bare names.
func (f FindingFilter) Fields() (wrong []failure.Field) {
	if f.Kind != "" && !f.Kind.Known() {
		var kinds []string
		for _, known := range FindingKinds() {
			kinds = append(kinds, string(known))
		}
		wrong = append(wrong, failure.Field{Pointer: "kind", Detail: "must be one of " + strings.Join(kinds, ", ")})
	}
	if f.Limit < 1 || f.Limit > MaxFindings {
		wrong = append(wrong, failure.Field{Pointer: "limit", Detail: fmt.Sprintf("must be a whole number from 1 to %d", MaxFindings)})
	}
	return wrong
}

// ToLookAt is how many of a run's findings an operator has to look at.
func (r Reconciliation) ToLookAt() int {
	return r.Counts.Contradictions + r.Counts.OrphanPayments + r.Counts.Unreadable
}

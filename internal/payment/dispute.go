package payment

import (
	"slices"
	"time"
)

// DisputeKind is what a dispute is.
type DisputeKind string

// The kinds of disputes. A claim that Mercado Pago decides is a mediation: the same dispute, a step further.
const (
	Chargeback DisputeKind = "chargeback"  // the buyer's bank takes the money of a card back
	Claim      DisputeKind = "claim"       // the buyer complains to Mercado Pago, and the seller answers; of a Pix this may be a MED
	Mediation  DisputeKind = "mediation"   // Mercado Pago decides about the claim
	FraudAlert DisputeKind = "fraud_alert" // Mercado Pago warns of a fraud: do not deliver
)

// DisputeKinds lists every kind.
func DisputeKinds() []DisputeKind { return []DisputeKind{Chargeback, Claim, Mediation, FraudAlert} }

// DisputeStatus is where a dispute stands.
type DisputeStatus string

// The statuses of a dispute. Won, lost and closed are its end, unless the provider opens it again.
const (
	DisputeOpen           DisputeStatus = "open"
	DisputeEvidenceWanted DisputeStatus = "evidence_wanted" // the seller may send documents until the deadline
	DisputeInReview       DisputeStatus = "in_review"       // the documents are there, and are being looked at
	DisputeWon            DisputeStatus = "won"             // the seller has the money
	DisputeLost           DisputeStatus = "lost"            // the buyer has it
	DisputeClosed         DisputeStatus = "closed"          // it ended, and nobody has decided for anybody
)

// DisputeStatuses lists every status, in the order of a dispute's life.
func DisputeStatuses() []DisputeStatus {
	return []DisputeStatus{DisputeOpen, DisputeEvidenceWanted, DisputeInReview, DisputeWon, DisputeLost, DisputeClosed}
}

// Known says whether s is one of the statuses at all.
func (s DisputeStatus) Known() bool { return slices.Contains(DisputeStatuses(), s) }

// Ended says whether nothing more is expected.
func (s DisputeStatus) Ended() bool { return slices.Contains(EndedDisputes(), s) }

// EndedDisputes lists the statuses in which nothing more is expected.
func EndedDisputes() []DisputeStatus {
	return []DisputeStatus{DisputeWon, DisputeLost, DisputeClosed}
}

// DisputeRef names a dispute as the provider does.
type DisputeRef struct {
	Kind DisputeKind `json:"kind"`
	ID   string      `json:"id,omitempty"` // of a fraud alert: none
}

// Same says whether both name the same dispute. A payment has one fraud alert, however often the provider warns.
func (r DisputeRef) Same(as DisputeRef) bool {
	switch {
	case r.IsFraudAlert() || as.IsFraudAlert():
		return r.Kind == as.Kind
	case r.IsClaim():
		return as.IsClaim() && r.ID == as.ID
	}
	return r == as
}

// IsClaim says whether it is a claim, or the mediation that it became.
func (r DisputeRef) IsClaim() bool { return r.Kind == Claim || r.Kind == Mediation }

// IsFraudAlert says whether it is one.
func (r DisputeRef) IsFraudAlert() bool { return r.Kind == FraudAlert }

// FraudAlertOf is the fraud alert of a payment. It is open as long as the buyer's money may be with the seller: then a person has to decide.
func FraudAlertOf(p Payment) ProviderDispute {
	d := ProviderDispute{ID: p.Provider.PaymentID, Kind: FraudAlert, Payments: []string{p.Provider.PaymentID}, Status: DisputeOpen}
	switch p.Status {
	case Cancelled, Expired, Rejected, Failed, Refunded:
		d.Status = DisputeClosed
	}
	return d
}

// Dispute is one dispute of a payment as the database holds it.
type Dispute struct {
	ID         string // see DisputeID
	PaymentID  string
	ClientID   string
	Kind       DisputeKind
	ProviderID string // the provider's own id of it; of a fraud alert the id of its payment
	Status     DisputeStatus
	Amount     int64 // centavos
	Currency   string
	Deadline   time.Time // until when documents may be sent; zero: none are wanted
	OpenedAt   time.Time
	UpdatedAt  time.Time

	ProviderUpdatedAt time.Time // by the provider's clock; zero: it does not say
}

// ProviderDispute is one answer of the provider about a dispute.
type ProviderDispute struct {
	ID        string        `json:"id"`
	Kind      DisputeKind   `json:"kind"`
	Payments  []string      `json:"payments"`         // the provider's ids of the payments that it is about
	Amount    int64         `json:"amount,omitempty"` // centavos; 0: it does not say, and all of the payment is meant
	Status    DisputeStatus `json:"status"`
	Deadline  time.Time     `json:"deadline,omitzero"`
	OpenedAt  time.Time     `json:"opened_at,omitzero"`
	UpdatedAt time.Time     `json:"updated_at,omitzero"`
	// Documented says that documents of the seller's are there, whatever is thought of them.
	Documented bool   `json:"documented,omitempty"`
	Unknown    string `json:"unknown,omitempty"` // a word of the provider's that is not known here; the rest of the answer counts
}

// DisputeID is the id of a dispute: however often the provider tells of it, it is one.
func DisputeID(paymentID string, kind DisputeKind, providerID string) string {
	if kind == Mediation {
		kind = Claim
	}
	return NamedID(providerNamespace, paymentID+"\x00dispute\x00"+string(kind)+"\x00"+providerID)
}

// NewDispute is a dispute of a payment as the provider first tells of it.
func NewDispute(p Payment, news ProviderDispute, at time.Time) Dispute {
	d := Dispute{
		ID: DisputeID(p.ID, news.Kind, news.ID), PaymentID: p.ID, ClientID: p.ClientID, ProviderID: news.ID,
		Amount: p.Gross(), Currency: p.Amount.Currency, OpenedAt: at,
	}
	if !news.OpenedAt.IsZero() {
		d.OpenedAt = news.OpenedAt
	}
	return d.With(p, news, at)
}

// With is the dispute after an answer of the provider. One that is older than what is known changes nothing.
func (d Dispute) With(p Payment, news ProviderDispute, at time.Time) Dispute {
	if news.UpdatedAt.Before(d.ProviderUpdatedAt) {
		return d
	}
	after := d
	after.Kind, after.Deadline, after.ProviderUpdatedAt = news.Kind, news.Deadline, news.UpdatedAt
	after.Status = news.Status
	if decided := p.Provider.decided(); news.Kind == Chargeback && !news.Status.Ended() && decided != "" {
		after.Status = decided
	}
	if news.Amount > 0 {
		after.Amount = news.Amount
	}
	if len(after.Since(d)) > 0 {
		after.UpdatedAt = at
	}
	return after
}

// NewsOf says whether a search's answer knows something of a dispute that is not stored: it is newer, or the dispute has ended or begun anew. A
// search may say less than the dispute itself, so that other differences mean nothing.
func (d ProviderDispute) NewsOf(p Payment, known []Dispute) bool {
	id := DisputeID(p.ID, d.Kind, d.ID)
	for _, k := range known {
		if k.ID == id {
			after := k.With(p, d, k.UpdatedAt)
			return after.ProviderUpdatedAt.After(k.ProviderUpdatedAt) || after.Status.Ended() != k.Status.Ended()
		}
	}
	return true
}

// Explains says whether the chargebacks that are known are those that the provider's words about a payment speak of: one has not ended, or,
// once the payment says how it ended, all have.
func (p Provider) Explains(known []Dispute) bool {
	open, ended := 0, 0
	for _, d := range known {
		switch {
		case d.Kind != Chargeback:
		case d.Status.Ended():
			ended++
		default:
			open++
		}
	}
	if p.decided() == "" {
		return open > 0
	}
	return open == 0 && ended > 0
}

// providerChargedBack is the provider's status of a payment that has, or had, a chargeback; also of one that the seller has won.
const providerChargedBack = "charged_back"

// ChargedBack says whether the payment has, or had, a chargeback.
func (s ProviderState) ChargedBack() bool { return s.RawStatus == providerChargedBack }

// decided is how the payment itself says that its chargeback has ended; "" when it does not say. The money follows this word.
func (p Provider) decided() DisputeStatus {
	if p.Status != providerChargedBack {
		return ""
	}
	return map[string]DisputeStatus{"settled": DisputeLost, "reimbursed": DisputeWon}[p.StatusDetail]
}

// DisputeChange is what happened to a dispute, for the event that tells of it.
type DisputeChange string

// The changes.
const (
	DisputeOpened       DisputeChange = "opened"
	DisputeUpdated      DisputeChange = "updated"
	DisputeReminder     DisputeChange = "reminder"      // the deadline is near, and no documents are there
	DisputeEvidenceSent DisputeChange = "evidence_sent" // the seller's documents have arrived
	DisputeIsWon        DisputeChange = "won"
	DisputeIsLost       DisputeChange = "lost"
	DisputeIsClosed     DisputeChange = "closed"
)

// DisputeChanges lists every change.
func DisputeChanges() []DisputeChange {
	return []DisputeChange{DisputeOpened, DisputeUpdated, DisputeReminder, DisputeEvidenceSent, DisputeIsWon, DisputeIsLost, DisputeIsClosed}
}

// Since is what has happened to a dispute since it stood otherwise, as far as it matters to anybody. The zero value stands for a dispute that
// was not known.
func (d Dispute) Since(before Dispute) []DisputeChange {
	var changes []DisputeChange
	switch {
	case before.ID == "":
		changes = append(changes, DisputeOpened)
		if !d.Status.Ended() {
			return changes
		}
	case d.Status == before.Status:
		if d.Kind != before.Kind || d.Amount != before.Amount || !d.Deadline.Equal(before.Deadline) {
			changes = append(changes, DisputeUpdated)
		}
		return changes
	}
	switch d.Status {
	case DisputeWon:
		return append(changes, DisputeIsWon)
	case DisputeLost:
		return append(changes, DisputeIsLost)
	case DisputeClosed:
		return append(changes, DisputeIsClosed)
	}
	return append(changes, DisputeUpdated)
}

// EventDispute is the dispute that an event is about.
type EventDispute struct {
	ID       string        `json:"id"`
	Kind     DisputeKind   `json:"kind"`
	Status   DisputeStatus `json:"status"`
	Amount   int64         `json:"amount"` // centavos
	Deadline time.Time     `json:"deadline,omitzero"`
	Change   DisputeChange `json:"change"`
}

// Event is what an event says of the dispute.
func (d Dispute) Event(change DisputeChange) EventDispute {
	return EventDispute{ID: d.ID, Kind: d.Kind, Status: d.Status, Amount: d.Amount, Deadline: d.Deadline, Change: change}
}

// DisputeFilter chooses disputes, the newest first. Zero fields do not filter.
type DisputeFilter struct {
	ClientID string
	Status   DisputeStatus
	After    Position // only older ones
	Limit    int
}

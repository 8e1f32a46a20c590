package payment

import "slices"

// Status is where a payment stands.
type Status string

// The statuses of a payment.
const (
	Processing        Status = "processing" // asked; the provider has not answered
	Pending           Status = "pending"    // the buyer must act
	InReview          Status = "in_review"
	Authorized        Status = "authorized"
	Approved          Status = "approved"
	PartiallyRefunded Status = "partially_refunded"
	Refunded          Status = "refunded"
	Rejected          Status = "rejected"
	Cancelled         Status = "cancelled"
	Expired           Status = "expired"
	InDispute         Status = "in_dispute"
	ChargedBack       Status = "charged_back"
	Unknown           Status = "unknown" // the provider's answer is lost; being resolved
	Failed            Status = "failed"  // refused before any money could move
)

// moves is the one table of what may follow what. One move is not in it, because the provider has no part in it: a payment whose buyer enters
// a card on the pay page goes from pending to processing, and back when that card is rejected, see Payment.AwaitsCard. The provider's surprises beyond it are applied
// when they are newer, and marked as surprising; see mercado-pago's own list of statuses for where
// each row comes from: https://www.mercadopago.com.br/developers (payments, status).
var moves = map[Status][]Status{
	Processing:        {Pending, InReview, Authorized, Approved, Rejected, Cancelled, Expired, Unknown, Failed, PartiallyRefunded, Refunded, InDispute, ChargedBack},
	Unknown:           {Pending, InReview, Authorized, Approved, Rejected, Cancelled, Expired, Failed, PartiallyRefunded, Refunded, InDispute, ChargedBack},
	Pending:           {InReview, Authorized, Approved, Rejected, Cancelled, Expired},
	InReview:          {Authorized, Approved, Rejected, Cancelled},
	Authorized:        {Approved, Rejected, Cancelled, Expired},
	Approved:          {PartiallyRefunded, Refunded, InDispute, ChargedBack},
	PartiallyRefunded: {PartiallyRefunded, Refunded, InDispute, ChargedBack},
	InDispute:         {Approved, PartiallyRefunded, Refunded, ChargedBack},
	ChargedBack:       {Approved, PartiallyRefunded, Refunded},
	Refunded:          {},
	Rejected:          {},
	Cancelled:         {},
	Expired:           {},
	Failed:            {},
}

// Statuses lists every status, in the order of a payment's life.
func Statuses() []Status {
	return []Status{Processing, Pending, InReview, Authorized, Approved, PartiallyRefunded, Refunded,
		Rejected, Cancelled, Expired, InDispute, ChargedBack, Unknown, Failed}
}

// CanMove says whether the table of moves has the move from one status to another.
func CanMove(from, to Status) bool { return slices.Contains(moves[from], to) }

// From lists the statuses from which the table of moves has a move to s.
func (s Status) From() []Status {
	return s.those(func(f Status) bool { return CanMove(f, s) })
}

// leads says whether the table of moves knows a way from one status to another, over however many others.
func leads(from, to Status) bool {
	seen := map[Status]bool{from: true}
	for next := []Status{from}; len(next) > 0; next = next[1:] {
		for _, s := range moves[next[0]] {
			if s == to {
				return true
			}
			if !seen[s] {
				seen[s] = true
				next = append(next, s)
			}
		}
	}
	return false
}

// Before lists the statuses that can only come earlier than s in a payment's life: there is a way from them to s, and none back.
func (s Status) Before() []Status {
	return s.those(func(f Status) bool { return leads(f, s) && !leads(s, f) })
}

// Origins lists the statuses from which there is a way to s, s itself among them.
func (s Status) Origins() []Status {
	return s.those(func(f Status) bool { return f == s || leads(f, s) })
}

func (s Status) those(are func(Status) bool) []Status {
	return slices.DeleteFunc(Statuses(), func(f Status) bool { return !are(f) })
}

// Open says whether something is still expected to happen by itself, so that the payment's workflow
// waits for it. All other statuses change only by an action from outside, which starts a new run.
func (s Status) Open() bool {
	switch s {
	case Processing, Pending, InReview, Authorized, Unknown:
		return true
	}
	return false
}

// Disputed says whether the payment's money is in dispute, or was lost in one.
func (s Status) Disputed() bool { return s == InDispute || s == ChargedBack }

// EndedUnpaid lists the statuses in which the buyer can not pay any more. Mercado Pago may still take a payment that was under way.
func EndedUnpaid() []Status { return []Status{Cancelled, Expired} }

// EndedUnpaid says whether s is one of them.
func (s Status) EndedUnpaid() bool { return slices.Contains(EndedUnpaid(), s) }

// OpenStatuses lists the statuses that are open.
func OpenStatuses() []Status {
	return slices.DeleteFunc(Statuses(), func(s Status) bool { return !s.Open() })
}

// Answered says whether the provider has answered, so that there is something to show the buyer.
func (s Status) Answered() bool { return s != Processing && s != Unknown }

// MayHaveRefunds says whether a payment with this status may have refunds, ended or not.
func (s Status) MayHaveRefunds() bool { return s == Approved || leads(Approved, s) }

// Known says whether s is one of the statuses at all.
func (s Status) Known() bool { return slices.Contains(Statuses(), s) }

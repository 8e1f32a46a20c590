package drills

import (
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/test/simulator"
)

// The rules about reserved money.

// sumOf is the sum that an entry of the provider's ledger must have: what was asked for, and after a capture what was captured.
func (s *sides) sumOf(e simulator.Entry) int64 {
	if s.row.Captured == 0 || ourStatus(e).Open() {
		return s.row.Amount
	}
	return s.row.Captured
}

// capturedOnce: whatever was repeated or lost, reserved money is captured at most once.
func capturedOnce(s *sides, say objecting) {
	captures, reserved := 0, false
	for _, e := range s.entries {
		if e.Kind != simulator.Refund && e.Status == "approved" && reserved {
			captures++
		}
		reserved = e.Status == "authorized"
	}
	if captures > 1 {
		say(s.id, "the provider captured %d times", captures)
	}
}

// capturedRight compares what the clients have captured with the database.
func capturedRight(s *sides, say objecting) {
	if s.row == nil {
		return
	}
	for _, o := range s.operations {
		if o.Kind != string(payment.Capture) {
			continue
		}
		switch done := o.Outcome == string(payment.OutcomeDone); {
		case o.Outcome == string(payment.OutcomeAsked) && s.row.Status != payment.Authorized:
			say(s.id, "its capture of %d centavos has not ended; the row is %s", o.Amount, s.row.Status)
		case done != (o.Amount == s.row.Captured) && o.Outcome != string(payment.OutcomeAsked):
			say(s.id, "its capture of %d centavos is %s; the row has %d captured", o.Amount, o.Outcome, s.row.Captured)
		}
	}
	for _, i := range s.intents {
		if i.Captured() && s.row.Captured != i.Capture || !i.Reserve && s.row.Captured != 0 {
			say(s.id, "the client has captured %d centavos; the row has %d", i.Capture, s.row.Captured)
		}
	}
	if n := len(s.history); n > 0 && s.history[n-1].Captured != s.row.Captured {
		say(s.id, "the last event has %d centavos captured; the row %d", s.history[n-1].Captured, s.row.Captured)
	}
}

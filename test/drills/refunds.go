package drills

import (
	"slices"

	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/test/simulator"
)

// The rules about refunds.

// returned are the refunds of a payment in the provider's ledger, each as it stands.
func (s *sides) returned() map[string]simulator.Refunded {
	all := map[string]simulator.Refunded{}
	for _, e := range s.entries {
		if e.Refund != nil {
			all[e.Refund.ID] = *e.Refund
		}
	}
	return all
}

func refundedOnce(s *sides, say objecting) {
	keys, sum, amount := map[string]string{}, int64(0), int64(0)
	for id, r := range s.returned() {
		if other, twice := keys[r.IdempotencyKey]; twice && r.IdempotencyKey != "" {
			say(s.id, "the provider made the refunds %s and %s under one key %s", other, id, r.IdempotencyKey)
		}
		keys[r.IdempotencyKey] = id
		if r.Status != "rejected" {
			sum += r.Amount
		}
	}
	if entry, ok := s.last(); ok {
		amount = entry.Amount
	}
	if sum > amount {
		say(s.id, "the provider gave back %d centavos of %d", sum, amount)
	}
}

// refundsRight compares the refunds of the clients, the database and the provider.
func refundsRight(s *sides, say objecting) {
	if s.row == nil {
		return
	}
	returned, sum := s.returned(), int64(0)
	rows := map[string]Operation{}
	for _, o := range s.operations {
		if o.Kind != string(payment.Refund) {
			continue
		}
		rows[o.ProviderKey] = o
		r, known := returned[o.ProviderID]
		switch {
		case o.Outcome == string(payment.OutcomeDone) && (!known || r.Status != "approved" || r.Amount != o.Amount):
			say(s.id, "refund %s of %d centavos is done; the provider has %+v", o.ProviderKey, o.Amount, r)
		case o.Outcome != string(payment.OutcomeDone) && known && r.Status == "approved":
			say(s.id, "the provider has made refund %s; the row is %s", o.ProviderID, o.Outcome)
		case o.Outcome == string(payment.OutcomeAsked) && (r.Status != "in_process" || !s.runs[len(s.runs)-1].running()):
			say(s.id, "refund %s of %d centavos has not ended; the provider has %+v; the last run has %s", o.ProviderKey, o.Amount, r, s.runs[len(s.runs)-1].Status)
		}
		delete(returned, o.ProviderID)
		if o.Outcome == string(payment.OutcomeDone) {
			sum += o.Amount
		}
	}
	for id := range returned {
		say(s.id, "the provider has refund %s; there is no row", id)
	}
	if sum != s.row.Refunded {
		say(s.id, "the refunds that are done are %d centavos; the row says %d", sum, s.row.Refunded)
	}
	for _, i := range s.intents {
		for _, r := range i.Refunds {
			if r.Acknowledged && rows[r.ID].ProviderKey == "" && !i.Started.Before(s.lost.restored) {
				say(s.id, "the client's refund %s was acknowledged as %q; there is no row", r.Key, r.ID)
			}
		}
	}
}

// refundsTold compares the refunds with their events: pending first, unless it was made in the panel, then each change once.
func refundsTold(s *sides, say objecting) {
	told := map[string][]payment.RefundStatus{}
	for _, e := range s.history {
		if e.RefundID != "" {
			told[e.RefundID] = append(told[e.RefundID], e.Refund)
		}
	}
	for _, o := range s.operations {
		events := told[o.ProviderKey]
		if o.Kind != string(payment.Refund) {
			continue
		}
		want := payment.Outcome(o.Outcome).RefundStatus()
		first := len(events) > 0 && (events[0] == payment.RefundPending || o.Origin == string(payment.FromProvider))
		if !first || events[len(events)-1] != want || len(slices.Compact(slices.Clone(events))) != len(events) {
			say(s.id, "refund %s of the %s is %s; its events are %v", o.ProviderKey, o.Origin, want, events)
		}
		delete(told, o.ProviderKey)
	}
	for id, events := range told {
		say(s.id, "there are events %v of refund %s; there is no row", events, id)
	}
}

// refundFailed says whether the provider has taken back a refund that it had approved, which brings the payment back to an earlier status.
func (s *sides) refundFailed() bool {
	for _, r := range s.returned() {
		if r.Status == "rejected" {
			return true
		}
	}
	return false
}

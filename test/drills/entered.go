package drills

import (
	"slices"

	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/test/simulator"
)

// The rules about cards that buyers enter on the pay page. Each is a charge of its own, and all but one are rejected.

func (s *sides) onPage() bool { return s.row != nil && s.row.OnPage }

// cards are the provider's last entries of the cards that were entered, by the key of their charge.
func (s *sides) cards() map[string]simulator.Entry {
	all := map[string]simulator.Entry{}
	for _, e := range s.entries {
		all[e.IdempotencyKey] = e
	}
	return all
}

// takenCards are those that were not rejected.
func (s *sides) takenCards() (taken []simulator.Entry) {
	if !s.onPage() {
		return nil
	}
	for _, e := range s.cards() {
		if e.Status != "rejected" {
			taken = append(taken, e)
		}
	}
	return taken
}

// entersCard says whether a move is one of a payment whose buyer enters a card, or may enter another.
func (s *sides) entersCard(from, to payment.Status) bool {
	waits := []payment.Status{payment.Processing, payment.Unknown}
	return s.onPage() && (from == payment.Pending && to == payment.Processing || slices.Contains(waits, from) && to == payment.Pending)
}

func enteredRight(s *sides, say objecting) {
	if !s.onPage() {
		return
	}
	if taken := s.takenCards(); len(taken) > 1 {
		say(s.id, "the provider has taken %s with one card and %s with another", taken[0].PaymentID, taken[1].PaymentID)
	}
	if n := len(s.cards()); n != s.charges() {
		say(s.id, "the provider charged %d times for %d cards", s.charges(), n)
	}
	cards := s.cards()
	for _, o := range s.operations {
		if o.Kind != string(payment.Charge) {
			continue
		}
		card, charged := cards[o.ProviderKey]
		switch done, refused := o.Outcome == string(payment.OutcomeDone), o.Outcome == string(payment.OutcomeRefused); {
		case charged && card.Status == "rejected" && (done || refused), charged && card.Status != "rejected" && done, !charged && refused:
		default:
			say(s.id, "the charge of a card under key %s is %q; the provider has %q", o.ProviderKey, o.Outcome, card.Status)
		}
		delete(cards, o.ProviderKey)
	}
	for key, card := range cards {
		say(s.id, "the provider has charged a card under key %s, which is %s; there is no operation", key, card.Status)
	}
	for _, i := range s.intents {
		if most := len(i.Cards); s.charges() > most && i.OnPage {
			say(s.id, "the buyer has entered %d cards at most; the provider charged %d", most, s.charges())
		}
	}
}

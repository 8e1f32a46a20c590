package drills

import (
	"context"
	"time"

	"github.com/onlywave/onlywave/test/platform"
	"github.com/onlywave/onlywave/test/simulator"
)

// The rules about the ledger.

// LedgerEntry is a row of the table ledger_entries.
type LedgerEntry struct {
	PaymentID string
	Posting   int
	Account   string
	Cause     string
	Amount    int64
}

// booksRight compares the ledger of a payment with the provider's books, the row and the events, to the centavo.
func booksRight(s *sides, say objecting) {
	accounts, postings, settled := map[string]int64{}, map[int]int64{}, int64(0)
	for _, e := range s.ledger {
		accounts[e.Account] += e.Amount
		postings[e.Posting] += e.Amount
		if e.Cause == "settlement" && e.Account == "available" {
			settled += e.Amount
		}
	}
	for n, sum := range postings {
		if sum != 0 {
			say(s.id, "posting %d of the ledger sums to %d centavos", n, sum)
		}
	}
	var earned simulator.Earning
	if s.earned != nil {
		earned = *s.earned
	}
	differs := func(what string, ours, theirs int64) {
		if ours != theirs {
			say(s.id, "%s: %d centavos; the provider's books: %d", what, ours, theirs)
		}
	}
	differs("the ledger's gross", -accounts["payable"], earned.Gross)
	differs("the ledger's fees", accounts["fees"], earned.Fees)
	differs("the ledger's refunds", accounts["refunds"], earned.Refunds)
	differs("the ledger's withheld money", accounts["disputes"], earned.Held)
	differs("the ledger's losses", accounts["losses"], earned.Lost)
	differs("the ledger's net", accounts["pending"]+accounts["available"]+accounts["disputes"]+accounts["losses"], earned.Net)
	if s.row != nil {
		differs("the row's refunded sum", s.row.Refunded, earned.Refunds)
	}
	if n := len(s.history); n > 0 {
		differs("the last event's refunded sum", s.history[n-1].Refunded, earned.Refunds)
	}
	s.settlementRight(say, accounts["pending"], settled)
}

// settleMoney starts the settlement of released money again and again, in a drill whose schedules are too rare for it, until it is stopped.
func (s *Scene) settleMoney(ctx context.Context) (stop func() error) {
	if s.Drill.Settings["RECONCILE_EVERY"] == "" {
		return func() error { return nil }
	}
	starting, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() {
		for {
			err := s.batch(ctx, "schedule", "trigger", "--schedule-id", "settle-money")
			switch {
			case ctx.Err() != nil: // the platform has not settled in time, which is an objection of its own
				ended <- nil
				return
			case err != nil || !platform.Pause(starting, 5*time.Second):
				ended <- err
				return
			}
		}
	}()
	return func() error { cancel(); return <-ended }
}

// settlementRight checks that the money is available once it is released, and that one event says so.
func (s *sides) settlementRight(say objecting, pending, settled int64) {
	events, told := 0, int64(0)
	for _, e := range s.history {
		if e.Settled != nil {
			events, told = events+1, told+*e.Settled
		}
	}
	released := s.earned != nil && s.row != nil && !s.earned.ReleasedAt.After(s.asked) && s.earned.Held+s.earned.Lost == 0 // a dispute keeps it from that
	switch {
	case events > 1:
		say(s.id, "%d events say that its money is settled", events)
	case released && events == 0:
		say(s.id, "its money is released since %s, and no event says that it is settled", clock(s.earned.ReleasedAt))
	case released && pending != 0:
		say(s.id, "its money is released, and the ledger has %d centavos pending", pending)
	case s.earned == nil && events > 0:
		say(s.id, "an event says that its money is settled; the provider was not paid")
	}
	if told != settled {
		say(s.id, "the event says that %d centavos are settled; the ledger: %d", told, settled)
	}
}

// balancesRight: the balances of the client apps are the sums of the ledger's entries.
func balancesRight(e Evidence, say objecting) {
	sums := map[string]int64{}
	for _, x := range e.Entries {
		sums[x.Account] += x.Amount
	}
	if sums["pending"] != e.Pending || sums["available"] != e.Available {
		say("", "the balances are %d pending and %d available; the entries sum to %d and %d", e.Pending, e.Available, sums["pending"], sums["available"])
	}
}

// earnings are the provider's books by our payment.
func earnings(books simulator.Books, name func(reference, providerPaymentID string) string) map[string]*simulator.Earning {
	all := map[string]*simulator.Earning{}
	for _, e := range books.Payments {
		all[name(e.ExternalReference, e.PaymentID)] = &e
	}
	return all
}

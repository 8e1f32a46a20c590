package drills

import (
	"slices"

	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/test/simulator"
)

// The rules about checkouts on Mercado Pago's page. The provider knows each try by the checkout's id, and we by a payment of its own, to which the
// rules about payments apply, too.

// Checkout is a row of the table checkouts.
type Checkout struct {
	ID               string
	Key              string // of the client app
	Status           payment.CheckoutStatus
	Amount           int64
	PaidBy           string // the payment; "": none
	RefundDuplicates bool
}

// checkoutsByID are the checkouts of the database.
func (e Evidence) checkoutsByID() map[string]Checkout {
	all := map[string]Checkout{}
	for _, c := range e.Checkouts {
		all[c.ID] = c
	}
	return all
}

// named says which payment of ours a reference at the provider means: itself, or a try at a checkout.
func (e Evidence) named() func(reference, providerPaymentID string) string {
	checkouts := map[string]bool{}
	for _, c := range e.Checkouts {
		checkouts[c.ID] = true
	}
	for _, c := range e.Sales {
		if c.ID != "" {
			checkouts[c.ID] = true
		}
	}
	return func(reference, providerPaymentID string) string {
		if !checkouts[reference] {
			return reference
		}
		return payment.Attempt{CheckoutID: reference, ProviderPaymentID: providerPaymentID}.ID()
	}
}

// tries are the payments of the provider that were made for each checkout, in the order in which they were made.
func (e Evidence) tries() map[string][]string {
	of, all := e.checkoutsByID(), map[string][]string{}
	for _, x := range e.Ledger {
		if _, known := of[x.ExternalReference]; known && x.Kind == simulator.Charge {
			all[x.ExternalReference] = append(all[x.ExternalReference], x.PaymentID)
		}
	}
	return all
}

// checkoutsKept: each checkout that a client was told of is there, and it is one.
func checkoutsKept(e Evidence, say objecting) {
	rows := e.checkoutsByID()
	for _, c := range e.Sales {
		if !c.Acknowledged {
			continue
		}
		for _, a := range c.Answers {
			if a.Acknowledged() && a.PaymentID != c.ID {
				say("", "the client's %s was answered with checkout %s and with %q", c.Key, c.ID, a.PaymentID)
			}
		}
		if row, ok := rows[c.ID]; !ok || row.Key != c.Key || row.Amount != c.Amount {
			say("", "the client's %s of %d centavos was answered with checkout %s; the row has %q and %d", c.Key, c.Amount, c.ID, row.Key, row.Amount)
		}
	}
}

// triesKept: each try is one payment of its checkout.
func triesKept(e Evidence, say objecting) {
	rows, name := map[string]Payment{}, e.named()
	for _, p := range e.Payments {
		if p.CheckoutID != "" {
			rows[p.ID] = p
		}
	}
	for checkout, tries := range e.tries() {
		for _, try := range tries {
			id := name(checkout, try)
			if row := rows[id]; row.CheckoutID != checkout || row.ProviderPaymentID != try {
				say(id, "the provider's payment %s is a try at checkout %s; the row has checkout %q and payment %q", try, checkout, row.CheckoutID, row.ProviderPaymentID)
			}
			delete(rows, id)
		}
	}
	for id, row := range rows {
		say(id, "it is a try at checkout %s, as the provider's payment %q, which is none", row.CheckoutID, row.ProviderPaymentID)
	}
}

// paidTries are our payments of a checkout's tries that the provider has taken money for.
func (e Evidence) paidTries() map[string][]string {
	paid, name := map[string][]string{}, e.named()
	for checkout, tries := range e.tries() {
		for _, try := range tries {
			if slices.ContainsFunc(e.Ledger, func(x simulator.Entry) bool { return x.PaymentID == try && x.Status == "approved" }) {
				paid[checkout] = append(paid[checkout], name(checkout, try))
			}
		}
	}
	return paid
}

// checkoutsPaid: a checkout is paid when a try is, by one of those, and else it is not.
func checkoutsPaid(e Evidence, say objecting) {
	paid := e.paidTries()
	for _, c := range e.Checkouts {
		is := c.Status == payment.CheckoutPaid
		switch by := paid[c.ID]; {
		case is != (len(by) > 0):
			say("", "checkout %s is %s; the payments that have paid it are %v", c.ID, c.Status, by)
		case is != slices.Contains(by, c.PaidBy) || !is && c.PaidBy != "":
			say("", "checkout %s is paid by %q; the payments that have paid it are %v", c.ID, c.PaidBy, by)
		}
	}
}

// checkoutsTold: each payment that has paid a checkout says so once: the first, and each further one. The money of those goes back once, if the
// client wants that, and else it stays.
func checkoutsTold(e Evidence, say objecting) {
	paid, all := e.paidTries(), layOut(e)
	for _, c := range e.Checkouts {
		for _, id := range paid[c.ID] {
			s := all[id]
			if s.row == nil {
				continue // see triesKept
			}
			want, back := payment.CheckoutWasPaid, 0
			if id != c.PaidBy {
				want = payment.CheckoutWasPaidTwice
				if c.RefundDuplicates {
					back = 1
				}
			}
			var told []payment.CheckoutChange
			for _, v := range s.history {
				if v.Checkout != "" {
					told = append(told, v.Checkout)
				}
			}
			if !slices.Equal(told, []payment.CheckoutChange{want}) && !(len(told) == 0 && s.mayBeLost()) {
				say(id, "it has paid checkout %s; its events about that are %v, not %s", c.ID, told, want)
			}
			refunds, refused := 0, false
			for _, o := range s.operations {
				if o.Kind == string(payment.Refund) {
					refunds++
					refused = refused || o.Outcome == string(payment.OutcomeRefused) // by the provider, which the client was told
				}
			}
			if refunds != back || back > 0 && s.row.Refunded != s.row.Amount && !refused {
				say(id, "it has paid checkout %s, %s; it has %d refunds, and %d of %d centavos are back", c.ID, want, refunds, s.row.Refunded, s.row.Amount)
			}
		}
	}
}

// mayBeLost says whether the payment may be from before a restore of the database, which has lost its events.
func (s *sides) mayBeLost() bool {
	return len(s.entries) > 0 && s.entries[0].Time.Before(s.lost.restored)
}

// checkoutsAttended: a checkout that waits has a running workflow, and no other has.
func checkoutsAttended(e Evidence, say objecting) {
	running := map[string]bool{}
	for _, w := range e.Workflows {
		if id, ok := checkoutOf(w); ok {
			running[id] = running[id] || w.running()
		}
	}
	for _, c := range e.Checkouts {
		if c.Status.Waits() != running[c.ID] {
			say("", "checkout %s is %s; that its workflow runs is %t", c.ID, c.Status, running[c.ID])
		}
	}
}

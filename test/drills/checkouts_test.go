package drills

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/test/load"
)

// A checkout has three tries, of which two were paid.
func TestTheTriesAtACheckoutAreKnown(t *testing.T) {
	e := clean()
	e.sell()
	require.Empty(t, Check(e))
}

// The provider refuses to give back what was paid second: the money stays, and the client was told.
func TestASecondPaymentWhoseRefundIsRefusedStays(t *testing.T) {
	e := clean()
	e.sell()
	e.Checkouts[0].RefundDuplicates = true
	e.Operations = append(e.Operations, Operation{ProviderKey: "r-1", PaymentID: try(8), Kind: "refund", Amount: 1008, Outcome: "refused"})
	for _, o := range Check(e) {
		require.NotEqual(t, checkoutIsTold, o.Rule, "%v", o)
	}
	e.Operations[len(e.Operations)-1].Outcome = "done"
	require.True(t, slices.ContainsFunc(Check(e), func(o Objection) bool { return o.Rule == checkoutIsTold }))
}

// Each row falsifies what is said of a checkout in one way. The checker must object under that rule with that text.
func TestTheCheckerObjectsToCheckouts(t *testing.T) {
	for _, row := range spoiltCheckouts {
		e := clean()
		e.sell()
		row.spoil(&e)
		objections := Check(e)
		require.True(t, slices.ContainsFunc(objections, func(o Objection) bool { return o.Rule == row.rule && strings.Contains(o.String(), row.says) }),
			"%s: the objections are %v", row.name, objections)
	}
	for _, r := range rules {
		if strings.Contains(r.name, "checkout") {
			require.True(t, slices.ContainsFunc(spoiltCheckouts, func(s spoiltCheckout) bool { return s.rule == r.name }), "no row breaks the rule: %s", r.name)
		}
	}
}

type spoiltCheckout struct {
	name, rule, says string
	spoil            func(*Evidence)
}

var spoiltCheckouts = []spoiltCheckout{
	{"a lost checkout", checkoutIsKept, "of 1006 centavos was answered", func(e *Evidence) { e.Checkouts = nil }},
	{"another sum", checkoutIsKept, `the row has "sale" and 1007`, func(e *Evidence) { e.Checkouts[0].Amount++ }},
	{"two checkouts for one key", checkoutIsKept, `and with "other"`, func(e *Evidence) { e.Sales[0].Answers[0] = load.Answer{Code: 202, PaymentID: "other"} }},
	{"a try that is no payment", triesAreKept, "the provider's payment 100000000006 is a try", func(e *Evidence) {
		e.Payments = without(e.Payments, func(p Payment) bool { return p.ID == try(6) })
	}},
	{"a try of another checkout", triesAreKept, `the row has checkout "other"`, func(e *Evidence) { e.Payments[5].CheckoutID = "other" }},
	{"a try that the provider does not have", triesAreKept, "which is none", func(e *Evidence) {
		e.Payments = append(e.Payments, Payment{ID: id(9), CheckoutID: checkoutID, ProviderPaymentID: "9", Status: payment.Rejected})
	}},
	{"a paid checkout that is open", checkoutIsPaid, "is open; the payments that have paid it", func(e *Evidence) { e.Checkouts[0].Status = payment.CheckoutOpen }},
	{"a checkout that nobody has paid", checkoutIsPaid, "is paid; the payments that have paid it are []", func(e *Evidence) {
		for n := range e.Ledger {
			if e.Ledger[n].ExternalReference == checkoutID {
				e.Ledger[n].Status = "rejected"
			}
		}
	}},
	{"a checkout that a rejected try has paid", checkoutIsPaid, "is paid by", func(e *Evidence) { e.Checkouts[0].PaidBy = try(6) }},
	{"a payment that is not told of", checkoutIsTold, "its events about that are []", func(e *Evidence) {
		e.Events = without(e.Events, func(v Event) bool { return v.Checkout == payment.CheckoutWasPaidTwice })
	}},
	{"a payment that is told of twice", checkoutIsTold, "its events about that are [paid paid]", func(e *Evidence) { e.tellCheckout(try(7), payment.CheckoutWasPaid) }},
	{"a second payment that stays", checkoutIsTold, "it has 0 refunds, and 0 of 1008", func(e *Evidence) { e.Checkouts[0].RefundDuplicates = true }},
	{"a second payment that goes back twice", checkoutIsTold, "it has 2 refunds", func(e *Evidence) {
		e.Checkouts[0].RefundDuplicates = true
		for _, key := range []string{"r-1", "r-2"} {
			e.Operations = append(e.Operations, Operation{ProviderKey: key, PaymentID: try(8), Kind: "refund", Amount: 1008, Outcome: "done"})
		}
	}},
	{"a checkout that nobody looks at", checkoutIsSeen, "is open; that its workflow runs is false", func(e *Evidence) { e.Checkouts[0].Status = payment.CheckoutOpen }},
	{"a paid checkout that is still looked at", checkoutIsSeen, "is paid; that its workflow runs is true", func(e *Evidence) { e.Workflows[len(e.Workflows)-4].Status = "Running" }},
}

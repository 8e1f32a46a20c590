package simulator

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// Operation is what a fault applies to: a kind of API call, or the webhooks.
type Operation string

const (
	Create       Operation = "create"        // POST /v1/payments
	Get          Operation = "get"           // GET /v1/payments/{id}
	Search       Operation = "search"        // GET /v1/payments/search
	Update       Operation = "update"        // PUT /v1/payments/{id}
	CreateRefund Operation = "create_refund" // POST /v1/payments/{id}/refunds
	GetRefunds   Operation = "get_refunds"   // GET /v1/payments/{id}/refunds, and one of them
	CardToken    Operation = "card_token"    // POST /v1/card_tokens
	Account      Operation = "account"       // GET /users/me
	Offers       Operation = "offers"        // GET /v1/payment_methods
	Installments Operation = "installments"  // GET /v1/payment_methods/installments
	Chargebacks  Operation = "chargebacks"   // GET /v1/chargebacks/{id} and search
	Documents    Operation = "documents"     // POST /v1/chargebacks/{id}/documentation
	Claims       Operation = "claims"        // GET /post-purchase/v1/claims/{id} and search
	Webhook      Operation = "webhook"       // a notification with all its attempts

	NewCustomer  Operation = "create_customer" // POST /v1/customers
	Customers    Operation = "customers"       // the other calls of customers, search among them
	SaveCard     Operation = "save_card"       // POST /v1/customers/{id}/cards
	SavedCards   Operation = "saved_cards"     // the other calls of a customer's cards
	GetCardToken Operation = "get_card_token"  // GET /v1/card_tokens/{id}

	Preferences    Operation = "preferences"     // /checkout/preferences, its search and one of them
	MerchantOrders Operation = "merchant_orders" // GET /merchant_orders/{id} and search
	OrderWebhook   Operation = "order_webhook"   // a notification about a merchant order
)

// Kind is the kind of a fault.
type Kind string

// Kinds for API calls. "Before" means that nothing was done, "after" that it was done and is in the ledger. Go's own transport
// repeats a call with an X-Idempotency-Key by itself when a kept connection is cut: such a client sees KindReset or
// KindLostAnswer only when the fault applies twice.
const (
	KindReset          Kind = "reset"            // the connection is reset before
	KindError          Kind = "error"            // Status (500) before, with the cause Code if that is set
	KindRateLimited    Kind = "rate_limited"     // 429 before, Retry-After is Delay in seconds (1)
	KindSlow           Kind = "slow"             // Delay before; done after it even if the client has given up; a create's key is claimed meanwhile
	KindSlowAfter      Kind = "slow_after"       // Delay after; the key is used and the webhook is sent at once
	KindErrorAfter     Kind = "error_after"      // Status (500) after
	KindLostAnswer     Kind = "lost_answer"      // the connection closes after, without an answer
	KindTruncated      Kind = "truncated"        // half of the answer after, then the connection closes
	KindHTML           Kind = "html"             // a page instead of the answer after, under the answer's status or Status
	KindEmpty          Kind = "empty"            // no body after, under the answer's status or Status
	KindMaskedCard     Kind = "masked_card"      // the payment carries a card whose expiry is "***"
	KindNumericPayerID Kind = "numeric_payer_id" // payer.id is a number
	KindTextAmounts    Kind = "text_amounts"     // amounts are strings
	KindOtherAccount   Kind = "other_account"    // the payment belongs to another collector
	KindNoFees         Kind = "no_fees"          // a paid payment has no fees and no net yet
	KindWrongLine      Kind = "wrong_line"       // the digitable line of a boleto has a wrong digit
	KindWrongNet       Kind = "wrong_net"        // fee and net of a paid payment do not add up to its amount
	KindForgottenKey   Kind = "forgotten_key"    // Create, CreateRefund: a key whose payment is older than Delay is fresh again (zero: any)
	KindNotFound       Kind = "not_found"        // Get: 404 for payments younger than Delay (zero: for all)
	KindSearchLag      Kind = "search_lag"       // Search: payments younger than Delay are missing (zero: all)
	KindPaidMeanwhile  Kind = "paid_meanwhile"   // Update: the buyer pays just before
	KindInProcess      Kind = "in_process"       // CreateRefund: the refund is in process, and approved after Delay (zero: when it is settled)
	KindRefundFails    Kind = "refund_fails"     // CreateRefund: the refund is approved, and rejected after Delay
)

// Kinds for webhooks.
const (
	KindLost         Kind = "lost"          // never sent
	KindDoubled      Kind = "doubled"       // Count (2) copies at once
	KindReordered    Kind = "reordered"     // held back until the payment's next notification was sent
	KindEarly        Kind = "early"         // payment.created is sent, and its answer awaited, before the create is answered
	KindLate         Kind = "late"          // sent Delay later
	KindBadSignature Kind = "bad_signature" // signed with another secret
	KindUnsigned     Kind = "unsigned"      // without x-signature
	KindWrongID      Kind = "wrong_id"      // the body's data.id is not the query's
)

// Fault is one fault. For each call the first fault that matches and is not used up applies, and no other.
type Fault struct {
	On                Operation     `json:"on"`
	Kind              Kind          `json:"kind"`
	ExternalReference string        `json:"external_reference,omitempty"` // only calls about this payment; empty: all
	PaymentID         string        `json:"payment_id,omitempty"`         // only calls about this id of Mercado Pago, which need not exist
	After             int           `json:"after,omitempty"`              // matching calls before it applies
	Times             int           `json:"times,omitempty"`              // calls it applies to; 0: until removed
	Rate              float64       `json:"rate,omitempty"`               // share of calls it applies to, at random; 0: all
	Status            int           `json:"status,omitempty"`
	Delay             time.Duration `json:"delay,omitempty"` // in JSON a text: "1.5s"
	Count             int           `json:"count,omitempty"`
	Code              int           `json:"code,omitempty"` // of an error's cause, such as 13253: the seller has no Pix key

	Met  int `json:"met"`  // matching calls so far
	Used int `json:"used"` // calls it applied to so far
}

var (
	wireKinds = []Kind{KindReset, KindError, KindRateLimited, KindSlow, KindSlowAfter, KindErrorAfter, KindLostAnswer,
		KindTruncated, KindHTML, KindEmpty, KindMaskedCard, KindNumericPayerID, KindTextAmounts, KindOtherAccount, KindNoFees, KindWrongNet, KindWrongLine}
	plainKinds   = []Kind{KindReset, KindError, KindRateLimited, KindSlow, KindSlowAfter, KindErrorAfter, KindLostAnswer, KindTruncated, KindHTML, KindEmpty}
	webhookKinds = []Kind{KindLost, KindDoubled, KindReordered, KindEarly, KindLate, KindBadSignature, KindUnsigned, KindWrongID}

	kindsOf = map[Operation][]Kind{
		Create:       append(slices.Clone(wireKinds), KindForgottenKey),
		Get:          append(slices.Clone(wireKinds), KindNotFound),
		Search:       append(slices.Clone(wireKinds), KindSearchLag),
		Update:       append(slices.Clone(wireKinds), KindPaidMeanwhile),
		CreateRefund: append(slices.Clone(wireKinds), KindInProcess, KindRefundFails, KindForgottenKey),
		GetRefunds:   slices.Clone(wireKinds),
		Account:      plainKinds,
		Offers:       plainKinds,
		Installments: plainKinds,
		Chargebacks:  append(slices.Clone(wireKinds), KindSearchLag),
		Documents:    slices.Clone(wireKinds),
		Claims:       slices.Clone(wireKinds),
		NewCustomer:  plainKinds,
		Customers:    append(slices.Clone(plainKinds), KindSearchLag),
		SaveCard:     plainKinds,
		SavedCards:   plainKinds,
		GetCardToken: plainKinds,
		Webhook:      webhookKinds,

		Preferences:    append(slices.Clone(wireKinds), KindSearchLag),
		MerchantOrders: slices.Clone(wireKinds),
		OrderWebhook:   {KindLost, KindDoubled, KindLate, KindBadSignature, KindUnsigned},
	}
)

// check says what is wrong with a requested fault.
func (f Fault) check() error {
	kinds, ok := kindsOf[f.On]
	if !ok {
		return fmt.Errorf("fault on %q: no such operation", f.On)
	}
	if !slices.Contains(kinds, f.Kind) {
		return fmt.Errorf("fault on %s: no kind %q; there are %v", f.On, f.Kind, kinds)
	}
	if f.After < 0 || f.Times < 0 || f.Count < 0 || f.Delay < 0 || f.Rate < 0 || f.Rate > 1 {
		return fmt.Errorf("fault %s on %s: after, times, count and delay cannot be negative, rate is between 0 and 1", f.Kind, f.On)
	}
	if f.Status != 0 && (f.Status < 200 || f.Status > 599) {
		return fmt.Errorf("fault %s on %s: status %d is not between 200 and 599", f.Kind, f.On, f.Status)
	}
	return nil
}

// MarshalJSON writes the delay as a text.
func (f Fault) MarshalJSON() ([]byte, error) {
	type plain Fault
	delay := ""
	if f.Delay > 0 {
		delay = f.Delay.String()
	}
	return json.Marshal(struct {
		plain
		Delay string `json:"delay,omitempty"`
	}{plain(f), delay})
}

// UnmarshalJSON reads the delay as a text.
func (f *Fault) UnmarshalJSON(data []byte) error {
	type plain Fault
	in := struct {
		*plain
		Delay string `json:"delay"`
	}{plain: (*plain)(f)}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields() // a misspelt limit would make the fault apply to everything
	if err := decoder.Decode(&in); err != nil {
		return err
	}
	if in.Delay == "" {
		return nil
	}
	delay, err := time.ParseDuration(in.Delay)
	if err != nil {
		return fmt.Errorf("delay: %w", err)
	}
	f.Delay = delay
	return nil
}

// faultQueue holds the faults in the order they were added.
type faultQueue struct {
	mu     sync.Mutex
	faults []Fault
}

func (q *faultQueue) set(faults []Fault) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.faults = slices.Clone(faults)
}

func (q *faultQueue) add(faults ...Fault) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.faults = append(q.faults, faults...)
}

// drop removes the faults that are only about the payment with this reference.
func (q *faultQueue) drop(reference string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.faults = slices.DeleteFunc(q.faults, func(f Fault) bool { return f.ExternalReference == reference })
}

func (q *faultQueue) all() []Fault {
	q.mu.Lock()
	defer q.mu.Unlock()
	return append([]Fault{}, q.faults...)
}

// take returns the fault that applies to this call about the payment with this id; its kind is empty when none does. reference is called
// only when a fault needs it.
func (q *faultQueue) take(on Operation, paymentID string, reference func() string) Fault {
	q.mu.Lock()
	defer q.mu.Unlock()
	for i := range q.faults {
		f := &q.faults[i]
		if f.On != on || (f.Times > 0 && f.Used >= f.Times) {
			continue
		}
		if f.PaymentID != "" && f.PaymentID != paymentID || f.ExternalReference != "" && f.ExternalReference != reference() {
			continue
		}
		f.Met++
		if f.Met <= f.After || (f.Rate > 0 && rand.Float64() >= f.Rate) {
			continue
		}
		f.Used++
		return *f
	}
	return Fault{}
}

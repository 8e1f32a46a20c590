package simulator

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// Entry is one line of the ledger: a new payment, or a new status of a payment or of one of its refunds.
type Entry struct {
	Number            int       `json:"number"` // from 1, without gaps
	Kind              EntryKind `json:"kind"`
	PaymentID         string    `json:"payment_id"`
	ExternalReference string    `json:"external_reference"`
	IdempotencyKey    string    `json:"idempotency_key"` // of the request that created the payment
	Amount            int64     `json:"amount"`          // centavos
	Status            string    `json:"status"`
	StatusDetail      string    `json:"status_detail"`
	Refunded          int64     `json:"refunded,omitempty"` // centavos given back so far
	Refund            *Refunded `json:"refund,omitempty"`   // of an entry about a refund
	Time              time.Time `json:"time"`               // UTC, the payment's date_last_updated
}

// EntryKind says why a ledger entry was written.
type EntryKind string

// A Charge is a new payment; a Move is a new status; a Refund is a new refund, or a new status of one.
const (
	Charge EntryKind = "charge"
	Move   EntryKind = "move"
	Refund EntryKind = "refund"
)

// Refunded is a refund in the ledger.
type Refunded struct {
	ID             string `json:"id"`
	IdempotencyKey string `json:"idempotency_key,omitempty"` // "" when it was made in the panel
	Amount         int64  `json:"amount"`                    // centavos
	Status         string `json:"status"`
}

var errUnknownPayment = errors.New("there is no such payment")

// errState is a move that the payment's status does not allow.
type errState struct{ status, detail string }

func (e errState) Error() string { return fmt.Sprintf("the payment is %s (%s)", e.status, e.detail) }

// book is the simulator's state: payments, used keys and the ledger, under one lock. It stores payments by pointer and returns copies.
type book struct {
	mu          sync.RWMutex
	payments    map[string]*payment
	byReference map[string][]*payment
	byAge       []*payment
	keys        map[string]*keyUse
	tokens      map[string]bool // of cards, that a payment was made with
	disputes    map[string]*dispute

	tokensMade             map[string]tokenOf // by this process
	customers              map[string]*customer
	customersGone          map[string]bool // that were deleted
	preferences            map[string]preference
	preferencesByReference map[string][]string
	orders                 map[string]string // the preference of a merchant order

	entries []Entry
	journal *journal // nil: the state is lost with the process
}

func newBook() *book {
	return &book{
		payments:    make(map[string]*payment),
		byReference: make(map[string][]*payment),
		keys:        make(map[string]*keyUse),
		tokens:      make(map[string]bool),
		disputes:    make(map[string]*dispute),

		tokensMade:    make(map[string]tokenOf),
		customers:     make(map[string]*customer),
		customersGone: make(map[string]bool),
		preferences:   make(map[string]preference), preferencesByReference: make(map[string][]string), orders: make(map[string]string),
	}
}

// create adds a new payment and marks its key as used.
func (b *book) create(p payment) payment {
	b.mu.Lock()
	defer b.mu.Unlock()
	p.id = strconv.FormatInt(nextID(), 10)
	p.updated = p.created
	b.add(&p)
	b.keys[p.key].payment = &p
	b.enter(Charge, &p, "")
	return p
}

func (b *book) add(p *payment) {
	b.payments[p.id] = p
	b.byAge = append(b.byAge, p)
	b.byReference[p.reference] = append(b.byReference[p.reference], p)
	if p.card != nil {
		b.tokens[p.card.Token] = true
	}
}

func (b *book) get(id string) (payment, bool) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	p, ok := b.payments[id]
	if !ok {
		return payment{}, false
	}
	return *p, true
}

func (b *book) pay(id string, now time.Time) (payment, error) {
	return b.move(id, now, func(p *payment) error {
		if p.status != "pending" || p.card != nil {
			return errState{p.status, p.detail}
		}
		if !now.Before(p.expires) {
			return errState{"cancelled", "expired"}
		}
		p.status, p.detail, p.approved, p.paid = "approved", "accredited", now, p.pays(now)
		return nil
	})
}

func (b *book) payLate(id string, now time.Time) (payment, error) {
	return b.move(id, now, func(p *payment) error {
		if p.status != "cancelled" {
			return errState{p.status, p.detail}
		}
		p.status, p.detail, p.approved, p.paid = "approved", "accredited", now, p.pays(now)
		return nil
	})
}

func (b *book) payAgain(id string, now time.Time) (payment, error) {
	return b.move(id, now, func(p *payment) error {
		if p.status != "approved" || p.method != "bolbradesco" {
			return errState{p.status, p.detail}
		}
		p.overpaid += p.pays(now)
		return nil
	})
}

func (b *book) cancel(id, detail string, now time.Time) (payment, error) {
	return b.move(id, now, func(p *payment) error {
		if p.status != "pending" && p.status != "in_process" && p.status != "authorized" {
			return errState{p.status, p.detail}
		}
		p.status, p.detail = "cancelled", detail
		return nil
	})
}

// move changes one payment and adds a ledger entry. date_last_updated always grows by at least a millisecond, because clients order
// updates by it.
func (b *book) move(id string, now time.Time, change func(*payment) error) (payment, error) {
	return b.change(Move, id, now, func(p *payment) (string, error) { return "", change(p) })
}

// change is move for an entry of a kind, which may be about the refund that change names.
func (b *book) change(kind EntryKind, id string, now time.Time, change func(*payment) (refundID string, err error)) (payment, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p, ok := b.payments[id]
	if !ok {
		return payment{}, errUnknownPayment
	}
	refundID, err := change(p)
	if err != nil {
		return payment{}, err
	}
	updated := now.Truncate(time.Millisecond)
	if earliest := p.updated.Add(time.Millisecond); updated.Before(earliest) {
		updated = earliest
	}
	p.updated = updated
	b.enter(kind, p, refundID)
	return *p, nil
}

func (b *book) enter(kind EntryKind, p *payment, refundID string) {
	var body [sha256.Size]byte
	if use := b.keys[p.key]; use != nil { // a key may have been forgotten since
		body = use.body
	}
	b.journal.write(kind, p, refundID, body)
	e := Entry{
		Number: len(b.entries) + 1, Kind: kind, PaymentID: p.id, ExternalReference: p.reference, IdempotencyKey: p.key,
		Amount: p.amount, Status: p.status, StatusDetail: p.detail, Refunded: p.refunded(), Time: p.updated.UTC(),
	}
	for _, r := range p.refunds {
		if r.ID == refundID {
			e.Refund = &Refunded{r.ID, r.Key, r.Amount, r.Status}
		}
	}
	b.entries = append(b.entries, e)
}

// latest returns payments newest first; an empty reference or status is any.
func (b *book) latest(reference, status string, limit int) []payment {
	b.mu.RLock()
	defer b.mu.RUnlock()
	candidates := b.byAge
	if reference != "" {
		candidates = b.byReference[reference]
	}
	var found []payment
	for _, p := range slices.Backward(candidates) {
		if len(found) == limit {
			break
		}
		if status == "" || status == p.status {
			found = append(found, *p)
		}
	}
	return found
}

// ledger returns a copy of the entries after the given number.
func (b *book) ledger(after int) []Entry {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return slices.Clone(b.entries[min(max(after, 0), len(b.entries)):])
}

// lastID is shared by all simulators of a process, so that two of them never return the same id.
var lastID atomic.Int64

// nextID returns a new id of 12 digits, a few above the last one. The first one depends on the clock, so that a restarted process does
// not repeat ids that clients have stored.
func nextID() int64 {
	if lastID.Load() == 0 {
		age := time.Since(time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC))
		lastID.CompareAndSwap(0, 106_400_160_592+max(0, age.Milliseconds()))
	}
	return lastID.Add(1 + rand.Int64N(4))
}

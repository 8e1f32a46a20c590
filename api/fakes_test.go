package api

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/onlywave/onlywave/internal/access"
	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/command"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/rabbitmq"
	"github.com/onlywave/onlywave/workflows"
)

// memory is a database without Postgres.
type memory struct {
	mu          sync.Mutex
	payments    map[string]payment.Payment
	events      map[string][]payment.Event
	keys        map[string]access.APIKey
	spooled     []string // routing keys
	runs        []payment.Reconciliation
	findings    []payment.Finding // newest first
	reads       int               // of API keys
	age         time.Duration     // of lists
	unavailable error             // what every call returns while it is set
	held        map[string]payment.Hold
	refunds     []payment.OperationRecord
	ledger      []payment.LedgerEntry
	balances    map[string]payment.Balance
	disputes    []payment.Dispute // newest first
	customers   []payment.Customer
	cards       []payment.SavedCard // oldest first
	hidden      map[string]bool     // ids of customers and cards
	evidence    []payment.Evidence
	checkouts   map[string]payment.Checkout
}

func newMemory() *memory {
	return &memory{payments: map[string]payment.Payment{}, events: map[string][]payment.Event{}, keys: map[string]access.APIKey{}, checkouts: map[string]payment.Checkout{}}
}

var errUnavailable = &failure.Error{Kind: failure.Unavailable, Message: "the database is unavailable", Err: errors.New("dial tcp 10.0.0.7:5432: refused")}

func (m *memory) Payment(_ context.Context, id string) (payment.Payment, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if p, ok := m.payments[id]; ok || m.unavailable != nil {
		return p, m.unavailable
	}
	return payment.Payment{}, &failure.Error{Kind: failure.NotFound, Message: "not found"}
}

func (m *memory) Payments(_ context.Context, f payment.Filter) ([]payment.Payment, time.Duration, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var found []payment.Payment
	for _, p := range m.payments {
		if p.ClientID == f.ClientID && (f.Status == "" || f.Status == p.Status) && (f.Reference == "" || f.Reference == p.Reference) &&
			!p.CreatedAt.Before(f.CreatedFrom) && (f.CreatedTo.IsZero() || p.CreatedAt.Before(f.CreatedTo)) &&
			(f.After.ID == "" || newestFirst(payment.Payment{ID: f.After.ID, CreatedAt: f.After.CreatedAt}, p) < 0) {
			found = append(found, p)
		}
	}
	slices.SortFunc(found, newestFirst)
	return found[:min(f.Limit, len(found))], m.age, m.unavailable
}

func newestFirst(a, b payment.Payment) int {
	return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), strings.Compare(b.ID, a.ID))
}

func (m *memory) Hold(_ context.Context, paymentID string) (payment.Hold, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.held[paymentID], m.unavailable
}

func (m *memory) Disputes(_ context.Context, paymentID string) ([]payment.Dispute, error) {
	return slices.DeleteFunc(slices.Clone(m.disputes), func(d payment.Dispute) bool { return d.PaymentID != paymentID }), m.unavailable
}

func (m *memory) AllDisputes(_ context.Context, f payment.DisputeFilter) ([]payment.Dispute, error) {
	found := slices.DeleteFunc(slices.Clone(m.disputes), func(d payment.Dispute) bool {
		return d.ClientID != f.ClientID || f.Status != "" && d.Status != f.Status || f.After.ID != "" && !d.OpenedAt.Before(f.After.CreatedAt)
	})
	return found[:min(f.Limit, len(found))], m.unavailable
}

func (m *memory) Dispute(_ context.Context, id string) (payment.Dispute, error) {
	if i := slices.IndexFunc(m.disputes, func(d payment.Dispute) bool { return d.ID == id }); i >= 0 {
		return m.disputes[i], m.unavailable
	}
	return payment.Dispute{}, cmp.Or[error](m.unavailable, &failure.Error{Kind: failure.NotFound})
}

func (m *memory) Evidence(_ context.Context, id string) (payment.Evidence, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if i := slices.IndexFunc(m.evidence, func(e payment.Evidence) bool { return e.ID == id }); i >= 0 {
		return m.evidence[i], m.unavailable
	}
	return payment.Evidence{}, cmp.Or[error](m.unavailable, &failure.Error{Kind: failure.NotFound})
}

func (m *memory) EvidenceOf(_ context.Context, disputeID string) ([]payment.Evidence, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(m.evidence), func(e payment.Evidence) bool { return e.DisputeID != disputeID }), m.unavailable
}

func (m *memory) AskEvidence(_ context.Context, e payment.Evidence, _ audit.Entry) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !slices.ContainsFunc(m.evidence, func(known payment.Evidence) bool { return known.ID == e.ID }) {
		e.Status = payment.EvidenceSending
		m.evidence = append(m.evidence, e)
	}
	return m.unavailable
}

func (m *memory) KeepEvidence(_ context.Context, id string, at time.Time) (payment.Evidence, error) {
	return m.moveEvidence(id, payment.EvidenceSent, at)
}

func (m *memory) RefuseEvidence(_ context.Context, id string) error {
	_, err := m.moveEvidence(id, payment.EvidenceRefused, time.Time{})
	return err
}

func (m *memory) moveEvidence(id string, to payment.EvidenceStatus, at time.Time) (payment.Evidence, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	i := slices.IndexFunc(m.evidence, func(e payment.Evidence) bool { return e.ID == id })
	m.evidence[i].Status, m.evidence[i].SentAt = to, at
	return m.evidence[i], m.unavailable
}

func (m *memory) Refunds(context.Context, string) ([]payment.OperationRecord, error) {
	return m.refunds, m.unavailable
}

func (m *memory) Refund(_ context.Context, _, id string) (payment.OperationRecord, error) {
	for _, r := range m.refunds {
		if r.ProviderKey == id {
			return r, nil
		}
	}
	return payment.OperationRecord{}, cmp.Or[error](m.unavailable, &failure.Error{Kind: failure.NotFound})
}

func (m *memory) Ledger(context.Context, string) ([]payment.LedgerEntry, error) {
	return m.ledger, m.unavailable
}

func (m *memory) Balance(_ context.Context, clientID string) (payment.Balance, error) {
	return m.balances[clientID], m.unavailable
}

func (m *memory) RequestCommand(context.Context, command.Order) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.unavailable
}

func (m *memory) Events(_ context.Context, id string, after, limit int) ([]payment.Event, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	events := m.events[id]
	events = events[min(after, len(events)):]
	return events[:min(limit, len(events))], m.unavailable
}

func (m *memory) APIKey(_ context.Context, id string) (access.APIKey, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.reads++
	if k, ok := m.keys[id]; ok || m.unavailable != nil {
		return k, m.unavailable
	}
	return access.APIKey{}, &failure.Error{Kind: failure.NotFound, Message: "not found"}
}

func (m *memory) Spool(_ context.Context, _, routingKey string, _ []byte, _ time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.unavailable == nil {
		m.spooled = append(m.spooled, routingKey)
	}
	return m.unavailable
}

func (m *memory) set(id string, change func(*payment.Payment)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := m.payments[id]
	change(&p)
	m.payments[id] = p
}

func (m *memory) setUnavailable(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.unavailable = err
}

// engine has the workflows without Temporal: the first Create makes the payment, and the provider answers if answers is set.
func (m *memory) Checkout(_ context.Context, id string) (payment.Checkout, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if c, ok := m.checkouts[id]; ok || m.unavailable != nil {
		return c, m.unavailable
	}
	return payment.Checkout{}, &failure.Error{Kind: failure.NotFound, Message: "not found"}
}

func (m *memory) Checkouts(_ context.Context, f payment.CheckoutFilter) (found []payment.Checkout, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, c := range m.checkouts {
		if c.ClientID == f.ClientID && (f.Status == "" || f.Status == c.Status) && (f.After.ID == "" || c.ID < f.After.ID) {
			found = append(found, c)
		}
	}
	slices.SortFunc(found, func(a, b payment.Checkout) int { return strings.Compare(b.ID, a.ID) })
	return found[:min(f.Limit, len(found))], m.unavailable
}

type engine struct {
	mu       sync.Mutex
	database *memory
	answers  bool
	fails    error
	asked    []workflows.CreateInput
	orders   []command.Order
	disputes []payment.DisputeRef // that a workflow was told of

	checkouts []workflows.CreateCheckoutInput
	ended     bool                  // a checkout's run has ended, and goes on answering
	closed    *workflows.Answer     // of a run that has closed; Create starts another when Lost is set
	wrote     func(payment.Payment) // what the workflow does after it has written the payment; nil: nothing
}

func (e *engine) Dispute(_ context.Context, _ string, of payment.DisputeRef) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.disputes = append(e.disputes, of)
	return e.fails
}

func (e *engine) Create(_ context.Context, in workflows.CreateInput) (*workflows.Answer, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.asked = append(e.asked, in)
	if e.fails != nil {
		return nil, e.fails
	}
	if e.closed != nil && in.Lost == nil {
		return e.closed, nil
	}
	known, ok := e.database.payments[in.PaymentID]
	if ok && known.Fingerprint != in.Print() {
		return nil, &failure.Error{Kind: failure.Conflict, Message: "the idempotency key was used for another request"}
	}
	e.database.set(in.PaymentID, func(p *payment.Payment) {
		if ok && p.Status != payment.Processing {
			return
		}
		*p = newPayment(in)
		if e.answers {
			answer(p)
		}
	})
	p := e.database.payments[in.PaymentID]
	if e.wrote != nil {
		e.wrote(p)
	}
	if !e.answers {
		return nil, nil
	}
	return &workflows.Answer{PaymentID: p.ID, Fingerprint: p.Fingerprint, Status: p.Status, Version: p.Version, AskedAt: p.CreatedAt}, nil
}

func (e *engine) CreateCheckout(_ context.Context, in workflows.CreateCheckoutInput) (bool, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.checkouts = append(e.checkouts, in)
	if e.fails != nil {
		return false, e.fails
	}
	c := payment.Checkout{
		ID: in.CheckoutID, ClientID: in.ClientID, IdempotencyKey: in.IdempotencyKey, Fingerprint: in.Request.Fingerprint(), CheckoutRequest: in.Request,
		Status: payment.CheckoutProcessing, CreatedAt: born, UpdatedAt: born,
	}
	if e.answers {
		c.Status, c.PreferenceID = payment.CheckoutOpen, "1164726384-0b7f4a1c-6b1d-4a58-9d3e-0e4c9f0d7a11"
		c.PayURL = "https://www.mercadopago.com.br/checkout/v1/redirect?pref_id=" + c.PreferenceID
	}
	if !e.ended || in.Lost {
		e.database.checkouts[c.ID] = c
	}
	return e.answers, nil
}

func (e *engine) CancelCheckout(_ context.Context, _, id string) (payment.CheckoutStatus, error) {
	c := e.database.checkouts[id]
	c.Status = payment.CheckoutCancelled
	e.database.checkouts[id] = c
	return c.Status, e.fails
}

func (e *engine) CheckoutBegun(_ context.Context, id string) (bool, error) {
	return slices.ContainsFunc(e.checkouts, func(in workflows.CreateCheckoutInput) bool { return in.CheckoutID == id }), nil
}

// Command settles a payment, unless fails is set, and does nothing for other commands.
func (e *engine) Command(_ context.Context, o command.Order) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.orders = append(e.orders, o)
	if e.fails == nil && o.Command == command.Settle {
		e.database.set(o.PaymentID, func(p *payment.Payment) {
			p.Status, p.Failure, p.Version = payment.Failed, "settled by an operator", p.Version+1
			e.database.events[p.ID] = make([]payment.Event, p.Version)
			e.database.events[p.ID][p.Version-1].Data = payment.EventData{Actor: o.Actor, Reason: o.Reason}
		})
	}
	return e.fails
}

// Begun knows the payments that Create was asked for.
func (e *engine) Begun(_ context.Context, clientID, paymentID string) (bool, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.ContainsFunc(e.asked, func(in workflows.CreateInput) bool {
		return in.ClientID == clientID && in.PaymentID == paymentID
	}), e.fails
}

func newPayment(in workflows.CreateInput) payment.Payment {
	return payment.Payment{
		ID: in.PaymentID, ClientID: in.ClientID, IdempotencyKey: in.IdempotencyKey, Fingerprint: in.Print(),
		Request: in.Request, Status: payment.Processing, Provider: payment.NewProvider(),
		Version: 1, CreatedAt: born, UpdatedAt: born,
	}
}

func answer(p *payment.Payment) {
	p.Status, p.Version, p.UpdatedAt = payment.Pending, 2, born.Add(585*time.Millisecond)
	p.Instructions.QRCode = "00020126580014br.gov.bcb.pix0136123e4567-e12b-12d3-a456-426655440000520400005303986540510.505802BR6304ABCD"
	p.Instructions.TicketURL = "https://www.mercadopago.com.br/payments/106400160592/ticket?a=1&b=2"
	p.Instructions.ExpiresAt = born.Add(time.Hour).Truncate(time.Second)
	p.Provider = payment.Provider{Name: payment.MercadoPago, API: payment.PaymentsAPI, PaymentID: "106400160592", Status: "pending", StatusDetail: "pending_waiting_transfer"}
}

// broker is a publisher without RabbitMQ.
type broker struct {
	mu        sync.Mutex
	fails     error
	published []rabbitmq.Message
}

func (b *broker) Publish(_ context.Context, exchange string, m rabbitmq.Message) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if exchange != rabbitmq.ExchangeWebhooks {
		return fmt.Errorf("published to %s", exchange)
	}
	if b.fails == nil {
		b.published = append(b.published, m)
	}
	return b.fails
}

// logs keeps what was logged.
type logs struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

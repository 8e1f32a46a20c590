package simulator

import (
	"bufio"
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"
)

// journal is a file with a line for each ledger entry, from which the next simulator starts. A line is in the file before the client gets
// its response. It is not synced to disk, so it survives the process but not a power failure.
type journal struct {
	file *os.File
	log  *slog.Logger
}

// line is an entry with the state of its payment at that time.
type line struct {
	Dispute    *Disputed         `json:"dispute,omitempty"` // a line about a dispute has nothing else
	Kind       EntryKind         `json:"kind"`
	RefundID   string            `json:"refund_id,omitempty"` // that the entry is about
	ID         string            `json:"id"`
	Key        string            `json:"key"`
	Body       [sha256.Size]byte `json:"body"` // of the request that created it
	Method     string            `json:"method"`
	Reference  string            `json:"reference"`
	Amount     int64             `json:"amount"` // centavos
	Status     string            `json:"status"`
	Detail     string            `json:"detail"`
	Created    time.Time         `json:"created"`
	Updated    time.Time         `json:"updated"`
	Approved   time.Time         `json:"approved"`
	Expires    time.Time         `json:"expires"`
	NotifyURL  string            `json:"notify_url"`
	Descriptor string            `json:"descriptor"`
	Text       string            `json:"text"`
	Payer      payer             `json:"payer"`
	Metadata   json.RawMessage   `json:"metadata,omitempty"`
	Refunds    []refund          `json:"refunds,omitempty"`
	Card       *usedCard         `json:"card,omitempty"`
	Rules      boletoRules       `json:"rules"`
	Paid       int64             `json:"paid,omitempty"`
	Overpaid   int64             `json:"overpaid,omitempty"`

	Preference string `json:"preference,omitempty"` // of a payment on its page
	Order      string `json:"order,omitempty"`
	// Made is a preference: the line is about no payment.
	Made *preference `json:"made,omitempty"`
}

// Open returns a running simulator that continues from the file and writes to it. Webhooks that the earlier simulator had not sent yet are
// not sent. Close it when done.
func Open(c Config, path string) (*Simulator, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the simulator's file: %w", err)
	}
	s := New(c)
	if err := s.book.read(file); err != nil {
		s.Close()
		return nil, errors.Join(fmt.Errorf("read the simulator's file %s: %w", path, err), file.Close())
	}
	s.book.journal = &journal{file, s.config.Log}
	for _, p := range append(s.book.latest("", "pending", len(s.book.byAge)), s.book.latest("", "authorized", len(s.book.byAge))...) {
		if p.expires.IsZero() {
			continue
		}
		s.expiries.at(p.expires, func() { s.expireDue(p.id) })
	}
	return s, nil
}

// read reads all lines, and positions the file after the last complete one, because a simulator that was killed may have left part of a
// line.
func (b *book) read(file *os.File) error {
	lines := bufio.NewReader(file)
	var whole int64
	for {
		text, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		var l line
		if err := json.Unmarshal(text, &l); err != nil {
			return fmt.Errorf("line %d: %w", len(b.entries)+1, err)
		}
		if l.Made != nil {
			b.keepPreference(*l.Made)
		} else {
			b.repeat(l)
		}
		whole += int64(len(text))
	}
	if err := file.Truncate(whole); err != nil {
		return err
	}
	_, err := file.Seek(whole, io.SeekStart)
	return err
}

// repeat applies a line again.
func (b *book) repeat(l line) {
	if l.Dispute != nil {
		b.disputes[l.Dispute.ID] = l.Dispute.dispute()
		return
	}
	p, known := b.payments[l.ID]
	if !known {
		p = &payment{}
	}
	*p = payment{
		id: l.ID, key: l.Key, method: cmp.Or(l.Method, "pix"), reference: l.Reference, amount: l.Amount, status: l.Status, detail: l.Detail, created: l.Created,
		updated: l.Updated, approved: l.Approved, expires: l.Expires, notifyURL: l.NotifyURL, descriptor: l.Descriptor, text: l.Text,
		payer: l.Payer, metadata: l.Metadata, refunds: l.Refunds, card: l.Card, rules: l.Rules, paid: l.Paid, overpaid: l.Overpaid,
		preference: l.Preference, order: l.Order,
	}
	if !known {
		b.add(p)
		b.keys[l.Key] = &keyUse{body: l.Body, payment: p}
	}
	for _, r := range p.refunds {
		if r.Key != "" {
			b.keys[refundKey(p.id, r.Key)] = &keyUse{body: r.Body, payment: p, refund: r.ID}
		}
	}
	b.enter(l.Kind, p, l.RefundID)
}

// write appends one entry. If that fails, because of a full disk for example, only this simulator knows the entry.
func (j *journal) write(kind EntryKind, p *payment, refundID string, body [sha256.Size]byte) {
	j.append(p.id, line{
		Kind: kind, RefundID: refundID, ID: p.id, Key: p.key, Body: body, Method: p.method, Reference: p.reference, Amount: p.amount, Status: p.status, Detail: p.detail,
		Created: p.created, Updated: p.updated, Approved: p.approved, Expires: p.expires, NotifyURL: p.notifyURL, Descriptor: p.descriptor,
		Text: p.text, Payer: p.payer, Metadata: p.metadata, Refunds: p.refunds, Card: p.card, Rules: p.rules, Paid: p.paid, Overpaid: p.overpaid,
		Preference: p.preference, Order: p.order,
	})
}

// append writes a line. A nil journal writes nothing.
func (j *journal) append(paymentID string, l line) {
	if j == nil {
		return
	}
	text, err := json.Marshal(l)
	if err == nil {
		_, err = j.file.Write(append(text, '\n'))
	}
	if err != nil {
		j.log.Error("a ledger entry could not be written", "provider_payment_id", paymentID, "error", err)
	}
}

// writePreference appends a preference as it is.
func (j *journal) writePreference(p preference) {
	if j == nil {
		return
	}
	text, err := json.Marshal(line{Made: &p})
	if err == nil {
		_, err = j.file.Write(append(text, '\n'))
	}
	if err != nil {
		j.log.Error("a preference could not be written", "preference_id", p.ID, "error", err)
	}
}

// close closes the journal. Entries of requests that are still running are not written.
func (b *book) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.journal == nil {
		return
	}
	if err := b.journal.file.Close(); err != nil {
		b.journal.log.Error("the ledger's file could not be closed", "error", err)
	}
	b.journal = nil
}

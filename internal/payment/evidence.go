package payment

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/onlywave/onlywave/internal/failure"
)

// The limits of what may be sent about a dispute: Mercado Pago takes PDF, PNG and JPEG, 10 MB in all (guide "chargebacks, how to manage").
const (
	EvidenceMaxBytes = 10_000_000
	EvidenceMaxFiles = 10
	EvidenceMaxName  = 100 // characters
)

// EvidenceTypes lists the types of documents that the provider takes.
func EvidenceTypes() []string { return []string{"application/pdf", "image/png", "image/jpeg"} }

// Document is one file of the seller's about a dispute. Its content is in memory only: it is sent, and stored nowhere.
type Document struct {
	DocumentInfo
	Content []byte
}

// DocumentInfo is what is kept of a document.
type DocumentInfo struct {
	Name   string `json:"name"`
	Type   string `json:"type"` // by its content
	Size   int64  `json:"size"` // bytes
	SHA256 string `json:"sha256"`
}

// NewDocument is a file as it is sent. Its content says of which type it is, whatever its name says.
func NewDocument(name string, content []byte) Document {
	sum := sha256.Sum256(content)
	return Document{DocumentInfo{name, http.DetectContentType(content), int64(len(content)), hex.EncodeToString(sum[:])}, content}
}

// DocumentFields lists what is wrong with documents, by the name of the file that is meant.
func DocumentFields(documents []Document) []failure.Field {
	var wrong failure.Fields
	var sum int64
	for i, d := range documents {
		at := fmt.Sprintf("/files/%d", i)
		sum += d.Size
		switch fault := documentNameFault(d.Name); {
		case fault != "":
			wrong.Add(at, "its file name "+fault)
		case d.Size == 0:
			wrong.Add(at, "is empty")
		case !slices.Contains(EvidenceTypes(), d.Type):
			wrong.Add(at, "must be a PDF, a PNG or a JPEG by its content, whatever its name is")
		}
	}
	switch {
	case len(documents) == 0:
		wrong.Add("/files", "is missing; send each document as a part named files, with a file name")
	case len(documents) > EvidenceMaxFiles:
		wrong.Add("/files", fmt.Sprintf("has %d documents; send at most %d", len(documents), EvidenceMaxFiles))
	case sum > EvidenceMaxBytes:
		wrong.Add("/files", fmt.Sprintf("has %d bytes; all documents together may have at most %d", sum, EvidenceMaxBytes))
	}
	return wrong
}

func documentNameFault(name string) string {
	switch {
	case strings.TrimSpace(name) == "":
		return "is missing"
	case utf8.RuneCountInString(name) > EvidenceMaxName:
		return fmt.Sprintf("must have at most %d characters", EvidenceMaxName)
	case strings.ContainsAny(name, `/\"`):
		return `must not contain /, \ and "`
	case ContainsCardNumber(name):
		return "must not contain a card number"
	}
	return Illegible(name, OneLine)
}

// EvidenceStatus is how far documents have come.
type EvidenceStatus string

// The statuses of evidence. What is not known to have arrived is sending: it may be sent again.
const (
	EvidenceSending EvidenceStatus = "sending"
	EvidenceSent    EvidenceStatus = "sent"
	EvidenceRefused EvidenceStatus = "refused" // by the provider; it may be sent again, too
)

// EvidenceStatuses lists every status.
func EvidenceStatuses() []EvidenceStatus {
	return []EvidenceStatus{EvidenceSending, EvidenceSent, EvidenceRefused}
}

// Evidence is what was sent about a dispute in one request, without the contents.
type Evidence struct {
	ID        string // see EvidenceID; the key at the provider, too
	DisputeID string
	PaymentID string
	Files     []DocumentInfo
	Status    EvidenceStatus
	Actor     string // who sent it
	AskedAt   time.Time
	SentAt    time.Time // when it was known to have arrived; zero: it is not
}

// EvidenceID is the id of the evidence that a request sends: however often the request is repeated, it is one.
func EvidenceID(disputeID, idempotencyKey string) string {
	return NamedID(providerNamespace, disputeID+"\x00evidence\x00"+idempotencyKey)
}

// Wants says why documents about the dispute cannot be sent now, or "".
func (d Dispute) Wants(now time.Time) string {
	switch {
	case d.Kind != Chargeback:
		return "documents can be sent for a chargeback only; answer a " + strings.ReplaceAll(string(d.Kind), "_", " ") + " in Mercado Pago's panel"
	case d.Status != DisputeEvidenceWanted:
		return "the dispute is " + string(d.Status) + "; documents are wanted only while it is evidence_wanted"
	case !d.Deadline.IsZero() && !now.Before(d.Deadline):
		return "the deadline was " + d.Deadline.UTC().Format(time.RFC3339)
	}
	return ""
}

package payment

import (
	"fmt"
	"maps"
	"net/mail"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/onlywave/onlywave/internal/failure"
)

// Request is what a client app asks for.
type Request struct {
	Amount      Money             `json:"amount"`
	Description string            `json:"description,omitempty"`
	Reference   string            `json:"reference,omitempty"` // the client app's own name for it
	Method      Method            `json:"method"`
	Payer       Payer             `json:"payer"`
	Metadata    map[string]string `json:"metadata,omitempty"`
	LatePayment LatePayment       `json:"late_payment,omitempty"`
}

// LatePayment is what to do with the money of a buyer who pays after the payment was cancelled or has expired.
type LatePayment string

// What to do with it.
const (
	KeepLate   LatePayment = "" // the default, "keep" in the API
	RefundLate LatePayment = "refund"
)

// Payer is the buyer.
type Payer struct {
	Email string `json:"email"`
	Name  string `json:"name,omitempty"`
	TaxID string `json:"tax_id,omitempty"` // CPF or CNPJ, without punctuation
	// NotifyBy is how we write to the buyer ourselves: ByEmail, or "" for not at all. Language "" is Portuguese.
	NotifyBy string   `json:"notify_by,omitempty"`
	Language Language `json:"language,omitempty"`
	Address  Address  `json:"address,omitzero"`
}

const (
	maxDescription   = 256
	maxReference     = 64
	maxName          = 128
	maxMetadata      = 20
	maxMetadataKey   = 40
	maxMetadataValue = 500
	maxEmail         = 254 // RFC 5321
)

// Normalized is the request with blanks trimmed, the tax id without punctuation and defaults filled
// in, so that two spellings of one request have one fingerprint.
func (r Request) Normalized() Request {
	r.Description = strings.TrimSpace(r.Description)
	r.Payer.Email = strings.TrimSpace(r.Payer.Email)
	r.Payer.Name = normalizedName(r.Payer.Name)
	r.Payer.TaxID = normalizedTaxID(r.Payer.TaxID)
	r.Payer.Address = r.Payer.Address.normalized()
	if r.Payer.Language == Portuguese {
		r.Payer.Language = ""
	}
	if m, known := r.Method.Type.rules(); known {
		r.Method = m.normalized(r.Method)
	}
	if r.LatePayment == "keep" {
		r.LatePayment = KeepLate
	}
	if len(r.Metadata) == 0 {
		r.Metadata = nil
	}
	return r
}

// Validate finds everything that is wrong with the request at once; the error is of kind Invalid
// with one Field per finding.
func (r Request) Validate() error { return invalid(r.fields()) }

func (r Request) fields() (fields failure.Fields) {
	wrong := fields.Add

	validateSale(r.Amount, r.Description, r.Reference, wrong)
	if r.LatePayment != KeepLate && r.LatePayment != RefundLate {
		wrong("/late_payment", "must be keep or refund")
	}
	r.validateMethod(wrong)
	r.validatePayer(wrong)
	validateMetadata(r.Metadata, wrong)
	refuseText(wrong, "/description", r.Description, Lines)
	refuseText(wrong, "/reference", r.Reference, OneLine)
	return fields
}

// validateSale checks what every sale has, a checkout's too.
func validateSale(amount Money, description, reference string, wrong func(pointer, detail string)) {
	if err := amount.Validate(); err != "" {
		wrong("/amount", err)
	}
	if amount.Currency != BRL {
		wrong("/currency", "must be BRL, the only currency here")
	}
	if utf8.RuneCountInString(description) > maxDescription {
		wrong("/description", fmt.Sprintf("must have at most %d characters", maxDescription))
	}
	if utf8.RuneCountInString(reference) > maxReference {
		wrong("/reference", fmt.Sprintf("must have at most %d characters", maxReference))
	}
}

// InTime finds what is wrong with the days of a request that is made at a time. A request that is repeated later stays valid, and joins the
// payment that it has made: so this is asked of new payments only.
func (r Request) InTime(at time.Time) error {
	var fields failure.Fields
	if m, known := r.Method.Type.rules(); known && m.timely != nil {
		m.timely(r.Method, at, fields.Add)
	}
	if len(fields) > 0 {
		return &failure.Error{Kind: failure.Invalid, Message: "the request is not valid", Fields: fields}
	}
	return nil
}

func (r Request) validateMethod(wrong func(pointer, detail string)) {
	m, known := r.Method.Type.rules()
	if !known {
		wrong("/method/type", "must be "+failure.OneOf(MethodTypes()))
		return
	}
	m.validate(r, wrong)
}

func (r Request) validatePayer(wrong func(pointer, detail string)) {
	validatePerson("/payer", r.Payer.Email, r.Payer.Name, r.Payer.TaxID, wrong)
	if r.Payer.NotifyBy != "" && r.Payer.NotifyBy != ByEmail {
		wrong("/payer/notify_by", "must be email")
	}
	if l := r.Payer.Language; l != "" && l != Portuguese && l != English {
		wrong("/payer/language", "must be pt-BR or en")
	}
	r.Payer.Address.validate(wrong)
}

func validateMetadata(metadata map[string]string, wrong func(pointer, detail string)) {
	if len(metadata) > maxMetadata {
		wrong("/metadata", fmt.Sprintf("must have at most %d entries", maxMetadata))
		return // they are not looked at: how many there are is the request's to decide
	}
	//workflowcheck:ignore // the order is that of the sorted keys
	for _, key := range slices.Sorted(maps.Keys(metadata)) {
		value := metadata[key]
		refuseText(wrong, "/metadata", key, OneLine)
		refuseText(wrong, "/metadata/"+escapePointer(key), value, Lines)
		if key == "" || len(key) > maxMetadataKey {
			wrong("/metadata", fmt.Sprintf("keys must have 1 to %d characters", maxMetadataKey))
		} else if len(value) > maxMetadataValue {
			wrong("/metadata/"+escapePointer(key), fmt.Sprintf("must have at most %d characters", maxMetadataValue))
		}
	}
}

// refuseText keeps out what must not be stored. A card number is in a wrong field, and storing it would make every
// system behind us subject to the card industry's rules.
func refuseText(wrong func(pointer, detail string), pointer, text string, layout Layout) {
	if ContainsCardNumber(text) {
		wrong(pointer, "looks like a card number, which must never be sent here")
	}
	if detail := Illegible(text, layout); detail != "" {
		wrong(pointer, detail)
	}
}

func validEmail(s string) bool {
	address, err := mail.ParseAddress(s)
	if err != nil || address.Address != s || len(s) > maxEmail {
		return false
	}
	_, domain, _ := strings.Cut(s, "@")
	return strings.Contains(domain, ".") && !strings.HasSuffix(domain, ".")
}

// escapePointer writes a key as one token of a JSON pointer (RFC 6901).
func escapePointer(key string) string {
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(key)
}

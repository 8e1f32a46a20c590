// Package access says who may do what: API keys and their scopes, the users of the console, their roles and passwords.
//
// Its one rule: the stored data is enough to check a key or a password, and not enough to make one.
package access

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/binary"
	"hash/crc32"
	"slices"
	"strings"
	"time"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
)

// Scope is a permission of an API key or a role.
type Scope string

// The scopes.
const (
	ScopePaymentsRead  Scope = "payments:read"
	ScopePaymentsWrite Scope = "payments:write"
	ScopeRefundsWrite  Scope = "refunds:write"

	// For operators and their scripts: breakers, dead letters and the like, of all client apps.
	ScopeOperationsRead  Scope = "operations:read"
	ScopeOperationsWrite Scope = "operations:write"
)

// Scopes lists every scope.
func Scopes() []Scope { return append(ClientScopes(), ScopeOperationsRead, ScopeOperationsWrite) }

// ClientScopes lists the scopes of a client app.
func ClientScopes() []Scope { return []Scope{ScopePaymentsRead, ScopePaymentsWrite, ScopeRefundsWrite} }

// APIKey is a client app's key as the database holds it. The key's text is shown once and never stored.
type APIKey struct {
	ID        string
	ClientID  string
	Hash      []byte // SHA-256 of the whole key
	Scopes    []Scope
	CreatedAt time.Time
	ExpiresAt time.Time // zero: never
	RevokedAt time.Time // zero: it is not revoked
}

// State is the key's state for a table: in force, expired or revoked.
func (k APIKey) State(now time.Time) string {
	switch {
	case k.InForce(now):
		return "in force"
	case k.RevokedAt.IsZero():
		return "expired"
	}
	return "revoked"
}

// KeyRequest is the request for a new key.
type KeyRequest struct {
	Environment string // test or live
	ClientID    string // a client app; an unknown one is added
	Scopes      []Scope
	ExpiresAt   time.Time // zero: never
}

// Fields lists the errors of the request; their pointers are bare names.
func (r KeyRequest) Fields(now time.Time) []failure.Field {
	var wrong []failure.Field
	check := func(right bool, name, detail string) {
		if !right {
			wrong = append(wrong, failure.Field{Pointer: name, Detail: detail})
		}
	}
	check(r.Environment == "test" || r.Environment == "live", "environment", "must be test or live")
	fault := payment.NameFault(r.ClientID)
	check(fault == "", "client", fault)
	check(len(r.Scopes) > 0 && !slices.ContainsFunc(r.Scopes, func(s Scope) bool { return !slices.Contains(Scopes(), s) }),
		"scopes", "must be one or more of "+failure.OneOf(Scopes()))
	check(r.ExpiresAt.IsZero() || r.ExpiresAt.After(now), "expires", "must be in the future")
	return wrong
}

// A key's text is ow_<environment>_<id>_<secret><checksum>. The prefix lets secret scanners find a leaked key; the checksum lets the
// API refuse a mistyped key without a query to the database.
const (
	keyPrefix   = "ow"
	keyIDLen    = 13 // 8 random bytes
	keySecLen   = 32 // 20 random bytes
	keyCheckLen = 7  // CRC-32
)

var keyText = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// NewAPIKey makes a key for a client app; environment is "test" or "live". The first result is the key's text, to be shown once.
// The key does not expire unless the caller sets ExpiresAt.
func NewAPIKey(environment, clientID string, scopes []Scope, now time.Time) (string, APIKey) {
	random := make([]byte, 28)
	rand.Read(random) // never fails, see its documentation
	id := keyText.EncodeToString(random[:8])
	text := strings.Join([]string{keyPrefix, environment, id, keyText.EncodeToString(random[8:])}, "_")
	text += keyChecksum(text)
	return text, APIKey{ID: id, ClientID: clientID, Hash: hashKey(text), Scopes: scopes, CreatedAt: now}
}

// ParseAPIKey returns the environment and the id inside a key's text; false if the text is no valid key.
func ParseAPIKey(text string) (environment, id string, ok bool) {
	parts := strings.Split(text, "_")
	if len(parts) != 4 || parts[0] != keyPrefix || len(parts[2]) != keyIDLen || len(parts[3]) != keySecLen+keyCheckLen {
		return "", "", false
	}
	body, sum := text[:len(text)-keyCheckLen], text[len(text)-keyCheckLen:]
	return parts[1], parts[2], sum == keyChecksum(body)
}

// Admits says whether text is this key's text and the key is in force.
func (k APIKey) Admits(text string, now time.Time) bool {
	return subtle.ConstantTimeCompare(k.Hash, hashKey(text)) == 1 && k.InForce(now)
}

// InForce says whether the key is neither expired nor revoked.
func (k APIKey) InForce(now time.Time) bool {
	return (k.ExpiresAt.IsZero() || now.Before(k.ExpiresAt)) && (k.RevokedAt.IsZero() || now.Before(k.RevokedAt))
}

// Allows says whether the key has the scope.
func (k APIKey) Allows(s Scope) bool { return slices.Contains(k.Scopes, s) }

func hashKey(text string) []byte {
	sum := sha256.Sum256([]byte(text))
	return sum[:]
}

func keyChecksum(body string) string {
	return keyText.EncodeToString(binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE([]byte(body))))
}

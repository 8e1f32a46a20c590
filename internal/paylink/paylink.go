// Package paylink makes and reads the addresses of pay pages, where a buyer pays without an account.
//
// Its one rule: an address says nothing about a person. It holds a payment's id and its own end, with a MAC, so that nobody can make one or
// lengthen its life.
package paylink

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
)

// Prefix begins the path of every pay page.
const Prefix = "/pay/"

// after is how long an address stays good after the end of the payment: a buyer who comes back sees what became of it.
const after = 7 * 24 * time.Hour

const (
	idSize   = 16 // a UUID
	endSize  = 8  // Unix seconds
	macSize  = 16
	wholeLen = idSize + endSize + macSize
)

// Links makes addresses and reads them. It is safe for concurrent use.
type Links struct {
	base string
	key  []byte
}

// New makes Links below an address such as https://pay.example.com. Processes with the same secret read each other's. The error says that
// the secret is shorter than 32 bytes.
func New(publicURL string, secret []byte) (*Links, error) {
	if len(secret) < 32 {
		return nil, errors.New("links to pay pages: the secret must have at least 32 bytes")
	}
	key, err := hkdf.Key(sha256.New, secret, nil, "links to pay pages", sha256.Size)
	if err != nil {
		return nil, fmt.Errorf("links to pay pages: %w", err)
	}
	return &Links{base: strings.TrimRight(publicURL, "/") + Prefix, key: key}, nil
}

// URL is the address of a payment's page.
func (l *Links) URL(p payment.Payment) string {
	end := p.Instructions.ExpiresAt
	if end.IsZero() {
		end = p.CreatedAt
	}
	return l.base + l.Token(p.ID, end.Add(after))
}

// Token is the last part of the address. A payment's id that is no UUID is a bug, and its token opens nothing.
func (l *Links) Token(id string, until time.Time) string {
	key, _ := uuid.Parse(id)
	token := binary.BigEndian.AppendUint64(append(make([]byte, 0, wholeLen), key[:]...), uint64(until.Unix()))
	return base64.RawURLEncoding.EncodeToString(append(token, l.mac(token)...))
}

// ErrUnknown says that an address was not made here, or is over: callers need not distinguish the two.
var ErrUnknown = &failure.Error{Kind: failure.NotFound, Message: "this link is not valid, or not any more"}

// Read returns the payment's id of a token. The error is ErrUnknown.
func (l *Links) Read(token string, now time.Time) (id string, err error) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(raw) != wholeLen || !hmac.Equal(raw[idSize+endSize:], l.mac(raw[:idSize+endSize])) {
		return "", ErrUnknown
	}
	if now.Unix() >= int64(binary.BigEndian.Uint64(raw[idSize:])) {
		return "", ErrUnknown
	}
	return uuid.UUID(raw[:idSize]).String(), nil
}

func (l *Links) mac(signed []byte) []byte {
	h := hmac.New(sha256.New, l.key)
	h.Write(signed)
	return h.Sum(nil)[:macSize]
}

package payment

import (
	"crypto/sha1"
	"encoding/hex"
	"fmt"
)

// Namespaces of our UUIDv5 names. They must never change: every stored id and every key that the
// provider remembers hangs on them.
var (
	paymentNamespace  = [16]byte{0x9d, 0x1c, 0x5b, 0x0e, 0x52, 0x6a, 0x4e, 0x57, 0x8a, 0x31, 0x0c, 0x7e, 0x44, 0xd2, 0x90, 0x01}
	providerNamespace = [16]byte{0x9d, 0x1c, 0x5b, 0x0e, 0x52, 0x6a, 0x4e, 0x57, 0x8a, 0x31, 0x0c, 0x7e, 0x44, 0xd2, 0x90, 0x02}
	emailNamespace    = [16]byte{0x9d, 0x1c, 0x5b, 0x0e, 0x52, 0x6a, 0x4e, 0x57, 0x8a, 0x31, 0x0c, 0x7e, 0x44, 0xd2, 0x90, 0x30}
	checkoutNamespace = [16]byte{0x9d, 0x1c, 0x5b, 0x0e, 0x52, 0x6a, 0x4e, 0x57, 0x8a, 0x31, 0x0c, 0x7e, 0x44, 0xd2, 0x90, 0x50}
	attemptNamespace  = [16]byte{0x9d, 0x1c, 0x5b, 0x0e, 0x52, 0x6a, 0x4e, 0x57, 0x8a, 0x31, 0x0c, 0x7e, 0x44, 0xd2, 0x90, 0x51}
	auditNamespace    = [16]byte{0x9d, 0x1c, 0x5b, 0x0e, 0x52, 0x6a, 0x4e, 0x57, 0x8a, 0x31, 0x0c, 0x7e, 0x44, 0xd2, 0x90, 0x40}
	customerNamespace = [16]byte{0x9d, 0x1c, 0x5b, 0x0e, 0x52, 0x6a, 0x4e, 0x57, 0x8a, 0x31, 0x0c, 0x7e, 0x44, 0xd2, 0x90, 0x50}
)

// NewID is the payment's ID, made from the client app and the idempotency key, so that whichever instance
// gets a repeated request, it means the same payment.
func NewID(clientID, idempotencyKey string) string {
	return NamedID(paymentNamespace, clientID+"\x00"+idempotencyKey)
}

// NewCheckoutID is the checkout's ID, made likewise. A payment and a checkout with one key are two things.
func NewCheckoutID(clientID, idempotencyKey string) string {
	return NamedID(checkoutNamespace, clientID+"\x00"+idempotencyKey)
}

// NamedCheckoutKey is the idempotency key of a call about a checkout: the same however often it is made.
func NamedCheckoutKey(checkoutID, call string) string {
	return NamedID(providerNamespace, checkoutID+"\x00"+call)
}

// NewAuditID is the entry in the audit of an action that a repeated request repeats.
func NewAuditID(name string) string { return NamedID(auditNamespace, name) }

// NewEmailID is the ID of an e-mail by its name; however often it is sent, its Message-ID is made of this.
func NewEmailID(name string) string { return NamedID(emailNamespace, name) }

// ValidID says whether s is a UUID as NewID writes it.
func ValidID(s string) bool {
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return false
	}
	for i, c := range []byte(s) {
		if dash := i == 8 || i == 13 || i == 18 || i == 23; dash {
			continue
		}
		if !(c >= '0' && c <= '9' || c >= 'a' && c <= 'f') {
			return false
		}
	}
	return true
}

// OurID says whether s may be an ID that NewID made: a UUID of version 5. Others' UUIDs are nearly always of version 4, drawn at random,
// or of version 7, made of the time (RFC 9562).
func OurID(s string) bool {
	return ValidID(s) && s[14] == '5' && (s[19] == '8' || s[19] == '9' || s[19] == 'a' || s[19] == 'b')
}

// NamedID is a name-based UUID (RFC 9562, section 5.5). SHA-1 is the standard's choice; nothing here
// depends on its strength.
func NamedID(namespace [16]byte, name string) string {
	h := sha1.New()
	h.Write(namespace[:])
	h.Write([]byte(name))
	u := h.Sum(nil)[:16]
	u[6] = u[6]&0x0f | 0x50
	u[8] = u[8]&0x3f | 0x80
	x := hex.EncodeToString(u)
	return fmt.Sprintf("%s-%s-%s-%s-%s", x[:8], x[8:12], x[12:16], x[16:20], x[20:])
}

package simulator

import (
	"crypto/sha256"
	"time"
)

// keyUse is what an idempotency key was spent on. Its payment is nil while the first request is still running.
type keyUse struct {
	body    [sha256.Size]byte
	payment *payment
}

// keyVerdict is what the key store says to a create request.
type keyVerdict int

const (
	keyFresh    keyVerdict = iota // claimed: go on, and create or release
	keyRepeated                   // same key, same body: the payment is there already
	keyRunning                    // the first request with this key has not finished
	keyTaken                      // the key was spent on another body
)

// claim takes the key for a request with this body, or tells who has it. The payment is set for keyRepeated only.
func (b *book) claim(key string, body []byte) (keyVerdict, payment) {
	fingerprint := sha256.Sum256(body)
	b.mu.Lock()
	defer b.mu.Unlock()
	use, ok := b.keys[key]
	switch {
	case !ok:
		b.keys[key] = &keyUse{body: fingerprint}
		return keyFresh, payment{}
	case use.body != fingerprint:
		return keyTaken, payment{}
	case use.payment == nil:
		return keyRunning, payment{}
	default:
		return keyRepeated, *use.payment
	}
}

// forget gives the key of a payment older than this back, as if it had never been used.
func (b *book) forget(key string, age time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if use, ok := b.keys[key]; ok && use.payment != nil && time.Since(use.payment.created) >= age {
		delete(b.keys, key)
	}
}

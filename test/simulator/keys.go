package simulator

import (
	"crypto/sha256"
	"time"
)

// keyUse is the request that an idempotency key was used for. Its payment is nil while that request is running.
type keyUse struct {
	body    [sha256.Size]byte
	payment *payment
	refund  string // the refund's ID, when the request was for one
}

// keyState is the state of a create request's idempotency key.
type keyState int

const (
	keyFresh    keyState = iota // claimed now: create the payment, or release the key
	keyRepeated                 // same key, same body: the payment is there already
	keyRunning                  // the first request with this key has not finished
	keyTaken                    // the key was used for another body
)

// claim claims the key for a request with this body, or returns its state. The payment and the refund are set for keyRepeated only.
func (b *book) claim(key string, body []byte) (keyState, payment, string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	use, ok := b.keys[key]
	switch {
	case !ok:
		b.keys[key] = &keyUse{body: fingerprint(body)}
		return keyFresh, payment{}, ""
	case use.body != fingerprint(body):
		return keyTaken, payment{}, ""
	case use.payment == nil:
		return keyRunning, payment{}, ""
	default:
		return keyRepeated, *use.payment, use.refund
	}
}

func fingerprint(body []byte) [sha256.Size]byte { return sha256.Sum256(body) }

// release frees the key of a request that was refused.
func (b *book) release(key string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.keys, key)
}

// forget releases the key of a payment older than this, as if it had never been used.
func (b *book) forget(key string, age time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if use, ok := b.keys[key]; ok && use.payment != nil && time.Since(use.payment.created) >= age {
		delete(b.keys, key)
	}
}

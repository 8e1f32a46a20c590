package payloadcodec

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
)

// hashPurpose separates the key of hashes from the key that encrypts.
const hashPurpose = "onlywave hash for temporal"

// newHashKey derives the key of hashes from the key whose id sorts first. The order of the keys changes in the middle of a rotation, and
// their ids do not. So a hash changes once in a rotation: when the key that sorts first is added or removed.
func newHashKey(namespace string, secrets map[string][]byte) ([]byte, error) {
	first := slices.Min(slices.Collect(maps.Keys(secrets)))
	return hkdf.Key(sha256.New, secrets[first], []byte(namespace), hashPurpose, sha256.Size)
}

// Hash is for what Temporal stores in clear, such as the id of an update. It is equal for equal texts in every process, and nobody without
// the key can compute it to test a guess.
func (c *Codec) Hash(texts ...string) string {
	h := hmac.New(sha256.New, c.hashKey)
	for _, text := range texts {
		sum := sha256.Sum256([]byte(text)) // of a fixed length: two different lists of texts are never written in the same way
		h.Write(sum[:])
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// Package blindindex makes the index by which the database finds the payments of a buyer's e-mail address: an HMAC-SHA-256 of the address
// under a secret key. Without the key nobody can compute the index of an address, or test whether an address has paid.
//
// Its one rule: the database holds indexes, and never a key. An index begins with an id of its key, so that the rows that are indexed under
// another key can be found.
package blindindex

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"slices"
	"strings"
)

// idSize is the size of a key's id, in bytes. Two keys of one platform have different ids but for one chance in 4 billion.
const idSize = 4

// key is a secret and its id.
type key struct{ secret, id []byte }

// Keys make indexes with the first key, and search with every key. No keys make no index.
type Keys []key

// New makes Keys from secrets of 32 characters or more. While a new secret replaces an old one, the new one comes first.
func New(secrets ...string) Keys {
	var keys Keys
	for _, s := range secrets {
		secret := []byte(s)
		keys = append(keys, key{secret, mac(secret, "id")[:idSize]}) // "id" is no address: it has no @
	}
	return keys
}

// Index is the index of an e-mail address; nil without a key or an address.
func (k Keys) Index(email string) []byte {
	if all := k.Indexes(email); len(all) > 0 {
		return all[0]
	}
	return nil
}

// Indexes are the indexes of an e-mail address under every key.
func (k Keys) Indexes(email string) (all [][]byte) {
	email = normalized(email)
	if email == "" {
		return nil
	}
	for _, one := range k {
		all = append(all, slices.Concat(one.id, mac(one.secret, email)))
	}
	return all
}

// Gaps are the ranges in which no index of these keys lies: after each of lows, and before the same one of highs.
func (k Keys) Gaps() (lows, highs [][]byte) {
	sorted := slices.SortedFunc(slices.Values(k), func(a, b key) int { return bytes.Compare(a.id, b.id) })
	low := []byte{}
	for _, one := range sorted {
		lows, highs = append(lows, low), append(highs, one.id)
		low = slices.Concat(one.id, bytes.Repeat([]byte{0xff}, sha256.Size))
	}
	return append(lows, low), append(highs, bytes.Repeat([]byte{0xff}, idSize+sha256.Size+1))
}

// normalized is the address as it is compared. Nothing else is equal: a dot or a + is a part of the address for most mail servers.
func normalized(email string) string { return strings.ToLower(strings.TrimSpace(email)) }

func mac(secret []byte, text string) []byte {
	h := hmac.New(sha256.New, secret)
	h.Write([]byte(text))
	return h.Sum(nil)
}

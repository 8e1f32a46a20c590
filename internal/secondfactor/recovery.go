package secondfactor

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"strings"
)

// RecoveryCodes is how many of them a user has. Each has 80 random bits, so that a plain hash keeps it secret.
const RecoveryCodes = 10

const recoveryBytes = 10

var recoveryText = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// NewRecoveryCodes makes a set of codes, to be shown once, and what is kept of each.
func NewRecoveryCodes(user string) (codes []string, hashes [][]byte) {
	for range RecoveryCodes {
		random := make([]byte, recoveryBytes)
		rand.Read(random) // never fails, see its documentation
		text := recoveryText.EncodeToString(random)
		codes = append(codes, strings.Join([]string{text[:4], text[4:8], text[8:12], text[12:]}, "-"))
		hashes = append(hashes, HashRecoveryCode(user, text))
	}
	return codes, hashes
}

// IsRecoveryCode says whether the text is as long as one, however it is written.
func IsRecoveryCode(text string) bool {
	return len(plainCode(text)) == recoveryText.EncodedLen(recoveryBytes)
}

// HashRecoveryCode is what is kept of a user's code, however it is written.
func HashRecoveryCode(user, text string) []byte {
	sum := sha256.Sum256([]byte(user + "\x00" + plainCode(text)))
	return sum[:]
}

func plainCode(text string) string {
	return strings.NewReplacer("-", "", " ", "").Replace(strings.ToLower(text))
}

package secondfactor

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"strings"
)

// RecoveryCodes is the number of recovery codes of a user. Each has 80 random bits, so a plain hash keeps it secret.
const RecoveryCodes = 10

const recoveryBytes = 10

var recoveryText = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// NewRecoveryCodes makes a set of codes, to be shown once, and their hashes, to be stored.
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

// IsRecoveryCode says whether the text has the length of a recovery code, without spaces and dashes.
func IsRecoveryCode(text string) bool {
	return len(plainCode(text)) == recoveryText.EncodedLen(recoveryBytes)
}

// HashRecoveryCode is the hash of a user's code; spaces, dashes and case do not count.
func HashRecoveryCode(user, text string) []byte {
	sum := sha256.Sum256([]byte(user + "\x00" + plainCode(text)))
	return sum[:]
}

func plainCode(text string) string {
	return strings.NewReplacer("-", "", " ", "").Replace(strings.ToLower(text))
}

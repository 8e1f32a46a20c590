package access

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"golang.org/x/crypto/argon2"

	"github.com/onlywave/onlywave/internal/failure"
)

// The cost of one hash, as OWASP recommends for argon2id.
const (
	hashMemory = 19 << 10 // KiB
	hashPasses = 2
	hashLanes  = 1
	hashSize   = 32
	saltSize   = 16
)

// Lane limits how many passwords are hashed at the same time, so that many log-ins at once do not overload the machine. A log-in
// that has waited for queueTime is refused, so that the queue stays short.
type Lane chan struct{}

// The lanes. A log-in with a correct code or a session does not wait behind log-ins with only a password.
var (
	Guesses = make(Lane, 2)
	Proven  = make(Lane, 1)
)

const queueTime = 3 * time.Second

var base64Text = base64.RawStdEncoding

// HashPassword is the hash to store, in the usual form $argon2id$v=19$m=…,t=…,p=…$salt$hash.
func HashPassword(password string) string {
	salt := make([]byte, saltSize)
	rand.Read(salt) // never fails, see its documentation
	return encode(hashMemory, hashPasses, hashLanes, salt, argon2.IDKey([]byte(password), salt, hashPasses, hashMemory, hashLanes, hashSize))
}

// PasswordMatches says whether the stored hash belongs to the password. An empty hash, of a user that does not exist, takes the same
// time and is false. An error has kind Limited: too many log-ins wait in this lane.
func PasswordMatches(ctx context.Context, lane Lane, stored, password string) (bool, error) {
	exists := stored != ""
	if !exists {
		stored = unusedHash
	}
	var version int
	var memory, passes uint32
	var lanes uint8
	var rest string
	if _, err := fmt.Sscanf(stored, "$argon2id$v=%d$m=%d,t=%d,p=%d$%s", &version, &memory, &passes, &lanes, &rest); err != nil {
		return false, nil
	}
	saltText, hashText, _ := strings.Cut(rest, "$")
	salt, saltErr := base64Text.DecodeString(saltText)
	hash, hashErr := base64Text.DecodeString(hashText)
	if version != argon2.Version || memory == 0 || passes == 0 || lanes == 0 || saltErr != nil || hashErr != nil || len(hash) == 0 || len(password) > passwordMax {
		return false, nil
	}
	ctx, cancel := context.WithTimeout(ctx, queueTime)
	defer cancel()
	select {
	case lane <- struct{}{}:
		defer func() { <-lane }()
	case <-ctx.Done():
		return false, &failure.Error{Kind: failure.Limited, Message: "too many log-ins at the same time", RetryAfter: queueTime}
	}
	matches := subtle.ConstantTimeCompare(hash, argon2.IDKey([]byte(password), salt, passes, memory, lanes, uint32(len(hash)))) == 1
	return matches && exists, nil
}

// unusedHash costs as much as any hash and belongs to no password.
var unusedHash = encode(hashMemory, hashPasses, hashLanes, make([]byte, saltSize), make([]byte, hashSize))

func encode(memory, passes, lanes int, salt, hash []byte) string {
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, memory, passes, lanes,
		base64Text.EncodeToString(salt), base64Text.EncodeToString(hash))
}

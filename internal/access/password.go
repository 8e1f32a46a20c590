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

// What one guess costs, after OWASP's advice for argon2id.
const (
	hashMemory = 19 << 10 // KiB
	hashPasses = 2
	hashLanes  = 1
	hashSize   = 32
	saltSize   = 16
)

// Lane is where a password waits to be hashed: a flood of log-ins must not use up the machine. Whoever has waited for queueTime
// is sent away, so that those who come after a flood do not wait for all of it.
type Lane chan struct{}

// The lanes. Whoever has proved something beside the password does not wait for those who only guess.
var (
	Guesses = make(Lane, 2)
	Proven  = make(Lane, 1)
)

const queueTime = 3 * time.Second

var base64Text = base64.RawStdEncoding

// HashPassword is what is kept of a password, in the usual form $argon2id$v=19$m=…,t=…,p=…$salt$hash.
func HashPassword(password string) string {
	salt := make([]byte, saltSize)
	rand.Read(salt) // never fails, see its documentation
	return encode(hashMemory, hashPasses, hashLanes, salt, argon2.IDKey([]byte(password), salt, hashPasses, hashMemory, hashLanes, hashSize))
}

// PasswordMatches says whether the kept hash is the password's. Without a hash, which is nobody's, it takes as long to say no. The
// error is of kind Limited: too many others are asking in this lane.
func PasswordMatches(ctx context.Context, lane Lane, kept, password string) (bool, error) {
	someone := kept != ""
	if !someone {
		kept = nobody
	}
	var version int
	var memory, passes uint32
	var lanes uint8
	var rest string
	if _, err := fmt.Sscanf(kept, "$argon2id$v=%d$m=%d,t=%d,p=%d$%s", &version, &memory, &passes, &lanes, &rest); err != nil {
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
		return false, &failure.Error{Kind: failure.Limited, Message: "too many log-ins are under way", RetryAfter: queueTime}
	}
	is := subtle.ConstantTimeCompare(hash, argon2.IDKey([]byte(password), salt, passes, memory, lanes, uint32(len(hash)))) == 1
	return is && someone, nil
}

// nobody is a hash that costs as much as any, and is no password's.
var nobody = encode(hashMemory, hashPasses, hashLanes, make([]byte, saltSize), make([]byte, hashSize))

func encode(memory, passes, lanes int, salt, hash []byte) string {
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, memory, passes, lanes,
		base64Text.EncodeToString(salt), base64Text.EncodeToString(hash))
}

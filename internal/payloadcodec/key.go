package payloadcodec

import (
	"encoding/base64"
	"errors"
	"regexp"
	"strings"
)

// keySize is the size of a key of AES-256, in bytes.
const keySize = 32

var anID = regexp.MustCompile(`^[A-Za-z0-9._-]{1,32}$`)

// parse reads a key: an id, a colon and 32 bytes in base64. The error does not repeat the key.
func parse(text string) (id string, secret []byte, err error) {
	id, encoded, found := strings.Cut(text, ":")
	if !found || !anID.MatchString(id) {
		return "", nil, errors.New("must begin with an id, such as k1, and a colon")
	}
	secret, err = base64.StdEncoding.DecodeString(encoded)
	if err != nil || len(secret) != keySize {
		return "", nil, errors.New("must have 32 bytes in base64 after the colon, such as openssl rand -base64 32 prints")
	}
	return id, secret, nil
}

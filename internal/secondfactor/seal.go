package secondfactor

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
)

// Seal encrypts secrets before they are stored, so that a reader of the database or its backups cannot use them: AES-256-GCM with
// a key that is derived from a setting.
type Seal struct{ aead cipher.AEAD }

// NewSeal makes a Seal from a secret of 32 characters or more. All processes need the same secret, to read what another has sealed.
func NewSeal(secret string) (*Seal, error) {
	key, err := hkdf.Key(sha256.New, []byte(secret), nil, "onlywave second factor", 32)
	if err != nil {
		return nil, fmt.Errorf("make the key of second factors: %w", err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("make the key of second factors: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("make the key of second factors: %w", err)
	}
	return &Seal{aead}, nil
}

// Close seals a user's secret. It cannot be opened for another user.
func (s *Seal) Close(user, secret string) string {
	return base64.RawStdEncoding.EncodeToString(s.aead.Seal(nil, nil, []byte(secret), []byte(user)))
}

// ErrSealed says that a sealed secret cannot be opened: it belongs to another user or was sealed with another key.
var ErrSealed = errors.New("the second factor was sealed with another key")

// Open returns the secret that was sealed for the user.
func (s *Seal) Open(user, sealed string) (string, error) {
	data, err := base64.RawStdEncoding.DecodeString(sealed)
	if err != nil {
		return "", ErrSealed
	}
	secret, err := s.aead.Open(nil, nil, data, []byte(user))
	if err != nil {
		return "", ErrSealed
	}
	return string(secret), nil
}

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

// Seal keeps secrets from whoever reads the database or its backups: AES-256-GCM under a key that is made of a setting.
type Seal struct{ aead cipher.AEAD }

// NewSeal makes a Seal of a secret, 32 characters or more. The same in every process, or none can read what another has sealed.
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

// Close seals a user's secret: opened for another user it is worth nothing.
func (s *Seal) Close(user, secret string) string {
	return base64.RawStdEncoding.EncodeToString(s.aead.Seal(nil, nil, []byte(secret), []byte(user)))
}

// ErrSealed says that what was sealed cannot be opened: it is another user's, or was sealed under another key.
var ErrSealed = errors.New("the second factor was sealed under another key")

// Open is the secret that was sealed for the user.
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

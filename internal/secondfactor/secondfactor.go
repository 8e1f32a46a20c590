// Package secondfactor is what proves beside a password who somebody is: a code of an authenticator app, or one of ten recovery
// codes for the day when the app is lost.
//
// Its one rule: what is kept proves nothing to whoever reads it. The app's secret is kept sealed under a key that the database
// does not have, of a recovery code only a hash is kept, and a code that was used is worth nothing.
package secondfactor

import (
	"crypto/subtle"
	"fmt"
	"strings"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"
	"github.com/pquerna/otp/totp"
)

// What authenticator apps assume where nothing else is said (RFC 6238, and the key URI format of Google Authenticator).
const (
	period = 30 // seconds that a code stands for
	digits = 6
	issuer = "OnlyWave"
)

// skew is how many codes before and after the current one are taken: clocks differ, and people type slowly (RFC 6238, 5.2).
const skew = 1

var options = hotp.ValidateOpts{Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1}

// Enrolment is what an authenticator app has to be told, once.
type Enrolment struct {
	Secret string // base32, to be typed where there is no camera
	URL    string // otpauth://…, to be scanned
}

// Enrol makes a new secret for a user.
func Enrol(user string) (Enrolment, error) {
	key, err := totp.Generate(totp.GenerateOpts{Issuer: issuer, AccountName: user, SecretSize: 20})
	if err != nil {
		return Enrolment{}, fmt.Errorf("make a second factor: %w", err)
	}
	return Enrolment{Secret: key.Secret(), URL: key.URL()}, nil
}

// Resume is the enrolment of a secret that was made before.
func Resume(user, secret string) Enrolment {
	url := fmt.Sprintf("otpauth://totp/%[1]s:%[2]s?algorithm=SHA1&digits=6&issuer=%[1]s&period=%[3]d&secret=%[4]s", issuer, user, period, secret)
	return Enrolment{Secret: secret, URL: url}
}

// Match says how many right codes around now the text has, none, one or two in a row, and of which step the last is. Steps
// count the periods since 1970: whoever keeps the last one that was used refuses a code that is shown twice. Two in a row are
// what nobody guesses; the first may be a step older then, as one has to wait for the second. Spaces do not count.
func Match(secret, text string, now time.Time) (step int64, codes int) {
	text = strings.ReplaceAll(text, " ", "")
	current := now.Unix() / period
	switch len(text) {
	case digits:
		for at := current - skew; at <= current+skew; at++ {
			if isCode(secret, text, at) {
				step, codes = at, 1
			}
		}
	case 2 * digits:
		for at := current - skew - 1; at <= current; at++ {
			if isCode(secret, text[:digits], at) && isCode(secret, text[digits:], at+1) {
				step, codes = at+1, 2
			}
		}
	}
	return step, codes
}

func isCode(secret, code string, step int64) bool {
	right, err := hotpCode(secret, step)
	return err == nil && subtle.ConstantTimeCompare([]byte(right), []byte(code)) == 1
}

func hotpCode(secret string, step int64) (string, error) {
	return hotp.GenerateCodeCustom(secret, uint64(step), options)
}

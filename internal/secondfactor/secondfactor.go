// Package secondfactor makes and checks second factors: the codes of an authenticator app, and ten recovery codes for a user who
// has lost the app.
//
// Its one rule: a reader of the database cannot log in with what it holds. The app's secret is sealed with a key that the database
// does not have, recovery codes are stored as hashes, and every code works once.
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

// The defaults of authenticator apps (RFC 6238, and the key URI format of Google Authenticator).
const (
	period = 30 // seconds for which an app shows one code
	digits = 6
	issuer = "OnlyWave"
)

// skew is how many codes before and after the current one are accepted: clocks differ, and users type slowly (RFC 6238, 5.2).
const skew = 1

var options = hotp.ValidateOpts{Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1}

// Enrolment is the data that sets up an authenticator app.
type Enrolment struct {
	Secret string // base32, to type it
	URL    string // otpauth://…, to scan it
}

// Enrol makes a new secret for a user.
func Enrol(user string) (Enrolment, error) {
	key, err := totp.Generate(totp.GenerateOpts{Issuer: issuer, AccountName: user, SecretSize: 20})
	if err != nil {
		return Enrolment{}, fmt.Errorf("make a second factor: %w", err)
	}
	return Enrolment{Secret: key.Secret(), URL: key.URL()}, nil
}

// Resume is the enrolment of a secret from an earlier Enrol.
func Resume(user, secret string) Enrolment {
	url := fmt.Sprintf("otpauth://totp/%[1]s:%[2]s?algorithm=SHA1&digits=6&issuer=%[1]s&period=%[3]d&secret=%[4]s", issuer, user, period, secret)
	return Enrolment{Secret: secret, URL: url}
}

// Match counts the correct codes in the text: none, one, or two in a row. step is the step of the last one. Steps count the periods
// since 1970; a caller that stores the last used step can refuse a code that is used twice. Two codes in a row are too many to
// guess; the first may be one step older then, because the user has to wait for the second. Spaces do not count.
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

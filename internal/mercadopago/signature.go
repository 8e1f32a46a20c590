package mercadopago

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/onlywave/onlywave/internal/failure"
)

// Verifier checks the signature of notifications. It is safe for concurrent use.
type Verifier struct {
	secrets [][]byte
	window  time.Duration
}

// NewVerifier takes the secret from Mercado Pago's panel, and a second one while it is being changed. A signature may be as old
// as window; 0 admits any age, as nothing says whether a notification sent again hours later is signed anew.
func NewVerifier(secrets []string, window time.Duration) (*Verifier, error) {
	if len(secrets) < 1 || len(secrets) > 2 {
		return nil, fmt.Errorf("webhook secrets: one or two are needed, there are %d", len(secrets))
	}
	if window < 0 {
		return nil, fmt.Errorf("webhook window is negative: %s", window)
	}
	v := &Verifier{window: window}
	for i, secret := range secrets {
		if strings.TrimSpace(secret) == "" {
			return nil, fmt.Errorf("webhook secret %d is empty", i+1)
		}
		v.secrets = append(v.secrets, []byte(secret))
	}
	return v, nil
}

// maxAhead is how far the provider's clock may be ahead of ours.
const maxAhead = 5 * time.Minute

// Signed is what the signature proves of a notification.
type Signed struct {
	ResourceID string    // the data.id that was signed
	TS         string    // the time as it was signed
	At         time.Time // the same, to the second
	Sum        [sha256.Size]byte
}

// Verify admits a notification whose x-signature covers data.id of the query, x-request-id as it was
// sent, and the signature's time (guide "webhooks", section on the secret signature). The ID may be signed
// as it is or in lower case: the guide says lower case, the SDKs have kept the case since June 2026. The merchant's own address
// may have a data.id, too. The error is of kind Unauthorized; its Err says why, for the log.
//
// Sum is the same for each copy of one signed notification and for no other, however the case of its ID is written.
func (v *Verifier) Verify(q url.Values, h http.Header, now time.Time) (Signed, error) {
	signed, err := v.verify(q["data.id"], h.Get("X-Request-Id"), h.Get("X-Signature"), now)
	if err != nil {
		return Signed{}, &failure.Error{Kind: failure.Unauthorized, Message: "the notification's signature is not valid", Err: err}
	}
	return signed, nil
}

func (v *Verifier) verify(ids []string, requestID, header string, now time.Time) (Signed, error) {
	ts, signature, err := parseSignature(header)
	if err != nil {
		return Signed{}, err
	}
	at, err := parseTime(ts)
	if err != nil {
		return Signed{}, err
	}
	if age := now.Sub(at); v.window > 0 && age > v.window {
		return Signed{}, fmt.Errorf("x-signature's ts is %s old", age.Round(time.Second))
	} else if age < -maxAhead {
		return Signed{}, fmt.Errorf("x-signature's ts is %s ahead", (-age).Round(time.Second))
	}
	id, err := v.signedID(ids, requestID, ts, signature)
	if err != nil {
		return Signed{}, err
	}
	return Signed{
		ResourceID: id, TS: ts, At: at.Truncate(time.Second), Sum: sha256.Sum256(appendManifest(nil, strings.ToLower(id), requestID, ts)),
	}, nil
}

// maxIDs is how many values of data.id are tried, from the end: there Mercado Pago puts its own.
const maxIDs = 3

// signedID is the one of the query's values of data.id that was signed, if any was.
func (v *Verifier) signedID(ids []string, requestID, ts string, signature []byte) (string, error) {
	if len(ids) == 0 {
		ids = []string{""}
	}
	err := errors.New("x-signature does not match")
	for i, id := range slices.Backward(ids) {
		if i < len(ids)-maxIDs {
			break
		}
		if err = v.checkParts(id, requestID, ts, signature); err == nil {
			return id, nil
		}
	}
	return "", err
}

// parseSignature splits "ts=1742505638,v1=4e1a…". Keys that are not known are passed over.
func parseSignature(header string) (ts string, signature []byte, err error) {
	if header == "" {
		return "", nil, errors.New("no x-signature")
	}
	var v1 string
	for part := range strings.SplitSeq(header, ",") {
		key, value, _ := strings.Cut(part, "=")
		switch strings.TrimSpace(key) {
		case "ts":
			ts = strings.TrimSpace(value)
		case "v1":
			v1 = strings.TrimSpace(value)
		}
	}
	if len(v1) != 2*sha256.Size {
		return "", nil, errors.New("x-signature has no v1 of 64 digits")
	}
	signature, err = hex.DecodeString(v1)
	if err != nil {
		return "", nil, errors.New("x-signature's v1 is not hexadecimal")
	}
	return ts, signature, nil
}

// parseTime knows the time in seconds (10 digits) and in milliseconds (13): both have been seen.
func parseTime(ts string) (time.Time, error) {
	if len(ts) != 10 && len(ts) != 13 {
		return time.Time{}, errors.New("x-signature has no ts of 10 or 13 digits")
	}
	n, err := strconv.ParseUint(ts, 10, 63)
	if err != nil {
		return time.Time{}, errors.New("x-signature's ts is not a number")
	}
	if len(ts) == 13 {
		return time.UnixMilli(int64(n)), nil
	}
	return time.Unix(int64(n), 0), nil
}

func (v *Verifier) checkParts(dataID, requestID, ts string, signature []byte) error {
	// The parts are joined by ";" without any escape: with one inside, a part could pass for two.
	if strings.Contains(dataID, ";") || strings.Contains(requestID, ";") {
		return errors.New("data.id or x-request-id contains a semicolon")
	}
	var space [256]byte // most manifests fit, and then cost no allocation
	if v.signed(appendManifest(space[:0], dataID, requestID, ts), signature) {
		return nil
	}
	if lower := strings.ToLower(dataID); lower != dataID && v.signed(appendManifest(space[:0], lower, requestID, ts), signature) {
		return nil
	}
	return errors.New("x-signature does not match")
}

func (v *Verifier) signed(manifest, signature []byte) bool {
	var sum [sha256.Size]byte
	for _, secret := range v.secrets {
		mac := hmac.New(sha256.New, secret)
		mac.Write(manifest)
		if hmac.Equal(mac.Sum(sum[:0]), signature) {
			return true
		}
	}
	return false
}

// appendManifest writes the signed text. A part that is missing is left out with its name.
func appendManifest(b []byte, dataID, requestID, ts string) []byte {
	if dataID != "" {
		b = append(append(append(b, "id:"...), dataID...), ';')
	}
	if requestID != "" {
		b = append(append(append(b, "request-id:"...), requestID...), ';')
	}
	return append(append(append(b, "ts:"...), ts...), ';')
}

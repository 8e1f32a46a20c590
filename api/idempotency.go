package api

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
)

const maxIdempotencyKey = 255

// idempotencyKey reads the header of that name, bare or as a quoted string
// (https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header). Both spellings mean the same key.
func idempotencyKey(h http.Header) (string, error) {
	wrong := func(detail string) error {
		return refuse(headerInvalid, "", failure.Field{Pointer: "#header/Idempotency-Key", Detail: detail})
	}
	const what = "1 to %d visible ASCII characters that identify this payment, such as your order number"
	values := h.Values("Idempotency-Key")
	if len(values) == 0 {
		return "", wrong("is missing; send " + fmt.Sprintf(what, maxIdempotencyKey))
	}
	if len(values) > 1 {
		return "", wrong("is sent more than once; send it once")
	}
	key := strings.Trim(values[0], " \t")
	if len(key) >= 2 && key[0] == '"' && key[len(key)-1] == '"' {
		key = key[1 : len(key)-1]
	}
	if !visible(key) {
		return "", wrong("must be " + fmt.Sprintf(what, maxIdempotencyKey) + `, without " inside`)
	}
	if payment.ContainsCardNumber(key) {
		return "", wrong("looks like a card number, which must never be sent; use your order number")
	}
	return key, nil
}

func visible(key string) bool {
	if key == "" || len(key) > maxIdempotencyKey {
		return false
	}
	for _, c := range []byte(key) {
		if c <= ' ' || c > '~' || c == '"' {
			return false
		}
	}
	return true
}

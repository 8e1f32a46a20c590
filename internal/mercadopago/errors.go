package mercadopago

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/onlywave/onlywave/internal/failure"
)

// The kinds, as this package gives them. It is the only place where Mercado Pago's answers become kinds.
//
//	Unavailable   not known how it ended, or not possible now: repeat with the same key
//	Limited       too many calls: repeat with the same key, after RetryAfter if that is set
//	Invalid       the request is refused and would be refused again; nothing was made by it
//	Conflict      the key belongs to another request or to a failed one, or the state forbids it: re-read
//	Unauthorized  our access token is not accepted: ours to mend, not the client app's
//	Forbidden     our account may not do this: likewise
//	NotFound      there is no such payment, or not yet
//	Internal      a bug of ours, or a word of theirs that is not known here
//
// "Nothing was made" speaks of the request that was answered. An earlier one under the same key, whose
// answer was lost, may have gone through; so search before believing a refusal.
var messages = map[failure.Kind]string{
	failure.Unavailable:  "Mercado Pago cannot answer now",
	failure.Limited:      "Mercado Pago asks for fewer requests",
	failure.Invalid:      "Mercado Pago refuses this request",
	failure.Conflict:     "Mercado Pago says that this contradicts an earlier request",
	failure.Unauthorized: "Mercado Pago does not accept our access token",
	failure.Forbidden:    "Mercado Pago does not allow our account to do this",
	failure.NotFound:     "Mercado Pago knows no such payment",
	failure.Internal:     "Mercado Pago does not understand us",
}

const (
	inFlightWait  = time.Second // until an earlier request with the same key may have ended
	duplicateWait = time.Minute // "already posted the same request in the last minute"
	longestWait   = time.Hour   // no header may put off a payment for longer
)

// failures are the causes of refusals that the buyer or an operator can put right (API reference, payments, responses of 400; 13253
// as sellers without a Pix key see it).
var failures = map[string]failure.Code{
	"23":    failure.CodeExpiry, // a bad date
	"7523":  failure.CodeExpiry,
	"2060":  failure.CodeOwnEmail,
	"4050":  failure.CodeEmail,
	"2067":  failure.CodeTaxID,
	"2072":  failure.CodeAmount,
	"4037":  failure.CodeAmount,
	"13253": failure.CodePixKey,
	"3":     failure.CodeIntegration, // the token must be one for tests
	"8":     failure.CodeIntegration, // an unknown field
	"2131":  failure.CodeIntegration, // no payment method can be inferred
	"4001":  failure.CodeIntegration, // no payment method
	"4002":  failure.CodeIntegration, // no amount
	"4003":  failure.CodeIntegration, // the amount is no number
	"4020":  failure.CodeIntegration, // the notification's address is no URL
	"4292":  failure.CodeIntegration, // no idempotency key

	"2006": failure.CodeCardToken,   // the card's token is not found
	"2062": failure.CodeCardToken,   // it is not valid
	"2002": failure.CodeCustomer,    // the customer is not found
	"3003": failure.CodeCardToken,   // likewise
	"2077": failure.CodeCapture,     // the card does not allow a capture later
	"4000": failure.CodeIntegration, // no token
	"4004": failure.CodeIntegration, // no installments

	// Of refunds (API reference, refunds).
	"2017":  failure.CodeAmount,
	"4040":  failure.CodeAmount,
	"4041":  failure.CodeAmount,
	"2024":  failure.CodeRefundTooOld,
	"15016": failure.CodeRefundTooOld,
	"2031":  failure.CodeRefundBalance,
	"2063":  failure.CodeRefundState,
	"3024":  failure.CodeRefundPart,
}

// oursToMend are the details of rejected payments that only the seller or we can put right (guide "payment query results").
var oursToMend = map[string]failure.Code{
	"collector_unavailable":      failure.CodeAccount,
	"rejected_insufficient_data": failure.CodeIntegration,
}

// errWrongMethod marks a refusal that says that there is no such call.
var errWrongMethod = errors.New("no such call")

// unreachable is the error for a request without a whole answer.
func unreachable(err error) error {
	return &failure.Error{Kind: failure.Unavailable, Message: "Mercado Pago did not answer", Err: err}
}

// errUnreadable marks a 2xx answer that does not say what it must.
var errUnreadable = errors.New("unreadable")

// unreadable is the error for a 2xx answer that does not say what it must. The request has very likely
// worked.
func unreadable(err error) error {
	return &failure.Error{Kind: failure.Unavailable, Message: "Mercado Pago's answer is not readable", Err: fmt.Errorf("%w: %w", errUnreadable, err)}
}

// isUnreadable says whether Mercado Pago did answer, in a way that cannot be read.
func isUnreadable(err error) bool { return errors.Is(err, errUnreadable) }

// refused is the error for an answer other than 2xx.
func refused(e *exchange) error {
	r := readRefusal(e.body)
	kind, wait := kindOf(e.status, r)
	if asked := retryAfter(e.header.Get("Retry-After"), time.Now()); asked > 0 {
		wait = asked
	}
	said := errors.New(r.line(e))
	switch {
	case e.status == http.StatusMethodNotAllowed:
		said = fmt.Errorf("%w: %w", errWrongMethod, said)
	case r.has(customerExists):
		said = fmt.Errorf("%w: %w", errCustomerExists, said)
	}
	known := &failure.Error{Kind: kind, Message: messages[kind], RetryAfter: wait, Err: said}
	if code := r.failure(); kind == failure.Invalid && code != "" {
		known.Code, known.Message = code, code.Message()
	}
	return known
}

// kindOf is the table: HTTP status and cause code to kind, and how long to wait at least. The codes are
// those of the API reference for payments; 401001 and 422001 are from the guide "idempotency returns".
// Where an answer may be read in two ways, it is read as "not known how it ended".
func kindOf(status int, r refusal) (failure.Kind, time.Duration) {
	switch {
	case status == http.StatusTooManyRequests:
		return failure.Limited, 0
	case status == http.StatusNotImplemented:
		return failure.Internal, 0
	case status < 400, status >= 500:
		return failure.Unavailable, 0
	case r.page: // a gateway in between speaks; Mercado Pago itself answers in JSON
		return failure.Unavailable, 0
	}
	switch status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusLocked, http.StatusFailedDependency:
		return failure.Unavailable, 0
	case http.StatusBadRequest:
		switch {
		case r.has("2004", "2007"): // a call inside Mercado Pago went wrong
			return failure.Unavailable, 0
		case r.has("2001"): // so an earlier one is there
			return failure.Unavailable, duplicateWait
		case r.has("2018"): // the payment's state forbids it
			return failure.Conflict, 0
		}
		return failure.Invalid, 0
	case http.StatusUnauthorized:
		return failure.Unauthorized, 0
	case http.StatusForbidden:
		return failure.Forbidden, 0
	case http.StatusNotFound:
		return failure.NotFound, 0
	case http.StatusConflict:
		if r.has("idempotency_key_already_used", "2018") || r.says("already used") {
			return failure.Conflict, 0
		}
		return failure.Unavailable, inFlightWait // 401001: the request with this key is not completed yet
	case http.StatusUnprocessableEntity:
		if r.has("422001") { // the key is spent on a request that failed
			return failure.Conflict, 0
		}
		return failure.Invalid, 0
	}
	return failure.Invalid, 0
}

// retryAfter reads the header (RFC 9110, section 10.2.3): seconds or a date; 0 when it says nothing.
func retryAfter(header string, now time.Time) time.Duration {
	var wait time.Duration
	if seconds, err := strconv.Atoi(header); err == nil {
		wait = time.Duration(min(seconds, int(longestWait/time.Second))) * time.Second
	} else if at, err := http.ParseTime(header); err == nil {
		wait = at.Sub(now)
	}
	return min(max(wait, 0), longestWait)
}

// refusal is what an error body says, whichever of its shapes it has.
type refusal struct {
	page   bool // HTML
	causes []cause
}

type cause struct {
	Code        text `json:"code"`
	Description text `json:"description"`
	Message     text `json:"message"`
}

func readRefusal(body []byte) refusal {
	r := refusal{page: bytes.HasPrefix(bytes.TrimSpace(body), []byte("<"))}
	var whole struct {
		cause
		Error  text        `json:"error"`
		Cause  many[cause] `json:"cause"`
		Errors many[cause] `json:"errors"` // the Orders API's name for it
	}
	if json.Unmarshal(body, &whole) != nil {
		return r
	}
	if whole.Code == "" {
		whole.Code = whole.Error
	}
	r.causes = append(slices.Concat(whole.Cause, whole.Errors), whole.cause)
	return r
}

func (r refusal) has(codes ...string) bool {
	return slices.ContainsFunc(r.causes, func(c cause) bool { return slices.Contains(codes, string(c.Code)) })
}

// failure is what the first cause means that we know, "" when we know none.
func (r refusal) failure() failure.Code {
	for _, c := range r.causes {
		if code, known := failures[string(c.Code)]; known {
			return code
		}
	}
	return ""
}

func (r refusal) says(words string) bool {
	return slices.ContainsFunc(r.causes, func(c cause) bool {
		return strings.Contains(strings.ToLower(string(c.Description+" "+c.Message)), words)
	})
}

// line is the refusal for the log, such as "HTTP 400, 2067 Invalid user identification number, request
// 5b0f6c1e". It names the first cause; the others rarely add anything.
func (r refusal) line(e *exchange) string {
	b := strings.Builder{}
	b.WriteString("HTTP " + strconv.Itoa(e.status))
	if r.page {
		b.WriteString(", an HTML page")
	}
	if len(r.causes) > 0 {
		c := r.causes[0]
		said := c.Description
		if said == "" {
			said = c.Message
		}
		if words := strings.TrimSpace(identifier(string(c.Code)) + " " + scrub(string(said))); words != "" {
			b.WriteString(", " + words)
		}
	}
	if id := identifier(e.header.Get("X-Request-Id")); id != "" {
		b.WriteString(", request " + id)
	}
	return b.String()
}

// scrub takes out of a foreign text what could be personal or secret: every digit, and every word that
// could be an address or a token.
func scrub(text string) string {
	const maxText, maxWord = 120, 32
	words := strings.Fields(text)
	for i, word := range words {
		if strings.ContainsAny(word, "@%") || len(word) > maxWord || strings.HasPrefix(word, "APP_USR") || strings.HasPrefix(word, "TEST-") {
			words[i] = "***"
		}
	}
	clean := strings.Map(func(r rune) rune {
		switch {
		case unicode.IsDigit(r):
			return '#'
		case !unicode.IsPrint(r) || r == unicode.ReplacementChar:
			return -1
		}
		return r
	}, strings.Join(words, " "))
	if runes := []rune(clean); len(runes) > maxText {
		clean = string(runes[:maxText]) + "…"
	}
	return clean
}

// identifier is s if it looks like a code or a request ID, else "".
func identifier(s string) string {
	if len(s) > 64 || strings.ContainsFunc(s, func(r rune) bool {
		return !(r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || strings.ContainsRune("-_.", r))
	}) {
		return ""
	}
	return s
}

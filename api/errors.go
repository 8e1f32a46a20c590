package api

import (
	"errors"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/onlywave/onlywave/internal/failure"
)

// mapping is what the client sees of a failure. Codes are part of the contract and never change.
type mapping struct {
	status int
	code   string
	title  string
}

// Failures that only HTTP has. A request that cannot be parsed is 400, a request that can be parsed but is wrong is 422.
var (
	jsonInvalid   = mapping{http.StatusBadRequest, "invalid_json", "The body is not JSON"}
	headerInvalid = mapping{http.StatusBadRequest, "invalid_header", "A header is missing or cannot be read"}
	queryInvalid  = mapping{http.StatusBadRequest, "invalid_query", "A query parameter is wrong"}
	cursorInvalid = mapping{http.StatusBadRequest, "invalid_cursor", "The cursor does not belong to this list"}
	pathUnknown   = mapping{http.StatusNotFound, "not_found", "Not found"}
	bodyTooLate   = mapping{http.StatusRequestTimeout, "request_timeout", "The body arrived too late"}
	wrongMethod   = mapping{http.StatusMethodNotAllowed, "method_not_allowed", "The method is not allowed here"}
	bodyTooLarge  = mapping{http.StatusRequestEntityTooLarge, "body_too_large", "The body is too large"}
	mediaType     = mapping{http.StatusUnsupportedMediaType, "unsupported_media_type", "The body must be plain application/json"}
	notAForm      = mapping{http.StatusUnsupportedMediaType, "unsupported_media_type", "The body must be multipart/form-data"}
	formInvalid   = mapping{http.StatusBadRequest, "invalid_form", "The form cannot be read"}
	keyReused     = mapping{http.StatusUnprocessableEntity, "idempotency_key_reused", "The Idempotency-Key was used for another request"}
)

// mappingOf is the one place where kinds become HTTP. An unknown kind is Internal: errors from Temporal may carry any text as their
// kind.
func mappingOf(kind failure.Kind) mapping {
	switch kind {
	case failure.Invalid:
		return mapping{http.StatusUnprocessableEntity, "invalid_request", "The request is not valid"}
	case failure.Unauthorized:
		return mapping{http.StatusUnauthorized, "unauthorized", "Not authenticated"}
	case failure.Forbidden:
		return mapping{http.StatusForbidden, "forbidden", "Not allowed"}
	case failure.NotFound:
		return mapping{http.StatusNotFound, "not_found", "Not found"}
	case failure.Conflict:
		return mapping{http.StatusConflict, "conflict", "The request contradicts what is already there"}
	case failure.Limited:
		return mapping{http.StatusTooManyRequests, "rate_limited", "Too many requests"}
	case failure.Unavailable:
		return mapping{http.StatusServiceUnavailable, "unavailable", "Temporarily unavailable"}
	case failure.Internal:
	}
	return mapping{http.StatusInternalServerError, "internal", "Something went wrong on our side"}
}

// refusal is a failure that only HTTP has.
type refusal struct {
	mapping
	detail string
	fields []failure.Field
}

func (r *refusal) Error() string { return r.code + ": " + r.detail }

// refuse makes a refusal. An empty detail is made of the fields.
func refuse(m mapping, detail string, fields ...failure.Field) error {
	return &refusal{mapping: m, detail: detail, fields: fields}
}

// maxPointer is the longest part of a name in the request that a problem repeats, in bytes.
const maxPointer = 120

// retryDefault is the Retry-After of failures that do not say how long they last.
const retryDefault = 2 * time.Second

// answerError sends err as a problem (RFC 9457), and keeps it for the log.
func (s *Server) answerError(c *gin.Context, err error) {
	event(c).err = err
	m, detail, fields := mappingOf(failure.KindOf(err)), "", []failure.Field(nil)
	if r, ok := errors.AsType[*refusal](err); ok {
		m, detail, fields = r.mapping, r.detail, r.fields
	} else if e, ok := errors.AsType[*failure.Error](err); ok {
		detail, fields = e.Message, e.Fields
	}
	if m.status == http.StatusInternalServerError {
		detail, fields = "", nil
	}
	if m.status == http.StatusServiceUnavailable || m.status == http.StatusTooManyRequests {
		c.Header("Retry-After", retryAfter(err))
	}
	s.answerProblem(c, m, detail, fields)
}

func (s *Server) answerProblem(c *gin.Context, m mapping, detail string, fields []failure.Field) {
	p := Problem{
		Type: "urn:onlywave:problem:" + m.code, Title: m.title, Status: m.status, Code: m.code, Detail: detail,
		Instance: c.Request.URL.EscapedPath(), RequestID: event(c).requestID,
	}
	fields = slices.Clone(fields)
	slices.SortStableFunc(fields, func(a, b failure.Field) int { return strings.Compare(a.Pointer, b.Pointer) })
	for _, f := range fields[:min(len(fields), failure.MaxFields)] {
		p.Errors = append(p.Errors, ProblemField{Pointer: shorten(f.Pointer), Detail: f.Detail})
	}
	if len(p.Errors) > 0 {
		p.Detail = summary(p.Errors)
	}
	c.Header("Content-Type", "application/problem+json")
	c.PureJSON(m.status, p)
}

// summary joins the first few fields in one line.
func summary(fields []ProblemField) string {
	var parts []string
	for _, f := range fields[:min(len(fields), 3)] {
		_, name, isNamed := strings.Cut(f.Pointer, "#header/")
		if !isNamed {
			_, name, isNamed = strings.Cut(f.Pointer, "#query/")
		}
		if !isNamed {
			name = f.Pointer
		}
		if name == "" {
			name = "the body"
		}
		parts = append(parts, name+": "+f.Detail)
	}
	if more := len(fields) - len(parts); more > 0 {
		parts = append(parts, strconv.Itoa(more)+" more")
	}
	return strings.Join(parts, "; ")
}

func shorten(pointer string) string {
	if len(pointer) <= maxPointer {
		return pointer
	}
	return strings.ToValidUTF8(pointer[:maxPointer], "") + "…"
}

func retryAfter(err error) string {
	wait := failure.RetryAfter(err)
	if wait <= 0 {
		wait = retryDefault
	}
	return strconv.Itoa(max(1, int(math.Ceil(wait.Seconds()))))
}

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

// verdict is how a failure looks from outside. Codes are part of the contract and never change.
type verdict struct {
	status int
	code   string
	title  string
}

// What only exists at this edge. A request that cannot be read is 400; one that can be read but is wrong is 422.
var (
	jsonInvalid   = verdict{http.StatusBadRequest, "invalid_json", "The body is not JSON"}
	headerInvalid = verdict{http.StatusBadRequest, "invalid_header", "A header is missing or cannot be read"}
	queryInvalid  = verdict{http.StatusBadRequest, "invalid_query", "A query parameter is wrong"}
	cursorInvalid = verdict{http.StatusBadRequest, "invalid_cursor", "The cursor does not belong to this list"}
	pathUnknown   = verdict{http.StatusNotFound, "not_found", "Not found"}
	wrongMethod   = verdict{http.StatusMethodNotAllowed, "method_not_allowed", "The method is not allowed here"}
	bodyTooLarge  = verdict{http.StatusRequestEntityTooLarge, "body_too_large", "The body is too large"}
	mediaType     = verdict{http.StatusUnsupportedMediaType, "unsupported_media_type", "The body must be plain application/json"}
	keyReused     = verdict{http.StatusUnprocessableEntity, "idempotency_key_reused", "The Idempotency-Key was used for another request"}
)

// verdictOf is the one place where kinds become HTTP. A kind that is not ours is Internal: what comes back from Temporal may
// carry any word.
func verdictOf(kind failure.Kind) verdict {
	switch kind {
	case failure.Invalid:
		return verdict{http.StatusUnprocessableEntity, "invalid_request", "The request is not valid"}
	case failure.Unauthorized:
		return verdict{http.StatusUnauthorized, "unauthorized", "Not authenticated"}
	case failure.Forbidden:
		return verdict{http.StatusForbidden, "forbidden", "Not allowed"}
	case failure.NotFound:
		return verdict{http.StatusNotFound, "not_found", "Not found"}
	case failure.Conflict:
		return verdict{http.StatusConflict, "conflict", "The request contradicts what is already there"}
	case failure.Limited:
		return verdict{http.StatusTooManyRequests, "rate_limited", "Too many requests"}
	case failure.Unavailable:
		return verdict{http.StatusServiceUnavailable, "unavailable", "Temporarily unavailable"}
	case failure.Internal:
	}
	return verdict{http.StatusInternalServerError, "internal", "Something went wrong on our side"}
}

// refusal is an error whose verdict was reached at this edge.
type refusal struct {
	verdict
	detail string
	fields []failure.Field
}

func (r *refusal) Error() string { return r.code + ": " + r.detail }

// refuse makes a refusal. Without a detail the fields speak for themselves.
func refuse(v verdict, detail string, fields ...failure.Field) error {
	return &refusal{verdict: v, detail: detail, fields: fields}
}

// maxPointer is how much a problem repeats of a request's own names, in bytes.
const maxPointer = 120

// retryDefault is for failures that do not say how long they last.
const retryDefault = 2 * time.Second

// answerError renders err as a problem (RFC 9457), and keeps it for the log.
func (s *Server) answerError(c *gin.Context, err error) {
	event(c).err = err
	v, detail, fields := verdictOf(failure.KindOf(err)), "", []failure.Field(nil)
	if r, ok := errors.AsType[*refusal](err); ok {
		v, detail, fields = r.verdict, r.detail, r.fields
	} else if e, ok := errors.AsType[*failure.Error](err); ok {
		detail, fields = e.Message, e.Fields
	}
	if v.status == http.StatusInternalServerError {
		detail, fields = "", nil
	}
	if v.status == http.StatusServiceUnavailable || v.status == http.StatusTooManyRequests {
		c.Header("Retry-After", retryAfter(err))
	}
	s.answerProblem(c, v, detail, fields)
}

func (s *Server) answerProblem(c *gin.Context, v verdict, detail string, fields []failure.Field) {
	p := Problem{
		Type: "urn:onlywave:problem:" + v.code, Title: v.title, Status: v.status, Code: v.code, Detail: detail,
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
	c.PureJSON(v.status, p)
}

// summary says in one line what the first few fields say.
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

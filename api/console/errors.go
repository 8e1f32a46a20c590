package console

import (
	"errors"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/onlywave/onlywave/internal/failure"
)

// failureText is what the failure page says about a kind of error.
type failureText struct {
	status int
	title  string
	advice string
}

// textOf is the only place where kinds of errors become pages.
func textOf(kind failure.Kind) failureText {
	switch kind {
	case failure.Invalid:
		return failureText{http.StatusUnprocessableEntity, "Not valid", "Go back, correct it and try again. Nothing was changed."}
	case failure.Unauthorized:
		return failureText{http.StatusForbidden, "Refused", "Open the console in a new tab and do it there. Nothing was changed."}
	case failure.Forbidden:
		return failureText{http.StatusForbidden, "Not allowed", "Ask an administrator of the platform for another role. Nothing was changed."}
	case failure.NotFound:
		return failureText{http.StatusNotFound, "Not found", "Check the address, or search in the lists of payments and dead letters."}
	case failure.Conflict:
		return failureText{http.StatusConflict, "Already changed", "Go back and reload the page: it has changed since you opened it."}
	case failure.Limited:
		return failureText{http.StatusTooManyRequests, "Too many attempts", "Wait a while, then try again."}
	case failure.Unavailable:
		return failureText{http.StatusServiceUnavailable, "Unavailable for the moment",
			"Try again in a moment. Payments do not depend on the console. Without a log-in you can still use the command onlywave " +
				"dead-letters, and Temporal's Web UI shows every payment."}
	case failure.Internal:
	}
	return failureText{http.StatusInternalServerError, "Something went wrong on our side", "Try again. If it happens again, search the API's log for the request id below."}
}

// failurePage is the data of the page that explains an error.
type failurePage struct {
	Title     string
	Detail    string
	Fields    []failure.Field
	Advice    string
	Wait      time.Duration // until the next try is allowed; 0: not known
	RequestID string
}

func (c *Console) failureResponse(w http.ResponseWriter, r *request, err error) response {
	text := textOf(failure.KindOf(err))
	page := failurePage{Title: r.say(text.title), Advice: r.say(text.advice), RequestID: w.Header().Get("X-Request-Id")}
	if e, ok := errors.AsType[*failure.Error](err); ok && text.status != http.StatusInternalServerError {
		page.Detail, page.Fields = e.Message, e.Fields
	}
	if wait := failure.RetryAfter(err); wait > 0 {
		page.Wait = wait.Round(time.Second)
		w.Header().Set("Retry-After", strconv.Itoa(max(1, int(math.Ceil(wait.Seconds())))))
	}
	if text.status >= http.StatusInternalServerError {
		c.config.Log.ErrorContext(r.Context(), "console page failed", "request_id", page.RequestID, "error", err)
	}
	return response{status: text.status, page: "failure", title: text.title, data: page}
}

// refuseCrossSite answers a form that another site has sent.
func (c *Console) refuseCrossSite(w http.ResponseWriter, plain *http.Request) {
	r := &request{Request: plain, language: requestLanguage(plain)}
	c.write(w, r, c.failureResponse(w, r, &failure.Error{Kind: failure.Unauthorized, Message: "the form was sent from another site"}))
}

package console

import (
	"errors"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/onlywave/onlywave/internal/failure"
)

// verdict is how a failure looks to a person.
type verdict struct {
	status int
	title  string
	advice string
}

// verdictOf is the one place where kinds become pages.
func verdictOf(kind failure.Kind) verdict {
	switch kind {
	case failure.Invalid:
		return verdict{http.StatusUnprocessableEntity, "That cannot be right", "Go back, change it and try again. Nothing was done."}
	case failure.Unauthorized:
		return verdict{http.StatusForbidden, "Refused", "Open the console in a tab of its own and do it there. Nothing was done."}
	case failure.Forbidden:
		return verdict{http.StatusForbidden, "Not allowed", "Ask somebody who runs the platform for another role. Nothing was done."}
	case failure.NotFound:
		return verdict{http.StatusNotFound, "Not found", "Look at the address, or search for it from the overview."}
	case failure.Conflict:
		return verdict{http.StatusConflict, "Somebody was faster", "Go back and load the page again: what you saw has changed since."}
	case failure.Limited:
		return verdict{http.StatusTooManyRequests, "Too many tries", "Wait a while, then try again."}
	case failure.Unavailable:
		return verdict{http.StatusServiceUnavailable, "Away for the moment",
			"Try again in a moment; payments do not wait for the console. While nobody can log in, the command onlywave dead-letters " +
				"works all the same, and Temporal's Web UI shows every payment."}
	case failure.Internal:
	}
	return verdict{http.StatusInternalServerError, "Something went wrong on our side", "Try again. If it stays so, look into the API's log for the request id below."}
}

// failurePage says what went wrong.
type failurePage struct {
	Title     string
	Detail    string
	Fields    []failure.Field
	Advice    string
	Wait      time.Duration // before it can be tried again; 0: not known
	RequestID string
}

func (c *Console) sorry(w http.ResponseWriter, v *visit, err error) reply {
	verdict := verdictOf(failure.KindOf(err))
	page := failurePage{Title: verdict.title, Advice: verdict.advice, RequestID: w.Header().Get("X-Request-Id")}
	if e, ok := errors.AsType[*failure.Error](err); ok && verdict.status != http.StatusInternalServerError {
		page.Detail, page.Fields = e.Message, e.Fields
	}
	if wait := failure.RetryAfter(err); wait > 0 {
		page.Wait = wait.Round(time.Second)
		w.Header().Set("Retry-After", strconv.Itoa(max(1, int(math.Ceil(wait.Seconds())))))
	}
	if verdict.status >= http.StatusInternalServerError {
		c.config.Log.ErrorContext(v.Context(), "console page failed", "request_id", page.RequestID, "error", err)
	}
	return reply{status: verdict.status, page: "failure", title: verdict.title, data: page}
}

// foreign answers a form that another site has sent.
func (c *Console) foreign(w http.ResponseWriter, r *http.Request) {
	v := &visit{Request: r}
	c.write(w, v, c.sorry(w, v, &failure.Error{Kind: failure.Unauthorized, Message: "this was sent from another site"}))
}

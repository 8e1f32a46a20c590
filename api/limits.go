package api

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/onlywave/onlywave/internal/access"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/ratelimit"
)

// Limits are the rate limits of all processes together; 0: no limit. All keys of one client app together may send keysPerClient times
// as many requests as one key, so that a runaway script does not stop the other keys of its client app.
type Limits struct {
	Writes     int // per API key and second: requests that create or change payments
	Reads      int // per API key and second: requests that read payments
	Operations int // per API key and second: requests of operators
	Refused    int // per address and minute: wrong API keys, and as many wrong signatures
}

const keysPerClient = 2

// burst is how many seconds' worth of requests may come at once.
const burst = 10

// class is the group of requests that count together.
func (l Limits) class(scope access.Scope) (name string, quota int) {
	switch scope {
	case access.ScopePaymentsWrite, access.ScopeRefundsWrite:
		return "writes", l.Writes
	case access.ScopePaymentsRead:
		return "reads", l.Reads
	}
	return "operations", l.Operations
}

// limit charges a request to the key and its client app, and says in the headers of the response how much they have left.
func (s *Server) limit(c *gin.Context, key *access.APIKey, scope access.Scope) error {
	name, quota := s.config.Limits.class(scope)
	d := s.config.Limiter.Take(c.Request.Context(), key.ClientID,
		ratelimit.Limit{Name: name + "-key", Key: key.ID, Quota: burst * quota, Window: burst * time.Second},
		ratelimit.Limit{Name: name + "-client", Quota: keysPerClient * burst * quota, Window: burst * time.Second})
	if len(d.States) > 0 {
		c.Header("RateLimit-Policy", list(d.States, policy))
		c.Header("RateLimit", list(d.States, remaining))
	}
	if !d.Admitted {
		return limited("too many "+name+"; retry after Retry-After seconds, the RateLimit headers show your limits", d)
	}
	return nil
}

const tooManyKeys = "too many wrong API keys came from your address; retry with a valid key after Retry-After seconds"

// refuseKey counts a wrong API key. It returns err, or the limit's error once too many came from the address.
func (s *Server) refuseKey(c *gin.Context, err error) error {
	return s.countRefused(c, "keys", tooManyKeys, err)
}

// refuseSignature does the same for a wrong signature. Correctly signed webhooks are never limited.
func (s *Server) refuseSignature(c *gin.Context, err error) error {
	return s.countRefused(c, "signatures", "too many wrong signatures came from your address; retry after Retry-After seconds", err)
}

func (s *Server) countRefused(c *gin.Context, what, words string, err error) error {
	d := s.config.Limiter.Take(c.Request.Context(), address(c), s.refusedLimit(what))
	if d.Admitted {
		return err
	}
	event(c).quiet = true // the first ones are in the log; a flood must not fill it
	return limited(words, d)
}

// mayGuess refuses to look up an unknown key for an address that has sent too many wrong ones. Recently valid keys still work from
// there, because the address may be shared.
func (s *Server) mayGuess(c *gin.Context) error {
	if d, refuses := s.config.Limiter.Refuses(address(c), s.refusedLimit("keys")); refuses {
		event(c).quiet = true
		return limited(tooManyKeys, d)
	}
	return nil
}

func (s *Server) refusedLimit(what string) ratelimit.Limit {
	return ratelimit.Limit{Name: what, Quota: s.config.Limits.Refused, Window: time.Minute}
}

func limited(words string, d ratelimit.Decision) error {
	return &failure.Error{Kind: failure.Limited, Message: words, RetryAfter: d.RetryAfter}
}

// address is the group that a request counts in before its client app is known.
func address(c *gin.Context) string { return ratelimit.Address(c.ClientIP()) }

// list renders the states as a list of structured fields (RFC 9651), as draft-ietf-httpapi-ratelimit-headers-10 requires.
func list(states []ratelimit.State, render func(ratelimit.State) string) string {
	items := make([]string, len(states))
	for i, state := range states {
		items[i] = render(state)
	}
	return strings.Join(items, ", ")
}

func policy(s ratelimit.State) string {
	return fmt.Sprintf("%q;q=%d;w=%d", s.Name, s.Quota, int(s.Window.Seconds()))
}

func remaining(s ratelimit.State) string {
	return fmt.Sprintf("%q;r=%d;t=%d", s.Name, s.Remaining, int(math.Ceil(s.Full.Seconds())))
}

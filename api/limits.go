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

// Limits is how much may be asked of all processes together; 0: as much as one likes. All keys of a client app together may
// do keysPerClient times what one may, so that a script that runs away does not stop its client's others.
type Limits struct {
	Writes     int // by one API key per second: requests that create or change payments
	Reads      int // the same: requests that read them
	Operations int // the same: requests of operators
	Refused    int // by one address per minute: wrong API keys, and as many wrong signatures
}

const keysPerClient = 2

// burst is how much may come at once: what the limit allows in so many seconds.
const burst = 10

// A class is what is limited together.
func (l Limits) class(scope access.Scope) (name string, quota int) {
	switch scope {
	case access.ScopePaymentsWrite:
		return "writes", l.Writes
	case access.ScopePaymentsRead:
		return "reads", l.Reads
	}
	return "operations", l.Operations
}

// limit charges the key and its client app for a request, and says in the answer's headers what they have left.
func (s *Server) limit(c *gin.Context, key *access.APIKey, scope access.Scope) error {
	name, quota := s.config.Limits.class(scope)
	v := s.config.Limiter.Take(c.Request.Context(), key.ClientID,
		ratelimit.Limit{Name: name + "-key", Key: key.ID, Quota: burst * quota, Window: burst * time.Second},
		ratelimit.Limit{Name: name + "-client", Quota: keysPerClient * burst * quota, Window: burst * time.Second})
	if len(v.States) > 0 {
		c.Header("RateLimit-Policy", list(v.States, policy))
		c.Header("RateLimit", list(v.States, standing))
	}
	if !v.Admitted {
		return limited("too many "+name+"; the RateLimit headers say how many there may be", v)
	}
	return nil
}

// guessed is the answer to a wrong API key: err, as long as not too many came from the address.
func (s *Server) guessed(c *gin.Context, err error) error {
	return s.suspect(c, "keys", "too many wrong API keys came from your address", err)
}

// forged is the same for a wrong signature. Who signs well is never limited.
func (s *Server) forged(c *gin.Context, err error) error {
	return s.suspect(c, "signatures", "too many wrong signatures came from your address", err)
}

func (s *Server) suspect(c *gin.Context, what, words string, err error) error {
	v := s.config.Limiter.Take(c.Request.Context(), address(c), s.refusedLimit(what))
	if v.Admitted {
		return err
	}
	event(c).quiet = true // the first ones are in the log, which a flood need not fill
	return limited(words, v)
}

// mayGuess refuses to look up a key of which nothing is known for an address that had too many wrong ones. Keys that were
// right lately work from there all the same: the address may be shared.
func (s *Server) mayGuess(c *gin.Context) error {
	if v, refuses := s.config.Limiter.Refuses(address(c), s.refusedLimit("keys")); refuses {
		event(c).quiet = true
		return limited("too many wrong API keys came from your address", v)
	}
	return nil
}

func (s *Server) refusedLimit(what string) ratelimit.Limit {
	return ratelimit.Limit{Name: what, Quota: s.config.Limits.Refused, Window: time.Minute}
}

func limited(words string, v ratelimit.Decision) error {
	return &failure.Error{Kind: failure.Limited, Message: words, RetryAfter: v.RetryAfter}
}

// address is whose limit a request counts against before it is known who asks.
func address(c *gin.Context) string { return ratelimit.Address(c.ClientIP()) }

// list renders the states as a list of structured fields (RFC 9651), which draft-ietf-httpapi-ratelimit-headers-10 asks for.
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

func standing(s ratelimit.State) string {
	return fmt.Sprintf("%q;r=%d;t=%d", s.Name, s.Remaining, int(math.Ceil(s.Full.Seconds())))
}

package api

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/onlywave/onlywave/internal/access"
	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/failure"
)

// A revoked key must stop working within five seconds, and a key that is sent again and again must not cost a read of the database
// each time, whether it is valid or not.
const (
	keyMemory = 5 * time.Second
	keysKept  = 10_000
	// keyGrace is how long a key that was valid may still read payments while the database is unavailable. During that time it may
	// change nothing.
	keyGrace = 15 * time.Minute
)

// keyReader reads API keys: the database.
type keyReader interface {
	APIKey(ctx context.Context, id string) (access.APIKey, error) // kind NotFound when there is none
}

// keys reads API keys from the database and remembers each for keyMemory.
type keys struct {
	database keyReader
	known    *lru.Cache[string, remembered] // by id
}

// remembered is an answer of the database; a nil key says that there is none. The library's own expiring cache is not used because
// it starts a goroutine that cannot be stopped.
type remembered struct {
	key   *access.APIKey
	until time.Time
	read  time.Time // when the database answered
	stale bool      // read is longer ago than keyMemory, because the database is unavailable
}

func newKeys(d keyReader) *keys {
	known, err := lru.New[string, remembered](keysKept)
	if err != nil {
		panic("api: " + err.Error()) // the size is a constant
	}
	return &keys{database: d, known: known}
}

// key returns the key with this id, or nil, for a request that needs the scope. mayGuess can refuse to look up an id that is not
// known to be a key.
func (k *keys) key(ctx context.Context, id string, scope access.Scope, mayGuess func() error) (*access.APIKey, error) {
	kept, ok := k.known.Get(id)
	if ok && time.Now().Before(kept.until) && (!kept.stale || scope == access.ScopePaymentsRead) {
		return kept.key, nil
	}
	if kept.key == nil {
		if err := mayGuess(); err != nil {
			return nil, err
		}
	}
	now := time.Now() // before the read: a key that is revoked during it is not remembered for longer
	read, err := k.database.APIKey(ctx, id)
	found := &read
	if failure.KindOf(err) == failure.NotFound {
		found, err = nil, nil
	}
	if failure.KindOf(err) == failure.Unavailable && kept.key != nil && now.Before(kept.read.Add(keyGrace)) {
		kept.stale, kept.until = true, now.Add(keyMemory) // not every request waits for the database
		k.known.Add(id, kept)
		if scope == access.ScopePaymentsRead {
			return kept.key, nil
		}
	}
	if err != nil {
		return nil, err
	}
	k.known.Add(id, remembered{key: found, until: now.Add(keyMemory), read: now})
	return found, nil
}

// authorize admits requests whose API key is valid, has the scope and is within its limits.
func (s *Server) authorize(scope access.Scope) func(*gin.Context) error {
	return func(c *gin.Context) error {
		scheme, token, _ := strings.Cut(c.GetHeader("Authorization"), " ")
		if token == "" || !strings.EqualFold(scheme, "Bearer") {
			c.Header("WWW-Authenticate", `Bearer realm="onlywave"`)
			return &failure.Error{Kind: failure.Unauthorized, Message: "send your API key in the header Authorization: Bearer ow_…"}
		}
		token = strings.TrimSpace(token)
		key, err := s.validKey(c.Request.Context(), token, scope, func() error { return s.mayGuess(c) })
		if err != nil {
			return err
		}
		if key == nil {
			c.Header("WWW-Authenticate", `Bearer realm="onlywave", error="invalid_token"`)
			return s.refuseKey(c, &failure.Error{Kind: failure.Unauthorized, Message: s.whyRefused(token)})
		}
		event(c).clientID, event(c).keyID = key.ClientID, key.ID
		if err := s.limit(c, key, scope); err != nil {
			return err
		}
		event(c).allows = key.Allows
		if !key.Allows(scope) {
			c.Header("WWW-Authenticate", fmt.Sprintf(`Bearer realm="onlywave", error="insufficient_scope", scope="%s"`, scope))
			return &failure.Error{Kind: failure.Forbidden, Message: "the API key does not have the scope " + string(scope)}
		}
		return nil
	}
}

// actor is the client app that sent the request.
func actor(c *gin.Context) audit.Actor {
	return audit.Actor{Name: event(c).clientID, Channel: audit.REST, From: c.ClientIP() + ", API key " + event(c).keyID}
}

// whyRefused says what is wrong with a key, as far as the key itself shows it.
func (s *Server) whyRefused(text string) string {
	if environment, _, ok := access.ParseAPIKey(text); ok && environment != s.config.Environment {
		return fmt.Sprintf("the API key belongs to another environment; this is %[1]s, use a key that begins with ow_%[1]s_", s.config.Environment)
	}
	return "the API key is wrong, expired or revoked"
}

// validKey returns the key that the text names, or nil when no such key is valid. A key of another environment is never looked up,
// so that it does not work even when the database is a copy of the other environment's.
func (s *Server) validKey(ctx context.Context, text string, scope access.Scope, mayGuess func() error) (*access.APIKey, error) {
	environment, id, ok := access.ParseAPIKey(text)
	if !ok || environment != s.config.Environment {
		return nil, nil
	}
	key, err := s.keys.key(ctx, id, scope, mayGuess)
	if err != nil || key == nil || !key.Admits(text, time.Now()) {
		return nil, err
	}
	return key, nil
}

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

// A revoked key must stop working within five seconds, and a key that is tried again and again, right or wrong, must not cost
// a read each time.
const (
	keyMemory = 5 * time.Second
	keysKept  = 10_000
	// keyGrace is for how long a key that was in force still reads while the record is away, where nobody can revoke it. It
	// changes nothing meanwhile.
	keyGrace = 15 * time.Minute
)

// keys knows API keys from the record, for as long as keyMemory.
type keys struct {
	database database
	known    *lru.Cache[string, remembered] // by id
}

// remembered is what the record said; a nil key is that there is none. The library's own expiring cache is not used because
// each one keeps a goroutine that nothing can stop.
type remembered struct {
	key   *access.APIKey
	until time.Time
	read  time.Time // when the record said so
	away  bool      // which is longer ago than keyMemory, because the record was away since
}

func newKeys(d database) *keys {
	known, err := lru.New[string, remembered](keysKept)
	if err != nil {
		panic("api: " + err.Error()) // the size is a constant
	}
	return &keys{database: d, known: known}
}

// key is the key with this id for what needs the scope, or nil. An id that was no key's when last heard of may have to be
// guessed at.
func (k *keys) key(ctx context.Context, id string, scope access.Scope, mayGuess func() error) (*access.APIKey, error) {
	kept, ok := k.known.Get(id)
	if ok && time.Now().Before(kept.until) && (!kept.away || scope == access.ScopePaymentsRead) {
		return kept.key, nil
	}
	if kept.key == nil {
		if err := mayGuess(); err != nil {
			return nil, err
		}
	}
	now := time.Now() // from before the read, so that a revocation during it is not remembered longer
	read, err := k.database.APIKey(ctx, id)
	found := &read
	if failure.KindOf(err) == failure.NotFound {
		found, err = nil, nil
	}
	if failure.KindOf(err) == failure.Unavailable && kept.key != nil && now.Before(kept.read.Add(keyGrace)) {
		kept.away, kept.until = true, now.Add(keyMemory) // the record is not asked, and waited for, for each request
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

// authorize admits requests whose API key is in force, has the scope and is within its limits.
func (s *Server) authorize(scope access.Scope) func(*gin.Context) error {
	return func(c *gin.Context) error {
		scheme, token, _ := strings.Cut(c.GetHeader("Authorization"), " ")
		if token == "" || !strings.EqualFold(scheme, "Bearer") {
			c.Header("WWW-Authenticate", `Bearer realm="onlywave"`)
			return &failure.Error{Kind: failure.Unauthorized, Message: "send your API key as Authorization: Bearer ow_…"}
		}
		token = strings.TrimSpace(token)
		key, err := s.admitted(c.Request.Context(), token, scope, func() error { return s.mayGuess(c) })
		if err != nil {
			return err
		}
		if key == nil {
			c.Header("WWW-Authenticate", `Bearer realm="onlywave", error="invalid_token"`)
			return s.guessed(c, &failure.Error{Kind: failure.Unauthorized, Message: s.whyRefused(token)})
		}
		event(c).clientID, event(c).keyID = key.ClientID, key.ID
		if err := s.limit(c, key, scope); err != nil {
			return err
		}
		if !key.Allows(scope) {
			c.Header("WWW-Authenticate", fmt.Sprintf(`Bearer realm="onlywave", error="insufficient_scope", scope="%s"`, scope))
			return &failure.Error{Kind: failure.Forbidden, Message: "the API key lacks the scope " + string(scope)}
		}
		return nil
	}
}

// actor is the client app whose key the request has.
func actor(c *gin.Context) audit.Actor {
	return audit.Actor{Name: event(c).clientID, Channel: audit.REST, From: c.ClientIP() + ", API key " + event(c).keyID}
}

// whyRefused says what is wrong with a key, as far as everybody can read it there.
func (s *Server) whyRefused(text string) string {
	if environment, _, ok := access.ParseAPIKey(text); ok && environment != s.config.Environment {
		return fmt.Sprintf("the API key is of another environment; this platform is %[1]s, and takes those that begin with ow_%[1]s_", s.config.Environment)
	}
	return "the API key is wrong, expired or revoked"
}

// admitted is the key that the text is, or nil when it is none that is in force. Those of another environment are not looked
// for, so that a record which was copied lets no test in.
func (s *Server) admitted(ctx context.Context, text string, scope access.Scope, mayGuess func() error) (*access.APIKey, error) {
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

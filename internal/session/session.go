// Package session keeps users logged in: a cookie with a random token, and the session's data in Redis under the token's hash.
//
// Its one rule: a session that has ended never comes back, even if a request that began before the end writes it later.
// While Redis is unavailable there are no sessions: every call returns an error of kind Unavailable.
package session

import (
	"net/http"
	"time"

	"github.com/alexedwards/scs/v2"

	"github.com/onlywave/onlywave/internal/redis"
)

// Options configures sessions.
type Options struct {
	Secure   bool          // the cookie is for https only
	Idle     time.Duration // a session ends after this time without a request
	Lifetime time.Duration // a session ends this time after its log-in, with or without requests
}

// CookieName is the name of the cookie; load balancers may read it. Over https it has the prefix __Host-: then browsers accept it
// only from the host that it is for.
const CookieName = "onlywave_session"

const hostPrefix = "__Host-"

// New makes the manager of sessions; all processes with the same Redis share them. scs.New would start a goroutine for a store in
// memory that is not used.
func New(redis *redis.Store, o Options) *scs.SessionManager {
	name := CookieName
	if o.Secure {
		name = hostPrefix + CookieName
	}
	return &scs.SessionManager{
		Store: &store{redis}, HashTokenInStore: true, Codec: scs.GobCodec{},
		IdleTimeout: o.Idle, Lifetime: o.Lifetime,
		Cookie: scs.SessionCookie{ // without Persist: the cookie ends with the browser
			Name: name, Secure: o.Secure, HttpOnly: true, SameSite: http.SameSiteLaxMode, Path: "/",
		},
	}
}

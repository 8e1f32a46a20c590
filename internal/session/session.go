// Package session keeps people logged in: a cookie with a random token, and what belongs to it in Redis, under the token's
// hash.
//
// Its one rule: a session that has ended never comes back, not even when a request that began before has yet to write it.
// While Redis is away there are no sessions, and whoever asks for one is told so: kind Unavailable.
package session

import (
	"net/http"
	"time"

	"github.com/alexedwards/scs/v2"

	"github.com/onlywave/onlywave/internal/redis"
)

// Options is how sessions are.
type Options struct {
	Secure   bool          // the cookie is for https only
	Idle     time.Duration // a session ends when nothing is asked for so long
	Lifetime time.Duration // and so long after the log-in at the latest
}

// CookieName is what the cookie is called; balancers may look at it. Over https browsers take its other form only from
// the very host that it is for.
const CookieName = "onlywave_session"

const hostPrefix = "__Host-"

// New makes the manager of the sessions that all processes with this Redis share. scs.New would keep a goroutine for a store
// that is not used.
func New(redis *redis.Store, o Options) *scs.SessionManager {
	name := CookieName
	if o.Secure {
		name = hostPrefix + CookieName
	}
	return &scs.SessionManager{
		Store: &store{redis}, HashTokenInStore: true, Codec: scs.GobCodec{},
		IdleTimeout: o.Idle, Lifetime: o.Lifetime,
		Cookie: scs.SessionCookie{ // which ends with the browser, too
			Name: name, Secure: o.Secure, HttpOnly: true, SameSite: http.SameSiteLaxMode, Path: "/",
		},
	}
}

package console

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/onlywave/onlywave/internal/access"
	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/failure"
)

// visit is one request by one person.
type visit struct {
	*http.Request
	user   access.User // zero: nobody is logged in
	kept   bool        // there is a session to write back
	notice string      // what the last page wanted to be said on this one
}

// actor is the person.
func (v *visit) actor() audit.Actor {
	host, _, _ := net.SplitHostPort(v.RemoteAddr) // the server wrote it
	return audit.Actor{Name: v.user.Name, Channel: audit.Console, From: host}
}

// reply is what a handler wants to be answered: a page, or another place to go to.
type reply struct {
	status  int    // 0: 200
	page    string // a template's name
	title   string
	refresh int // seconds after which a browser asks again; 0: never
	data    any
	png     []byte // instead of a page
	to      string
}

// What a session holds.
const (
	sessionUser       = "user"
	sessionGeneration = "generation"
	sessionNotice     = "notice"
	sessionEnrolment  = "enrolment" // a second factor that is being set up, sealed
)

// What sends to another page: to the log-in, and to the page where a second factor is set up.
var (
	errLogIn = errors.New("nobody is logged in")
	errEnrol = errors.New("the user has to set a second factor up")
)

// enrolling is where users are who set a second factor up.
const enrolling = "/console/account/second-factor"

// page serves what handle replies to people who are allowed the scope. The session is written before anything is answered.
func (c *Console) page(scope access.Scope, handle func(*visit) (reply, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), pageTime)
		defer cancel()
		v := &visit{Request: r.WithContext(ctx)}
		var answer reply
		err := c.enter(v, scope)
		if err == nil {
			answer, err = handle(v)
		}
		if keepErr := c.keep(w, v); err == nil {
			err = keepErr
		}
		if err != nil {
			answer = c.failure(w, v, err)
		}
		c.write(w, v, answer)
	})
}

// enter finds out who comes, and whether he may.
func (c *Console) enter(v *visit, scope access.Scope) error {
	var token string
	if cookie, err := v.Cookie(c.config.Sessions.Cookie.Name); err == nil {
		token = cookie.Value
	}
	ctx, err := c.config.Sessions.Load(v.Context(), token)
	if err != nil {
		return err
	}
	v.Request, v.kept = v.WithContext(ctx), true
	if err := v.ParseForm(); err != nil {
		return &failure.Error{Kind: failure.Invalid, Message: "the form cannot be read"}
	}
	if v.user, err = c.who(ctx); err != nil || scope == anybody {
		return err
	}
	if v.Method == http.MethodGet {
		v.notice = c.config.Sessions.PopString(ctx, sessionNotice)
	}
	switch {
	case v.user.Name == "":
		return errLogIn
	case c.needsSecondFactor(v.user) && !strings.HasPrefix(v.URL.Path, enrolling):
		return errEnrol
	case !v.user.Role.Allows(scope):
		return &failure.Error{Kind: failure.Forbidden, Message: "you may look, and change nothing: your role is " + string(v.user.Role)}
	}
	return nil
}

// who is the user of the session, as the record has him now. While the record is away whoever is logged in may look.
func (c *Console) who(ctx context.Context) (access.User, error) {
	sessions := c.config.Sessions
	name := sessions.GetString(ctx, sessionUser)
	if name == "" {
		return access.User{}, nil
	}
	u, err := c.userInTime(ctx, name)
	switch kind := failure.KindOf(err); {
	case err != nil && kind == failure.Unavailable:
		return access.User{Name: name, Role: access.Viewer}, nil
	case err != nil && kind != failure.NotFound:
		return access.User{}, err
	case err != nil, u.Generation != sessions.GetString(ctx, sessionGeneration): // removed or revoked
		return access.User{}, sessions.Destroy(ctx)
	}
	return u, nil
}

// keep writes the session back, and tells the browser its token where that has changed.
func (c *Console) keep(w http.ResponseWriter, v *visit) error {
	if !v.kept {
		return nil
	}
	return c.commit(w, v.Context())
}

// failure is the page that says what went wrong and what to do.
func (c *Console) failure(w http.ResponseWriter, v *visit, err error) reply {
	if errors.Is(err, errLogIn) {
		to := "/console/log-in"
		if v.Method == http.MethodGet && v.URL.Path != "/console/" {
			to += "?to=" + url.QueryEscape(v.URL.RequestURI())
		}
		return reply{to: to}
	}
	if errors.Is(err, errEnrol) {
		return reply{to: enrolling}
	}
	return c.sorry(w, v, err)
}

// goingTo is where a log-in leads: a page of ours and nowhere else.
func goingTo(to string) string {
	if strings.HasPrefix(to, "/console/") && !strings.ContainsAny(to, "\\\r\n") {
		return to
	}
	return "/console/"
}

// notify says something on the next page.
func (c *Console) notify(v *visit, words string) {
	c.config.Sessions.Put(v.Context(), sessionNotice, words)
}

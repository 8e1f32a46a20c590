package console

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/alexedwards/scs/v2"

	"github.com/onlywave/onlywave/internal/access"
	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/language"
)

// request is a request with its user.
type request struct {
	*http.Request
	language language.Language
	user     access.User // zero: nobody is logged in
	loaded   bool        // the session is loaded and has to be written back
	notice   string      // set by the previous request, to be shown on this page
}

// actor is the user as an actor.
func (r *request) actor() audit.Actor {
	host, _, _ := net.SplitHostPort(r.RemoteAddr) // set by the server
	return audit.Actor{Name: r.user.Name, Channel: audit.Console, From: host}
}

// address is the address of this page, without a query that may hold an e-mail address.
func (r *request) address() string {
	for _, values := range r.URL.Query() {
		if slices.ContainsFunc(values, mayBeEmail) {
			return r.URL.Path
		}
	}
	return r.URL.RequestURI()
}

// response is the answer of a handler: a page, an image or a redirect.
type response struct {
	status   int          // 0: 200
	page     string       // a template's name
	title    string       // in English, see say
	subject  string       // after the title, such as an id
	cookie   *http.Cookie // to be set
	refresh  int          // seconds after which the browser reloads the page; 0: never
	data     any
	png      []byte // instead of a page
	redirect string // instead of a page
}

// The keys of a session's values.
const (
	keyUser       = "user"
	keyGeneration = "generation"
	keyNotice     = "notice"
	keyEnrolment  = "enrolment" // a second factor that is being set up, sealed
)

// These errors redirect: to the log-in, and to the page where the user sets up a second factor.
var (
	errLogIn = errors.New("nobody is logged in")
	errEnrol = errors.New("the user has to set up a second factor")
)

// enrolPath is the page where a user sets up a second factor.
const enrolPath = "/console/account/second-factor"

// page serves the responses of handle to users with the scope. The session is written before the response.
func (c *Console) page(scope access.Scope, handle func(*request) (response, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, plain *http.Request) {
		ctx, cancel := context.WithTimeout(plain.Context(), pageTimeout)
		defer cancel()
		r := &request{Request: plain.WithContext(ctx), language: requestLanguage(plain)}
		var answer response
		err := c.authorize(r, scope)
		if err == nil {
			answer, err = handle(r)
		}
		if writeErr := c.writeSession(w, r); err == nil {
			err = writeErr
		}
		if err != nil {
			answer = c.failure(w, r, err)
		}
		c.write(w, r, answer)
	})
}

// authorize loads the session and its user, and checks that the user has the scope.
func (c *Console) authorize(r *request, scope access.Scope) error {
	var token string
	if cookie, err := r.Cookie(c.config.Sessions.Cookie.Name); err == nil {
		token = cookie.Value
	}
	ctx, err := c.config.Sessions.Load(r.Context(), token)
	if err != nil {
		return err
	}
	r.Request, r.loaded = r.WithContext(ctx), true
	if err := r.ParseForm(); err != nil {
		return &failure.Error{Kind: failure.Invalid, Message: "the form cannot be read"}
	}
	if r.user, err = c.sessionUser(ctx); err != nil || scope == noScope {
		return err
	}
	if r.Method == http.MethodGet {
		r.notice = c.config.Sessions.PopString(ctx, keyNotice)
	}
	switch {
	case r.user.Name == "":
		return errLogIn
	case c.needsSecondFactor(r.user) && !strings.HasPrefix(r.URL.Path, enrolPath):
		return errEnrol
	case !r.user.Role.Allows(scope):
		return &failure.Error{Kind: failure.Forbidden, Message: "your role may read and change nothing; it is " + string(r.user.Role)}
	}
	return nil
}

// sessionUser is the user of the session as the database holds it now. While the database is unavailable a logged-in user may read.
func (c *Console) sessionUser(ctx context.Context) (access.User, error) {
	sessions := c.config.Sessions
	name := sessions.GetString(ctx, keyUser)
	if name == "" {
		return access.User{}, nil
	}
	u, err := c.readUser(ctx, name)
	switch kind := failure.KindOf(err); {
	case err != nil && kind == failure.Unavailable:
		return access.User{Name: name, Role: access.Viewer}, nil
	case err != nil && kind != failure.NotFound:
		return access.User{}, err
	case err != nil, u.Generation != sessions.GetString(ctx, keyGeneration): // removed or revoked
		return access.User{}, sessions.Destroy(ctx)
	}
	return u, nil
}

// writeSession stores the session, and sets its cookie if the token has changed.
func (c *Console) writeSession(w http.ResponseWriter, r *request) error {
	if !r.loaded {
		return nil
	}
	sessions, ctx := c.config.Sessions, r.Context()
	switch sessions.Status(ctx) {
	case scs.Modified:
		token, expiry, err := sessions.Commit(ctx)
		if err != nil {
			return err
		}
		sessions.WriteSessionCookie(ctx, w, token, expiry)
	case scs.Destroyed:
		sessions.WriteSessionCookie(ctx, w, "", time.Time{})
	case scs.Unmodified:
	}
	return nil
}

// failure turns an error into a redirect or into the page that explains it.
func (c *Console) failure(w http.ResponseWriter, r *request, err error) response {
	if errors.Is(err, errLogIn) {
		to := "/console/log-in"
		if r.Method == http.MethodGet && r.URL.Path != "/console/" {
			to += "?to=" + url.QueryEscape(r.address())
		}
		return response{redirect: to}
	}
	if errors.Is(err, errEnrol) {
		return response{redirect: enrolPath}
	}
	return c.failureResponse(w, r, err)
}

// ownPage is the address if it is a page of the console, or else the overview.
func ownPage(to string) string {
	if strings.HasPrefix(to, "/console/") && !strings.ContainsAny(to, "\\\r\n") {
		return to
	}
	return "/console/"
}

// setNotice sets the text that the next page shows once.
func (c *Console) setNotice(r *request, text string) {
	c.config.Sessions.Put(r.Context(), keyNotice, text)
}

package console

import (
	"context"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/alexedwards/scs/v2"

	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/ratelimit"
	"github.com/onlywave/onlywave/internal/session"
)

// How many log-ins may be tried, right or wrong: by one address, for one user by one address, and for one user from wherever.
// The last is so much wider that a few addresses keep nobody out.
var (
	addressLogIns = ratelimit.Limit{Name: "log-ins-address", Quota: 20, Window: time.Minute}
	userLogIns    = ratelimit.Limit{Name: "log-ins-user", Quota: 10, Window: 5 * time.Minute}
	allUserLogIns = ratelimit.Limit{Name: "log-ins-user-everywhere", Quota: 100, Window: 5 * time.Minute}
)

// refusalsKept is how many log-ins that failed are recorded of one user.
var refusalsKept = ratelimit.Limit{Name: "log-ins-refused-kept", Quota: 30, Window: time.Hour}

// userTime is how long the record may take to say who somebody is, so that time is left for the page.
const userTime = 3 * time.Second

func (c *Console) userInTime(ctx context.Context, name string) (payment.User, error) {
	ctx, cancel := context.WithTimeout(ctx, userTime)
	defer cancel()
	return c.config.Record.User(ctx, name)
}

// logInForm is the log-in page.
type logInForm struct {
	Name  string
	To    string
	Wrong string
}

func (c *Console) askLogIn(v *visit) (reply, error) {
	if v.user.Name != "" {
		return reply{to: "/console/"}, nil
	}
	return logInPage(http.StatusOK, logInForm{To: v.FormValue("to")}), nil
}

func logInPage(status int, form logInForm) reply {
	return reply{status: status, page: "log-in", title: "Log in", data: form}
}

// logIn begins a session under a new token. It takes as long for a user that there is not, and says the same.
func (c *Console) logIn(v *visit) (reply, error) {
	form := logInForm{Name: strings.ToLower(strings.TrimSpace(v.PostFormValue("name"))), To: v.PostFormValue("to")}
	if !payment.ValidUserName(form.Name) {
		form.Name = ""
	}
	if verdict := c.mayLogIn(v, form.Name); !verdict.Admitted {
		return reply{}, &payment.Error{Kind: payment.Limited, Message: "too many log-ins were tried", RetryAfter: verdict.RetryAfter}
	}
	u, err := c.userInTime(v.Context(), form.Name)
	if err != nil && payment.KindOf(err) != payment.NotFound {
		return reply{}, err
	}
	is, err := session.PasswordIs(v.Context(), u.PasswordHash, v.PostFormValue("password"))
	if err != nil {
		return reply{}, err
	}
	if !is {
		c.refused(v, u.Name)
		form.Wrong = "The name or the password is wrong."
		return logInPage(http.StatusUnprocessableEntity, form), nil
	}
	if err := c.config.Record.Audit(v.Context(), person(v, audit.LogIn, u.Name)); err != nil {
		return reply{}, err
	}
	sessions := c.config.Sessions
	if err := sessions.RenewToken(v.Context()); err != nil {
		return reply{}, err
	}
	sessions.Put(v.Context(), sessionUser, u.Name)
	sessions.Put(v.Context(), sessionGeneration, u.Generation)
	c.config.Log.InfoContext(v.Context(), "logged in", "actor", u.Name, "remote", v.RemoteAddr)
	return reply{to: goingTo(form.To)}, nil
}

// person is an entry in the audit about somebody who comes or goes, or says to be somebody.
func person(v *visit, action audit.Action, name string) audit.Entry {
	by := v.actor()
	by.Name = name
	return audit.Entry{Actor: by, Action: action, Object: "user/" + name}
}

// refused notes a log-in that failed, in the name of a user that there is: what else was typed may be a password in the wrong
// field. A flood of guesses must not flood the audit, which is kept for good.
func (c *Console) refused(v *visit, name string) {
	c.config.Log.WarnContext(v.Context(), "log-in refused", "actor", name, "remote", v.RemoteAddr)
	if name == "" || !c.config.Limiter.Take(v.Context(), "user:"+name, refusalsKept).Admitted {
		return
	}
	c.note(v, person(v, audit.LogInRefused, name))
}

// note records what happens whether it can be recorded or not.
func (c *Console) note(v *visit, e audit.Entry) {
	if err := c.config.Record.Audit(v.Context(), e); err != nil {
		c.config.Log.ErrorContext(v.Context(), "not in the audit", "actor", e.Actor.Name, "action", e.Action, "error", err)
	}
}

func (c *Console) mayLogIn(v *visit, name string) ratelimit.Verdict {
	host, _, _ := net.SplitHostPort(v.RemoteAddr) // the server wrote it
	address := ratelimit.Address(host)
	verdict := c.config.Limiter.Take(v.Context(), address, addressLogIns)
	if !verdict.Admitted || name == "" {
		return verdict
	}
	byAddress := userLogIns
	byAddress.Key = address
	return c.config.Limiter.Take(v.Context(), "user:"+name, byAddress, allUserLogIns)
}

func (c *Console) logOut(v *visit) (reply, error) {
	if v.user.Name != "" {
		c.config.Log.InfoContext(v.Context(), "logged out", "actor", v.user.Name)
		c.note(v, person(v, audit.LogOut, v.user.Name))
	}
	return reply{to: "/console/log-in"}, c.config.Sessions.Destroy(v.Context())
}

// commit writes what has changed of the session of ctx, and its cookie.
func (c *Console) commit(w http.ResponseWriter, ctx context.Context) error {
	sessions := c.config.Sessions
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

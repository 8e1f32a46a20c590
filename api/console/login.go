package console

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/alexedwards/scs/v2"

	"github.com/onlywave/onlywave/internal/access"
	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/ratelimit"
)

// How many log-ins may be tried, right or wrong: by one address, for one user by one address, and for one user from wherever
// without a code that is right. So whoever has a second factor is kept out by nobody else's guesses.
var (
	addressLogIns = ratelimit.Limit{Name: "log-ins-address", Quota: 20, Window: time.Minute}
	userLogIns    = ratelimit.Limit{Name: "log-ins-user", Quota: 10, Window: 5 * time.Minute}
	allUserLogIns = ratelimit.Limit{Name: "log-ins-user-everywhere", Quota: 100, Window: 5 * time.Minute}
)

// refusalsKept is how many log-ins that failed are recorded of one user.
var refusalsKept = ratelimit.Limit{Name: "log-ins-refused-kept", Quota: 30, Window: time.Hour}

// userTime is how long the record may take to say who somebody is, so that time is left for the page.
const userTime = 3 * time.Second

func (c *Console) userInTime(ctx context.Context, name string) (access.User, error) {
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

// What a log-in that fails is told. The first says the same whatever was wrong.
const (
	wrongLogIn = "The name, the password or the code is wrong."
	guessedAt  = "Somebody who knows your password has guessed at your codes, so one code is not enough. Enter two in a row, the second " +
		"when your app shows it, or a recovery code. Then change your password."
)

// logIn begins a session under a new token. It takes as long for a user that there is not, and says the same.
func (c *Console) logIn(v *visit) (reply, error) {
	form := logInForm{Name: strings.ToLower(strings.TrimSpace(v.PostFormValue("name"))), To: v.PostFormValue("to")}
	if !access.ValidUserName(form.Name) {
		form.Name = ""
	}
	if verdict := c.mayLogIn(v, form.Name); !verdict.Admitted {
		return reply{}, tooMany(verdict)
	}
	u, err := c.userInTime(v.Context(), form.Name)
	if err != nil && failure.KindOf(err) != failure.NotFound {
		return reply{}, err
	}
	shown, err := c.shown(v.Context(), u, v.PostFormValue("code"))
	if err != nil {
		return reply{}, err
	}
	lane := access.Proven
	if !shown.right {
		lane = access.Guesses
		if verdict := c.config.Limiter.Take(v.Context(), "user:"+form.Name, allUserLogIns); form.Name != "" && !verdict.Admitted {
			return reply{}, tooMany(verdict)
		}
	}
	is, err := access.PasswordMatches(v.Context(), lane, u.PasswordHash, v.PostFormValue("password"))
	if err != nil {
		return reply{}, err
	}
	if !is || u.SecondFactor != "" && !shown.enough {
		form.Wrong = c.refused(v, u, is)
		return logInPage(http.StatusUnprocessableEntity, form), nil
	}
	return c.letIn(v, u, shown, form)
}

// letIn begins the session of a user who has proved to be one. A code that was used before is a wrong one.
func (c *Console) letIn(v *visit, u access.User, shown shown, form logInForm) (reply, error) {
	last, err := c.config.Record.LogIns(v.Context(), u.Name, logInsShown)
	if err != nil {
		return reply{}, err
	}
	e := person(v, audit.LogIn, u.Name)
	e.After = audit.Values{"second_factor": shown.by}
	if err = c.config.Record.LogIn(v.Context(), e, u.Name, shown.proof); failure.KindOf(err) == failure.Conflict {
		form.Wrong = c.refused(v, u, false)
		return logInPage(http.StatusUnprocessableEntity, form), nil
	}
	if err != nil {
		return reply{}, err
	}
	sessions := c.config.Sessions
	if err := sessions.RenewToken(v.Context()); err != nil {
		return reply{}, err
	}
	sessions.Put(v.Context(), sessionUser, u.Name)
	sessions.Put(v.Context(), sessionGeneration, u.Generation)
	c.notify(v, strings.TrimSpace(lastLogIn(last)+" "+shown.note))
	c.config.Log.InfoContext(v.Context(), "logged in", "actor", u.Name, "remote", v.RemoteAddr, "second_factor", shown.by)
	return reply{to: goingTo(form.To)}, nil
}

// lastLogIn tells a user of the log-in before, and of those that were refused since: somebody else's would be seen.
func lastLogIn(entries []audit.Entry) string {
	refused := 0
	for _, e := range entries {
		if e.Action == audit.LogIn {
			said := fmt.Sprintf("Your last log-in was on %s from %s.", e.At.Format(dateTime), e.Actor.From)
			if refused > 0 {
				said += fmt.Sprintf(" Since then %d failed.", refused)
			}
			return said
		}
		refused++
	}
	if refused > 0 {
		return fmt.Sprintf("This is your first log-in. %d failed before it.", refused)
	}
	return ""
}

// person is an entry in the audit about somebody who comes or goes, or says to be somebody.
func person(v *visit, action audit.Action, name string) audit.Entry {
	by := v.actor()
	by.Name = name
	return audit.Entry{Actor: by, Action: action, Object: "user/" + name}
}

// refused notes a log-in that failed, in the name of a user that there is: what else was typed may be a password in the wrong
// field. A flood of guesses must not flood the audit, which is kept for good. It returns what to tell whoever tried.
func (c *Console) refused(v *visit, u access.User, knowsPassword bool) string {
	c.config.Log.WarnContext(v.Context(), "log-in refused", "actor", u.Name, "remote", v.RemoteAddr, "password_right", knowsPassword)
	if u.Name == "" {
		return wrongLogIn
	}
	e := person(v, audit.LogInRefused, u.Name)
	if knowsPassword {
		e.After = audit.Values{"password": "right", "code": "wrong"}
		if err := c.config.Record.WrongCode(v.Context(), u.Name); err != nil {
			c.config.Log.ErrorContext(v.Context(), "wrong code not counted", "actor", u.Name, "error", err)
		}
	}
	if c.config.Limiter.Take(v.Context(), "user:"+u.Name, refusalsKept).Admitted {
		c.note(v, e)
	}
	if knowsPassword && isGuessedAt(u) {
		return guessedAt
	}
	return wrongLogIn
}

// note records what happens whether it can be recorded or not.
func (c *Console) note(v *visit, e audit.Entry) {
	if err := c.config.Record.Audit(v.Context(), e); err != nil {
		c.config.Log.ErrorContext(v.Context(), "not in the audit", "actor", e.Actor.Name, "action", e.Action, "error", err)
	}
}

// mayLogIn asks the limits that only whoever is at the same address can use up.
func (c *Console) mayLogIn(v *visit, name string) ratelimit.Decision {
	host, _, _ := net.SplitHostPort(v.RemoteAddr) // the server wrote it
	address := ratelimit.Address(host)
	verdict := c.config.Limiter.Take(v.Context(), address, addressLogIns)
	if !verdict.Admitted || name == "" {
		return verdict
	}
	byAddress := userLogIns
	byAddress.Key = address
	return c.config.Limiter.Take(v.Context(), "user:"+name, byAddress)
}

func tooMany(verdict ratelimit.Decision) error {
	return &failure.Error{Kind: failure.Limited, Message: "too many log-ins were tried", RetryAfter: verdict.RetryAfter}
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

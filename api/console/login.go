package console

import (
	"context"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/onlywave/onlywave/internal/access"
	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/ratelimit"
)

// Limits of log-ins, successful or not: from one address, for one user from one address, and for one user from all addresses without
// a correct code. Guesses of others cannot lock out a user with a second factor: a log-in with a correct code does not count in
// the third limit.
var (
	addressLogIns = ratelimit.Limit{Name: "log-ins-address", Quota: 20, Window: time.Minute}
	userLogIns    = ratelimit.Limit{Name: "log-ins-user", Quota: 10, Window: 5 * time.Minute}
	allUserLogIns = ratelimit.Limit{Name: "log-ins-user-everywhere", Quota: 100, Window: 5 * time.Minute}
)

// auditedRefusals limits how many failed log-ins of one user go into the audit, which is kept for good.
var auditedRefusals = ratelimit.Limit{Name: "log-ins-refused-kept", Quota: 30, Window: time.Hour}

// userTimeout is the timeout to read the user; it leaves time for the page itself.
const userTimeout = 3 * time.Second

func (c *Console) readUser(ctx context.Context, name string) (access.User, error) {
	ctx, cancel := context.WithTimeout(ctx, userTimeout)
	defer cancel()
	return c.config.Store.User(ctx, name)
}

// logInForm is the data of the log-in page.
type logInForm struct {
	Name  string
	To    string
	Wrong string
}

func (c *Console) askLogIn(r *request) (response, error) {
	if r.user.Name != "" {
		return response{redirect: "/console/"}, nil
	}
	return logInPage(http.StatusOK, logInForm{To: r.FormValue("to")}), nil
}

func logInPage(status int, form logInForm) response {
	return response{status: status, page: "log-in", title: "Log in", data: form}
}

// The texts of a failed log-in. The first is the same for a wrong name, password and code.
const (
	wrongLogIn     = "The name, the password or the code is wrong."
	twoCodesNeeded = "Somebody knows your password and has tried to guess your codes, so one code is not enough. Enter two codes in a " +
		"row (wait until your app shows the second one), or a recovery code. Then change your password."
)

// logIn starts a session with a new token. For an unknown user it takes the same time and gives the same answer.
func (c *Console) logIn(r *request) (response, error) {
	form := logInForm{Name: strings.ToLower(strings.TrimSpace(r.PostFormValue("name"))), To: r.PostFormValue("to")}
	if !access.ValidUserName(form.Name) {
		form.Name = ""
	}
	if taken := c.mayLogIn(r, form.Name); !taken.Admitted {
		return response{}, tooMany(taken)
	}
	u, err := c.readUser(r.Context(), form.Name)
	if err != nil && failure.KindOf(err) != failure.NotFound {
		return response{}, err
	}
	code, err := c.checkCode(r.Context(), u, r.PostFormValue("code"))
	if err != nil {
		return response{}, err
	}
	lane := access.Proven
	if !code.right {
		lane = access.Guesses
		if taken := c.config.Limiter.Take(r.Context(), "user:"+form.Name, allUserLogIns); form.Name != "" && !taken.Admitted {
			return response{}, tooMany(taken)
		}
	}
	matches, err := access.PasswordMatches(r.Context(), lane, u.PasswordHash, r.PostFormValue("password"))
	if err != nil {
		return response{}, err
	}
	if !matches || u.SecondFactor != "" && !code.enough {
		form.Wrong = r.say(c.refuse(r, u, matches))
		return logInPage(http.StatusUnprocessableEntity, form), nil
	}
	return c.startSession(r, u, code, form)
}

// startSession starts the session of a user with the right password and code. A code that was used before counts as wrong.
func (c *Console) startSession(r *request, u access.User, code codeCheck, form logInForm) (response, error) {
	last, err := c.config.Store.LogIns(r.Context(), u.Name, logInsShown)
	if err != nil {
		return response{}, err
	}
	e := auditEntry(r, audit.LogIn, u.Name)
	e.After = audit.Values{"second_factor": code.by}
	if err = c.config.Store.LogIn(r.Context(), e, u.Name, code.proof); failure.KindOf(err) == failure.Conflict {
		form.Wrong = r.say(c.refuse(r, u, false))
		return logInPage(http.StatusUnprocessableEntity, form), nil
	}
	if err != nil {
		return response{}, err
	}
	sessions := c.config.Sessions
	if err := sessions.RenewToken(r.Context()); err != nil {
		return response{}, err
	}
	sessions.Put(r.Context(), keyUser, u.Name)
	sessions.Put(r.Context(), keyGeneration, u.Generation)
	c.setNotice(r, strings.TrimSpace(lastLogIn(r, last)+" "+codesLeft(r, code)))
	c.config.Log.InfoContext(r.Context(), "logged in", "actor", u.Name, "remote", r.RemoteAddr, "second_factor", code.by)
	return response{redirect: ownPage(form.To)}, nil
}

// lastLogIn is the notice about the user's last log-in and the failed ones since then, so that the user notices an attacker.
func lastLogIn(r *request, entries []audit.Entry) string {
	refused := 0
	for _, e := range entries {
		if e.Action == audit.LogIn {
			notice := r.say("Your last log-in was on %s from %s.", e.At.UTC().Format(timeFormats[r.language]), e.Actor.From)
			if refused > 0 {
				notice += " " + r.say("Since then %d log-ins failed.", refused)
			}
			return notice
		}
		refused++
	}
	if refused > 0 {
		return r.say("This is your first log-in. %d log-ins failed before it.", refused)
	}
	return ""
}

// auditEntry is the entry of a log-in or log-out.
func auditEntry(r *request, action audit.Action, name string) audit.Entry {
	by := r.actor()
	by.Name = name
	return audit.Entry{Actor: by, Action: action, Object: "user/" + name}
}

// refuse logs and audits a failed log-in and returns the text for the form. It writes the name only if the user exists: other text may
// be a password in the wrong field.
func (c *Console) refuse(r *request, u access.User, knowsPassword bool) string {
	c.config.Log.WarnContext(r.Context(), "log-in refused", "actor", u.Name, "remote", r.RemoteAddr, "password_right", knowsPassword)
	if u.Name == "" {
		return wrongLogIn
	}
	e := auditEntry(r, audit.LogInRefused, u.Name)
	if knowsPassword {
		e.After = audit.Values{"password": "right", "code": "wrong"}
		if err := c.config.Store.WrongCode(r.Context(), u.Name); err != nil {
			c.config.Log.ErrorContext(r.Context(), "wrong code not counted", "actor", u.Name, "error", err)
		}
	}
	if c.config.Limiter.Take(r.Context(), "user:"+u.Name, auditedRefusals).Admitted {
		c.tryAudit(r, e)
	}
	if knowsPassword && needsTwoCodes(u) {
		return twoCodesNeeded
	}
	return wrongLogIn
}

// tryAudit adds an entry for something that has happened already; it can only log that this failed.
func (c *Console) tryAudit(r *request, e audit.Entry) {
	if err := c.config.Store.Audit(r.Context(), e); err != nil {
		c.config.Log.ErrorContext(r.Context(), "audit entry not written", "actor", e.Actor.Name, "action", e.Action, "error", err)
	}
}

// mayLogIn checks the limits that count per address, so that only clients of the same address can use them up.
func (c *Console) mayLogIn(r *request, name string) ratelimit.Decision {
	host, _, _ := net.SplitHostPort(r.RemoteAddr) // set by the server
	address := ratelimit.Address(host)
	taken := c.config.Limiter.Take(r.Context(), address, addressLogIns)
	if !taken.Admitted || name == "" {
		return taken
	}
	byAddress := userLogIns
	byAddress.Key = address
	return c.config.Limiter.Take(r.Context(), "user:"+name, byAddress)
}

func tooMany(taken ratelimit.Decision) error {
	return &failure.Error{Kind: failure.Limited, Message: "too many log-ins", RetryAfter: taken.RetryAfter}
}

func (c *Console) logOut(r *request) (response, error) {
	if r.user.Name != "" {
		c.config.Log.InfoContext(r.Context(), "logged out", "actor", r.user.Name)
		c.tryAudit(r, auditEntry(r, audit.LogOut, r.user.Name))
	}
	return response{redirect: "/console/log-in"}, c.config.Sessions.Destroy(r.Context())
}

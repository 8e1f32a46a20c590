package console

import (
	"net/http"
	"strings"
	"time"

	"github.com/onlywave/onlywave/internal/access"
	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/qrcode"
	"github.com/onlywave/onlywave/internal/ratelimit"
	"github.com/onlywave/onlywave/internal/secondfactor"
)

// ownPassword is how often somebody who is logged in may say the password again, right or wrong: a stolen session must not
// become a password.
var ownPassword = ratelimit.Limit{Name: "own-password", Quota: 10, Window: 5 * time.Minute}

// logInsShown is how many log-ins a user is shown.
const logInsShown = 20

// accountPage is what users see of themselves.
type accountPage struct {
	User     access.User
	LogIns   []audit.Entry
	Codes    int  // recovery codes that are left
	Settable bool // a second factor can be set up here
	Required bool // and must be
	Wrong    string
}

func (c *Console) account(v *visit) (reply, error) { return c.accountPage(v, http.StatusOK, "") }

func (c *Console) accountPage(v *visit, status int, wrong string) (reply, error) {
	page := accountPage{User: v.user, Settable: c.config.Seal != nil, Required: c.needsSecondFactor(v.user), Wrong: wrong}
	var err error
	if page.LogIns, err = c.config.Record.LogIns(v.Context(), v.user.Name, logInsShown); err != nil {
		return reply{}, err
	}
	if page.Codes, _, err = c.config.Record.RecoveryCodes(v.Context(), v.user.Name, nil); err != nil {
		return reply{}, err
	}
	return reply{status: status, page: "account", title: "Your account", data: page}, nil
}

// changePassword gives the user another password. This session goes on, all others of the user end.
func (c *Console) changePassword(v *visit) (reply, error) {
	next := v.PostFormValue("new")
	wrong, err := c.isNot(v, v.PostFormValue("password"))
	switch {
	case err != nil:
		return reply{}, err
	case wrong != "":
	case next != v.PostFormValue("again"):
		wrong = "The two new passwords are not the same."
	case next == v.PostFormValue("password"):
		wrong = "The new password is the old one."
	default:
		if fault := access.CheckPassword(next, v.user.Name); fault != "" {
			wrong = "The new password " + fault + "."
		}
	}
	if wrong != "" {
		return c.accountPage(v, http.StatusUnprocessableEntity, wrong)
	}
	generation, err := c.config.Record.SetPassword(v.Context(), v.actor(), v.user.Name, access.HashPassword(next))
	if err != nil {
		return reply{}, err
	}
	return c.goOn(v, generation, "Your password is changed. All your other sessions have ended.")
}

// isNot says why the text is not the password of whoever is logged in, or "".
func (c *Console) isNot(v *visit, password string) (string, error) {
	if verdict := c.config.Limiter.Take(v.Context(), "user:"+v.user.Name, ownPassword); !verdict.Admitted {
		return "", &failure.Error{Kind: failure.Limited, Message: "the password was asked for too often", RetryAfter: verdict.RetryAfter}
	}
	is, err := access.PasswordMatches(v.Context(), access.Proven, v.user.PasswordHash, password)
	if err != nil || is {
		return "", err
	}
	return "Your password is another one.", nil
}

// goOn keeps this session while all others of the user end, and leads back to the account.
func (c *Console) goOn(v *visit, generation, notice string) (reply, error) {
	if err := c.config.Sessions.RenewToken(v.Context()); err != nil {
		return reply{}, err
	}
	c.config.Sessions.Put(v.Context(), sessionGeneration, generation)
	c.notify(v, notice)
	return reply{to: "/console/account"}, nil
}

// needsSecondFactor says whether the user may do nothing before one is set up.
func (c *Console) needsSecondFactor(u access.User) bool {
	return c.config.RequireSecondFactor && u.SecondFactor == "" && u.Role.Allows(access.ScopeOperationsWrite)
}

// secondFactorPage tells an authenticator app what it has to know.
type secondFactorPage struct {
	Secret   string // in groups of four
	Has      bool   // the new one replaces another
	Required bool
	Wrong    string
}

func (c *Console) askSecondFactor(v *visit) (reply, error) {
	return c.secondFactorPage(v, http.StatusOK, "")
}

func (c *Console) secondFactorPage(v *visit, status int, wrong string) (reply, error) {
	enrolment, err := c.enrolment(v)
	if err != nil {
		return reply{}, err
	}
	var groups []string
	for secret := enrolment.Secret; secret != ""; {
		n := min(4, len(secret))
		groups, secret = append(groups, secret[:n]), secret[n:]
	}
	return reply{status: status, page: "second-factor", title: "Second factor", data: secondFactorPage{
		Secret: strings.Join(groups, " "), Has: v.user.SecondFactor != "", Required: c.needsSecondFactor(v.user), Wrong: wrong,
	}}, nil
}

// enrolment is the one that this session has begun, or a new one. It is kept sealed until a code has proved that it works.
func (c *Console) enrolment(v *visit) (secondfactor.Enrolment, error) {
	if c.config.Seal == nil {
		return secondfactor.Enrolment{}, &failure.Error{Kind: failure.Unavailable, Message: "a second factor can be set up when CONSOLE_SECRET is set"}
	}
	sessions := c.config.Sessions
	if secret, err := c.config.Seal.Open(v.user.Name, sessions.GetString(v.Context(), sessionEnrolment)); err == nil {
		return secondfactor.Resume(v.user.Name, secret), nil
	}
	enrolment, err := secondfactor.Enrol(v.user.Name)
	if err == nil {
		sessions.Put(v.Context(), sessionEnrolment, c.config.Seal.Close(v.user.Name, enrolment.Secret))
	}
	return enrolment, err
}

// secondFactorCode is the enrolment for a camera.
func (c *Console) secondFactorCode(v *visit) (reply, error) {
	enrolment, err := c.enrolment(v)
	if err != nil {
		return reply{}, err
	}
	png, err := qrcode.PNG(enrolment.URL)
	return reply{png: png}, err
}

// recoveryPage shows new recovery codes, once.
type recoveryPage struct {
	Codes []string
	New   bool // with a second factor that is new, too
}

// setSecondFactor keeps the enrolment of this session, once a code of it has proved that the app knows it.
func (c *Console) setSecondFactor(v *visit) (reply, error) {
	enrolment, err := c.enrolment(v)
	if err != nil {
		return reply{}, err
	}
	wrong, err := c.isNot(v, v.PostFormValue("password"))
	if err != nil {
		return reply{}, err
	}
	step, codes := secondfactor.Match(enrolment.Secret, v.PostFormValue("code"), time.Now())
	if wrong == "" && codes == 0 {
		wrong = "That is not the code that your app should show now. Is the clock of your telephone right?"
	}
	if wrong != "" {
		return c.secondFactorPage(v, http.StatusUnprocessableEntity, wrong)
	}
	recovery, hashes := secondfactor.NewRecoveryCodes(v.user.Name)
	sealed := c.config.Seal.Close(v.user.Name, enrolment.Secret)
	generation, err := c.config.Record.SetSecondFactor(v.Context(), v.actor(), v.user.Name, sealed, step, hashes)
	if err != nil {
		return reply{}, err
	}
	sessions := c.config.Sessions
	if err := sessions.RenewToken(v.Context()); err != nil {
		return reply{}, err
	}
	sessions.Put(v.Context(), sessionGeneration, generation)
	sessions.Remove(v.Context(), sessionEnrolment)
	v.user.SecondFactor = sealed
	return reply{page: "recovery-codes", title: "Recovery codes", data: recoveryPage{Codes: recovery, New: true}}, nil
}

// newRecoveryCodes replaces the recovery codes of the user.
func (c *Console) newRecoveryCodes(v *visit) (reply, error) {
	if v.user.SecondFactor == "" {
		return reply{}, &failure.Error{Kind: failure.Conflict, Message: "recovery codes are for those who have a second factor"}
	}
	wrong, err := c.isNot(v, v.PostFormValue("password"))
	if err != nil {
		return reply{}, err
	}
	if wrong != "" {
		return c.accountPage(v, http.StatusUnprocessableEntity, wrong)
	}
	recovery, hashes := secondfactor.NewRecoveryCodes(v.user.Name)
	if err := c.config.Record.SetRecoveryCodes(v.Context(), v.actor(), v.user.Name, hashes); err != nil {
		return reply{}, err
	}
	return reply{page: "recovery-codes", title: "Recovery codes", data: recoveryPage{Codes: recovery}}, nil
}

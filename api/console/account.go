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

// ownPassword limits how often a logged-in user may enter the own password, right or wrong, so that nobody with a stolen session can
// guess it.
var ownPassword = ratelimit.Limit{Name: "own-password", Quota: 10, Window: 5 * time.Minute}

// logInsShown is the number of log-ins on a user's account page.
const logInsShown = 20

// accountPage is the data of a user's own page.
type accountPage struct {
	User     access.User
	LogIns   []audit.Entry
	Codes    int  // recovery codes left
	Settable bool // the user can set up a second factor
	Required bool // the user must set up a second factor
	Wrong    string
}

func (c *Console) account(r *request) (response, error) { return c.accountPage(r, http.StatusOK, "") }

func (c *Console) accountPage(r *request, status int, wrong string) (response, error) {
	page := accountPage{User: r.user, Settable: c.config.Seal != nil, Required: c.needsSecondFactor(r.user), Wrong: wrong}
	var err error
	if page.LogIns, err = c.config.Store.LogIns(r.Context(), r.user.Name, logInsShown); err != nil {
		return response{}, err
	}
	if page.Codes, _, err = c.config.Store.RecoveryCodes(r.Context(), r.user.Name, nil); err != nil {
		return response{}, err
	}
	return response{status: status, page: "account", title: "Your account", data: page}, nil
}

// changePassword sets another password. This session goes on, all other sessions of the user end.
func (c *Console) changePassword(r *request) (response, error) {
	next := r.PostFormValue("new")
	wrong, err := c.checkOwnPassword(r, r.PostFormValue("password"))
	switch {
	case err != nil:
		return response{}, err
	case wrong != "":
	case next != r.PostFormValue("again"):
		wrong = r.say("The two new passwords are not the same.")
	case next == r.PostFormValue("password"):
		wrong = r.say("The new password is the same as the old one.")
	default:
		if fault := access.CheckPassword(next, r.user.Name); fault != "" {
			fault, _ = translateError(r.language, fault)
			wrong = r.say("The new password %s.", fault)
		}
	}
	if wrong != "" {
		return c.accountPage(r, http.StatusUnprocessableEntity, wrong)
	}
	generation, err := c.config.Store.SetPassword(r.Context(), r.actor(), r.user.Name, access.HashPassword(next))
	if err != nil {
		return response{}, err
	}
	return c.keepSession(r, generation, r.say("Your password has been changed. All your other sessions have ended."))
}

// checkOwnPassword returns the error of a wrong password of the logged-in user, or "".
func (c *Console) checkOwnPassword(r *request, password string) (string, error) {
	if taken := c.config.Limiter.Take(r.Context(), "user:"+r.user.Name, ownPassword); !taken.Admitted {
		return "", &failure.Error{Kind: failure.Limited, Message: "too many attempts with your password", RetryAfter: taken.RetryAfter}
	}
	matches, err := access.PasswordMatches(r.Context(), access.Proven, r.user.PasswordHash, password)
	if err != nil || matches {
		return "", err
	}
	return r.say("This is not your password."), nil
}

// keepSession keeps this session while all other sessions of the user end, and redirects to the account.
func (c *Console) keepSession(r *request, generation, notice string) (response, error) {
	if err := c.config.Sessions.RenewToken(r.Context()); err != nil {
		return response{}, err
	}
	c.config.Sessions.Put(r.Context(), keyGeneration, generation)
	c.setNotice(r, notice)
	return response{redirect: "/console/account"}, nil
}

// needsSecondFactor says whether the user must set up a second factor before anything else.
func (c *Console) needsSecondFactor(u access.User) bool {
	return c.config.RequireSecondFactor && u.SecondFactor == "" && u.Role.Allows(access.ScopeOperationsWrite)
}

// secondFactorPage is the data of the page where a user sets up an authenticator app.
type secondFactorPage struct {
	Secret   string // in groups of four
	Has      bool   // the user has a second factor, which the new one will replace
	Required bool
	Wrong    string
}

func (c *Console) askSecondFactor(r *request) (response, error) {
	return c.secondFactorPage(r, http.StatusOK, "")
}

func (c *Console) secondFactorPage(r *request, status int, wrong string) (response, error) {
	enrolment, err := c.enrolment(r)
	if err != nil {
		return response{}, err
	}
	var groups []string
	for secret := enrolment.Secret; secret != ""; {
		n := min(4, len(secret))
		groups, secret = append(groups, secret[:n]), secret[n:]
	}
	return response{status: status, page: "second-factor", title: "Second factor", data: secondFactorPage{
		Secret: strings.Join(groups, " "), Has: r.user.SecondFactor != "", Required: c.needsSecondFactor(r.user), Wrong: wrong,
	}}, nil
}

// enrolment is the enrolment that this session has started, or a new one. The session holds it sealed until a code proves that the
// app works.
func (c *Console) enrolment(r *request) (secondfactor.Enrolment, error) {
	if c.config.Seal == nil {
		return secondfactor.Enrolment{}, &failure.Error{Kind: failure.Unavailable, Message: "a second factor can only be set up if CONSOLE_SECRET is set"}
	}
	sessions := c.config.Sessions
	if secret, err := c.config.Seal.Open(r.user.Name, sessions.GetString(r.Context(), keyEnrolment)); err == nil {
		return secondfactor.Resume(r.user.Name, secret), nil
	}
	enrolment, err := secondfactor.Enrol(r.user.Name)
	if err == nil {
		sessions.Put(r.Context(), keyEnrolment, c.config.Seal.Close(r.user.Name, enrolment.Secret))
	}
	return enrolment, err
}

// secondFactorCode is the enrolment as a QR code.
func (c *Console) secondFactorCode(r *request) (response, error) {
	enrolment, err := c.enrolment(r)
	if err != nil {
		return response{}, err
	}
	png, err := qrcode.PNG(enrolment.URL)
	return response{png: png}, err
}

// recoveryPage is the data of the page that shows new recovery codes, once.
type recoveryPage struct {
	Codes []string
	New   bool // the second factor is new too
}

// setSecondFactor stores the enrolment of this session after a code has proved that the app works.
func (c *Console) setSecondFactor(r *request) (response, error) {
	enrolment, err := c.enrolment(r)
	if err != nil {
		return response{}, err
	}
	wrong, err := c.checkOwnPassword(r, r.PostFormValue("password"))
	if err != nil {
		return response{}, err
	}
	step, codes := secondfactor.Match(enrolment.Secret, r.PostFormValue("code"), time.Now())
	if wrong == "" && codes == 0 {
		wrong = r.say("This is not the code that your app should show now. Check that the clock of your telephone is right.")
	}
	if wrong != "" {
		return c.secondFactorPage(r, http.StatusUnprocessableEntity, wrong)
	}
	recovery, hashes := secondfactor.NewRecoveryCodes(r.user.Name)
	sealed := c.config.Seal.Close(r.user.Name, enrolment.Secret)
	generation, err := c.config.Store.SetSecondFactor(r.Context(), r.actor(), r.user.Name, sealed, step, hashes)
	if err != nil {
		return response{}, err
	}
	sessions := c.config.Sessions
	if err := sessions.RenewToken(r.Context()); err != nil {
		return response{}, err
	}
	sessions.Put(r.Context(), keyGeneration, generation)
	sessions.Remove(r.Context(), keyEnrolment)
	r.user.SecondFactor = sealed
	return response{page: "recovery-codes", title: "Recovery codes", data: recoveryPage{Codes: recovery, New: true}}, nil
}

// newRecoveryCodes replaces the recovery codes of the user.
func (c *Console) newRecoveryCodes(r *request) (response, error) {
	if r.user.SecondFactor == "" {
		return response{}, &failure.Error{Kind: failure.Conflict, Message: "recovery codes need a second factor; set one up first"}
	}
	wrong, err := c.checkOwnPassword(r, r.PostFormValue("password"))
	if err != nil {
		return response{}, err
	}
	if wrong != "" {
		return c.accountPage(r, http.StatusUnprocessableEntity, wrong)
	}
	recovery, hashes := secondfactor.NewRecoveryCodes(r.user.Name)
	if err := c.config.Store.SetRecoveryCodes(r.Context(), r.actor(), r.user.Name, hashes); err != nil {
		return response{}, err
	}
	return response{page: "recovery-codes", title: "Recovery codes", data: recoveryPage{Codes: recovery}}, nil
}

package console

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/pquerna/otp/totp"
	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/access"
	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/session"
)

// app is an authenticator app.
type app struct {
	t      *testing.T
	secret string
}

// at is the code that the app shows after this many steps.
func (a app) at(steps int) string {
	a.t.Helper()
	code, err := totp.GenerateCode(a.secret, time.Now().Add(time.Duration(steps)*30*time.Second))
	require.NoError(a.t, err)
	return code
}

// enrol sets up a second factor for the logged-in user, and returns the app and the recovery codes.
func (b *browser) enrol() (app, []string) {
	b.t.Helper()
	p := b.get("/console/account/second-factor")
	a := app{b.t, strings.ReplaceAll(p.says("#secret"), " ", "")}
	p = b.press(p, "set-up", "code", a.at(0), "password", password)
	require.Equal(b.t, http.StatusOK, p.status)
	codes := strings.Fields(p.says("#codes"))
	require.Len(b.t, codes, 10)
	return a, codes
}

func (b *browser) logInWith(name, password, code string) page {
	b.t.Helper()
	return b.post("/console/log-in", "name", name, "password", password, "code", code)
}

// passCodes makes the current codes usable again, as if more than a minute had passed since they were used.
func (e *env) passCodes(t *testing.T) {
	t.Helper()
	e.execute(t, `update users set last_step = last_step - 3`)
}

func (e *env) execute(t *testing.T, statement string, args ...any) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), e.postgres)
	require.NoError(t, err)
	defer conn.Close(t.Context())
	_, err = conn.Exec(t.Context(), statement, args...)
	require.NoError(t, err)
}

// newAddress is a browser at an address without earlier requests.
func (e *env) newAddress() *browser {
	e.address = fmt.Sprintf("[2001:db8:2:%x::1]:1", addresses.Add(1))
	return e.browser()
}

func TestASecondFactorIsSetUpAndAskedFor(t *testing.T) {
	t.Parallel()
	e := newEnv(t, session.Options{})
	b, other := e.as(e.operator), e.as(e.operator)
	p := b.get("/console/account/second-factor")
	secret := p.says("#secret")
	require.Equal(t, secret, b.get("/console/account/second-factor").says("#secret"), "a reloaded page shows the same")
	require.Equal(t, "image/png", b.get("/console/account/second-factor/code.png").header.Get("Content-Type"))
	a := app{t, strings.ReplaceAll(secret, " ", "")}
	for _, wrong := range [][]string{{"code", "000000", "password", password}, {"code", a.at(0), "password", "not the password"}} {
		require.Equal(t, http.StatusUnprocessableEntity, b.press(p, "set-up", wrong...).status)
	}
	require.Equal(t, "/console/", other.get("/console/").path)

	a, recovery := b.enrol()
	require.Equal(t, a.secret, strings.ReplaceAll(secret, " ", ""))
	require.Equal(t, "/console/account", b.get("/console/account").path, "this session goes on")
	require.Equal(t, "/console/log-in", other.get("/console/").path, "all others have ended")
	require.Contains(t, b.get("/console/account").says("#second-factor"), "Recovery codes left: 10")
	for _, code := range recovery {
		html, err := b.get("/console/account").Html()
		require.NoError(t, err)
		require.NotContains(t, html, code, "recovery codes are shown once")
	}

	same := e.browser().logInWith(e.operator, password, "").says(".wrong")
	for _, tried := range [][2]string{
		{password, "000000"}, {password, "aaaa-bbbb-cccc-dddd"}, {"not the password", a.at(1)}, {"not the password", recovery[0]},
		{password, a.at(0)}, // used at the set-up
	} {
		p := e.newAddress().logInWith(e.operator, tried[0], tried[1])
		require.Equal(t, http.StatusUnprocessableEntity, p.status)
		require.Equal(t, same, p.says(".wrong"), "the text does not tell which part was wrong")
	}
	e.passCodes(t)
	code := a.at(0)
	require.Equal(t, "/console/", e.newAddress().logInWith(e.operator, password, code[:3]+" "+code[3:]).path)
	require.Equal(t, http.StatusUnprocessableEntity, e.newAddress().logInWith(e.operator, password, code).status, "a code works once")
	for _, secret := range append(recovery, a.secret, "not the password") {
		require.NotContains(t, e.logs.String(), secret)
	}
}

func TestARecoveryCodeWorksOnce(t *testing.T) {
	t.Parallel()
	e := newEnv(t, session.Options{})
	b := e.as(e.operator)
	_, recovery := b.enrol()
	lost := e.newAddress()
	p := lost.logInWith(e.operator, password, strings.ToUpper(strings.ReplaceAll(recovery[3], "-", "")))
	require.Equal(t, "/console/", p.path)
	require.Contains(t, p.says(".notice"), "9 recovery codes left")
	require.Equal(t, http.StatusUnprocessableEntity, e.newAddress().logInWith(e.operator, password, recovery[3]).status)

	account := lost.get("/console/account")
	require.Equal(t, http.StatusUnprocessableEntity, lost.press(account, "new-codes", "password", "not the password").status)
	fresh := strings.Fields(lost.press(account, "new-codes", "password", password).says("#codes"))
	require.Len(t, fresh, 10)
	require.Equal(t, http.StatusUnprocessableEntity, e.newAddress().logInWith(e.operator, password, recovery[4]).status, "the old codes no longer work")
	require.Equal(t, "/console/", e.newAddress().logInWith(e.operator, password, fresh[0]).path)

	// A user who has lost the app sets up another; a user who has also lost the codes asks an administrator.
	another, _ := lost.enrol()
	e.passCodes(t)
	require.Equal(t, "/console/", e.newAddress().logInWith(e.operator, password, another.at(0)).path)
	require.NoError(t, e.store.ClearSecondFactor(t.Context(), audit.Actor{Name: "test"}, e.operator))
	require.Equal(t, "/console/log-in", lost.get("/console/").path)
	e.address = "203.0.113.250:1"
	e.as(e.operator)
}

// Where a second factor is required, an operator must set one up before anything else. A viewer may.
func TestOperatorsOfALivePlatformNeedASecondFactor(t *testing.T) {
	t.Parallel()
	e := newEnv(t, session.Options{})
	before := e.as(e.operator)
	e.console.config.RequireSecondFactor = true
	b := e.browser()
	require.Equal(t, "/console/account/second-factor", b.logIn(e.operator, password).path)
	for _, b := range []*browser{b, before} {
		for _, path := range append(readable, "/console/account", "/console/payments/x") {
			require.Equal(t, "/console/account/second-factor", b.get(path).path, path)
		}
		require.Equal(t, "/console/account/second-factor", b.post("/console/breakers/charge", "state", "open", "reason", "r").path)
	}
	s, err := e.console.config.Breakers.Status(t.Context(), "charge")
	require.NoError(t, err)
	require.NotEqual(t, e.operator, s.Actor)
	b.enrol()
	for _, path := range readable {
		require.Equal(t, path, b.get(path).path)
	}
	viewer := e.as(e.viewer)
	require.Equal(t, http.StatusOK, viewer.get("/console/payments").status)
	viewer.enrol()

	e.console.config.Seal = nil
	require.Equal(t, http.StatusServiceUnavailable, e.newAddress().logInWith(e.operator, password, "000000").status)
	_, err = New(e.console.config)
	require.ErrorContains(t, err, "Seal")
}

// Guesses from many addresses use up the limits of a user. A log-in with the password and a code still works, from any address, and
// does not wait.
func TestGuessesDoNotLockOutAUserWithACode(t *testing.T) {
	// Not parallel: it fills the lane of log-ins without a code.
	e := newEnv(t, session.Options{})
	a, recovery := e.as(e.operator).enrol()
	e.passCodes(t)
	for e.console.config.Limiter.Take(t.Context(), "user:"+e.operator, allUserLogIns).Admitted {
		continue // others use up the limit
	}
	for range cap(access.Guesses) {
		access.Guesses <- struct{}{}
	}
	defer func() {
		for range cap(access.Guesses) {
			<-access.Guesses
		}
	}()
	require.Equal(t, http.StatusTooManyRequests, e.newAddress().logInWith(e.operator, password, "").status)
	require.Equal(t, http.StatusTooManyRequests, e.newAddress().logInWith(e.operator, password, "000000").status)
	for _, code := range []string{a.at(0), recovery[0], recovery[1]} {
		require.Equal(t, "/console/", e.newAddress().logInWith(e.operator, password, code).path)
	}
}

// An attacker with the password guesses codes: in the end one would be right.
func TestAfterManyWrongCodesOneCodeIsNotEnough(t *testing.T) {
	t.Parallel()
	e := newEnv(t, session.Options{})
	a, recovery := e.as(e.operator).enrol()
	e.passCodes(t)
	wrong := "000000"
	for slices.Contains([]string{a.at(-1), a.at(0), a.at(1), a.at(2)}, wrong) {
		wrong += "1"
		wrong = wrong[1:]
	}
	for i := range wrongCodesMax {
		p := e.newAddress().logInWith(e.operator, password, wrong)
		require.Equal(t, http.StatusUnprocessableEntity, p.status, i)
		require.Equal(t, wrongLogIn, p.says(".wrong"))
	}
	one := e.newAddress().logInWith(e.operator, password, a.at(0))
	require.Equal(t, http.StatusUnprocessableEntity, one.status)
	require.Contains(t, one.says(".wrong"), "Enter two codes in a row")
	require.Equal(t, wrongLogIn, e.newAddress().logInWith(e.operator, "not the password", a.at(0)).says(".wrong"))

	b := e.newAddress()
	p := b.logInWith(e.operator, password, a.at(-1)+" "+a.at(0))
	require.Equal(t, "/console/", p.path)
	require.Regexp(t, `Since then \d+ log-ins failed`, p.says(".notice"))
	require.Contains(t, b.get("/console/account").says("#log-ins"), "the password was right, the code was not")
	e.passCodes(t)
	require.Equal(t, "/console/", e.newAddress().logInWith(e.operator, password, a.at(0)).path, "one code is enough again")

	for range wrongCodesMax {
		e.newAddress().logInWith(e.operator, password, wrong)
	}
	require.Equal(t, "/console/", e.newAddress().logInWith(e.operator, password, recovery[0]).path)
}

func TestAUserChangesThePassword(t *testing.T) {
	t.Parallel()
	e := newEnv(t, session.Options{})
	b, other := e.as(e.viewer), e.as(e.viewer)
	const next = "quatro palavras sem nexo"
	account := b.get("/console/account")
	for says, fields := range map[string][]string{
		"not your password":       {"password", "not the password", "new", next, "again", next},
		"not the same":            {"password", password, "new", next, "again", next + "!"},
		"the same as the old one": {"password", password, "new", password, "again", password},
		"at least 12":             {"password", password, "new", "short", "again", "short"},
		"too easy to guess":       {"password", password, "new", "senhasenhasenha", "again", "senhasenhasenha"},
		"contain the user's n":    {"password", password, "new", e.viewer + next, "again", e.viewer + next},
	} {
		p := b.press(account, "change-password", fields...)
		require.Equal(t, http.StatusUnprocessableEntity, p.status, says)
		require.Contains(t, p.says(".wrong"), says)
	}
	require.Equal(t, "/console/", other.get("/console/").path)
	p := b.press(account, "change-password", "password", password, "new", next, "again", next)
	require.Contains(t, p.says(".notice"), "has been changed")
	require.Equal(t, "/console/payments", b.get("/console/payments").path, "this session goes on")
	require.Equal(t, "/console/log-in", other.get("/console/").path, "all others have ended")
	require.Equal(t, http.StatusUnprocessableEntity, e.browser().logIn(e.viewer, password).status)
	require.Equal(t, "/console/", e.browser().logIn(e.viewer, next).path)
	trail, err := e.store.AuditTrail(t.Context(), audit.Filter{Actor: e.viewer, Action: audit.UserPassword, Limit: 5})
	require.NoError(t, err)
	require.Len(t, trail, 1)

	// A stolen session cannot be used to guess the password.
	for e.console.config.Limiter.Take(t.Context(), "user:"+e.viewer, ownPassword).Admitted {
		continue
	}
	require.Equal(t, http.StatusTooManyRequests, b.press(account, "change-password", "password", next, "new", password, "again", password).status)
}

func TestTheLastLogInsAreShown(t *testing.T) {
	t.Parallel()
	e := newEnv(t, session.Options{})
	require.Empty(t, e.as(e.viewer).get("/console/").says(".notice"))
	first, _, _ := strings.Cut(e.address, ":")
	e.newAddress().logIn(e.viewer, "not the password")
	e.newAddress().logIn(e.viewer, "not the password")
	b := e.newAddress()
	p := b.logIn(e.viewer, password)
	require.Regexp(t, `^Your last log-in was on .* UTC from `+first+`\. Since then 2 log-ins failed\.$`, p.says(".notice"))
	require.Regexp(t, `^logged in .* from 2001:db8:\S+ refused .* refused .* logged in .* from `+first+`$`, b.get("/console/account").says("#log-ins li"))
	require.NotContains(t, e.as(e.operator).get("/console/account").says("#log-ins"), "refused", "only the user's own log-ins")
}

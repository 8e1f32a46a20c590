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

// app is somebody's authenticator app.
type app struct {
	t      *testing.T
	secret string
}

// at is the code that it shows so many steps from now.
func (a app) at(steps int) string {
	a.t.Helper()
	code, err := totp.GenerateCode(a.secret, time.Now().Add(time.Duration(steps)*30*time.Second))
	require.NoError(a.t, err)
	return code
}

// enrol sets a second factor up for whoever is logged in.
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

// moved lets the codes that were used be of the past, as if half a minute had passed.
func (f *fixture) moved(t *testing.T) {
	t.Helper()
	f.execute(t, `update users set last_step = last_step - 3`)
}

func (f *fixture) execute(t *testing.T, statement string, args ...any) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), f.postgres)
	require.NoError(t, err)
	defer conn.Close(t.Context())
	_, err = conn.Exec(t.Context(), statement, args...)
	require.NoError(t, err)
}

// elsewhere is a browser at an address that nobody has come from.
func (f *fixture) elsewhere() *browser {
	f.address = fmt.Sprintf("[2001:db8:2:%x::1]:1", addresses.Add(1))
	return f.browser()
}

func TestASecondFactorIsSetUpAndAskedFor(t *testing.T) {
	t.Parallel()
	f := newFixture(t, session.Options{})
	b, other := f.as(f.operator), f.as(f.operator)
	p := b.get("/console/account/second-factor")
	secret := p.says("#secret")
	require.Equal(t, secret, b.get("/console/account/second-factor").says("#secret"), "a page that is loaded again shows the same")
	require.Equal(t, "image/png", b.get("/console/account/second-factor/code.png").header.Get("Content-Type"))
	a := app{t, strings.ReplaceAll(secret, " ", "")}
	for _, wrong := range [][]string{{"code", "000000", "password", password}, {"code", a.at(0), "password", "not the password"}} {
		require.Equal(t, http.StatusUnprocessableEntity, b.press(p, "set-up", wrong...).status)
	}
	require.Equal(t, "/console/", other.get("/console/").path)

	a, recovery := b.enrol()
	require.Equal(t, a.secret, strings.ReplaceAll(secret, " ", ""))
	require.Equal(t, "/console/account", b.get("/console/account").path, "this session goes on")
	require.Equal(t, "/console/log-in", other.get("/console/").path, "the others have ended")
	require.Contains(t, b.get("/console/account").says("#second-factor"), "10 recovery codes")
	for _, code := range recovery {
		html, err := b.get("/console/account").Html()
		require.NoError(t, err)
		require.NotContains(t, html, code, "they are shown once")
	}

	same := f.browser().logInWith(f.operator, password, "").says(".wrong")
	for _, tried := range [][2]string{
		{password, "000000"}, {password, "aaaa-bbbb-cccc-dddd"}, {"not the password", a.at(1)}, {"not the password", recovery[0]},
		{password, a.at(0)}, // it proved at the set-up that it works
	} {
		p := f.elsewhere().logInWith(f.operator, tried[0], tried[1])
		require.Equal(t, http.StatusUnprocessableEntity, p.status)
		require.Equal(t, same, p.says(".wrong"), "nobody learns which was wrong")
	}
	f.moved(t)
	code := a.at(0)
	require.Equal(t, "/console/", f.elsewhere().logInWith(f.operator, password, code[:3]+" "+code[3:]).path)
	require.Equal(t, http.StatusUnprocessableEntity, f.elsewhere().logInWith(f.operator, password, code).status, "whoever looked on comes too late")
	for _, secret := range append(recovery, a.secret, "not the password") {
		require.NotContains(t, f.logs.String(), secret)
	}
}

func TestARecoveryCodeLetsInOnce(t *testing.T) {
	t.Parallel()
	f := newFixture(t, session.Options{})
	b := f.as(f.operator)
	_, recovery := b.enrol()
	lost := f.elsewhere()
	p := lost.logInWith(f.operator, password, strings.ToUpper(strings.ReplaceAll(recovery[3], "-", "")))
	require.Equal(t, "/console/", p.path)
	require.Contains(t, p.says(".notice"), "9 recovery codes left")
	require.Equal(t, http.StatusUnprocessableEntity, f.elsewhere().logInWith(f.operator, password, recovery[3]).status)

	account := lost.get("/console/account")
	require.Equal(t, http.StatusUnprocessableEntity, lost.press(account, "new-codes", "password", "not the password").status)
	fresh := strings.Fields(lost.press(account, "new-codes", "password", password).says("#codes"))
	require.Len(t, fresh, 10)
	require.Equal(t, http.StatusUnprocessableEntity, f.elsewhere().logInWith(f.operator, password, recovery[4]).status, "the old ones are worth nothing")
	require.Equal(t, "/console/", f.elsewhere().logInWith(f.operator, password, fresh[0]).path)

	// Whoever has lost the app sets another up, and whoever has lost the codes, too, asks an administrator.
	another, _ := lost.enrol()
	f.moved(t)
	require.Equal(t, "/console/", f.elsewhere().logInWith(f.operator, password, another.at(0)).path)
	require.NoError(t, f.record.ClearSecondFactor(t.Context(), audit.Actor{Name: "test"}, f.operator))
	require.Equal(t, "/console/log-in", lost.get("/console/").path)
	f.address = "203.0.113.250:1"
	f.as(f.operator)
}

// Where it is required an operator sets one up before anything else; a viewer, who changes nothing, may.
func TestOperatorsOfALivePlatformNeedASecondFactor(t *testing.T) {
	t.Parallel()
	f := newFixture(t, session.Options{})
	before := f.as(f.operator)
	f.console.config.RequireSecondFactor = true
	b := f.browser()
	require.Equal(t, "/console/account/second-factor", b.logIn(f.operator, password).path)
	for _, somebody := range []*browser{b, before} {
		for _, path := range append(readable, "/console/account", "/console/payments/x") {
			require.Equal(t, "/console/account/second-factor", somebody.get(path).path, path)
		}
		require.Equal(t, "/console/account/second-factor", somebody.post("/console/breakers/charge", "state", "open", "reason", "r").path)
	}
	s, err := f.console.config.Breakers.Status(t.Context(), "charge")
	require.NoError(t, err)
	require.NotEqual(t, f.operator, s.Actor)
	b.enrol()
	for _, path := range readable {
		require.Equal(t, path, b.get(path).path)
	}
	viewer := f.as(f.viewer)
	require.Equal(t, http.StatusOK, viewer.get("/console/payments").status)
	viewer.enrol()

	f.console.config.Seal = nil
	require.Equal(t, http.StatusServiceUnavailable, f.elsewhere().logInWith(f.operator, password, "000000").status)
	_, err = New(f.console.config)
	require.ErrorContains(t, err, "Seal")
}

// A net of machines guesses at a user: whoever has the password and the code comes in from wherever all the same, and does not
// wait for them.
func TestNobodysGuessesKeepAUserWithACodeOut(t *testing.T) {
	// Not parallel: it fills the lane in which all guesses wait.
	f := newFixture(t, session.Options{})
	a, recovery := f.as(f.operator).enrol()
	f.moved(t)
	for f.console.config.Limiter.Take(t.Context(), "user:"+f.operator, allUserLogIns).Admitted {
		continue // as others would
	}
	for range cap(access.Guesses) {
		access.Guesses <- struct{}{}
	}
	defer func() {
		for range cap(access.Guesses) {
			<-access.Guesses
		}
	}()
	require.Equal(t, http.StatusTooManyRequests, f.elsewhere().logInWith(f.operator, password, "").status)
	require.Equal(t, http.StatusTooManyRequests, f.elsewhere().logInWith(f.operator, password, "000000").status)
	for _, code := range []string{a.at(0), recovery[0], recovery[1]} {
		require.Equal(t, "/console/", f.elsewhere().logInWith(f.operator, password, code).path)
	}
}

// Somebody who knows the password guesses at codes: in the end one would be right.
func TestGuessedCodesAreNotEnoughInTheEnd(t *testing.T) {
	t.Parallel()
	f := newFixture(t, session.Options{})
	a, recovery := f.as(f.operator).enrol()
	f.moved(t)
	wrong := "000000"
	for slices.Contains([]string{a.at(-1), a.at(0), a.at(1), a.at(2)}, wrong) {
		wrong += "1"
		wrong = wrong[1:]
	}
	for i := range wrongCodesMax {
		p := f.elsewhere().logInWith(f.operator, password, wrong)
		require.Equal(t, http.StatusUnprocessableEntity, p.status, i)
		require.Equal(t, wrongLogIn, p.says(".wrong"))
	}
	one := f.elsewhere().logInWith(f.operator, password, a.at(0))
	require.Equal(t, http.StatusUnprocessableEntity, one.status)
	require.Contains(t, one.says(".wrong"), "Enter two in a row")
	require.Equal(t, wrongLogIn, f.elsewhere().logInWith(f.operator, "not the password", a.at(0)).says(".wrong"))

	b := f.elsewhere()
	p := b.logInWith(f.operator, password, a.at(-1)+" "+a.at(0))
	require.Equal(t, "/console/", p.path)
	require.Regexp(t, `Since then \d+ failed`, p.says(".notice"))
	require.Contains(t, b.get("/console/account").says("#log-ins"), "the password was right, the code was not")
	f.moved(t)
	require.Equal(t, "/console/", f.elsewhere().logInWith(f.operator, password, a.at(0)).path, "one is enough again")

	for range wrongCodesMax {
		f.elsewhere().logInWith(f.operator, password, wrong)
	}
	require.Equal(t, "/console/", f.elsewhere().logInWith(f.operator, password, recovery[0]).path)
}

func TestAUserChangesThePassword(t *testing.T) {
	t.Parallel()
	f := newFixture(t, session.Options{})
	b, other := f.as(f.viewer), f.as(f.viewer)
	const next = "quatro palavras sem nexo"
	account := b.get("/console/account")
	for says, fields := range map[string][]string{
		"is another one":       {"password", "not the password", "new", next, "again", next},
		"not the same":         {"password", password, "new", next, "again", next + "!"},
		"is the old one":       {"password", password, "new", password, "again", password},
		"at least 12":          {"password", password, "new", "short", "again", "short"},
		"too easy to guess":    {"password", password, "new", "senhasenhasenha", "again", "senhasenhasenha"},
		"contain the user's n": {"password", password, "new", f.viewer + next, "again", f.viewer + next},
	} {
		p := b.press(account, "change-password", fields...)
		require.Equal(t, http.StatusUnprocessableEntity, p.status, says)
		require.Contains(t, p.says(".wrong"), says)
	}
	require.Equal(t, "/console/", other.get("/console/").path)
	p := b.press(account, "change-password", "password", password, "new", next, "again", next)
	require.Contains(t, p.says(".notice"), "is changed")
	require.Equal(t, "/console/payments", b.get("/console/payments").path, "this session goes on")
	require.Equal(t, "/console/log-in", other.get("/console/").path, "the others have ended")
	require.Equal(t, http.StatusUnprocessableEntity, f.browser().logIn(f.viewer, password).status)
	require.Equal(t, "/console/", f.browser().logIn(f.viewer, next).path)
	trail, err := f.record.AuditTrail(t.Context(), audit.Filter{Actor: f.viewer, Action: audit.UserPassword, Limit: 5})
	require.NoError(t, err)
	require.Len(t, trail, 1)

	// A session that was stolen does not find the password out.
	for f.console.config.Limiter.Take(t.Context(), "user:"+f.viewer, ownPassword).Admitted {
		continue
	}
	require.Equal(t, http.StatusTooManyRequests, b.press(account, "change-password", "password", next, "new", password, "again", password).status)
}

func TestTheLastLogInsAreShown(t *testing.T) {
	t.Parallel()
	f := newFixture(t, session.Options{})
	require.Empty(t, f.as(f.viewer).get("/console/").says(".notice"))
	first, _, _ := strings.Cut(f.address, ":")
	f.elsewhere().logIn(f.viewer, "not the password")
	f.elsewhere().logIn(f.viewer, "not the password")
	b := f.elsewhere()
	p := b.logIn(f.viewer, password)
	require.Regexp(t, `^Your last log-in was on .* UTC from `+first+`\. Since then 2 failed\.$`, p.says(".notice"))
	require.Regexp(t, `^logged in .* from 2001:db8:\S+ refused .* refused .* logged in .* from `+first+`$`, b.get("/console/account").says("#log-ins li"))
	require.NotContains(t, f.as(f.operator).get("/console/account").says("#log-ins"), "refused", "nobody else's")
}

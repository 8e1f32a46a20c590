package console

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/access"
	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/deadletter"
	"github.com/onlywave/onlywave/internal/postgres"
	"github.com/onlywave/onlywave/internal/postgres/postgrestest"
	"github.com/onlywave/onlywave/internal/session"
	"github.com/onlywave/onlywave/test/devstack"
	"github.com/onlywave/onlywave/test/devstack/devstacktest"
)

// readable are the pages without an id in their address.
var readable = []string{"/console/", "/console/payments", "/console/dead-letters", "/console/reconciliation", "/console/figures", "/console/users", "/console/audit"}

func TestEveryPageNeedsALogIn(t *testing.T) {
	t.Parallel()
	e := newEnv(t, session.Options{})
	b := e.browser()
	for _, path := range append(readable, "/console", "/console/payments/x", "/console/nonsense") {
		p := b.get(path)
		require.Equal(t, "/console/log-in", p.path, path)
		require.Zero(t, p.Find("nav").Length())
	}
	require.Nil(t, b.cookie(), "a request without a log-in starts no session")
	for _, path := range []string{"/console/breakers/charge", "/console/redrives", "/console/dead-letters/x/redrive", "/console/dead-letters/x/discard"} {
		require.Equal(t, "/console/log-in", b.post(path, "reason", "r", "state", "open", "cause", "invalid", "key", "k").path)
	}
	require.Empty(t, e.redriver.started)

	// The log-in leads to the requested page, and only to pages of the console.
	p := b.get("/console/payments?status=unknown")
	require.Equal(t, "/console/payments", b.press(p, "log-in", "name", e.viewer, "password", password).path)
	for _, to := range []string{"https://evil.example/console/", "//evil.example/console/", "/v1/payments", `/console/\evil`} {
		require.Equal(t, "/console/", e.browser().post("/console/log-in", "to", to, "name", e.viewer, "password", password).path, to)
	}
}

func TestALogInHasANewTokenAndALogOutEndsIt(t *testing.T) {
	t.Parallel()
	e := newEnv(t, session.Options{})
	b := e.as(e.operator)
	require.Equal(t, e.operator+" operator", b.get("/console/").says(".who span"))
	first := b.cookie().Value

	require.Equal(t, "/console/", b.get("/console/log-in").path, "a logged-in user needs no log-in")
	b.logIn(e.operator, password)
	require.NotEqual(t, first, b.cookie().Value, "the token from before the log-in no longer works")
	old := e.browser()
	require.Equal(t, "/console/log-in", old.send(http.MethodGet, "/console/", nil, "Cookie", session.CookieName+"="+first).path)

	thief := b.steal()
	require.Equal(t, "/console/", thief.get("/console/").path)
	require.Equal(t, "/console/log-in", b.press(b.get("/console/"), "log-out").path)
	require.Nil(t, b.cookie())
	require.Equal(t, "/console/log-in", thief.get("/console/").path)
	require.Contains(t, e.logs.String(), `"msg":"logged out","actor":"`+e.operator)
}

func TestTheCookieIsKeptFromScriptsAndOtherSites(t *testing.T) {
	t.Parallel()
	for _, secure := range []bool{false, true} {
		e := newEnv(t, session.Options{Secure: secure})
		b := e.browser()
		b.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		set := b.logIn(e.viewer, password).header.Get("Set-Cookie")
		cookie, err := http.ParseSetCookie(set)
		require.NoError(t, err)
		require.True(t, cookie.HttpOnly)
		require.Equal(t, http.SameSiteLaxMode, cookie.SameSite)
		require.Equal(t, secure, cookie.Secure)
		require.Equal(t, "/", cookie.Path)
		require.Empty(t, cookie.Domain)
		require.Equal(t, secure, strings.HasPrefix(cookie.Name, "__Host-"))
		require.Zero(t, cookie.MaxAge, "it ends with the browser")
	}
}

func TestAWrongPasswordAndAnUnknownNameLookTheSame(t *testing.T) {
	t.Parallel()
	e := newEnv(t, session.Options{})
	var seen []string
	for _, name := range []string{e.operator, "nobody-at-all", "not a name", ""} {
		p := e.browser().logIn(name, "not the password")
		require.Equal(t, http.StatusUnprocessableEntity, p.status)
		seen = append(seen, p.says(".wrong"))
	}
	require.Equal(t, []string{seen[0], seen[0], seen[0], seen[0]}, seen)
	for _, secret := range []string{"not the password", "nobody-at-all", "not a name"} {
		require.NotContains(t, e.logs.String(), secret, "a name may be a password in the wrong field")
	}
	require.Contains(t, e.logs.String(), e.operator)
}

func TestLogInsAreLimitedPerUserAndPerAddress(t *testing.T) {
	t.Parallel()
	e := newEnv(t, session.Options{})
	for range userLogIns.Quota {
		require.Equal(t, http.StatusUnprocessableEntity, e.browser().logIn(e.viewer, "a guess").status)
	}
	p := e.browser().logIn(e.viewer, password)
	require.Equal(t, http.StatusTooManyRequests, p.status)
	require.NotEmpty(t, p.header.Get("Retry-After"))
	require.Zero(t, p.Find("nav").Length())
	e.as(e.operator)
	e.address = "198.51.100.77:1"
	e.as(e.viewer) // guesses from another address do not lock out the user

	for limited := 0; limited < 3; {
		if e.browser().logIn("", "a guess").status == http.StatusTooManyRequests {
			limited++
		}
	}
	// The right password is limited, too. On a slow machine an attempt comes free now and then.
	require.Eventually(t, func() bool { return e.browser().logIn(e.operator, password).status == http.StatusTooManyRequests }, timeout, time.Millisecond)
}

// Guesses come from many addresses, a few from each.
func TestLogInsOfAUserAreLimitedOverAllAddresses(t *testing.T) {
	t.Parallel()
	e := newEnv(t, session.Options{})
	tried := 0
	require.Eventually(t, func() bool {
		tried++
		e.address = fmt.Sprintf("[2001:db8:1:%x::1]:1", tried)
		for e.console.config.Limiter.Take(t.Context(), "user:"+e.viewer, allUserLogIns).Admitted {
			continue // others use up the limit
		}
		return e.browser().logIn(e.viewer, password).status == http.StatusTooManyRequests
	}, timeout, time.Millisecond)
	e.as(e.operator)
}

func TestAFormFromAnotherSiteIsRefused(t *testing.T) {
	t.Parallel()
	e := newEnv(t, session.Options{})
	b := e.as(e.operator)
	send := func(headers ...string) page {
		return b.send(http.MethodPost, "/console/breakers/charge", strings.NewReader("state=open&reason=r"), headers...)
	}
	for _, headers := range [][]string{
		{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Origin", "https://evil.example"}, {"Origin", "null"},
	} {
		p := send(headers...)
		require.Equal(t, http.StatusForbidden, p.status, headers)
		require.Contains(t, p.says(".failure"), "from another site")
	}
	s, err := e.console.config.Breakers.Status(t.Context(), "charge")
	require.NoError(t, err)
	require.NotEqual(t, e.operator, s.Actor)
	for _, path := range []string{"/console/log-in", "/console/log-out"} {
		require.Equal(t, http.StatusForbidden, b.send(http.MethodPost, path, strings.NewReader(""), "Sec-Fetch-Site", "cross-site").status)
	}
	require.Equal(t, "/console/", b.get("/console/").path)

	// A load balancer may remove the port from Host: the console compares with PUBLIC_URL.
	require.Equal(t, http.StatusOK, b.send(http.MethodPost, "/console/breakers/read", strings.NewReader("state=automatic&reason=r"),
		"Origin", "http://pay.test").status)
}

func TestAViewerReadsAndChangesNothing(t *testing.T) {
	t.Parallel()
	e := newEnv(t, session.Options{})
	id := e.keepDeadLetter("m", nil)
	b := e.as(e.viewer)
	for _, path := range append(readable, "/console/dead-letters/"+id, "/console/dead-letters?cause=invalid") {
		p := b.get(path)
		require.Equal(t, http.StatusOK, p.status)
		require.Zero(t, p.Find("main form[method=post]:not(.filter)").Length(), "a viewer searches, and sees no other button")
	}
	for _, path := range []string{"/console/breakers/charge", "/console/redrives", "/console/dead-letters/" + id + "/redrive", "/console/dead-letters/" + id + "/discard"} {
		require.Equal(t, http.StatusForbidden, b.post(path, "reason", "r", "state", "open", "cause", "invalid", "key", "k").status, path)
	}
	require.Empty(t, e.redriver.started)
	l, err := e.store.DeadLetter(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, deadletter.Open, l.State)
}

func TestASessionEndsWithItsUser(t *testing.T) {
	t.Parallel()
	e := newEnv(t, session.Options{})
	for name, end := range map[string]func() error{
		"revoked": func() error { return e.store.RevokeUser(t.Context(), audit.Actor{Name: "test"}, e.operator) },
		"password": func() error {
			_, err := e.store.SetPassword(t.Context(), audit.Actor{Name: "test"}, e.operator, access.HashPassword(password))
			return err
		},
		"removed": func() error { return e.store.RemoveUser(t.Context(), audit.Actor{Name: "test"}, e.viewer) },
	} {
		user := e.operator
		if name == "removed" {
			user = e.viewer
		}
		b, other := e.as(user), e.as(user)
		require.NoError(t, end())
		require.Equal(t, "/console/log-in", b.get("/console/payments").path, name)
		require.Equal(t, "/console/log-in", other.post("/console/breakers/charge", "state", "open", "reason", "r").path, name)
	}
	// A new user with the same name does not get the old sessions.
	b := e.as(e.operator)
	require.NoError(t, e.store.RemoveUser(t.Context(), audit.Actor{Name: "test"}, e.operator))
	require.NoError(t, e.store.AddUser(t.Context(), audit.Actor{Name: "test"}, access.User{Name: e.operator, Role: access.Operator, PasswordHash: access.HashPassword(password), CreatedAt: time.Now()}))
	require.Equal(t, "/console/log-in", b.get("/console/").path)
}

// sessionTTL is the time for which Redis keeps the browser's session.
func (b *browser) sessionTTL() time.Duration {
	left, err := b.redis.Client().PTTL(b.t.Context(), sessionKey(b.cookie().Value)).Result()
	require.NoError(b.t, err)
	return left
}

func sessionKey(token string) string {
	sum := sha256.Sum256([]byte(token))
	return "onlywave:session:{" + base64.RawURLEncoding.EncodeToString(sum[:]) + "}"
}

func TestAnIdleSessionEnds(t *testing.T) {
	t.Parallel()
	e := newEnv(t, session.Options{Idle: 10 * time.Minute})
	b := e.as(e.viewer)
	require.Greater(t, b.sessionTTL(), 5*time.Minute)
	require.LessOrEqual(t, b.sessionTTL(), 10*time.Minute)
	key := sessionKey(b.cookie().Value)
	require.True(t, e.redis.Client().PExpire(t.Context(), key, time.Minute).Val(), "as if nine minutes had passed")
	require.Equal(t, "/console/", b.get("/console/").path)
	require.Greater(t, b.sessionTTL(), 5*time.Minute, "a request prolongs the session")

	e.redis.Client().PExpire(t.Context(), key, time.Millisecond)
	require.Eventually(t, func() bool { return e.redis.Client().Exists(t.Context(), key).Val() == 0 }, timeout, 5*time.Millisecond)
	require.Equal(t, "/console/log-in", b.get("/console/").path)
}

func TestABusySessionEndsAfterItsLifetime(t *testing.T) {
	t.Parallel()
	e := newEnv(t, session.Options{Idle: time.Hour, Lifetime: 2 * time.Second})
	b := e.browser()
	b.logIn(e.viewer, password)
	require.Eventually(t, func() bool { return b.get("/console/payments").path == "/console/log-in" }, timeout, 50*time.Millisecond)
}

// Without Redis there are no sessions, and the page explains that.
func TestWithoutRedisTheConsoleSaysSo(t *testing.T) {
	t.Parallel()
	for name, harm := range devstacktest.Harms() {
		stack := devstacktest.Start(t, devstack.Redis)
		e := newEnvOn(t, postgrestest.New(t), stack.RedisURL(), session.Options{})
		e.redis.AnswerTime = 500 * time.Millisecond
		b := e.as(e.operator)
		harm.Do(t, stack.Process(devstack.Redis))
		for _, p := range []page{b.get("/console/"), e.browser().logIn(e.operator, password)} {
			require.Equal(t, http.StatusServiceUnavailable, p.status, name)
			require.Contains(t, p.says(".failure"), "Redis, which holds the sessions, is unavailable")
			require.Contains(t, p.says(".failure"), "onlywave dead-letters")
			require.Zero(t, p.Find("nav").Length())
		}
		require.Equal(t, http.StatusOK, e.browser().get("/console/log-in").status)
		harm.Heal(t, stack.Process(devstack.Redis))
		require.Eventually(t, func() bool { return e.browser().logIn(e.operator, password).status == http.StatusOK }, timeout, 100*time.Millisecond)
	}
}

// While the database is unavailable the roles are unknown: a logged-in user may only read.
func TestWithoutTheDatabaseUsersMayOnlyRead(t *testing.T) {
	t.Parallel()
	stack := devstacktest.Start(t, devstack.Postgres)
	require.NoError(t, postgres.Migrate(t.Context(), stack.PostgresURL(), silent))
	e := newEnvOn(t, stack.PostgresURL(), devstacktest.Shared().RedisURL(), session.Options{})
	b := e.as(e.operator)
	require.NoError(t, stack.Process(devstack.Postgres).Kill())
	p := b.get("/console/")
	require.Equal(t, http.StatusOK, p.status)
	require.Contains(t, p.says(".wrong"), "The numbers cannot be shown: the database is unavailable")
	require.Equal(t, 1, p.Find("#breakers").Length(), "the other parts are shown")
	require.Equal(t, http.StatusServiceUnavailable, b.get("/console/payments").status)
	require.Equal(t, http.StatusForbidden, b.post("/console/breakers/charge", "state", "open", "reason", "r").status)
	require.Equal(t, http.StatusServiceUnavailable, e.browser().logIn(e.operator, password).status)
}

// Log-ins, log-outs and failed log-ins are in the audit, without other text of the form.
func TestLogInsAreAudited(t *testing.T) {
	t.Parallel()
	e := newEnv(t, session.Options{})
	for range auditedRefusals.Quota/userLogIns.Quota + 1 {
		for range userLogIns.Quota - 1 {
			e.browser().logIn(e.operator, "not the password")
		}
		e.address = fmt.Sprintf("198.51.100.%d:1", addresses.Add(1))
	}
	e.browser().logIn("nobody-at-all", "not the password")
	b := e.as(e.operator)
	b.press(b.get("/console/"), "log-out")
	trail, err := e.store.AuditTrail(t.Context(), audit.Filter{Object: "user/" + e.operator, Limit: audit.MaxList})
	require.NoError(t, err)
	var actions []audit.Action
	for _, entry := range trail {
		actions = append(actions, entry.Action)
	}
	refused := slices.Repeat([]audit.Action{audit.LogInRefused}, auditedRefusals.Quota)
	require.Equal(t, append(append([]audit.Action{audit.LogOut, audit.LogIn}, refused...), audit.UserAdd), actions)
	host, _, _ := strings.Cut(e.address, ":")
	require.Equal(t, audit.Actor{Name: e.operator, Channel: audit.Console, From: host}, trail[0].Actor)

	viewer := e.as(e.viewer)
	p := viewer.get("/console/audit?object=user/" + e.operator + "&action=log_out")
	require.Equal(t, []string{"log out"}, p.column("entries", "Action"))
	require.Equal(t, []string{e.operator + " console, " + host}, p.column("entries", "Actor"))
	first := viewer.get("/console/audit")
	require.Len(t, first.column("entries", "Action"), pageSize)
	next, _ := first.Find(".more a").Attr("href")
	require.NotEmpty(t, viewer.get(next).column("entries", "Action"))
	html, err := first.Html()
	require.NoError(t, err)
	require.NotContains(t, html, "not the password")
	require.NotContains(t, html, "nobody-at-all")
	require.Equal(t, http.StatusUnprocessableEntity, viewer.get("/console/audit?action=users").status)
}

func TestALogInThatCannotBeAuditedIsRefused(t *testing.T) {
	t.Parallel()
	e := newEnv(t, session.Options{})
	conn, err := pgx.Connect(t.Context(), e.postgres)
	require.NoError(t, err)
	defer conn.Close(t.Context())
	_, err = conn.Exec(t.Context(), `alter table audit rename to elsewhere`)
	require.NoError(t, err)
	p := e.browser().logIn(e.operator, password)
	require.Equal(t, http.StatusServiceUnavailable, p.status)
	require.Zero(t, p.Find("nav").Length())
	require.Equal(t, http.StatusUnprocessableEntity, e.browser().logIn(e.operator, "not the password").status)
}

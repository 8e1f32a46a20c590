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
	"github.com/onlywave/onlywave/internal/session"
	"github.com/onlywave/onlywave/test/devstack"
	"github.com/onlywave/onlywave/test/devstack/devstacktest"
)

// readable are the pages of which one needs to know nothing.
var readable = []string{"/console/", "/console/payments", "/console/dead-letters", "/console/reconciliation", "/console/audit"}

func TestNobodyIsLetInWithoutALogIn(t *testing.T) {
	t.Parallel()
	f := newFixture(t, session.Options{})
	b := f.browser()
	for _, path := range append(readable, "/console", "/console/payments/x", "/console/nonsense") {
		p := b.get(path)
		require.Equal(t, "/console/log-in", p.path, path)
		require.Zero(t, p.Find("nav").Length())
	}
	require.Nil(t, b.cookie(), "who only looks has no session")
	for _, path := range []string{"/console/breakers/charge", "/console/redrives", "/console/dead-letters/x/redrive", "/console/dead-letters/x/discard"} {
		require.Equal(t, "/console/log-in", b.post(path, "reason", "r", "state", "open", "cause", "invalid", "key", "k").path)
	}
	require.Empty(t, f.door.started)

	// What was wanted is shown after the log-in, and nothing of anybody else's.
	p := b.get("/console/payments?status=unknown")
	require.Equal(t, "/console/payments", b.press(p, "log-in", "name", f.viewer, "password", password).path)
	for _, to := range []string{"https://evil.example/console/", "//evil.example/console/", "/v1/payments", `/console/\evil`} {
		require.Equal(t, "/console/", f.browser().post("/console/log-in", "to", to, "name", f.viewer, "password", password).path, to)
	}
}

func TestALogInHasANewTokenAndEndsForGood(t *testing.T) {
	t.Parallel()
	f := newFixture(t, session.Options{})
	b := f.as(f.operator)
	require.Equal(t, f.operator+" operator", b.get("/console/").says(".who span"))
	first := b.cookie().Value

	require.Equal(t, "/console/", b.get("/console/log-in").path, "who is logged in need not be")
	b.logIn(f.operator, password)
	require.NotEqual(t, first, b.cookie().Value, "a token from before the log-in is worth nothing after it")
	old := f.browser()
	require.Equal(t, "/console/log-in", old.send(http.MethodGet, "/console/", nil, "Cookie", session.CookieName+"="+first).path)

	thief := b.steal()
	require.Equal(t, "/console/", thief.get("/console/").path)
	require.Equal(t, "/console/log-in", b.press(b.get("/console/"), "log-out").path)
	require.Nil(t, b.cookie())
	require.Equal(t, "/console/log-in", thief.get("/console/").path)
	require.Contains(t, f.logs.String(), `"msg":"logged out","actor":"`+f.operator)
}

func TestTheCookieIsKeptFromScriptsAndOtherSites(t *testing.T) {
	t.Parallel()
	for _, secure := range []bool{false, true} {
		f := newFixture(t, session.Options{Secure: secure})
		b := f.browser()
		b.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		set := b.logIn(f.viewer, password).header.Get("Set-Cookie")
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
	f := newFixture(t, session.Options{})
	var seen []string
	for _, name := range []string{f.operator, "nobody-at-all", "not a name", ""} {
		p := f.browser().logIn(name, "not the password")
		require.Equal(t, http.StatusUnprocessableEntity, p.status)
		seen = append(seen, p.says(".wrong"))
	}
	require.Equal(t, []string{seen[0], seen[0], seen[0], seen[0]}, seen)
	for _, secret := range []string{"not the password", "nobody-at-all", "not a name"} {
		require.NotContains(t, f.logs.String(), secret, "a name may be a password in the wrong field")
	}
	require.Contains(t, f.logs.String(), f.operator)
}

func TestLogInsAreLimitedPerUserAndPerAddress(t *testing.T) {
	t.Parallel()
	f := newFixture(t, session.Options{})
	for range userLogIns.Quota {
		require.Equal(t, http.StatusUnprocessableEntity, f.browser().logIn(f.viewer, "a guess").status)
	}
	p := f.browser().logIn(f.viewer, password)
	require.Equal(t, http.StatusTooManyRequests, p.status)
	require.NotEmpty(t, p.header.Get("Retry-After"))
	require.Zero(t, p.Find("nav").Length())
	f.as(f.operator)
	f.address = "198.51.100.77:1"
	f.as(f.viewer) // whoever guesses does not keep the user out

	for limited := 0; limited < 3; {
		if f.browser().logIn("", "a guess").status == http.StatusTooManyRequests {
			limited++
		}
	}
	require.Equal(t, http.StatusTooManyRequests, f.browser().logIn(f.operator, password).status)
}

// A net of machines guesses, each of them seldom.
func TestLogInsOfAUserAreLimitedFromWherever(t *testing.T) {
	t.Parallel()
	f := newFixture(t, session.Options{})
	tried := 0
	require.Eventually(t, func() bool {
		tried++
		f.address = fmt.Sprintf("[2001:db8:1:%x::1]:1", tried)
		for f.console.config.Limiter.Take(t.Context(), "user:"+f.viewer, allUserLogIns).Admitted {
			continue // as others would
		}
		return f.browser().logIn(f.viewer, password).status == http.StatusTooManyRequests
	}, patience, time.Millisecond)
	f.as(f.operator)
}

func TestAFormFromAnotherSiteIsRefused(t *testing.T) {
	t.Parallel()
	f := newFixture(t, session.Options{})
	b := f.as(f.operator)
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
	s, err := f.console.config.Breakers.Status(t.Context(), "charge")
	require.NoError(t, err)
	require.NotEqual(t, f.operator, s.Actor)
	for _, path := range []string{"/console/log-in", "/console/log-out"} {
		require.Equal(t, http.StatusForbidden, b.send(http.MethodPost, path, strings.NewReader(""), "Sec-Fetch-Site", "cross-site").status)
	}
	require.Equal(t, "/console/", b.get("/console/").path)

	// A balancer may take the port off Host: the address that is ours is known.
	require.Equal(t, http.StatusOK, b.send(http.MethodPost, "/console/breakers/read", strings.NewReader("state=automatic&reason=r"),
		"Origin", "http://pay.test").status)
}

func TestAViewerLooksAndChangesNothing(t *testing.T) {
	t.Parallel()
	f := newFixture(t, session.Options{})
	id := f.keepLetter("m", nil)
	b := f.as(f.viewer)
	for _, path := range append(readable, "/console/dead-letters/"+id, "/console/dead-letters?cause=invalid") {
		p := b.get(path)
		require.Equal(t, http.StatusOK, p.status)
		require.Zero(t, p.Find("main form[method=post]").Length(), "no button that would be refused")
	}
	for _, path := range []string{"/console/breakers/charge", "/console/redrives", "/console/dead-letters/" + id + "/redrive", "/console/dead-letters/" + id + "/discard"} {
		require.Equal(t, http.StatusForbidden, b.post(path, "reason", "r", "state", "open", "cause", "invalid", "key", "k").status, path)
	}
	require.Empty(t, f.door.started)
	l, err := f.record.DeadLetter(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, deadletter.Open, l.State)
}

func TestASessionEndsWithItsUser(t *testing.T) {
	t.Parallel()
	f := newFixture(t, session.Options{})
	for name, end := range map[string]func() error{
		"revoked": func() error { return f.record.RevokeUser(t.Context(), audit.Actor{Name: "test"}, f.operator) },
		"password": func() error {
			_, err := f.record.SetPassword(t.Context(), audit.Actor{Name: "test"}, f.operator, access.HashPassword(password))
			return err
		},
		"removed": func() error { return f.record.RemoveUser(t.Context(), audit.Actor{Name: "test"}, f.viewer) },
	} {
		user := f.operator
		if name == "removed" {
			user = f.viewer
		}
		b, other := f.as(user), f.as(user)
		require.NoError(t, end())
		require.Equal(t, "/console/log-in", b.get("/console/payments").path, name)
		require.Equal(t, "/console/log-in", other.post("/console/breakers/charge", "state", "open", "reason", "r").path, name)
	}
	// Somebody new of the same name does not take the old sessions over.
	b := f.as(f.operator)
	require.NoError(t, f.record.RemoveUser(t.Context(), audit.Actor{Name: "test"}, f.operator))
	require.NoError(t, f.record.AddUser(t.Context(), audit.Actor{Name: "test"}, access.User{Name: f.operator, Role: access.Operator, PasswordHash: access.HashPassword(password), CreatedAt: time.Now()}))
	require.Equal(t, "/console/log-in", b.get("/console/").path)
}

// lives is how long Redis keeps the browser's session.
func (b *browser) lives() time.Duration {
	left, err := b.redis.Client().PTTL(b.t.Context(), sessionKey(b.cookie().Value)).Result()
	require.NoError(b.t, err)
	return left
}

func sessionKey(token string) string {
	sum := sha256.Sum256([]byte(token))
	return "onlywave:session:{" + base64.RawURLEncoding.EncodeToString(sum[:]) + "}"
}

func TestASessionEndsWhenNothingIsAsked(t *testing.T) {
	t.Parallel()
	f := newFixture(t, session.Options{Idle: 10 * time.Minute})
	b := f.as(f.viewer)
	require.Greater(t, b.lives(), 5*time.Minute)
	require.LessOrEqual(t, b.lives(), 10*time.Minute)
	key := sessionKey(b.cookie().Value)
	require.True(t, f.redis.Client().PExpire(t.Context(), key, time.Minute).Val(), "nine minutes pass")
	require.Equal(t, "/console/", b.get("/console/").path)
	require.Greater(t, b.lives(), 5*time.Minute, "to ask for something prolongs it")

	f.redis.Client().PExpire(t.Context(), key, time.Millisecond)
	require.Eventually(t, func() bool { return f.redis.Client().Exists(t.Context(), key).Val() == 0 }, patience, 5*time.Millisecond)
	require.Equal(t, "/console/log-in", b.get("/console/").path)
}

func TestASessionEndsInTheEndHoweverBusy(t *testing.T) {
	t.Parallel()
	f := newFixture(t, session.Options{Idle: time.Hour, Lifetime: 2 * time.Second})
	b := f.browser()
	b.logIn(f.viewer, password)
	require.Eventually(t, func() bool { return b.get("/console/payments").path == "/console/log-in" }, patience, 50*time.Millisecond)
}

// Without Redis there are no sessions, and a page says so.
func TestWithoutRedisTheConsoleSaysSo(t *testing.T) {
	t.Parallel()
	require.NoError(t, migrated())
	for name, harm := range devstacktest.Harms() {
		stack := devstacktest.Start(t, devstack.Redis)
		f := newFixtureOn(t, devstacktest.FreshDatabase(t, devstacktest.Shared()), stack.RedisURL(), session.Options{})
		f.redis.AnswerTime = 500 * time.Millisecond
		b := f.as(f.operator)
		harm.Do(t, stack.Process(devstack.Redis))
		for _, p := range []page{b.get("/console/"), f.browser().logIn(f.operator, password)} {
			require.Equal(t, http.StatusServiceUnavailable, p.status, name)
			require.Contains(t, p.says(".failure"), "Redis, which holds the sessions, is unavailable")
			require.Contains(t, p.says(".failure"), "onlywave dead-letters")
			require.Zero(t, p.Find("nav").Length())
		}
		require.Equal(t, http.StatusOK, f.browser().get("/console/log-in").status)
		harm.Heal(t, stack.Process(devstack.Redis))
		require.Eventually(t, func() bool { return f.browser().logIn(f.operator, password).status == http.StatusOK }, patience, 100*time.Millisecond)
	}
}

// While the record is away nobody can tell who may do what: whoever is logged in may look, and no more.
func TestWithoutTheRecordOneMayOnlyLook(t *testing.T) {
	t.Parallel()
	stack := devstacktest.Start(t, devstack.Postgres)
	require.NoError(t, postgres.Migrate(t.Context(), stack.PostgresURL(), silent))
	f := newFixtureOn(t, stack.PostgresURL(), devstacktest.Shared().RedisURL(), session.Options{})
	b := f.as(f.operator)
	require.NoError(t, stack.Process(devstack.Postgres).Kill())
	p := b.get("/console/")
	require.Equal(t, http.StatusOK, p.status)
	require.Contains(t, p.says(".wrong"), "The figures cannot be shown: the record is away")
	require.Equal(t, 1, p.Find("#breakers").Length(), "the rest is seen when it is needed most")
	require.Equal(t, http.StatusServiceUnavailable, b.get("/console/payments").status)
	require.Equal(t, http.StatusForbidden, b.post("/console/breakers/charge", "state", "open", "reason", "r").status)
	require.Equal(t, http.StatusServiceUnavailable, f.browser().logIn(f.operator, password).status)
}

// Who comes and goes is on record, and who tried to; not what else was typed.
func TestLogInsAreOnRecord(t *testing.T) {
	t.Parallel()
	f := newFixture(t, session.Options{})
	for range refusalsKept.Quota/userLogIns.Quota + 1 {
		for range userLogIns.Quota - 1 {
			f.browser().logIn(f.operator, "not the password")
		}
		f.address = fmt.Sprintf("198.51.100.%d:1", addresses.Add(1))
	}
	f.browser().logIn("nobody-at-all", "not the password")
	b := f.as(f.operator)
	b.press(b.get("/console/"), "log-out")
	trail, err := f.record.AuditTrail(t.Context(), audit.Filter{Object: "user/" + f.operator, Limit: audit.MaxList})
	require.NoError(t, err)
	var actions []audit.Action
	for _, e := range trail {
		actions = append(actions, e.Action)
	}
	refused := slices.Repeat([]audit.Action{audit.LogInRefused}, refusalsKept.Quota)
	require.Equal(t, append(append([]audit.Action{audit.LogOut, audit.LogIn}, refused...), audit.UserAdd), actions)
	host, _, _ := strings.Cut(f.address, ":")
	require.Equal(t, audit.Actor{Name: f.operator, Channel: audit.Console, From: host}, trail[0].Actor)

	viewer := f.as(f.viewer)
	p := viewer.get("/console/audit?object=user/" + f.operator + "&action=log_out")
	require.Equal(t, []string{"log out"}, p.column("entries", "What"))
	require.Equal(t, []string{f.operator + " console, " + host}, p.column("entries", "Who"))
	first := viewer.get("/console/audit")
	require.Len(t, first.column("entries", "What"), pageSize)
	next, _ := first.Find(".more a").Attr("href")
	require.NotEmpty(t, viewer.get(next).column("entries", "What"))
	html, err := first.Html()
	require.NoError(t, err)
	require.NotContains(t, html, "not the password")
	require.NotContains(t, html, "nobody-at-all")
	require.Equal(t, http.StatusUnprocessableEntity, viewer.get("/console/audit?action=users").status)
}

// Nobody is let in unrecorded.
func TestALogInThatCannotBeRecordedIsRefused(t *testing.T) {
	t.Parallel()
	f := newFixture(t, session.Options{})
	conn, err := pgx.Connect(t.Context(), f.postgres)
	require.NoError(t, err)
	defer conn.Close(t.Context())
	_, err = conn.Exec(t.Context(), `alter table audit rename to elsewhere`)
	require.NoError(t, err)
	p := f.browser().logIn(f.operator, password)
	require.Equal(t, http.StatusServiceUnavailable, p.status)
	require.Zero(t, p.Find("nav").Length())
	require.Equal(t, http.StatusUnprocessableEntity, f.browser().logIn(f.operator, "not the password").status)
}

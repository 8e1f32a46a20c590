package console

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"

	"github.com/onlywave/onlywave/internal/access"
	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/breaker"
	"github.com/onlywave/onlywave/internal/deadletter"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/lookup"
	"github.com/onlywave/onlywave/internal/postgres"
	"github.com/onlywave/onlywave/internal/rabbitmq"
	"github.com/onlywave/onlywave/internal/ratelimit"
	"github.com/onlywave/onlywave/internal/redis"
	"github.com/onlywave/onlywave/internal/secondfactor"
	"github.com/onlywave/onlywave/internal/session"
	"github.com/onlywave/onlywave/internal/settle"
	"github.com/onlywave/onlywave/test/devstack"
	"github.com/onlywave/onlywave/test/devstack/devstacktest"
	"github.com/onlywave/onlywave/workflows"
)

const (
	patience = 45 * time.Second
	password = "correct horse battery"
)

var silent = slog.New(slog.DiscardHandler)

func TestMain(m *testing.M) { devstacktest.Main(m, devstack.Postgres, devstack.Redis) }

// migrated brings the shared database up to date once, so that each fresh one is a copy that has its tables.
var migrated = sync.OnceValue(func() error {
	return postgres.Migrate(context.Background(), devstacktest.Shared().PostgresURL(), silent)
})

// fixture is a console on real stores, and one operator and one viewer who know the password.
type fixture struct {
	t                *testing.T
	console          *Console
	url, postgres    string
	record           *postgres.Store
	redis            *redis.Store
	door             *door
	logs             *logs
	ready            map[string]error
	queues           error
	operator, viewer string
	address          string // from where requests come, so that tests do not use up each other's log-ins
}

var addresses atomic.Int32

func newFixture(t *testing.T, options session.Options) *fixture {
	t.Helper()
	require.NoError(t, migrated())
	stack := devstacktest.Shared()
	return newFixtureOn(t, devstacktest.FreshDatabase(t, stack), stack.RedisURL(), options)
}

func newFixtureOn(t *testing.T, postgresURL, redisURL string, options session.Options) *fixture {
	t.Helper()
	n := addresses.Add(1)
	f := &fixture{
		t: t, door: &door{started: map[string]deadletter.Order{}}, logs: &logs{}, address: fmt.Sprintf("203.0.113.%d:1", n),
		postgres: postgresURL,
		operator: "ana-" + uuid.NewString()[:8], viewer: "vera-" + uuid.NewString()[:8],
		ready: map[string]error{"postgres": nil, "temporal": nil, "rabbitmq": nil},
	}
	options.Idle, options.Lifetime = cmp.Or(options.Idle, time.Hour), cmp.Or(options.Lifetime, 12*time.Hour)
	log := slog.New(slog.NewJSONHandler(f.logs, nil))
	var err error
	f.record, err = postgres.Open(t.Context(), postgresURL, 8)
	require.NoError(t, err)
	t.Cleanup(f.record.Close)
	f.door.record = f.record
	f.redis, err = redis.Open(redisURL, silent)
	require.NoError(t, err)
	t.Cleanup(func() { _ = f.redis.Close() })
	f.redis.AnswerTime = patience
	breakers := breaker.NewFleet(f.redis, "api", log)
	breakers.Audit = f.record.Audit
	seal, err := secondfactor.NewSeal(strings.Repeat("console", 5))
	require.NoError(t, err)
	f.console, err = New(Config{
		Record: f.record, Payments: lookup.Payments{Database: f.record, Workflows: f.door}, Redrives: f.door, Settling: f.door, Breakers: breakers, Limiter: ratelimit.New(f.redis),
		Sessions: session.New(f.redis, options), Ready: func(context.Context) map[string]error { return f.ready },
		Queues: func(context.Context) ([]rabbitmq.QueueDepth, error) {
			if f.queues != nil {
				return nil, f.queues
			}
			return []rabbitmq.QueueDepth{{Queue: rabbitmq.QueueProcess, Messages: 7, Consumers: 2}}, nil
		},
		Seal: seal, PublicURL: "http://pay.test", TemporalUIURL: "http://temporal.test/", TemporalNamespace: "default", Log: log,
	})
	require.NoError(t, err)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.RemoteAddr = f.address
		f.console.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	f.url = server.URL
	hash := access.HashPassword(password)
	for name, role := range map[string]access.Role{f.operator: access.Operator, f.viewer: access.Viewer} {
		require.NoError(t, f.record.AddUser(t.Context(), audit.Actor{Name: "test"}, access.User{Name: name, Role: role, PasswordHash: hash, CreatedAt: time.Now()}))
	}
	return f
}

// browser keeps cookies and follows redirects.
type browser struct {
	*fixture
	*http.Client
}

func (f *fixture) browser() *browser {
	jar, err := cookiejar.New(nil)
	require.NoError(f.t, err)
	return &browser{f, &http.Client{Jar: jar, Timeout: patience}}
}

// as is a browser in which somebody is logged in.
func (f *fixture) as(name string) *browser {
	f.t.Helper()
	b := f.browser()
	p := b.logIn(name, password)
	require.Equal(f.t, "/console/", p.path)
	require.Equal(f.t, http.StatusOK, p.status)
	return b
}

func (b *browser) logIn(name, password string) page {
	b.t.Helper()
	return b.post("/console/log-in", "name", name, "password", password)
}

// page is what a browser shows in the end.
type page struct {
	*goquery.Document
	status int
	path   string
	header http.Header
}

func (b *browser) get(path string) page {
	b.t.Helper()
	return b.send(http.MethodGet, path, nil)
}

// post sends a form; its fields come as name, value, name, value …
func (b *browser) post(path string, fields ...string) page {
	b.t.Helper()
	form := url.Values{}
	for i := 0; i < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	return b.send(http.MethodPost, path, strings.NewReader(form.Encode()))
}

func (b *browser) send(method, path string, body io.Reader, headers ...string) page {
	b.t.Helper()
	request, err := http.NewRequestWithContext(b.t.Context(), method, b.url+path, body)
	require.NoError(b.t, err)
	if body != nil {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := b.Do(request)
	require.NoError(b.t, err)
	defer response.Body.Close()
	require.NotEmpty(b.t, response.Header.Get("Content-Security-Policy"))
	require.NotContains(b.t, response.Header.Get("Content-Security-Policy"), "unsafe")
	document, err := goquery.NewDocumentFromReader(response.Body)
	require.NoError(b.t, err)
	require.Zero(b.t, document.Find("script, [style], [onclick]").Length(), "no script runs, and none may")
	return page{document, response.StatusCode, response.Request.URL.Path, response.Header}
}

// press sends the form that the button of this id is in, with what is filled in on the page and what is filled in now.
func (b *browser) press(p page, id string, fields ...string) page {
	b.t.Helper()
	button := p.Find("#" + id)
	require.Equal(b.t, 1, button.Length(), "there is a button %s", id)
	form := button.Closest("form")
	var all []string
	form.Find("input").Each(func(_ int, input *goquery.Selection) {
		_, unchecked := input.Attr("type")
		unchecked = unchecked && input.AttrOr("type", "") == "checkbox" && input.AttrOr("checked", "no") == "no"
		if name, ok := input.Attr("name"); ok && !unchecked {
			all = append(all, name, input.AttrOr("value", ""))
		}
	})
	return b.post(form.AttrOr("action", ""), append(all, fields...)...)
}

// says is the text of what is chosen, its words in a row.
func (p page) says(selector string) string {
	var words []string
	for _, n := range p.Find(selector).Nodes {
		for d := range n.Descendants() {
			if d.Type == html.TextNode {
				words = append(words, strings.Fields(d.Data)...)
			}
		}
	}
	return strings.Join(words, " ")
}

// cookie is the session's, as the jar has it.
func (b *browser) cookie() *http.Cookie {
	at, err := url.Parse(b.url)
	require.NoError(b.t, err)
	for _, c := range b.Jar.Cookies(at) {
		if c.Name == session.CookieName {
			return c
		}
	}
	return nil
}

// steal is another browser with the same cookie.
func (b *browser) steal() *browser {
	thief := b.browser()
	at, err := url.Parse(b.url)
	require.NoError(b.t, err)
	thief.Jar.SetCookies(at, []*http.Cookie{b.cookie()})
	return thief
}

// door starts redrives without Temporal.
type door struct {
	mu      sync.Mutex
	record  *postgres.Store
	started map[string]deadletter.Order
	state   workflows.RedriveState
	begun   string // the id of a payment that is accepted but not stored
}

func (d *door) Begun(_ context.Context, _, paymentID string) (bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return paymentID == d.begun, nil
}

func (d *door) Redrive(_ context.Context, in deadletter.Order) (bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	known, joined := d.started[in.ID]
	if joined && !reflect.DeepEqual(known, in) {
		return true, &failure.Error{Kind: failure.Conflict, Message: "another"}
	}
	d.started[in.ID] = in
	return joined, nil
}

// Settle does what the payment's workflow does in the end.
func (d *door) Settle(ctx context.Context, o settle.Order) error {
	_, err := d.record.Settle(ctx, o.By(), o.PaymentID, o.Reason, time.Now())
	return err
}

func (d *door) HasRedrive(_ context.Context, id string) (bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	_, ok := d.started[id]
	return ok, nil
}

func (d *door) RedriveProgress(_ context.Context, id string) (workflows.RedriveProgress, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, ok := d.started[id]; !ok {
		return workflows.RedriveProgress{}, &failure.Error{Kind: failure.NotFound, Message: "there is no redrive with this id"}
	}
	return workflows.RedriveProgress{State: d.state, Matching: 3, Standing: deadletter.Progress{Taken: 2, Sent: 2, Left: 1}}, nil
}

// only is the one redrive that was started.
func (d *door) only(t *testing.T) deadletter.Order {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	require.Len(t, d.started, 1)
	for _, in := range d.started {
		return in
	}
	return deadletter.Order{}
}

// logs is what was logged.
type logs struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logs) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(line)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

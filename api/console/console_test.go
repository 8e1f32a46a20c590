package console

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"errors"
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
	"go.temporal.io/sdk/client"
	temporallog "go.temporal.io/sdk/log"
	"golang.org/x/crypto/argon2"
	"golang.org/x/net/html"

	"github.com/onlywave/onlywave/internal/access"
	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/breaker"
	"github.com/onlywave/onlywave/internal/command"
	"github.com/onlywave/onlywave/internal/deadletter"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/lookup"
	"github.com/onlywave/onlywave/internal/payloadcodec"
	"github.com/onlywave/onlywave/internal/postgres"
	"github.com/onlywave/onlywave/internal/postgres/postgrestest"
	"github.com/onlywave/onlywave/internal/presence"
	"github.com/onlywave/onlywave/internal/rabbitmq"
	"github.com/onlywave/onlywave/internal/ratelimit"
	"github.com/onlywave/onlywave/internal/redis"
	"github.com/onlywave/onlywave/internal/secondfactor"
	"github.com/onlywave/onlywave/internal/session"
	"github.com/onlywave/onlywave/internal/story"
	"github.com/onlywave/onlywave/test/devstack"
	"github.com/onlywave/onlywave/test/devstack/devstacktest"
	"github.com/onlywave/onlywave/workflows"
)

const (
	timeout  = 45 * time.Second
	password = "correct horse battery"
)

var silent = slog.New(slog.DiscardHandler)

func TestMain(m *testing.M) {
	devstacktest.Main(m, devstack.Postgres, devstack.Redis, devstack.Temporal)
}

// env is a console on real stores, with one operator and one viewer who have the password.
type env struct {
	t                *testing.T
	console          *Console
	url, postgres    string
	store            *postgres.Store
	redis            *redis.Store
	redriver         *redriverFake
	logs             *logs
	ready            map[string]error
	queues           error
	operator, viewer string
	address          string // of the client: each test has its own, so that tests do not use up each other's limits
}

var addresses atomic.Int32

// quickHash is the hash of password at a small part of the usual cost, under the race detector a quarter of a second for each log-in.
var quickHash = func() string {
	salt := []byte("a salt for tests")
	hash := argon2.IDKey([]byte(password), salt, 1, 64, 1, 32)
	text := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=64,t=1,p=1$%s$%s", argon2.Version, text(salt), text(hash))
}()

func newEnv(t *testing.T, options session.Options) *env {
	t.Helper()
	stack := devstacktest.Shared()
	return newEnvOn(t, postgrestest.New(t), stack.RedisURL(), options)
}

func newEnvOn(t *testing.T, postgresURL, redisURL string, options session.Options) *env {
	t.Helper()
	n := addresses.Add(1)
	e := &env{
		t: t, redriver: &redriverFake{started: map[string]deadletter.Order{}}, logs: &logs{}, address: fmt.Sprintf("203.0.113.%d:1", n),
		postgres: postgresURL,
		operator: "ana-" + uuid.NewString()[:8], viewer: "vera-" + uuid.NewString()[:8],
		ready: map[string]error{"postgres": nil, "temporal": nil, "rabbitmq": nil},
	}
	options.Idle, options.Lifetime = cmp.Or(options.Idle, time.Hour), cmp.Or(options.Lifetime, 12*time.Hour)
	log := slog.New(slog.NewJSONHandler(e.logs, nil))
	var err error
	e.store, err = postgres.Open(t.Context(), postgresURL, 8)
	require.NoError(t, err)
	t.Cleanup(e.store.Close)
	e.redriver.store = e.store
	e.redis, err = redis.Open(redisURL, silent)
	require.NoError(t, err)
	t.Cleanup(func() { _ = e.redis.Close() })
	e.redis.AnswerTime = timeout
	stack := devstacktest.Shared()
	breakers := breaker.NewFleet(e.redis, "api", log)
	breakers.Audit = e.store.Audit
	seal, err := secondfactor.NewSeal(strings.Repeat("console", 5))
	require.NoError(t, err)
	codec, err := payloadcodec.New("default", "k1:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=")
	require.NoError(t, err)
	temporal, err := client.NewLazyClient(client.Options{HostPort: stack.TemporalAddress(), Logger: temporallog.NewStructuredLogger(silent)})
	require.NoError(t, err)
	t.Cleanup(temporal.Close)
	e.console, err = New(Config{
		Stories: story.Teller{Database: e.store, Workflows: workflows.NewClient(temporal, workflows.Polls{})},
		Store:   e.store, Payments: lookup.Payments{Database: e.store, Workflows: e.redriver}, Redrives: e.redriver, Commands: e.redriver, Breakers: breakers, Presence: presence.New(e.redis), Limiter: ratelimit.New(e.redis),
		Sessions: session.New(e.redis, options), Ready: func(context.Context) map[string]error { return e.ready },
		Queues: func(context.Context) ([]rabbitmq.QueueDepth, error) {
			if e.queues != nil {
				return nil, e.queues
			}
			return []rabbitmq.QueueDepth{{Queue: rabbitmq.QueueProcess, Messages: 7, Consumers: 2}}, nil
		},
		Codec: codec.Lenient(), CodecOrigins: []string{webUI},
		Seal: seal, PublicURL: "http://pay.test", TemporalUIURL: "http://temporal.test/", TemporalNamespace: "default", Log: log,
	})
	require.NoError(t, err)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.RemoteAddr = e.address
		e.console.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	e.url = server.URL
	for name, role := range map[string]access.Role{e.operator: access.Operator, e.viewer: access.Viewer} {
		require.NoError(t, e.store.AddUser(t.Context(), audit.Actor{Name: "test"}, access.User{Name: name, Role: role, PasswordHash: quickHash, CreatedAt: time.Now()}))
	}
	return e
}

// browser keeps cookies and follows redirects.
type browser struct {
	*env
	*http.Client
}

func (e *env) browser() *browser {
	jar, err := cookiejar.New(nil)
	require.NoError(e.t, err)
	return &browser{e, &http.Client{Jar: jar, Timeout: timeout}}
}

// as is a browser in which the user is logged in.
func (e *env) as(name string) *browser {
	e.t.Helper()
	b := e.browser()
	p := b.logIn(name, password)
	require.Equal(e.t, "/console/", p.path)
	require.Equal(e.t, http.StatusOK, p.status)
	return b
}

func (b *browser) logIn(name, password string) page {
	b.t.Helper()
	return b.post("/console/log-in", "name", name, "password", password)
}

// page is the page that a browser shows after all redirects.
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

// post sends a form; the fields are name, value, name, value …
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

// redriverFake stands in for Temporal: it only keeps the orders of redrives.
type redriverFake struct {
	mu      sync.Mutex
	store   *postgres.Store
	started map[string]deadletter.Order
	orders  []command.Order
	running bool // a command is still being carried out when the wait ends
	state   workflows.RedriveState
	begun   string // the id of a payment that is accepted but not stored
}

func (d *redriverFake) Begun(_ context.Context, _, paymentID string) (bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return paymentID == d.begun, nil
}

func (d *redriverFake) Redrive(_ context.Context, in deadletter.Order) (bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	known, joined := d.started[in.ID]
	if joined && !reflect.DeepEqual(known, in) {
		return true, &failure.Error{Kind: failure.Conflict, Message: "another"}
	}
	d.started[in.ID] = in
	return joined, nil
}

// Command writes what the payment's workflow would write.
func (d *redriverFake) Command(ctx context.Context, o command.Order) error {
	d.mu.Lock()
	d.orders = append(d.orders, o)
	running := d.running
	d.mu.Unlock()
	if end, _ := ctx.Deadline(); time.Until(end) > commandTimeout {
		return errors.New("the page would end before the command")
	}
	if running {
		return command.ErrRunning
	}
	if o.Command != command.Settle {
		return nil
	}
	_, err := d.store.Settle(ctx, o.PaymentID, o.Entry(o.Command, o.By()), time.Now())
	return err
}

func (d *redriverFake) HasRedrive(_ context.Context, id string) (bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	_, ok := d.started[id]
	return ok, nil
}

func (d *redriverFake) RedriveProgress(_ context.Context, id string) (workflows.RedriveProgress, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, ok := d.started[id]; !ok {
		return workflows.RedriveProgress{}, &failure.Error{Kind: failure.NotFound, Message: "there is no redrive with this id"}
	}
	return workflows.RedriveProgress{State: d.state, Matching: 3, Standing: deadletter.Progress{Taken: 2, Sent: 2, Left: 1}}, nil
}

// only returns the order of the only redrive that was started.
func (d *redriverFake) only(t *testing.T) deadletter.Order {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	require.Len(t, d.started, 1)
	for _, in := range d.started {
		return in
	}
	return deadletter.Order{}
}

// logs keeps the log's lines.
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

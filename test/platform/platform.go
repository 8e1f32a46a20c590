// Package platform runs the whole platform on one machine: real services, the simulator, and the api and worker processes, for `make up`,
// the demo, the whole-system tests, the drills and the benchmarks. Its rule: it works from outside, through processes, HTTP and the
// operators' tools, and never calls into a process.
package platform

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/onlywave/onlywave/internal/access"
	"github.com/onlywave/onlywave/internal/postgres"
	"github.com/onlywave/onlywave/test/devstack"
	"github.com/onlywave/onlywave/test/simulator"
	"github.com/onlywave/onlywave/workflows"
)

// The credentials of a platform that only loopback reaches.
const (
	accessToken   = "TEST-onlywave-simulator"
	webhookSecret = "onlywave-dev-webhook-secret"
	cursorSecret  = "onlywave-dev-cursor-secret-of-32-and-more"
	consoleSecret = "onlywave-dev-console-secret-of-32-and-more"
	searchKey     = "onlywave-dev-search-key-of-32-and-more"
	demoClient    = "demo"
)

// PayloadKeys encrypt what Temporal stores: the base64 of onlywave-dev-payload-key-32bytes.
const PayloadKeys = "dev:b25seXdhdmUtZGV2LXBheWxvYWQta2V5LTMyYnl0ZXM="

// partGrace is longer than api and worker need to finish their work when they stop.
const partGrace = 75 * time.Second

// Options says what to run.
type Options struct {
	Dir      string            // data and logs; "": a temporary folder
	Program  string            // the onlywave binary; the simulator and the mail sink are run by the calling program
	Env      []string          // more environment for both programs
	APIs     int               // 0: one
	Workers  int               // 0: one
	Settings map[string]string // variables of internal/config that differ from the platform's own
	Balancer bool              // nginx in front of the apis; a process that ends is restarted
	Replica  bool              // Postgres has a replica, for lists and for promotion
	Links    bool              // every api and worker reaches its dependencies over links that can be cut, see Link
	Traced   bool              // payments are traced, see Traces
	Watched  bool              // Prometheus and Alertmanager run, see Monitoring
	Faster   int               // factor by which time runs faster for the alerts; 0: 1
	Out      io.Writer         // progress; nil: none

	Sentinels    bool // Redis has a replica, and Sentinels to promote it
	RedisCluster bool // Redis is a cluster of three masters and their replicas, to which there are no links
}

// WithReplicas sets the number of apis behind nginx and of workers; from 2 on Postgres and Redis have replicas, too. 0 is one of each
// and no nginx.
func (o Options) WithReplicas(n int) Options {
	o.APIs, o.Workers, o.Balancer = n, n, n > 0
	o.Replica, o.Sentinels = n > 1, n > 1
	return o
}

// Platform is a running platform.
type Platform struct {
	Stack      *devstack.Stack
	Simulator  *devstack.Process
	MailSink   *devstack.Process
	Balancer   *devstack.Nginx // nil without one
	Monitoring *Monitoring     // nil unless watched
	APIs       []*devstack.Process
	Workers    []*devstack.Process

	Front    *Shop             // where clients send requests: the balancer, or else the first API process
	Shops    []*Shop           // the demo client for each API process
	Provider *Provider         // the simulator's admin API
	Mailbox  *Mailbox          // the mail sink's, where all e-mails end
	Traces   *Traces           // nil unless traced
	Metrics  map[string]string // the metrics address of each api and worker, by its name such as "worker-2"
	Key      string            // the demo client app's API key
	Logs     string            // folder of all logs

	options   Options
	settings  map[string]string
	balancing string // the balancer's configuration
	codec     *codecServer
	throwAway string
	saying    sync.Mutex

	linking sync.Mutex
	links   []*Link

	showing sync.Mutex // of Metrics
}

// Start starts everything and returns when it can be used. On error nothing is left running.
func Start(ctx context.Context, o Options) (*Platform, error) {
	o.APIs, o.Workers = max(o.APIs, 1), max(o.Workers, 1)
	if o.Out == nil {
		o.Out = io.Discard
	}
	p := &Platform{options: o, Metrics: map[string]string{}}
	if err := p.start(ctx); err != nil {
		return nil, errors.Join(err, p.Stop())
	}
	return p, nil
}

func (p *Platform) start(ctx context.Context) error {
	dir := p.options.Dir
	if dir == "" {
		var err error
		if dir, err = os.MkdirTemp("", "onlywave-"); err != nil {
			return err
		}
		p.throwAway = dir
	}
	p.Logs = filepath.Join(dir, "logs")
	if err := os.MkdirAll(p.Logs, 0o755); err != nil {
		return err
	}
	if err := p.startCodec(ctx); err != nil {
		return err
	}
	var err error
	if p.Stack, err = devstack.Start(ctx, devstack.Options{
		Dir: p.options.Dir, Out: p.options.Out, Services: p.services(), SearchAttributes: workflows.SearchAttributes(),
		Sentinels: p.options.Sentinels, RedisCluster: p.options.RedisCluster,
		TemporalDynamicConfig: temporalSettings, TemporalUICodec: p.codec.url, Metrics: p.options.Watched,
	}); err != nil {
		return err
	}
	ports, err := p.ports()
	if err != nil {
		return err
	}
	p.configure(ports)
	if p.options.Dir != "" {
		p.settings["SIMULATOR_DATA"] = filepath.Join(dir, "simulator.jsonl") // kept like the database
	}
	if err := p.startTraces(ctx); err != nil {
		return err
	}

	began := time.Now()
	if err := p.Migrate(ctx); err != nil {
		return err
	}
	p.say("  migrated    schema and search attributes  (%s)", Took(began))
	if p.Key, err = p.apiKey(ctx); err != nil {
		return err
	}
	if err := p.startParts(ctx, ports); err != nil {
		return err
	}
	if p.options.Balancer {
		if err := p.startBalancer(ctx, dir, ports); err != nil {
			return err
		}
	}
	if p.options.Watched {
		return p.startMonitoring(ctx, dir)
	}
	return nil
}

// ports are the ports that our processes listen on.
type ports struct {
	simulator int
	mailSink  int
	smtp      int
	balancer  int // 0 without one
	apis      []int
}

// front is the port for requests.
func (p ports) front() int { return cmp.Or(p.balancer, p.apis[0]) }

func (p *Platform) ports() (ports, error) {
	var all ports
	next := func(preferred int) (int, error) {
		if p.options.Dir == "" {
			preferred = 0
		}
		port, err := devstack.FreePort(preferred)
		if err == nil && preferred != 0 && port != preferred {
			p.say("  port %d is taken, using %d", preferred, port)
		}
		return port, err
	}
	var err error
	if all.simulator, err = next(8090); err != nil {
		return all, err
	}
	if all.mailSink, err = next(8025); err != nil {
		return all, err
	}
	if all.smtp, err = next(1025); err != nil {
		return all, err
	}
	preferred := 8080
	if p.options.Balancer {
		if all.balancer, err = next(preferred); err != nil {
			return all, err
		}
		preferred = all.balancer + 1
	}
	for range p.options.APIs {
		port, err := next(preferred)
		if err != nil {
			return all, err
		}
		all.apis = append(all.apis, port)
		preferred = port + 1
	}
	return all, nil
}

func (p *Platform) configure(at ports) {
	simulatorURL := fmt.Sprintf("http://127.0.0.1:%d", at.simulator)
	apiURL := fmt.Sprintf("http://127.0.0.1:%d", at.front())
	p.Provider = &Provider{URL: simulatorURL}
	p.Mailbox = &Mailbox{URL: fmt.Sprintf("http://127.0.0.1:%d", at.mailSink)}
	p.settings = map[string]string{
		"DATABASE_URL": p.Stack.PostgresURL(), "RABBITMQ_URLS": p.Stack.RabbitMQURL(), "REDIS_URL": p.Stack.RedisURL(),
		"TEMPORAL_ADDRESS": p.Stack.TemporalAddress(), "TEMPORAL_NAMESPACE": temporalNamespace, "TEMPORAL_PAYLOAD_KEYS": PayloadKeys, "TEMPORAL_UI_URL": p.Stack.TemporalUIURL(),
		"PUBLIC_URL": apiURL, "CURSOR_SECRET": cursorSecret, "CONSOLE_SECRET": consoleSecret, "SEARCH_KEY": searchKey,
		"MERCADOPAGO_URL": simulatorURL, "MERCADOPAGO_ACCESS_TOKEN": accessToken,
		"MERCADOPAGO_PUBLIC_KEY": simulator.PublicKey, "MERCADOPAGO_JS_URL": simulatorURL + "/js/v2",
		"MERCADOPAGO_WEBHOOK_SECRETS": webhookSecret, "MERCADOPAGO_NOTIFICATION_URL": apiURL + "/webhooks/mercadopago",
		"SIMULATOR_ADDRESS": fmt.Sprintf("127.0.0.1:%d", at.simulator), "SIMULATOR_URL": simulatorURL,
		"SIMULATOR_TIME_SCALE": "60", "DRAIN_WAIT": "0s", // no balancer reads its readiness
	}
	maps.Copy(p.settings, mailSettings(at))
	if p.options.Balancer {
		p.settings["TRUSTED_PROXIES"] = "127.0.0.1"
	}
	if p.options.Replica {
		p.settings["DATABASE_REPLICA_URL"] = p.Stack.PostgresReplicaURL()
	}
	maps.Copy(p.settings, p.options.Settings)
}

func (p *Platform) services() []devstack.Service {
	all := []devstack.Service{devstack.Postgres, devstack.Redis, devstack.RabbitMQ, devstack.Temporal}
	if p.options.Replica {
		all = append(all, devstack.PostgresReplica)
	}
	return all
}

// apiKey is the demo client's key. It is created once for each data folder, so that a pasted curl command still works after a
// restart.
func (p *Platform) apiKey(ctx context.Context) (string, error) {
	store, err := postgres.Open(ctx, p.Stack.PostgresURL(), 1)
	if err != nil {
		return "", err
	}
	defer store.Close()
	file := filepath.Join(filepath.Dir(p.Logs), "demo-api-key")
	if kept, err := os.ReadFile(file); err == nil {
		if _, id, ok := access.ParseAPIKey(string(kept)); ok {
			if key, err := store.APIKey(ctx, id); err == nil && key.Admits(string(kept), time.Now()) &&
				!slices.ContainsFunc(access.Scopes(), func(s access.Scope) bool { return !key.Allows(s) }) {
				return string(kept), nil
			}
		}
	}
	text, err := store.IssueAPIKey(ctx, thisProgram, access.KeyRequest{Environment: "test", ClientID: demoClient, Scopes: access.Scopes()}, time.Now())
	if err != nil {
		return "", err
	}
	return text, os.WriteFile(file, []byte(text), 0o600)
}

// Stop stops everything: api and worker before the services that they use.
func (p *Platform) Stop() error {
	err := p.Monitoring.stop()
	if p.Balancer != nil {
		err = errors.Join(err, p.Balancer.Stop())
	}
	var group errgroup.Group
	for _, process := range append(append([]*devstack.Process{p.Simulator, p.MailSink}, p.APIs...), p.Workers...) {
		if process != nil {
			group.Go(process.Stop)
		}
	}
	err = errors.Join(err, group.Wait())
	for _, l := range p.links {
		l.Cut()
	}
	err = errors.Join(err, p.Traces.stop(), p.codec.stop())
	if p.Stack != nil {
		err = errors.Join(err, p.Stack.Stop())
	}
	if p.throwAway != "" {
		err = errors.Join(err, os.RemoveAll(p.throwAway))
	}
	return err
}

// say prints one line. The processes start side by side, and each prints when it is ready.
func (p *Platform) say(format string, args ...any) {
	p.saying.Lock()
	defer p.saying.Unlock()
	fmt.Fprintf(p.options.Out, format+"\n", args...)
}

// Secrets are the texts that must not appear in a log, a queue's name or headers, or a metric, by their names.
func (p *Platform) Secrets() map[string]string {
	return map[string]string{
		"API key": p.Key, "access token": accessToken, "webhook secret": webhookSecret, "cursor secret": cursorSecret, "console secret": consoleSecret, "search key": searchKey, "operator's password": operatorPassword,
		"buyer's e-mail address": BuyerEmail, "buyer's name": BuyerName, "buyer's tax id": BuyerTaxID,
	}
}

// WorkflowURL is where the Temporal Web UI shows a payment's runs.
func (p *Platform) WorkflowURL(paymentID string) string {
	return p.Stack.TemporalUIURL() + "/namespaces/default/workflows/payment%2F" + paymentID
}

// Took is the rounded time since then.
func Took(since time.Time) string {
	d := time.Since(since)
	if d < time.Second {
		return d.Round(time.Millisecond).String()
	}
	return d.Round(100 * time.Millisecond).String()
}

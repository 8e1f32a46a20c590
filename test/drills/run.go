package drills

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"time"

	"github.com/onlywave/onlywave/test/load"
	"github.com/onlywave/onlywave/test/platform"
	"github.com/onlywave/onlywave/test/report"
)

// Options says which drills to run, and how.
type Options struct {
	Program string // the onlywave binary
	Env     []string
	Drills  []Drill
	Seed    uint64
	Out     io.Writer // progress
	Report  string    // the Markdown file whose table is replaced; "": none
	Keep    string    // folder where the logs of a drill that failed are kept; "": nowhere
}

// settings shorten the platform's waits: minutes become seconds.
func settings() map[string]string {
	return map[string]string{
		"MERCADOPAGO_TIMEOUT": "2s", "POLL_FIRST": "3s", "POLL_MAX": "20s", "POLL_AFTER_EXPIRY": "3s",
		"SIMULATOR_RELEASE_AFTER": "2s",  // the money is pending first
		"SIMULATOR_TIME_SCALE":    "900", // the first repetition of a webhook comes after a second
		"WEBHOOK_RETRY_DELAY":     "300ms", "RECONCILE_EVERY": "5s", "RECONCILE_GRACE": "5s",
		"EVENT_REPEAT_DELAY": "300ms",
		"DRAIN_WAIT":         "1s", // no balancer looks at it
	}
}

const (
	startTimeout  = 2 * time.Minute
	settleTimeout = 3 * time.Minute
	allowance     = 6 * time.Minute // for a drill, beyond its load
)

// Run runs the drills one after another and prints the table. Its error says how many of them failed.
func Run(ctx context.Context, o Options) error {
	r := &runner{Options: o}
	began := time.Now()
	fmt.Fprintf(o.Out, "%d drills, seed %d\n", len(o.Drills), o.Seed)
	var results []Result
	failed := 0
	for n, d := range o.Drills {
		fmt.Fprintf(o.Out, "\n▸ %d/%d %s: %s\n", n+1, len(o.Drills), d.Name, d.Shows)
		result := r.drill(ctx, d.complete())
		results = append(results, result)
		result.print(o.Out)
		if !result.Passed() {
			failed++
		}
		if ctx.Err() != nil {
			break
		}
	}
	err := r.stop()
	fmt.Fprintf(o.Out, "\n%s\n%d of %d drills passed in %s, seed %d\n", table(results), len(results)-failed, len(o.Drills), took(began), o.Seed)
	if failed > 0 {
		err = errors.Join(err, fmt.Errorf("%d drills failed", failed))
	}
	if o.Report != "" && ctx.Err() == nil {
		err = errors.Join(err, report.Keep(o.Report, "drills", reportTable(results, o.Seed, time.Since(began))))
	}
	return errors.Join(err, ctx.Err())
}

// runner uses one platform for several drills: as long as they pass and want the same options.
type runner struct {
	Options
	platform    *platform.Platform
	made        platform.Options // of the platform
	played      int
	deadLetters int // dead letters that earlier drills have left on the platform
}

// drill prepares and runs one drill.
func (r *runner) drill(ctx context.Context, d Drill) Result {
	if d.Prepare != nil {
		if err := d.Prepare(ctx); err != nil {
			return Result{Drill: d, Err: fmt.Errorf("prepare: %w", err)}
		}
	}
	ctx, cancel := context.WithTimeout(ctx, d.Lasts+allowance)
	defer cancel()
	result := Result{Drill: d}
	began := time.Now()
	defer func() { result.Took = time.Since(began) }()
	err := r.ready(ctx, d)
	if err == nil {
		began = time.Now()
		err = r.play(ctx, d, &result)
	}
	result.Err = err
	result.Took = time.Since(began)
	if !result.Passed() {
		r.keepLogs(d)
		result.Err = errors.Join(result.Err, r.stop())
	}
	return result
}

// play runs the load, injects and heals the fault meanwhile, waits until the platform has settled, and checks.
func (r *runner) play(ctx context.Context, d Drill, result *Result) error {
	s := &Scene{Platform: r.platform, Drill: d, Random: d.random(r.Seed), Began: time.Now(), out: r.Out}
	loaded := make(chan error, 1)
	loading, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		var err error
		o := load.Options{
			Shops: s.entrances(), Provider: s.Provider, Name: fmt.Sprintf("%s-%d-%d", d.Name, r.Seed, r.played), Seed: r.Seed,
			Rate: d.Rate, Length: lead + d.Lasts + trail, Expire: 0.1, Leave: d.leaves(), Card: 0.25, Reserve: 0.4, Challenge: 0.3, Saved: 0.2, Entered: 0.3, Dispute: 0.06, Boleto: 0.15, Checkout: 0.15, Refund: cmp.Or(d.Refund, 0.2), Cancel: cmp.Or(d.Cancel, 0.05), Panel: d.Panel, Prefer: "wait=5", Flood: d.Flood, Within: d.Within,
			RetryFor: 90 * time.Second, Linger: 30 * time.Second,
		}
		if d.Plain {
			o.Checkout, o.Saved, o.Entered, o.Challenge, o.Dispute, o.Reserve = 0, 0, 0, 0, 0, 0
		}
		s.Log, err = load.Run(loading, o)
		loaded <- err
	}()
	seen := watch(loading, r.platform)
	if err := s.harm(ctx); err != nil {
		stop()
		<-loaded
		return err
	}
	if err := <-loaded; err != nil {
		return err
	}
	result.Log = s.Log
	if err := inOrder(ctx, s, d.After); err != nil {
		return fmt.Errorf("after the load: %w", err)
	}
	err := s.judge(ctx, seen)
	result.Objections, result.Remarks = s.objections, s.remarks
	if err != nil {
		return err
	}
	for _, w := range s.Evidence.Webhooks {
		if w.Time.After(s.Began) && !w.Suppressed {
			result.Webhooks++
		}
	}
	result.Webhooks += s.Log.Counts.Forged + s.Log.Counts.Replayed
	result.DeadLetters = len(s.Evidence.DeadLetters) - r.deadLetters
	r.deadLetters = len(s.Evidence.DeadLetters)
	return nil
}

// entrances are where clients send requests: to the balancer, or to the API processes in turn.
func (s *Scene) entrances() []*platform.Shop {
	switch {
	case s.Drill.From != "":
		return []*platform.Shop{cameFrom(s.Front, s.Drill.From)}
	case s.Balancer != nil:
		return []*platform.Shop{s.Front}
	}
	return s.Shops
}

// harm injects the fault in the middle of the load, and heals it.
func (s *Scene) harm(ctx context.Context) error {
	if !platform.Pause(ctx, lead) {
		return ctx.Err()
	}
	s.Struck = time.Now()
	defer func() { s.Healed = time.Now() }()
	if len(s.Drill.Strike) == 0 {
		return nil
	}
	s.progress("the fault begins")
	if err := inOrder(ctx, s, s.Drill.Strike); err != nil {
		return fmt.Errorf("strike: %w", err)
	}
	if len(s.Drill.Heal) == 0 {
		return nil
	}
	if err := forAWhile(ctx, s); err != nil {
		return err
	}
	if err := inOrder(ctx, s, s.Drill.Until); err != nil {
		return fmt.Errorf("until: %w", err)
	}
	s.progress("healing")
	if err := inOrder(ctx, s, s.Drill.Heal); err != nil {
		return fmt.Errorf("heal: %w", err)
	}
	s.progress("healed")
	return nil
}

// judge waits until the platform has settled, gathers the evidence, and checks it.
func (s *Scene) judge(ctx context.Context, seen func() []Alarm) error {
	s.progress("settling")
	settling, cancel := context.WithTimeout(ctx, settleTimeout)
	defer cancel()
	stop := s.settleMoney(settling)
	settled := settle(settling, s.Platform, s.Log, s.backup) // what has not settled by then is checked as it is
	if settled != nil {
		s.objections = append(s.objections, object("the platform settles", "", "%v", settled))
	}
	err := stop()
	if err != nil {
		return err
	}
	s.progress("checking")
	if s.Evidence, err = Gather(ctx, s.Platform, s.Log); err != nil {
		return fmt.Errorf("gather: %w", err)
	}
	s.Evidence.Since, s.Evidence.Alarms, s.Evidence.lost = s.Began, seen(), s.backup
	s.objections = append(s.objections, Check(s.Evidence)...)
	s.objections = append(s.objections, s.everyPartRuns()...)
	for _, expect := range s.Drill.Expect {
		objections, err := expect(ctx, s)
		if err != nil {
			return fmt.Errorf("expect: %w", err)
		}
		s.objections = append(s.objections, objections...)
	}
	return nil
}

// ready starts a platform for the drill, unless the last one fits.
func (r *runner) ready(ctx context.Context, d Drill) error {
	r.played++
	o := d.platform(r.Program, r.Env)
	if r.platform != nil && reflect.DeepEqual(r.made, o) {
		return nil
	}
	err := r.stop()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	began := time.Now()
	r.platform, err = platform.Start(ctx, o)
	r.made, r.deadLetters = o, 0
	if err == nil {
		fmt.Fprintf(r.Out, "  a fresh platform: %s  (%s)\n", d.platformName(), took(began))
	}
	return err
}

// platform is the options of the drill's platform.
func (d Drill) platform(program string, env []string) platform.Options {
	o := platform.Options{Program: program, Env: env, Settings: settings(), RedisCluster: d.RedisCluster}
	maps.Copy(o.Settings, d.Settings)
	if d.Replicas {
		o.Watched = true
		return o.WithReplicas(2)
	}
	o.APIs, o.Workers, o.Links = 2, 2, true
	return o
}

func (d Drill) platformName() string {
	switch {
	case d.Replicas:
		return "two of each behind nginx, with monitoring"
	case d.RedisCluster:
		return "two apis, two workers, Redis is a cluster"
	}
	return "two apis, two workers"
}

func (r *runner) stop() error {
	if r.platform == nil {
		return nil
	}
	err := r.platform.Stop()
	r.platform = nil
	return err
}

// keepLogs copies a failed drill's logs, which are deleted with its platform.
func (r *runner) keepLogs(d Drill) {
	if r.Keep == "" || r.platform == nil {
		return
	}
	to := filepath.Join(r.Keep, d.Name)
	err := errors.Join(os.RemoveAll(to), os.MkdirAll(r.Keep, 0o755), os.CopyFS(to, os.DirFS(r.platform.Logs)))
	if own := r.platform.Stack.Logs(); own != r.platform.Logs {
		err = errors.Join(err, os.CopyFS(to, os.DirFS(own)))
	}
	fmt.Fprintf(r.Out, "  logs kept in %s\n", to)
	if err != nil {
		fmt.Fprintf(r.Out, "  but not all of them: %v\n", err)
	}
}

func took(since time.Time) string { return time.Since(since).Round(100 * time.Millisecond).String() }

// Package resets shows that a reset is safe anywhere: it imports every recorded history into a real Temporal server, as the run of a
// payment of its own, and resets it at every point. Its one rule: the workers, the database and the simulator are the real ones, and only
// the history is from before.
package resets

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"go.temporal.io/api/namespace/v1"
	"go.temporal.io/api/workflowservice/v1"
	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/onlywave/onlywave/internal/mercadopago"
	"github.com/onlywave/onlywave/internal/postgres"
	"github.com/onlywave/onlywave/test/platform"
	"github.com/onlywave/onlywave/test/report"
	"github.com/onlywave/onlywave/workflows"
)

// Options says what to reset.
type Options struct {
	Program   string    // the onlywave binary
	Env       []string  // more environment for it
	Histories string    // the folder of the recorded histories
	Only      string    // only histories whose name matches this regular expression; "": all
	Report    string    // the page whose table is replaced; "": none
	Out       io.Writer // progress
	AtOnce    int       // how many resets are under way; 0: 1
}

// Run resets every recorded history everywhere. An error says that a reset went wrong.
func Run(ctx context.Context, o Options) (err error) {
	recordings, err := readRecordings(o.Histories)
	if err != nil {
		return err
	}
	only, err := regexp.Compile(o.Only)
	if err != nil {
		return fmt.Errorf("the names of histories: %w", err)
	}
	recordings = slices.DeleteFunc(recordings, func(r recording) bool { return !only.MatchString(r.name) })
	began := time.Now()
	p, err := start(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	fmt.Fprintf(o.Out, "  the platform is ready  (%s)\n", platform.Took(began))
	results, err := p.all(ctx, o, recordings)
	if err != nil {
		return err
	}
	failed, resets := 0, 0
	for _, r := range results {
		failed, resets = failed+len(r.wrong), resets+r.with+r.without
	}
	fmt.Fprintf(o.Out, "  %d resets of %d histories  (%s)\n", resets, len(results), platform.Took(began))
	if o.Report != "" && ctx.Err() == nil {
		err = report.Keep(o.Report, "resets", table(results, time.Since(began)))
	}
	if failed > 0 {
		err = errors.Join(err, fmt.Errorf("%d resets went wrong", failed))
	}
	return errors.Join(err, ctx.Err())
}

// longRetention keeps runs whose recorded end is long ago.
const longRetention = 10 * 365 * 24 * time.Hour

func start(ctx context.Context, o Options) (p *player, err error) {
	p = &player{}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.stop())
		}
	}()
	p.Platform, err = platform.Start(ctx, platform.Options{Program: o.Program, Env: o.Env, Workers: 2, Settings: map[string]string{
		"RECONCILE_EVERY": "24h", // rows are missing on purpose
		"LOG_LEVEL":       "warn",
	}})
	if err != nil {
		return p, err
	}
	if p.temporal, err = p.Temporal(); err != nil {
		return p, err
	}
	_, err = p.temporal.WorkflowService().UpdateNamespace(ctx, &workflowservice.UpdateNamespaceRequest{
		Namespace: "default", Config: &namespace.NamespaceConfig{WorkflowExecutionRetentionTtl: durationpb.New(longRetention)},
	})
	if err != nil {
		return p, err
	}
	if err = p.Stack.AllowImports(ctx); err != nil {
		return p, err
	}
	if p.conn, err = grpc.NewClient(p.Stack.TemporalAddress(), grpc.WithTransportCredentials(insecure.NewCredentials())); err != nil {
		return p, err
	}
	p.product = workflows.NewClient(p.temporal, workflows.Polls{First: time.Minute, Max: time.Hour, AfterExpiry: 30 * time.Second})
	if p.provider, err = mercadopago.New(mercadopago.Config{BaseURL: p.Provider.URL, AccessToken: p.Secrets()["access token"]}); err != nil {
		return p, err
	}
	p.database, err = postgres.Open(ctx, p.Stack.PostgresURL(), 8)
	return p, err
}

func (p *player) stop() error {
	if p.database != nil {
		p.database.Close()
	}
	if p.temporal != nil {
		p.temporal.Close()
	}
	if p.conn != nil {
		_ = p.conn.Close() // nothing is under way
	}
	if p.Platform == nil {
		return nil
	}
	return p.Platform.Stop()
}

// result is what came of the resets of one recorded history.
type result struct {
	recording recording
	points    int
	with      int // resets with re-applied signals and updates
	without   int
	wrong     []string
}

// all plays every attempt, many at once.
func (p *player) all(ctx context.Context, o Options, recordings []recording) ([]*result, error) {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(max(o.AtOnce, 1))
	var mu sync.Mutex
	var results []*result
	number := 0
	for _, r := range recordings {
		result := &result{recording: r, points: len(r.points())}
		results = append(results, result)
		for _, a := range attempts(r) {
			number++
			a.number = number
			group.Go(func() error {
				wrong, err := p.play(ctx, a)
				if err != nil {
					return fmt.Errorf("%s: %w", a, err)
				}
				mu.Lock()
				defer mu.Unlock()
				if a.reapply {
					result.with += resetsOfOne
				} else {
					result.without += resetsOfOne
				}
				if len(wrong) > 0 {
					result.wrong = append(result.wrong, a.String()+": "+strings.Join(wrong, "; "))
					fmt.Fprintf(o.Out, "  WRONG  %s: %s\n", a, strings.Join(wrong, "; "))
				}
				return nil
			})
		}
	}
	return results, group.Wait()
}

// resetsOfOne is how often each run is reset at each point: the second reset finds what the first has done.
const resetsOfOne = 2

func attempts(r recording) []attempt {
	rows := []row{rowKept}
	ages := []bool{false}
	if r.workflow() == "Payment" {
		rows, ages = []row{rowKept, rowOlder, rowLost}, []bool{false, true}
	}
	var all []attempt
	for _, point := range r.points() {
		for _, reapply := range []bool{true, false} {
			for _, row := range rows {
				for _, past := range ages {
					all = append(all, attempt{recording: r, point: point, reapply: reapply, row: row, past: past})
				}
			}
		}
	}
	return all
}

func (p *player) play(ctx context.Context, a attempt) (wrong []string, err error) {
	if a.recording.workflow() == "Payment" {
		return p.payment(ctx, a)
	}
	return p.otherWork(ctx, a)
}

func table(results []*result, took time.Duration) string {
	var rows [][]string
	resets := 0
	for _, r := range results {
		outcome := "safe"
		if len(r.wrong) > 0 {
			outcome = "**wrong**: " + strings.Join(r.wrong, "<br>")
		}
		resets += r.with + r.without
		rows = append(rows, []string{"`" + r.recording.name + "`", r.recording.workflow(), fmt.Sprint(r.points), fmt.Sprint(r.with), fmt.Sprint(r.without), outcome})
	}
	return fmt.Sprintf("%d resets of %d recorded histories in %s on %d cores.\n\n", resets, len(results), took.Round(time.Second), runtime.NumCPU()) +
		report.Table([]string{"recorded history", "workflow", "points", "resets with signals and updates", "resets without", "outcome"}, rows)
}

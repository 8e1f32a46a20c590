// Package alerts makes every alert fire on a real platform, and resolve again. Its rule: the fault behind an alert is injected from
// outside, into processes, links, the simulator or the database; and the alert counts as seen only when Prometheus shows it and
// Alertmanager has notified the receiver, both when it fires and when it resolves.
//
// Time runs Faster times as fast for the alerts: a minute of the rules' windows, waits and ages becomes a second. The expressions do
// not change.
package alerts

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/onlywave/onlywave/test/platform"
	"github.com/onlywave/onlywave/test/report"
)

// Faster is how many times as fast time runs for the alerts.
const Faster = 60

// Options says which faults to inject, and how.
type Options struct {
	Program string // the onlywave binary
	Env     []string
	Faults  []Fault
	Out     io.Writer // progress
	Report  string    // the Markdown file whose table is replaced; "": none
}

// settings shorten the platform's longest waits only.
func settings() map[string]string {
	return map[string]string{
		"MERCADOPAGO_TIMEOUT": "2s", "RECONCILE_EVERY": "5s", "RECONCILE_GRACE": "25s", "DRAIN_WAIT": "0s", "EVENT_REPEAT_DELAY": "300ms",
		"WEBHOOK_RETRY_DELAY": "300ms", "SIMULATOR_TIME_SCALE": "1",
	}
}

// Run injects the faults one after another and prints the table. Its error says how many alerts did not fire and resolve.
func Run(ctx context.Context, o Options) (err error) {
	for _, t := range o.Faults {
		if t.Prepare == nil {
			continue
		}
		if err := t.Prepare(ctx); err != nil {
			return fmt.Errorf("prepare %s: %w", t.Shows, err)
		}
	}
	began := time.Now()
	p, err := platform.Start(ctx, platform.Options{
		Program: o.Program, Env: o.Env, APIs: 2, Workers: 2, Replica: true, Links: true, Watched: true, Faster: Faster,
		Settings: settings(), Out: o.Out,
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.Stop()) }()
	s := &Scene{Platform: p, out: o.Out, began: time.Now(), run: fmt.Sprint(time.Now().Unix())}
	var seen []Seen
	failed := 0
	for n, t := range o.Faults {
		fmt.Fprintf(o.Out, "\n▸ %d/%d %s\n", n+1, len(o.Faults), t.Shows)
		for _, each := range s.play(ctx, t) {
			seen = append(seen, each)
			if each.Err != nil {
				failed++
			}
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	fmt.Fprintf(o.Out, "\n%s\n%d of %d alerts fired and resolved in %s\n", table(seen), len(seen)-failed, len(seen), took(began))
	if failed > 0 {
		return fmt.Errorf("%d alerts did not fire and resolve", failed)
	}
	if o.Report != "" {
		return report.Keep(o.Report, "alerts", table(seen))
	}
	return nil
}

// Seen is the result of one alert.
type Seen struct {
	Alert, Fault string
	Fired        time.Duration // since the fault began
	Resolved     time.Duration // since it ended
	Err          error
}

func table(all []Seen) string {
	var rows [][]string
	for _, s := range all {
		row := []string{s.Alert, s.Fault, seconds(s.Fired), seconds(s.Resolved)}
		if s.Err != nil {
			row[2], row[3] = "**not seen**", s.Err.Error()
		}
		rows = append(rows, row)
	}
	return report.Table([]string{"alert", "provoked by", "fires after, s", "resolves after, s"}, rows)
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.0f", d.Seconds()) }

func took(since time.Time) time.Duration { return time.Since(since).Round(time.Second) }

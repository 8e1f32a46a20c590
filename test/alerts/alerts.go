// Package alerts makes every alert fire on a real platform, and clear again. Its rule: each alert is provoked by the trouble that
// it is about, done from outside to processes, links, the simulator or the record; and it counts as seen only when Prometheus
// says so and a person would have been told, both that it fires and that it is over.
//
// So that it does not take days, time goes faster for the alerts: at Faster a minute of the rules' windows, waits and ages is a
// second. The expressions stay as they are.
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

// Faster is how many times as fast time goes for the alerts.
const Faster = 60

// Options says what to try out.
type Options struct {
	Program  string // the onlywave binary
	Env      []string
	Troubles []Trouble
	Out      io.Writer // progress for a person
	Report   string    // the Markdown file whose table is made anew; "": none
}

// settings leave the platform's own pace as it is, except for what nobody would wait for.
func settings() map[string]string {
	return map[string]string{
		"MERCADOPAGO_TIMEOUT": "2s", "RECONCILE_EVERY": "5s", "RECONCILE_GRACE": "25s", "DRAIN_WAIT": "0s", "EVENT_REPEAT_DELAY": "300ms",
		"WEBHOOK_RETRY_DELAY": "300ms", "SIMULATOR_TIME_SCALE": "1",
	}
}

// Run makes the troubles one after another and prints the table. Its error says how many alerts were not seen to fire and clear.
func Run(ctx context.Context, o Options) (err error) {
	for _, t := range o.Troubles {
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
	for n, t := range o.Troubles {
		fmt.Fprintf(o.Out, "\n▸ %d/%d %s\n", n+1, len(o.Troubles), t.Shows)
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
	fmt.Fprintf(o.Out, "\n%s\n%d of %d alerts fired and cleared in %s\n", table(seen), len(seen)-failed, len(seen), took(began))
	if failed > 0 {
		return fmt.Errorf("%d alerts were not seen to fire and clear", failed)
	}
	if o.Report != "" {
		return report.Keep(o.Report, "alerts", table(seen))
	}
	return nil
}

// Seen is what became of one alert.
type Seen struct {
	Alert, Trouble string
	Fired          time.Duration // from the trouble's beginning
	Cleared        time.Duration // from its end
	Err            error
}

func table(all []Seen) string {
	var rows [][]string
	for _, s := range all {
		row := []string{s.Alert, s.Trouble, seconds(s.Fired), seconds(s.Cleared)}
		if s.Err != nil {
			row[2], row[3] = "**not seen**", s.Err.Error()
		}
		rows = append(rows, row)
	}
	return report.Table([]string{"alert", "provoked by", "fires after, s", "clears after, s"}, rows)
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.0f", d.Seconds()) }

func took(since time.Time) time.Duration { return time.Since(since).Round(time.Second) }

// Package bench measures the platform against the limits of the machine. Its rule: a result is a ratio of two rates measured in turn,
// in the same run, on the same services, as the median of several pairs, because a machine that is slow for a while is slow for both of
// a pair. What cannot be compared is reported as a count, which does not depend on the machine.
package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/onlywave/onlywave/test/platform"
)

// Options says how much to measure.
type Options struct {
	Program string // the onlywave binary
	Env     []string
	Out     io.Writer
	Report  string        // the Markdown file whose table is replaced; "": none
	Only    string        // measure only the parts whose title contains it
	Rounds  int           // each ratio is the median of so many
	Length  time.Duration // of one round
}

// Run measures everything on a throw-away platform and prints the table.
func Run(ctx context.Context, o Options) (err error) {
	fmt.Fprintln(o.Out, "Starting a throw-away platform")
	p, err := platform.Start(ctx, platform.Options{Program: o.Program, Env: o.Env, Out: o.Out, Settings: map[string]string{
		"MERCADOPAGO_RATE":  "0",      // the machine is the limit, not a setting
		"RATE_LIMIT_WRITES": "100000", // counted but never reached
		"RATE_LIMIT_READS":  "100000",
		"RECONCILE_EVERY":   "24h", // so that no round contains a run of reconciliation
	}})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.Stop()) }()

	b := &bench{Options: o, platform: p}
	defer b.close()
	if err := b.connect(ctx); err != nil {
		return err
	}
	var table results
	for _, part := range []struct {
		title   string
		measure func(context.Context, *results) error
	}{
		{"one payment's life", b.life},
		{"what one payment takes of each system", b.costs},
		{"latency", b.latency},
		{"payments against bare workflows", b.payments},
		{"webhooks against a bare handler", b.webhooks}, // last: it fills the queues and stops the worker
	} {
		if !strings.Contains(part.title, o.Only) {
			continue
		}
		fmt.Fprintf(o.Out, "\n▸ %s\n", part.title)
		if err := part.measure(ctx, &table); err != nil {
			return fmt.Errorf("%s: %w", part.title, err)
		}
	}
	if len(table.rows) > 0 {
		fmt.Fprintf(o.Out, "\n%s\n", table.markdown())
	}
	if o.Report != "" && o.Only == "" {
		return table.keep(o.Report)
	}
	return nil
}

// bench is one run.
type bench struct {
	Options
	platform *platform.Platform
	approved *approvals
	closers  []func()
}

func (b *bench) connect(ctx context.Context) (err error) {
	b.approved, err = listen(b.platform.Stack.RabbitMQURL())
	if err != nil {
		return err
	}
	b.closers = append(b.closers, b.approved.close)
	return ctx.Err()
}

func (b *bench) close() {
	for _, c := range slices.Backward(b.closers) {
		c()
	}
}

// turns is the comparison of two loads.
type turns struct {
	ours, bare float64   // median rates per second
	ratios     []float64 // of each pair, sorted
}

// inTurns runs two loads one after the other, Rounds times, and swaps their order each time. Both are warmed up first, so that no pair
// includes the cost of connections and cold caches.
func (b *bench) inTurns(ctx context.Context, ours, bare func(context.Context) (int, error)) (turns, error) {
	measure := func(load func(context.Context) (int, error), length time.Duration) (float64, error) {
		round, cancel := context.WithTimeout(ctx, length)
		defer cancel()
		began := time.Now()
		n, err := load(round)
		return float64(n) / time.Since(began).Seconds(), err
	}
	var ourRates, bareRates []float64
	var all turns
	for round := range b.Rounds + 1 {
		length, first, second := b.Length, ours, bare
		if round == 0 {
			length = b.Length / 5
		}
		if round%2 == 0 {
			first, second = bare, ours
		}
		one, err := measure(first, length)
		if err != nil {
			return all, err
		}
		other, err := measure(second, length)
		if err != nil {
			return all, err
		}
		if round == 0 {
			continue
		}
		if round%2 == 0 {
			one, other = other, one
		}
		ourRates, bareRates = append(ourRates, one), append(bareRates, other)
		all.ratios = append(all.ratios, one/other)
		fmt.Fprintf(b.Out, "  ours %8.0f/s  bare %8.0f/s  ratio %.2f\n", one, other, one/other)
	}
	slices.Sort(all.ratios)
	all.ours, all.bare = median(ourRates), median(bareRates)
	return all, nil
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

// percentile is the smallest value that p percent of the values do not exceed.
func percentile(values []time.Duration, p int) time.Duration {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[min(len(sorted)*p/100, len(sorted)-1)]
}

// Package bench measures the platform against the machine's own limits. Its rule: a figure is a ratio
// of two things measured in turns, in the same run, on the same services, as the median of several
// rounds; what cannot be compared is reported as a count that no machine can blur.
package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/onlywave/onlywave/dev"
)

// Options says how much to measure.
type Options struct {
	Program string // the onlywave binary
	Env     []string
	Out     io.Writer
	Report  string        // the Markdown file whose table is made anew; "": none
	Only    string        // measure only the parts whose title contains it
	Rounds  int           // each figure is the median of so many
	Length  time.Duration // of one round
}

// Run measures everything on a throw-away platform and prints the table.
func Run(ctx context.Context, o Options) (err error) {
	fmt.Fprintln(o.Out, "Starting a throw-away platform")
	p, err := dev.Start(ctx, dev.Options{Program: o.Program, Env: o.Env, Out: o.Out})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.Stop()) }()

	b := &bench{Options: o, platform: p}
	defer b.close()
	if err := b.connect(ctx); err != nil {
		return err
	}
	var table report
	for _, part := range []struct {
		title   string
		measure func(context.Context, *report) error
	}{
		{"one payment's whole life", b.life},
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
	fmt.Fprintf(o.Out, "\n%s\n", table.markdown())
	if o.Report != "" && o.Only == "" {
		return table.keep(o.Report)
	}
	return nil
}

// bench is one run.
type bench struct {
	Options
	platform *dev.Platform
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

// inTurns runs two loads one after the other, Rounds times, the first of the pair changing each time,
// and gives the median rates per second.
func (b *bench) inTurns(ctx context.Context, ours, bare func(context.Context) (int, error)) (oursRate, bareRate float64, err error) {
	var ourRates, bareRates []float64
	measure := func(what string, load func(context.Context) (int, error), rates *[]float64) error {
		round, cancel := context.WithTimeout(ctx, b.Length)
		defer cancel()
		began := time.Now()
		n, err := load(round)
		if err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		rate := float64(n) / time.Since(began).Seconds()
		*rates = append(*rates, rate)
		fmt.Fprintf(b.Out, "  %-5s %8.0f/s\n", what, rate)
		return nil
	}
	for round := range b.Rounds {
		first, second := func() error { return measure("ours", ours, &ourRates) }, func() error { return measure("bare", bare, &bareRates) }
		if round%2 == 1 {
			first, second = second, first
		}
		if err := errors.Join(first(), second()); err != nil {
			return 0, 0, err
		}
	}
	return median(ourRates), median(bareRates), nil
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

// percentile is the smallest value that p of 100 values do not exceed.
func percentile(values []time.Duration, p int) time.Duration {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[min(len(sorted)*p/100, len(sorted)-1)]
}

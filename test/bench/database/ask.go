package database

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/onlywave/onlywave/test/report"
)

var quiet = slog.New(slog.DiscardHandler)

const deep = 200 // pages

// answers are the measured latencies.
type answers struct {
	questions []question
	about     string // the database and the machine

	mu     sync.Mutex
	took   map[string][]time.Duration // by question
	failed map[string]int
	first  error
}

// ask sends all questions at a constant rate; each is due at its time whether or not those before have been answered.
func (b *bench) ask(ctx context.Context) (*answers, error) {
	k, err := learn(ctx, b.conn, b.Payments, until(), b.Seed)
	if err != nil {
		return nil, err
	}
	a := &answers{questions: k.questions(), took: map[string][]time.Duration{}, failed: map[string]int{}}
	for _, list := range []struct{ name, address string }{
		{"payments", "/v1/payments?limit=100"}, {"status=approved", "/v1/payments?status=approved&limit=100"},
		{"dead letters, any", "/v1/dead-letters?state=any&limit=100"},
	} {
		q, err := b.deepPages(ctx, list.name, list.address, 2)
		if err != nil {
			return nil, err
		}
		a.questions = append(a.questions, q)
	}
	var bag []int // each question as often as its weight
	for i, q := range a.questions {
		bag = append(bag, slices.Repeat([]int{i}, q.weight)...)
	}
	sizes, err := b.sizes(ctx)
	if err != nil {
		return nil, err
	}
	load := loadAverage()
	fmt.Fprintf(b.Out, "%g requests a second for %s\n", b.Rate, b.Length)
	random, began := rand.New(rand.NewPCG(b.Seed, 2)), time.Now()
	var asking sync.WaitGroup
	for i := range int(b.Rate * b.Length.Seconds()) {
		due := began.Add(time.Duration(float64(i) / b.Rate * float64(time.Second)))
		select {
		case <-ctx.Done():
			asking.Wait()
			return nil, ctx.Err()
		case <-time.After(time.Until(due)):
		}
		q := a.questions[bag[random.IntN(len(bag))]]
		p := q.paths[random.IntN(len(q.paths))]
		asking.Go(func() {
			_, err := b.get(ctx, b.url, p)
			a.answered(q.name, time.Since(due), err)
		})
	}
	asking.Wait()
	a.about = fmt.Sprintf("%s %g requests a second for %s. %s", sizes, b.Rate, b.Length, machine(load))
	return a, a.first
}

func (a *answers) answered(name string, took time.Duration, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err != nil {
		a.failed[name]++
		a.first = err
		return
	}
	a.took[name] = append(a.took[name], took)
}

// table has a row for each kind of question.
func (a *answers) table() string {
	var rows [][]string
	floor := percentile99(a.took[machineItself])
	for _, q := range a.questions {
		took := slices.Sorted(slices.Values(a.took[q.name]))
		if len(took) == 0 {
			rows = append(rows, []string{q.name, "0", "", "", "", "never asked"})
			continue
		}
		at := func(p int) time.Duration { return took[min(len(took)*p/100, len(took)-1)] }
		result := fmt.Sprintf("below %s", q.limit)
		switch {
		case at(99) >= q.limit && floor >= q.limit:
			result = "undecided: an empty request took " + millis(floor)
		case at(99) >= q.limit:
			result = fmt.Sprintf("**not below %s**", q.limit)
		}
		rows = append(rows, []string{q.name, fmt.Sprint(len(took)), millis(at(50)), millis(at(99)), millis(took[len(took)-1]), result})
	}
	var text strings.Builder
	text.WriteString(a.about + "\n\n")
	text.WriteString(report.Table([]string{"question", "asked", "p50", "p99", "slowest", "p99"}, rows))
	return text.String()
}

func percentile99(took []time.Duration) time.Duration {
	if len(took) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(took))
	return sorted[min(len(sorted)*99/100, len(sorted)-1)]
}

func millis(d time.Duration) string { return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000) }

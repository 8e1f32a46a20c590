package bench

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/prometheus/procfs"
	goredis "github.com/redis/go-redis/v9"

	"github.com/onlywave/onlywave/test/devstack"
	"github.com/onlywave/onlywave/test/report"
)

const (
	costPayments = 400
	costCallers  = 8
	scalingPage  = "docs/scaling.md"
)

// account is what each system has used so far.
type account struct {
	commits, walBytes, tableBytes int64 // Postgres
	commands                      int64 // Redis
	requests                      int   // the provider
	processor                     map[string]time.Duration
}

// costs measures what one payment costs each system, from POST to approved.
func (b *bench) costs(ctx context.Context, _ *results) error {
	for range 20 { // to open connections and fill caches first
		if _, err := b.buy(ctx); err != nil {
			return err
		}
	}
	before, err := b.account(ctx)
	if err != nil {
		return err
	}
	began := time.Now()
	ids := make(chan string, costPayments)
	turns := make(chan struct{}, costPayments)
	for range costPayments {
		turns <- struct{}{}
	}
	close(turns)
	err = sideBySide(costCallers, func() error {
		for range turns {
			life, cancel := context.WithTimeout(ctx, longestLife)
			one, err := b.buy(life)
			cancel()
			if err != nil {
				return err
			}
			ids <- one.paymentID
		}
		return nil
	})
	if err != nil {
		return err
	}
	took := time.Since(began)
	after, err := b.account(ctx)
	if err != nil {
		return err
	}
	transitions, historyBytes, err := b.history(ctx, <-ids)
	if err != nil {
		return err
	}
	each := func(a, b int64) string { return strconv.FormatFloat(float64(b-a)/costPayments, 'f', 1, 64) }
	kilobytes := func(a, b int64) string { return each(a/1000, b/1000) + " kB" }
	rows := [][]string{
		{"Temporal", fmt.Sprintf("%d state transitions, a history of %.1f kB", transitions, float64(historyBytes)/1000)},
		{"Postgres", each(before.commits, after.commits) + " transactions, " + kilobytes(before.walBytes, after.walBytes) + " of log, " +
			kilobytes(before.tableBytes, after.tableBytes) + " of tables and indexes"},
		{"Redis", each(before.commands, after.commands) + " commands, including those in scripts"},
		{"Mercado Pago", each(int64(before.requests), int64(after.requests)) + " calls"},
	}
	for _, name := range []string{"temporal", "worker", "api", "rabbitmq", "postgres", "redis"} {
		spent := after.processor[name] - before.processor[name]
		rows = append(rows, []string{"processor time of " + name, fmt.Sprintf("%.1f ms", float64(spent.Microseconds())/1000/costPayments)})
	}
	text := fmt.Sprintf("Measured over %d payments, %d at a time, %.0f a second.\n\n", costPayments, costCallers, costPayments/took.Seconds()) +
		report.Table([]string{"system", "one payment costs"}, rows)
	fmt.Fprintln(b.Out, text)
	if b.Report == "" || b.Only != "" {
		return nil
	}
	return report.Keep(scalingPage, "costs", text)
}

func (b *bench) account(ctx context.Context) (account, error) {
	a := account{}
	conn, err := pgx.Connect(ctx, b.platform.Stack.PostgresURL())
	if err != nil {
		return a, err
	}
	defer conn.Close(ctx)
	// A session reports its statistics when it is idle, after a second at the latest (pgstat_report_stat).
	err = conn.QueryRow(ctx, `select pg_stat_force_next_flush() is null, xact_commit,
    pg_current_wal_lsn() - '0/0', pg_database_size(current_database())
from pg_stat_database where datname = current_database()`).Scan(nil, &a.commits, &a.walBytes, &a.tableBytes)
	if err != nil {
		return a, err
	}
	options, err := goredis.ParseURL(b.platform.Stack.RedisURL())
	if err != nil {
		return a, err
	}
	store := goredis.NewClient(options)
	defer store.Close()
	info, err := store.Info(ctx, "stats").Result()
	if err != nil {
		return a, err
	}
	_, counted, _ := strings.Cut(info, "total_commands_processed:")
	counted, _, _ = strings.Cut(counted, "\r")
	if a.commands, err = strconv.ParseInt(counted, 10, 64); err != nil {
		return a, fmt.Errorf("statistics of Redis: %w", err)
	}
	requests, err := b.platform.Provider.Requests(ctx)
	if err != nil {
		return a, err
	}
	for _, r := range requests {
		a.requests = max(a.requests, int(r.Number))
	}
	a.processor, err = b.processor()
	return a, err
}

// processor is the processor time of each system's processes and their children.
func (b *bench) processor() (map[string]time.Duration, error) {
	p := b.platform
	of := map[int]string{p.APIs[0].PID(): "api", p.Workers[0].PID(): "worker"}
	for _, service := range []devstack.Service{devstack.Postgres, devstack.Redis, devstack.RabbitMQ, devstack.Temporal} {
		of[p.Stack.Process(service).PID()] = string(service)
	}
	all, err := procfs.AllProcs()
	if err != nil {
		return nil, err
	}
	used, parents := map[int]float64{}, map[int]int{}
	for _, one := range all {
		if s, err := one.Stat(); err == nil { // else it has ended
			used[s.PID], parents[s.PID] = s.CPUTime(), s.PPID
		}
	}
	sum := map[string]time.Duration{}
	for pid, seconds := range used {
		for up := pid; up > 1; up = parents[up] {
			if name, ok := of[up]; ok {
				sum[name] += time.Duration(seconds * float64(time.Second))
				break
			}
		}
	}
	return sum, nil
}

func (b *bench) history(ctx context.Context, paymentID string) (transitions, bytes int64, err error) {
	temporal, err := b.dialTemporal()
	if err != nil {
		return 0, 0, err
	}
	defer temporal.Close()
	id := "payment/" + paymentID
	if err := temporal.GetWorkflow(ctx, id, "").Get(ctx, nil); err != nil {
		return 0, 0, fmt.Errorf("wait for the run's end: %w", err)
	}
	described, err := temporal.DescribeWorkflow(ctx, id, "")
	info := described.RawResponse.GetWorkflowExecutionInfo()
	return info.GetStateTransitionCount(), info.GetHistorySizeBytes(), err
}

package database

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/postgres"
	"github.com/onlywave/onlywave/test/devstack"
	"github.com/onlywave/onlywave/test/report"
)

// explained makes the server log the plan of every statement of a connection, with the actual rows and times.
const explained = "&session_preload_libraries=auto_explain&auto_explain.log_min_duration=0&auto_explain.log_analyze=on" +
	"&auto_explain.log_buffers=on&auto_explain.log_nested_statements=on"

// settled is how often a statement is run before its plan counts: by then the server has chosen between a custom and a generic plan.
const settled = 7

// plans sends each question several times to an API process whose statements are explained, then runs the workers' queries.
func (b *bench) plans(ctx context.Context, dir string, questions []question) (string, error) {
	api, err := b.startAPI(ctx, dir, "explained", explained)
	if err != nil {
		return "", err
	}
	defer api.Kill()
	var text strings.Builder
	for _, q := range questions {
		if q.name == machineItself {
			continue
		}
		plan, err := b.plan(ctx, func(i int) error {
			_, err := b.get(ctx, api.url, q.paths[i*3%len(q.paths)]) // of one client
			return err
		})
		if err != nil {
			return "", fmt.Errorf("%s: %w", q.name, err)
		}
		fmt.Fprintf(&text, "### %s\n\n```\n%s```\n\n", q.name, plan)
	}
	store, err := postgres.Open(ctx, b.stack.PostgresURL()+explained, 1)
	if err != nil {
		return "", err
	}
	defer store.Close()
	for _, w := range b.workers(store) {
		plan, err := b.plan(ctx, func(int) error { return w.ask(ctx) })
		if err != nil {
			return "", fmt.Errorf("%s: %w", w.name, err)
		}
		fmt.Fprintf(&text, "### %s\n\n```\n%s```\n\n", w.name, plan)
	}
	return text.String(), nil
}

// work is one query of the workers.
type work struct {
	name string
	ask  func(context.Context) error
}

func (b *bench) workers(store *postgres.Store) []work {
	now := until()
	const long = 400 * 24 * time.Hour
	keep := payment.Retention{Notifications: long, DeadLetters: long, Reconciliation: long, Emails: long}
	return []work{
		{"workers: a payment by the provider's id", func(ctx context.Context) error {
			_, err := store.PaymentByProvider(ctx, payment.MercadoPago, fmt.Sprint(100_000_000_000+b.Payments/2))
			if failure.KindOf(err) == failure.NotFound { // one that failed
				return nil
			}
			return err
		}},
		{"workers: what is open, for the metrics", func(ctx context.Context) error {
			_, err := store.Gauges(ctx)
			return err
		}},
		{"workers: where reconciliation goes on, and a run's beginning", func(ctx context.Context) error {
			_, err := store.BeginReconciliation(ctx, postgres.BeginPlan{
				ID: "bench", Now: now, Overlap: 10 * time.Minute, Deep: 48 * time.Hour, DeepEvery: 24 * time.Hour, Longest: 24 * time.Hour,
			})
			return err
		}},
		{"workers: open payments that are too quiet", func(ctx context.Context) error {
			_, err := store.Quiet(ctx, postgres.QuietPlan{Silent: 10 * time.Minute, Again: 2 * time.Hour, Limit: 1000})
			return err
		}},
		{"workers: was there a notification of a change of the last days", func(ctx context.Context) error {
			_, err := store.Unheard(ctx, []payment.Finding{{
				ProviderPaymentID: fmt.Sprint(100_000_000_000 + b.Payments - 5), ProviderUpdatedAt: now.Add(-48 * time.Hour), Detail: postgres.MissedChange,
			}})
			return err
		}},
		{"workers: what is too old to be kept, counted", func(ctx context.Context) error {
			_, err := store.Prunable(ctx, keep, now)
			return err
		}},
	}
}

var (
	logged  = regexp.MustCompile(`(?ms)^\S+ \S+ \S+ \[\d+\] (?:\S+ )?LOG:  duration: ([\d.]+ ms)  plan:\n(.*?)(?:^\S|\z)`)
	planned = regexp.MustCompile(`(?m)^\t[A-Z].*\(cost=`)
	tooLong = regexp.MustCompile(`'\{([^}]{100})[^}]*\}'`)
)

// plan is the plan of the last run, without the statements that check API keys.
func (b *bench) plan(ctx context.Context, ask func(i int) error) (string, error) {
	var read string
	for i := range settled {
		from, err := b.serverLog(0)
		if err != nil {
			return "", err
		}
		if err := ask(i); err != nil {
			return "", err
		}
		if read, err = b.serverLog(len(from)); err != nil {
			return "", err
		}
	}
	var text strings.Builder
	for {
		found := logged.FindStringSubmatchIndex(read)
		if found == nil {
			break
		}
		took, entry := read[found[2]:found[3]], read[found[4]:found[5]]
		read = read[found[5]:]
		start := planned.FindStringIndex(entry)
		if start == nil || strings.Contains(entry, "api_keys") {
			continue
		}
		writePlan(&text, entry[start[0]:])
		fmt.Fprintf(&text, "took %s\n", took)
	}
	if text.Len() == 0 {
		return "", fmt.Errorf("the server has not logged a plan")
	}
	return text.String(), ctx.Err()
}

// writePlan leaves out the parts of the plan that were never executed, such as partitions that were pruned.
func writePlan(text *strings.Builder, plan string) {
	idle, skipped := -1, 0 // the depth of the node that was not executed
	for line := range strings.Lines(tooLong.ReplaceAllString(plan, "'{$1…}'")) {
		line = strings.TrimPrefix(line, "\t")
		deep := len(line) - len(strings.TrimLeft(line, " "))
		if idle >= 0 && deep > idle {
			continue
		}
		if idle = -1; strings.Contains(line, "(never executed)") {
			idle = deep
			skipped++
			continue
		}
		text.WriteString(line)
	}
	if skipped > 0 {
		fmt.Fprintf(text, "… and %d parts of the plan that were never executed\n", skipped)
	}
}

func (b *bench) serverLog(from int) (string, error) {
	text, err := os.ReadFile(filepath.Join(b.stack.Logs(), string(devstack.Postgres)+".log"))
	if err != nil {
		return "", err
	}
	return string(text[from:]), nil
}

// sizes says how large the database is.
func (b *bench) sizes(ctx context.Context) (string, error) {
	var text string
	err := b.conn.QueryRow(ctx, `
select format('%s payments, %s events, %s dead letters, %s findings; %s on disk, of them %s indexes of payments.',
    (select count(*) from payments), (select reltuples::bigint from pg_class where relname = 'payment_events'),
    (select count(*) from dead_letters), (select count(*) from findings), pg_size_pretty(pg_database_size(current_database())),
    pg_size_pretty(pg_indexes_size('payments')))`).Scan(&text)
	return text, err
}

// indexes lists every index with its size, and how often this run has used it.
func (b *bench) indexes(ctx context.Context) (string, error) {
	rows, err := b.conn.Query(ctx, `
select relname, indexrelname, pg_size_pretty(pg_relation_size(indexrelid)), idx_scan, pg_get_indexdef(indexrelid)
from pg_stat_user_indexes
where relname in ('payments', 'operations', 'payment_events', 'dead_letters', 'redrives', 'findings', 'reconciliations', 'nudges')
order by relname, pg_relation_size(indexrelid) desc, indexrelname`)
	if err != nil {
		return "", err
	}
	defer rows.Close()
	var table [][]string
	for rows.Next() {
		var of, name, size, definition string
		var scans int64
		if err := rows.Scan(&of, &name, &size, &scans, &definition); err != nil {
			return "", err
		}
		_, columns, _ := strings.Cut(definition, " USING btree ")
		table = append(table, []string{of, "`" + name + "`", size, fmt.Sprint(scans), "`" + columns + "`"})
	}
	return report.Table([]string{"table", "index", "size", "scans", "of"}, table), rows.Err()
}

package cli

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"

	"github.com/onlywave/onlywave/deploy/grafana"
	"github.com/onlywave/onlywave/internal/config"
	"github.com/onlywave/onlywave/internal/metrics"
)

var update = flag.Bool("update", false, "write docs/metrics.md")

// The subjects of the page, each with the beginnings of its metrics' names. Of several that fit, the longest counts.
var subjects = []struct {
	title string
	of    []string
}{
	{"Requests", []string{"http_", "limited_"}},
	{"Payments", []string{"payment_", "payments_", "refunds_", "disputes_", "activity_", "cache_"}},
	{"Mercado Pago", []string{"provider_", "breaker_"}},
	{"Temporal", []string{"payloads_"}},
	{"Webhooks", []string{"webhook_", "webhooks_", "spool_"}},
	{"Reconciliation", []string{"reconciliation_"}},
	{"Events and e-mails", []string{"outbox_", "event_", "emails_"}},
	{"RabbitMQ and dead letters", []string{"queue_", "messages_", "publish_", "publishes_", "dead_letters_"}},
	{"Postgres, Redis and processes", []string{"postgres_", "record_", "clock_", "redis_", "dependency_", "part"}},
}

// docs/metrics.md has each metric that api or worker shows, and no other.
func TestEveryMetricIsOnThePage(t *testing.T) {
	t.Parallel()
	const path = "../../docs/metrics.md"
	page := metricsPage(t)
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(page), 0o644))
	}
	kept, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, page, string(kept), "write it anew: go generate ./internal/cli")
}

// shown is a metric and the parts that show it.
type shown struct {
	metrics.Description
	parts []string
}

func metricsPage(t *testing.T) string {
	uses := usesOfMetrics(t)
	rows := map[string][]string{}
	for _, m := range allMetrics(t) {
		unit := "count"
		if strings.Contains(m.Name, "_seconds") {
			unit = "seconds"
		}
		title := subjectOf(m.Name)
		require.NotEmpty(t, title, "%s belongs to no subject", m.Name)
		rows[title] = append(rows[title], fmt.Sprintf("| `%s` | %s | %s | %s | %s | %s | %s |\n", m.Name, m.Type, unit, inCode(m.Labels),
			strings.Join(m.parts, ", "), m.Help, strings.Join(uses(m.Name), "; ")))
	}
	var page strings.Builder
	page.WriteString(`# Metrics

<!-- Made from the code by go generate ./internal/cli. A test fails while this page and the code differ. -->

Every process of the parts api and worker shows its metrics for Prometheus at ` + "`METRICS_ADDRESS`, path `/metrics`" + `. A histogram has the
series ` + "`…_bucket`, `…_sum` and `…_count`" + `. Labels are names of a fixed list and never ids.

Besides, each process shows ` + "`go_…` and `process_…`" + ` of Prometheus' own library, and ` + "`temporal_…`" + ` of Temporal's SDK
([its list](https://docs.temporal.io/references/sdk-metrics)). The [alerts](runbook/README.md) and dashboards that use a metric are in its row.
`)
	for _, s := range subjects {
		fmt.Fprintf(&page, "\n## %s\n\n| metric | type | unit | labels | part | meaning | used by |\n|---|---|---|---|---|---|---|\n%s", s.title, strings.Join(rows[s.title], ""))
	}
	return page.String()
}

// allMetrics are ours, by name. Nothing is connected to: the parts are built and not run.
func allMetrics(t *testing.T) []*shown {
	byName := map[string]*shown{}
	for part, serve := range map[config.Part]process{config.API: serveAPI, config.Worker: serveWorker} {
		c, err := config.Load(part, []string{
			"DATABASE_URL=postgres://a@127.0.0.1:1/b", "DATABASE_REPLICA_URL=postgres://a@127.0.0.1:1/b", "REDIS_URL=redis://127.0.0.1:1/0",
			"RABBITMQ_URLS=amqp://127.0.0.1:1/", "TEMPORAL_ADDRESS=127.0.0.1:1", "SMTP_URL=smtp://127.0.0.1:1?tls=none", "EMAIL_FROM=a@example.com",
			"MERCADOPAGO_URL=http://127.0.0.1:1", "MERCADOPAGO_ACCESS_TOKEN=TEST-1", "MERCADOPAGO_WEBHOOK_SECRETS=secret", "CURSOR_SECRET=0123456789abcdef0123456789abcdef",
			"MERCADOPAGO_NOTIFICATION_URL=http://127.0.0.1:1/webhooks/mercadopago", "TEMPORAL_PAYLOAD_KEYS=k1:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
		})
		require.NoError(t, err)
		run := func(_ context.Context, _ config.Config, watch *metrics.Watch, _ *slog.Logger, _ func(context.Context) error) error {
			all, err := watch.Descriptions()
			for _, d := range all {
				if !strings.HasPrefix(d.Name, "onlywave_") {
					continue
				}
				m := cmp.Or(byName[d.Name], &shown{Description: d})
				m.parts = append(m.parts, string(part))
				slices.Sort(m.parts)
				byName[d.Name] = m
			}
			return err
		}
		require.NoError(t, serve(t.Context(), c, slog.New(slog.DiscardHandler), run))
	}
	var all []*shown
	for _, m := range byName {
		all = append(all, m)
	}
	slices.SortFunc(all, func(a, b *shown) int { return strings.Compare(a.Name, b.Name) })
	return all
}

func subjectOf(name string) (title string) {
	longest := 0
	for _, s := range subjects {
		for _, prefix := range s.of {
			if strings.HasPrefix(name, "onlywave_"+prefix) && len(prefix) > longest {
				title, longest = s.title, len(prefix)
			}
		}
	}
	return title
}

// usesOfMetrics finds the alerts and dashboards that use a metric, also by way of a recording rule.
func usesOfMetrics(t *testing.T) func(name string) []string {
	text, err := os.ReadFile("../../deploy/prometheus/rules.yml")
	require.NoError(t, err)
	var rules struct {
		Groups []struct {
			Rules []struct{ Record, Alert, Expr string }
		}
	}
	require.NoError(t, yaml.Unmarshal(text, &rules))
	return func(name string) []string {
		names := []string{name}
		var alerts, boards []string
		for _, g := range rules.Groups {
			for _, r := range g.Rules {
				switch {
				case !uses(r.Expr, names):
				case r.Record != "":
					names = append(names, r.Record)
				case !slices.Contains(alerts, r.Alert):
					alerts = append(alerts, r.Alert)
				}
			}
		}
		for _, d := range grafana.Dashboards {
			for _, p := range d.Panels {
				for _, q := range p.Queries {
					if board := "dashboard " + d.Name; uses(q.Expr, names) && !slices.Contains(boards, board) {
						boards = append(boards, board)
					}
				}
			}
		}
		return append(alerts, boards...)
	}
}

var series = regexp.MustCompile(`onlywave[a-z0-9_:]+`)

func uses(expr string, names []string) bool {
	for _, found := range series.FindAllString(expr, -1) {
		for _, end := range []string{"_bucket", "_sum", "_count", ""} {
			if base, cut := strings.CutSuffix(found, end); cut && slices.Contains(names, base) {
				return true
			}
		}
	}
	return false
}

func inCode(words []string) string {
	var quoted []string
	for _, w := range words {
		quoted = append(quoted, "`"+w+"`")
	}
	return strings.Join(quoted, ", ")
}

// Package prometheus holds Prometheus' configuration: which processes to scrape, and the alerts. Its one rule: every alert has a
// test in which it fires, and a runbook.
package prometheus

import (
	_ "embed"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Rules are the recording rules and the alerts of production.
//
//go:embed rules.yml
var Rules string

// Target is a process to scrape.
type Target struct {
	Name    string // such as "worker-2"
	Address string // host:port
}

// Config is for a Prometheus that scrapes processes by their addresses.
type Config struct {
	Every        time.Duration // between two scrapes
	Parts        []Target      // api and worker processes
	RabbitMQ     string        // host:port of its metrics; empty: it is not scraped
	Temporal     string        // the same
	Alertmanager string        // host:port
}

// Render makes the configuration, which reads the rules from rules.yml beside it.
func (c Config) Render() string {
	var text strings.Builder
	every := c.Every.Milliseconds()
	fmt.Fprintf(&text, "global: {scrape_interval: %dms, scrape_timeout: %dms, evaluation_interval: %dms}\n", every, every, every)
	fmt.Fprintf(&text, "rule_files: [rules.yml]\nalerting: {alertmanagers: [{static_configs: [{targets: [%q]}]}]}\nscrape_configs:\n", c.Alertmanager)
	text.WriteString("  - job_name: onlywave\n    static_configs:\n")
	for _, t := range c.Parts {
		fmt.Fprintf(&text, "      - {targets: [%q], labels: {instance: %q}}\n", t.Address, t.Name)
	}
	if c.RabbitMQ != "" {
		fmt.Fprintf(&text, "  - job_name: rabbitmq\n    metrics_path: /metrics/detailed\n    params: {family: [queue_coarse_metrics]}\n"+
			"    static_configs: [{targets: [%q], labels: {instance: rabbitmq}}]\n", c.RabbitMQ)
	}
	if c.Temporal != "" {
		fmt.Fprintf(&text, "  - job_name: temporal\n    static_configs: [{targets: [%q], labels: {instance: temporal}}]\n", c.Temporal)
	}
	return text.String()
}

var (
	alertLine = regexp.MustCompile(`(?m)^ +- alert: (\w+)$`)
	// durations are windows, offsets, waits (for), and Alertmanager's intervals.
	durations = regexp.MustCompile(`(\[|\boffset |\b(?:for|group_wait|group_interval|repeat_interval): )(\d+)(s|m|h|d)\b`)
	// ages are the thresholds of metrics that measure a wait in seconds.
	ages = regexp.MustCompile(`(?m)(onlywave_\w+(?:_oldest_seconds|_behind_seconds|_lag_seconds_bucket)\b.* > )(\d+)$`)
	unit = map[string]time.Duration{"s": time.Second, "m": time.Minute, "h": time.Hour, "d": 24 * time.Hour}
)

// Alerts are the names of all alerts.
func Alerts() []string {
	var names []string
	for _, m := range alertLine.FindAllStringSubmatch(Rules, -1) {
		names = append(names, m[1])
	}
	return names
}

// Faster divides all windows, waits and age thresholds of rules, or of Alertmanager's configuration, by a factor. Nothing else
// changes. At 60 a minute becomes a second.
func Faster(text string, times int) string {
	text = durations.ReplaceAllStringFunc(text, func(found string) string {
		m := durations.FindStringSubmatch(found)
		n, _ := strconv.Atoi(m[2]) // digits only
		return fmt.Sprintf("%s%dms", m[1], (time.Duration(n) * unit[m[3]] / time.Duration(times)).Milliseconds())
	})
	return ages.ReplaceAllStringFunc(text, func(found string) string {
		m := ages.FindStringSubmatch(found)
		n, _ := strconv.Atoi(m[2])
		return m[1] + strconv.FormatFloat(float64(n)/float64(times), 'g', -1, 64)
	})
}

package platform

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/onlywave/onlywave/deploy/alertmanager"
	"github.com/onlywave/onlywave/deploy/prometheus"
	"github.com/onlywave/onlywave/test/devstack"
)

// Monitoring is a platform's Prometheus and Alertmanager, and the receiver of its alerts.
type Monitoring struct {
	Prometheus   string // address of its API and its page
	Alertmanager string
	Pager        *Pager

	processes []*devstack.Process
}

const (
	scrapeEvery       = 5 * time.Second
	scrapeEveryFaster = time.Second // the shortest windows have at least five
)

// startMonitoring starts both for the processes that run by now.
func (p *Platform) startMonitoring(ctx context.Context, dir string) error {
	began, o := time.Now(), p.options
	port := func(preferred int) (int, error) {
		if o.Dir == "" {
			preferred = 0
		}
		return devstack.FreePort(preferred)
	}
	prometheusPort, err := port(9091)
	if err != nil {
		return err
	}
	alertmanagerPort, err := port(9094)
	if err != nil {
		return err
	}
	m := &Monitoring{
		Prometheus: fmt.Sprintf("http://127.0.0.1:%d", prometheusPort), Alertmanager: fmt.Sprintf("http://127.0.0.1:%d", alertmanagerPort),
	}
	p.Monitoring = m
	if m.Pager, err = startPager(p.say); err != nil {
		return err
	}
	config := prometheus.Config{
		Every: scrapeEvery, RabbitMQ: p.Stack.RabbitMQMetrics(), Temporal: p.Stack.TemporalMetrics(),
		Alertmanager: fmt.Sprintf("127.0.0.1:%d", alertmanagerPort),
	}
	for _, part := range p.Showing() {
		host, err := hostOf(p.Metrics[part])
		if err != nil {
			return err
		}
		config.Parts = append(config.Parts, prometheus.Target{Name: part, Address: host})
	}
	rules, routes := prometheus.Rules, alertmanager.For(m.Pager.URL)
	if o.Faster > 1 {
		config.Every = scrapeEveryFaster
		rules, routes = prometheus.Faster(rules, o.Faster), prometheus.Faster(routes, o.Faster)
	}
	m.processes = make([]*devstack.Process, 2)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		m.processes[0], err = devstack.StartPrometheus(ctx, devstack.MonitorOptions{
			Dir: filepath.Join(dir, "prometheus"), LogFile: filepath.Join(p.Logs, "prometheus.log"), Port: prometheusPort,
			Files: map[string]string{"prometheus.yml": config.Render(), "rules.yml": rules},
		})
		return err
	})
	group.Go(func() (err error) {
		m.processes[1], err = devstack.StartAlertmanager(ctx, devstack.MonitorOptions{
			Dir: filepath.Join(dir, "alertmanager"), LogFile: filepath.Join(p.Logs, "alertmanager.log"), Port: alertmanagerPort,
			Files: map[string]string{"alertmanager.yml": routes},
		})
		return err
	})
	if err := group.Wait(); err != nil {
		return err
	}
	p.say("  %-11s ready  (%s)", "monitoring", Took(began))
	return nil
}

// stop ends what was started, even if not all of it was.
func (m *Monitoring) stop() error {
	if m == nil {
		return nil
	}
	var group errgroup.Group
	for _, process := range m.processes {
		if process != nil {
			group.Go(process.Stop)
		}
	}
	err := group.Wait()
	if m.Pager != nil {
		m.Pager.stop()
	}
	return err
}

// Alerts are the active alerts by name: true when one fires, false when it is pending.
func (m *Monitoring) Alerts(ctx context.Context) (firing map[string]bool, err error) {
	answer, err := Send(ctx, nil, http.MethodGet, m.Prometheus+"/api/v1/alerts", "")
	if err != nil {
		return nil, err
	}
	var all struct {
		Data struct {
			Alerts []struct {
				State  string            `json:"state"`
				Labels map[string]string `json:"labels"`
			} `json:"alerts"`
		} `json:"data"`
	}
	if err := answer.Decode(&all); err != nil {
		return nil, err
	}
	firing = map[string]bool{}
	for _, a := range all.Data.Alerts {
		name := a.Labels["alertname"]
		firing[name] = firing[name] || a.State == "firing"
	}
	return firing, nil
}

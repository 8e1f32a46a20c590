package platform

import (
	"encoding/json"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Pager is the receiver of alerts: it accepts Alertmanager's notifications, prints them, and keeps them.
type Pager struct {
	URL string

	server *http.Server
	say    func(format string, args ...any)

	mu     sync.Mutex
	alarms []Alarm
}

// Alarm is one notification of an alert.
type Alarm struct {
	Alert    string
	Severity string
	Firing   bool // false: it has resolved
	At       time.Time
}

func startPager(say func(string, ...any)) (*Pager, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &Pager{URL: "http://" + listener.Addr().String(), say: say}
	p.server = &http.Server{Handler: p, ReadHeaderTimeout: 5 * time.Second}
	go p.server.Serve(listener) // until stop
	return p, nil
}

func (p *Pager) stop() { _ = p.server.Close() }

// Alarms lists the notifications since then, in order.
func (p *Pager) Alarms(since time.Time) []Alarm {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(p.alarms), func(alarm Alarm) bool { return alarm.At.Before(since) })
}

// ServeHTTP accepts a notification from Alertmanager.
func (p *Pager) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	var notification struct {
		Alerts []struct {
			Status      string            `json:"status"`
			Labels      map[string]string `json:"labels"`
			Annotations map[string]string `json:"annotations"`
		} `json:"alerts"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(out, r.Body, 1<<20)).Decode(&notification); err != nil {
		http.Error(out, err.Error(), http.StatusBadRequest)
		return
	}
	for _, a := range notification.Alerts {
		alarm := Alarm{Alert: a.Labels["alertname"], Severity: a.Labels["severity"], Firing: a.Status == "firing", At: time.Now()}
		p.mu.Lock()
		p.alarms = append(p.alarms, alarm)
		p.mu.Unlock()
		if alarm.Firing {
			p.say("%s: %s fires: %s (%s)", alarm.Severity, alarm.Alert, a.Annotations["summary"], a.Annotations["runbook"])
		} else {
			p.say("%s: %s resolved", alarm.Severity, alarm.Alert)
		}
	}
}

package platform

import (
	"encoding/json"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Pager stands for the people who are told of alerts: it takes what Alertmanager sends, tells it, and remembers.
type Pager struct {
	URL string

	server *http.Server
	say    func(format string, args ...any)

	mu     sync.Mutex
	alarms []Alarm
}

// Alarm is an alert as somebody was told of it.
type Alarm struct {
	Alert    string
	Severity string
	Firing   bool // false: it is over
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

// Alarms lists what people were told since then, in its order.
func (p *Pager) Alarms(since time.Time) []Alarm {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(p.alarms), func(alarm Alarm) bool { return alarm.At.Before(since) })
}

// ServeHTTP takes a notification of Alertmanager's.
func (p *Pager) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	var told struct {
		Alerts []struct {
			Status      string            `json:"status"`
			Labels      map[string]string `json:"labels"`
			Annotations map[string]string `json:"annotations"`
		} `json:"alerts"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(out, r.Body, 1<<20)).Decode(&told); err != nil {
		http.Error(out, err.Error(), http.StatusBadRequest)
		return
	}
	for _, a := range told.Alerts {
		alarm := Alarm{Alert: a.Labels["alertname"], Severity: a.Labels["severity"], Firing: a.Status == "firing", At: time.Now()}
		p.mu.Lock()
		p.alarms = append(p.alarms, alarm)
		p.mu.Unlock()
		if alarm.Firing {
			p.say("%s: %s fires: %s (%s)", alarm.Severity, alarm.Alert, a.Annotations["summary"], a.Annotations["runbook"])
		} else {
			p.say("%s: %s is over", alarm.Severity, alarm.Alert)
		}
	}
}

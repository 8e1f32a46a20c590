package drills

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

const charges = "charge" // the name of the charges' breaker

// countOpenings notes how often each breaker had opened before the fault.
func countOpenings(ctx context.Context, s *Scene) (err error) {
	s.openings, err = s.countOpenings(ctx)
	return err
}

func (s *Scene) countOpenings(ctx context.Context) (map[string]int, error) {
	var breakers struct {
		Data []struct {
			Name     string `json:"name"`
			Openings int    `json:"openings"`
		} `json:"data"`
	}
	if err := s.read(ctx, "/v1/breakers", &breakers); err != nil {
		return nil, err
	}
	counts := map[string]int{}
	for _, b := range breakers.Data {
		counts[b.Name] = b.Openings
	}
	return counts, nil
}

// read reads a page of the operators' API from the first API process.
func (s *Scene) read(ctx context.Context, path string, into any) error {
	answer, err := s.Shops[0].Get(ctx, path)
	if err != nil {
		return err
	}
	if answer.Status != http.StatusOK {
		return fmt.Errorf("%s answers %d", path, answer.Status)
	}
	return json.Unmarshal(answer.Body, into)
}

// The breaker's defaults, as the provider sees them.
const (
	breakerMinimum = 10
	breakerProbes  = 3
	soonOpen       = 2 * time.Second // from the minimum until no worker lets a call through
)

// onlyProbesGetThrough: once enough charges had failed, they came in groups no larger than the probes of one half-open
// window. Windows are further apart than the calls within one. A worker that could not reach Redis is excused.
func onlyProbesGetThrough(ctx context.Context, s *Scene) ([]Objection, error) {
	var sent []time.Time
	for _, r := range s.Evidence.Requests {
		if r.Method == http.MethodPost && r.Time.After(s.Struck) && r.Time.Before(s.Healed) && r.Fault != "" {
			sent = append(sent, r.Time)
		}
	}
	if len(sent) < breakerMinimum {
		return []Objection{object("only probes get through", "", "%d charges during the outage are too few", len(sent))}, nil
	}
	now, err := s.countOpenings(ctx)
	if err != nil {
		return nil, err
	}
	local, probes := s.redisUnavailableAt(), breakerProbes
	if len(local) > 0 && now[charges] == s.openings[charges] { // then the workers' local breakers opened, and each has its own probes
		probes *= len(s.Workers)
	}
	windows, group, last := 0, 0, time.Time{}
	var objections []Objection
	for _, at := range sent {
		excused := slices.ContainsFunc(local, func(since time.Time) bool { return at.After(since) && at.Before(since.Add(2*soonOpen)) })
		if excused || at.Before(sent[breakerMinimum-1].Add(soonOpen)) {
			continue
		}
		if at.Sub(last) > soonOpen {
			windows, group = windows+1, 0
		}
		last = at
		if group++; group > probes {
			objections = append(objections, object("only probes get through", "", "charge number %d of a half-open window, %s after the fault began",
				group, at.Sub(s.Struck).Round(time.Millisecond)))
		}
	}
	s.remark("%d charges reached Mercado Pago in %s, %d half-open windows, Redis answered late %d times", len(sent), s.Healed.Sub(s.Struck).Round(time.Second), windows, len(local))
	return objections, nil
}

// redisUnavailableAt is when, by its log, a worker could not reach Redis in time during the fault and decided locally. It happens on a
// very busy machine.
func (s *Scene) redisUnavailableAt() []time.Time {
	var at []time.Time
	for _, page := range s.Evidence.Pages {
		if !strings.HasPrefix(page.Where, "worker") {
			continue
		}
		for line := range strings.Lines(page.Text) {
			var entry struct {
				Time time.Time `json:"time"`
			}
			if !strings.Contains(line, "redis is unavailable") || json.Unmarshal([]byte(line), &entry) != nil {
				continue
			}
			if entry.Time.After(s.Struck) && entry.Time.Before(s.Healed) {
				at = append(at, entry.Time.Add(-time.Second)) // it began before it was noticed
			}
		}
	}
	return at
}

func breakerStayedClosed(ctx context.Context, s *Scene) ([]Objection, error) {
	now, err := s.countOpenings(ctx)
	if err != nil {
		return nil, err
	}
	if len(now) == 0 {
		return []Objection{object("the breaker stays closed", "", "the API shows no breaker, so nothing is shown")}, nil
	}
	var objections []Objection
	for name, count := range now {
		if count != s.openings[name] {
			objections = append(objections, object("the breaker stays closed", "", "%s opened %d times", name, count-s.openings[name]))
		}
	}
	return objections, nil
}

package drills

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

const charges = "charge" // the breaker of those

// countOpenings notes how often the breakers have opened before the fault.
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

// read asks the first API for what operators see.
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

// The breaker's defaults, as they reach the provider.
const (
	breakerMinimum = 10
	breakerProbes  = 3
	soonOpen       = 2 * time.Second // from the minimum until no worker lets any more through
)

// onlyProbesGetThrough: once enough charges had failed, they came in groups no larger than the probes of one half-open
// window. Windows are further apart than the calls of one. A worker that could not ask Redis in time has a breaker, and
// probes, of its own.
func onlyProbesGetThrough(ctx context.Context, s *Scene) ([]Objection, error) {
	var sent []time.Time
	for _, r := range s.Evidence.Requests {
		if r.Method == http.MethodPost && r.Time.After(s.Struck) && r.Time.Before(s.Healed) && r.Fault != "" {
			sent = append(sent, r.Time)
		}
	}
	if len(sent) < breakerMinimum {
		return []Objection{object("only probes get through", "", "%d charges during the outage say nothing", len(sent))}, nil
	}
	now, err := s.countOpenings(ctx)
	if err != nil {
		return nil, err
	}
	probes, whose := breakerProbes, "the fleet's breaker"
	if now[charges] == s.openings[charges] {
		probes, whose = breakerProbes*len(s.Workers), "the workers' own breakers"
	}
	windows, group, last := 0, 0, time.Time{}
	var objections []Objection
	for _, at := range sent {
		if at.Before(sent[breakerMinimum-1].Add(soonOpen)) {
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
	s.remark("%s let %d charges through in %s, %d half-open windows", whose, len(sent), s.Healed.Sub(s.Struck).Round(time.Second), windows)
	return objections, nil
}

func breakerStayedClosed(ctx context.Context, s *Scene) ([]Objection, error) {
	now, err := s.countOpenings(ctx)
	if err != nil {
		return nil, err
	}
	var objections []Objection
	for name, count := range now {
		if count != s.openings[name] {
			objections = append(objections, object("the breaker stays closed", "", "%s opened %d times", name, count-s.openings[name]))
		}
	}
	return objections, nil
}

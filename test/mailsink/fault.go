package mailsink

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
)

// Kind is a way in which a mail server can fail.
type Kind string

// The kinds.
const (
	KindForbid Kind = "forbid" // 550 to MAIL FROM
	KindRefuse Kind = "refuse" // 550 to RCPT TO
	KindFull   Kind = "full"   // 452 to RCPT TO
	KindReject Kind = "reject" // 554 to the message (DATA)
	KindLater  Kind = "later"  // 451 to the message (DATA)
	KindCut    Kind = "cut"    // the connection ends after DATA, and the message is not kept
	KindLost   Kind = "lost"   // the connection ends after DATA, and the message is kept
	KindHangUp Kind = "hangup" // the connection ends after the message was acknowledged
)

var kinds = []Kind{KindForbid, KindRefuse, KindFull, KindReject, KindLater, KindCut, KindLost, KindHangUp}

// Fault is a failure, Times times, for one recipient or, when To is empty, for any.
type Fault struct {
	Kind  Kind   `json:"kind"`
	To    string `json:"to,omitempty"`
	Times int    `json:"times,omitempty"` // 0: once
}

// AddFault adds a fault.
func (s *Sink) AddFault(f Fault) {
	f.Times = max(f.Times, 1)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, f)
}

// meets says whether a fault applies now, and uses it up.
func (s *Sink) meets(to string, kind Kind) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.faults, func(f Fault) bool { return f.Kind == kind && (f.To == "" || f.To == to) })
	if i < 0 {
		return false
	}
	if s.faults[i].Times--; s.faults[i].Times == 0 {
		s.faults = slices.Delete(s.faults, i, i+1)
	}
	return true
}

func (s *Sink) listFaults(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	waiting := append([]Fault{}, s.faults...)
	s.mu.Unlock()
	answer(w, waiting)
}

func (s *Sink) addFaults(w http.ResponseWriter, r *http.Request) {
	var faults []Fault
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxSize)).Decode(&faults); err != nil {
		http.Error(w, "send a JSON array of faults", http.StatusBadRequest)
		return
	}
	for _, f := range faults {
		if !slices.Contains(kinds, f.Kind) {
			http.Error(w, fmt.Sprintf("there is no kind %q, only %v", f.Kind, kinds), http.StatusBadRequest)
			return
		}
	}
	for _, f := range faults {
		s.AddFault(f)
	}
	answer(w, faults)
}

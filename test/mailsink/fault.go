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
	KindForbid Kind = "forbid" // 550 to the sender
	KindRefuse Kind = "refuse" // 550 to the reader's address
	KindFull   Kind = "full"   // 452 to the reader's address
	KindReject Kind = "reject" // 554 to what is written
	KindLater  Kind = "later"  // 451 to what is written
	KindCut    Kind = "cut"    // the connection ends after what is written, which is not kept
	KindLost   Kind = "lost"   // the same, and it is kept: the word that it was is lost
	KindHangUp Kind = "hangup" // the connection ends after the word that it was kept
)

var kinds = []Kind{KindForbid, KindRefuse, KindFull, KindReject, KindLater, KindCut, KindLost, KindHangUp}

// Fault goes wrong so many times, for one reader or, when To is empty, for any.
type Fault struct {
	Kind  Kind   `json:"kind"`
	To    string `json:"to,omitempty"`
	Times int    `json:"times,omitempty"` // 0: once
}

// AddFault orders something to go wrong.
func (s *Sink) AddFault(f Fault) {
	f.Times = max(f.Times, 1)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, f)
}

// meets says whether it is time for a fault, which it uses up.
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

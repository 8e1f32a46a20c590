package paypage

import (
	"fmt"
	"net/http"
	"time"

	"github.com/onlywave/onlywave/internal/payment"
)

const (
	// mostStreams is how many pages of one process may wait for news. Others ask again after a while, as a page without a script does.
	mostStreams = 1000
	// streamTime is how long one request waits for news; the browser asks again by itself. It is shorter than a load balancer's timeout.
	streamTime = 30 * time.Second
	// lookEvery is the pause between two looks at the payment's copy in Redis.
	lookEvery = time.Second
)

// events tells a page that its payment has changed (server-sent events, WHATWG HTML 9.2). The page says which version of the payment it
// shows, and loads itself again.
func (p *Pages) events(w http.ResponseWriter, r *http.Request) {
	select {
	case p.streams <- struct{}{}:
		defer func() { <-p.streams }()
	default:
		w.Header().Set("Retry-After", "10")
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	found, err := p.find(r)
	if err != nil {
		p.refuse(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no") // nginx passes each event on at once
	out := http.NewResponseController(w)
	end, tick := time.Now().Add(streamTime), time.NewTicker(lookEvery)
	defer tick.Stop()
	_, err = fmt.Fprint(w, "retry: 1000\n\n")
	for shown := r.URL.Query().Get("version"); err == nil; {
		if version := fmt.Sprint(found.Version); version != shown {
			_, err = fmt.Fprintf(w, "event: changed\ndata: %s\n\n", version)
			shown = version
		}
		if err != nil || out.Flush() != nil || p.ended.Load() || !moves(found) || time.Now().After(end) {
			return
		}
		select {
		case <-r.Context().Done():
			return
		case <-tick.C:
		}
		if seen, err := p.find(r); err == nil { // else it is asked again, and the page stays as it is
			found = seen
		}
	}
}

// moves says whether a buyer who looks at the page may still see it change.
func moves(p payment.Payment) bool { return p.Status.Open() }

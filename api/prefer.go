package api

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	waitDefault = 10 * time.Second
	waitMax     = 30 * time.Second
)

// FinishTime is how long requests in flight may take when the server stops: longer than the longest wait that a client may ask for.
const FinishTime = waitMax + 10*time.Second

// preference is how long a client wants to wait for the provider.
type preference struct {
	wait    time.Duration
	applied string // the value of Preference-Applied
}

// readPreference reads the Prefer header (RFC 7240): wait=N in seconds, at most 30, and respond-async, which alone means wait=0. The
// first of several counts, and unknown preferences are ignored, as section 2 of the RFC says.
func readPreference(h http.Header) preference {
	p := preference{wait: waitDefault}
	async, waiting := false, false
	for _, line := range h.Values("Prefer") {
		for item := range strings.SplitSeq(line, ",") {
			item, _, _ = strings.Cut(item, ";") // parameters
			name, value, _ := strings.Cut(item, "=")
			switch strings.ToLower(strings.TrimSpace(name)) {
			case "respond-async":
				async = true
			case "wait":
				seconds, err := strconv.ParseUint(strings.Trim(value, " \t\""), 10, 31)
				if err != nil || waiting {
					continue
				}
				waiting, p.wait = true, min(time.Duration(seconds)*time.Second, waitMax)
			}
		}
	}
	var applied []string
	if async {
		applied = append(applied, "respond-async")
		if !waiting {
			p.wait = 0
		}
	}
	if waiting {
		applied = append(applied, "wait="+strconv.Itoa(int(p.wait/time.Second)))
	}
	p.applied = strings.Join(applied, ", ")
	return p
}

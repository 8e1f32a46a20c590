package rabbitmq

import (
	"encoding/json"
	"fmt"
	"time"
)

const (
	maxTrail     = 10
	maxTrailText = 200
)

// Attempt is one failed attempt to handle a message. The message was at fault.
type Attempt struct {
	Number int       `json:"attempt"` // from 1
	At     time.Time `json:"at"`      // UTC
	Error  string    `json:"error"`   // at most 200 bytes
}

// Trail lists a message's failed attempts, the latest last and no more than ten. A message that the broker made a dead
// letter may have none.
func Trail(headers map[string]any) []Attempt {
	text, _ := headers[HeaderTrail].(string)
	var trail []Attempt
	if err := json.Unmarshal([]byte(text), &trail); err != nil {
		return nil // another program wrote it; the message is still handled
	}
	return trail[max(0, len(trail)-maxTrail):]
}

// trail is the trail of d, with this failure added at the end.
func (f *fault) trail(d Delivery, now time.Time) string {
	var trail []Attempt
	if d.Failures > 0 {
		trail = Trail(d.Headers)
	}
	trail = append(trail, Attempt{d.Failures + 1, now.UTC().Truncate(time.Millisecond), truncate(fmt.Sprint(f.err), maxTrailText)})
	trail = trail[max(0, len(trail)-maxTrail):]
	text, _ := json.Marshal(trail) // these types always can be marshalled
	return string(text)
}

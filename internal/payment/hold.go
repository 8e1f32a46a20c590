package payment

import "time"

// How long a payment may be held. A hold ends by itself, so that nothing waits in silence.
const (
	HoldDefault = 24 * time.Hour
	HoldLongest = 7 * 24 * time.Hour
)

// Hold says that an operator holds a payment: OnlyWave makes no call to the provider for it until the hold ends. Its zero value: it is
// not held.
type Hold struct {
	Until  time.Time `json:"until"`
	Actor  string    `json:"actor"`
	Reason string    `json:"reason"`
	At     time.Time `json:"at"`
}

// Held says whether the hold is in force.
func (h Hold) Held(now time.Time) bool { return now.Before(h.Until) }

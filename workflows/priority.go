package workflows

import (
	"crypto/sha256"
	"encoding/hex"

	"go.temporal.io/sdk/temporal"

	"github.com/onlywave/onlywave/internal/payment"
)

// priority is Temporal's, which goes from 1 to 5, as urgencies do, and is 3 by default.
func priority(u payment.Urgency) temporal.Priority { return temporal.Priority{PriorityKey: int(u)} }

// fairly is the priority of what is done for one client app. Tasks of one urgency are served in turn for each client app, so that
// many payments of one delay no payment of another.
func fairly(u payment.Urgency, clientID string) temporal.Priority {
	p := priority(u)
	p.FairnessKey = fairnessKey(clientID)
	return p
}

// priority is that of an activity of the payment. A run that a webhook or an operator has started knows the client app only after it
// has read the row, so each activity says it anew.
func (p *mailbox) priority(u payment.Urgency) temporal.Priority { return fairly(u, p.state.ClientID) }

// longestKey is how many bytes Temporal's server takes. It refuses a task with more, and names of client apps may be longer.
const longestKey = 64

func fairnessKey(clientID string) string {
	if len(clientID) <= longestKey {
		return clientID
	}
	sum := sha256.Sum256([]byte(clientID))
	return hex.EncodeToString(sum[:])
}

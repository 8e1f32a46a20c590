package payment

// Urgency is what waits for a call to the provider, the most urgent first. It decides which call is made first at the provider rate
// limit, and is Temporal's priority of the activity that makes the call.
type Urgency int

// The urgencies. An operator goes before a charge: commands are few, a person waits for each, and charges
// keep four tenths of the provider rate limit, which commands cannot take.
const (
	ForOperator Urgency = iota + 1 // a person asked for it: an operator's command, a refund
	ForCharge                      // a buyer at a check-out waits for something to pay
	ForBuyer                       // a look on which a buyer's answer depends
	ForNews                        // a look because the provider said that something has changed
	ForSweep                       // no request waits: polls, and reconciliation
)

// Urgencies lists them, the most urgent first.
func Urgencies() []Urgency { return []Urgency{ForOperator, ForCharge, ForBuyer, ForNews, ForSweep} }

// String is its name in metrics.
func (u Urgency) String() string {
	switch u {
	case ForCharge:
		return "charge"
	case ForOperator:
		return "operator"
	case ForBuyer:
		return "buyer"
	case ForNews:
		return "news"
	case ForSweep:
		return "sweep"
	}
	return "unknown"
}

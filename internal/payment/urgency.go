package payment

// Urgency says who waits for a call to the provider, the most urgent first. It decides whose turn it is when the provider bears
// no more calls, and is Temporal's priority of the step that makes the call.
type Urgency int

// The urgencies.
const (
	ForCharge   Urgency = iota + 1 // a buyer at a check-out waits for something to pay
	ForOperator                    // a person asked for it: an operator's command, a refund
	ForBuyer                       // a look on which a buyer's answer depends
	ForNews                        // a look because the provider said that something has changed
	ForSweep                       // nobody waits: polls, and comparing the provider's books with ours
)

// Urgencies lists them, the most urgent first.
func Urgencies() []Urgency { return []Urgency{ForCharge, ForOperator, ForBuyer, ForNews, ForSweep} }

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

package events

import (
	"strconv"

	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/rabbitmq"
)

// reported are the kinds of findings that are published. Missed webhooks are of interest by their number only, which is a metric.
func reported() []payment.FindingKind {
	var kinds []payment.FindingKind
	for _, k := range payment.FindingKinds() {
		if k != payment.MissedWebhook {
			kinds = append(kinds, k)
		}
	}
	return kinds
}

// finding is a finding of reconciliation as subscribers read it.
type finding struct {
	ID   string `json:"id"`
	Type string `json:"type"`
	payment.Finding
}

// Finding is the event reconciliation.<kind>.
func Finding(f payment.Finding) (rabbitmq.Message, error) {
	body := finding{ID: "finding:" + strconv.FormatInt(f.ID, 10), Type: "reconciliation." + string(f.Kind), Finding: f}
	return message(body.ID, body.Type, f.FoundAt, body)
}

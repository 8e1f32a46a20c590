package deadletter

import (
	"github.com/onlywave/onlywave/internal/payment"
)

// The namespaces must never change, see internal/payment.
var (
	idNamespace      = [16]byte{0x9d, 0x1c, 0x5b, 0x0e, 0x52, 0x6a, 0x4e, 0x57, 0x8a, 0x31, 0x0c, 0x7e, 0x44, 0xd2, 0x90, 0x20}
	runNamespace     = [16]byte{0x9d, 0x1c, 0x5b, 0x0e, 0x52, 0x6a, 0x4e, 0x57, 0x8a, 0x31, 0x0c, 0x7e, 0x44, 0xd2, 0x90, 0x21}
	redriveNamespace = [16]byte{0x9d, 0x1c, 0x5b, 0x0e, 0x52, 0x6a, 0x4e, 0x57, 0x8a, 0x31, 0x0c, 0x7e, 0x44, 0xd2, 0x90, 0x22}
)

// NewID is the id of the dead letter of a message that died in a queue. A message that is delivered twice, or dies twice in
// the same queue, is one dead letter.
func NewID(messageID, queue string) string {
	return payment.NamedID(idNamespace, messageID+"\x00"+queue)
}

// RunMessageID is the id of the message that a workflow's run publishes when it cannot go on. A repeated publish has the same id.
func RunMessageID(workflowID, runID string, cause Cause) string {
	return payment.NamedID(runNamespace, workflowID+"\x00"+runID+"\x00"+cause.former())
}

// NewRedriveID is the id of the redrive that an actor requests with an idempotency key.
func NewRedriveID(actor, idempotencyKey string) string {
	return payment.NamedID(redriveNamespace, actor+"\x00"+idempotencyKey)
}

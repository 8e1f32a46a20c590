package deadletter

import (
	"github.com/onlywave/onlywave/internal/payment"
)

// They must never change, see internal/payment.
var (
	idNamespace      = [16]byte{0x9d, 0x1c, 0x5b, 0x0e, 0x52, 0x6a, 0x4e, 0x57, 0x8a, 0x31, 0x0c, 0x7e, 0x44, 0xd2, 0x90, 0x20}
	runNamespace     = [16]byte{0x9d, 0x1c, 0x5b, 0x0e, 0x52, 0x6a, 0x4e, 0x57, 0x8a, 0x31, 0x0c, 0x7e, 0x44, 0xd2, 0x90, 0x21}
	redriveNamespace = [16]byte{0x9d, 0x1c, 0x5b, 0x0e, 0x52, 0x6a, 0x4e, 0x57, 0x8a, 0x31, 0x0c, 0x7e, 0x44, 0xd2, 0x90, 0x22}
)

// NewID is the dead letter of a message that died in a queue: however often it is delivered, and however often it
// dies there, it is one letter.
func NewID(messageID, queue string) string {
	return payment.NamedID(idNamespace, messageID+"\x00"+queue)
}

// RunMessageID is the message in which a run of a workflow says that it cannot go on; saying it again repeats the ID.
func RunMessageID(workflowID, runID string, cause Cause) string {
	return payment.NamedID(runNamespace, workflowID+"\x00"+runID+"\x00"+cause.Former())
}

// NewRedriveID is the redrive that somebody asks for under an idempotency key.
func NewRedriveID(actor, idempotencyKey string) string {
	return payment.NamedID(redriveNamespace, actor+"\x00"+idempotencyKey)
}

package payloadcodec

import (
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/history/v1"
)

// headerForeign is added to the header of a run when the run is read from Temporal. Workflow code cannot see the payloads of its input,
// only what they say.
const headerForeign = "onlywave-foreign"

// Foreign says, from the header of a run, that its input was not encrypted with a key of ours. So somebody without a key has started it.
func Foreign(header map[string]*common.Payload) bool {
	_, foreign := header[headerForeign]
	return foreign
}

// markForeign marks the start of a run whose input was not encrypted with a key of ours. A run without input is foreign, too.
func (c *Codec) markForeign(h *history.History) {
	if len(h.GetEvents()) == 0 {
		return
	}
	started := h.GetEvents()[0].GetWorkflowExecutionStartedEventAttributes()
	if started == nil || c.encryptedByUs(started.GetInput()) {
		return
	}
	if started.Header == nil {
		started.Header = &common.Header{}
	}
	if started.Header.Fields == nil {
		started.Header.Fields = map[string]*common.Payload{}
	}
	started.Header.Fields[headerForeign] = &common.Payload{}
}

// encryptedByUs says whether there are payloads, and all of them can be decrypted.
func (c *Codec) encryptedByUs(input *common.Payloads) bool {
	for _, p := range input.GetPayloads() {
		if !Encrypted(p) {
			return false
		}
		if _, err := c.decrypt(p); err != nil {
			return false
		}
	}
	return len(input.GetPayloads()) > 0
}

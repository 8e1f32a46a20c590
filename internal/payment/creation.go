package payment

// Creation is a client app's request, and its key. Workflow histories keep it for months.
type Creation struct {
	ClientID       string  `json:"client_id"`
	IdempotencyKey string  `json:"idempotency_key"`
	Request        Request `json:"request"` // normalized and valid
	// Fingerprint is the request's. The workflow compares it with others, and cannot compute it: encoding/json is not
	// deterministic by the rules of workflow code. "" in runs from before it was kept.
	Fingerprint string `json:"fingerprint,omitempty"`
}

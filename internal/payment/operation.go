package payment

import "time"

// OperationRecord is one operation of a payment as the database holds it.
type OperationRecord struct {
	ProviderKey string // under which the provider sees it, see ProviderKey
	Kind        Operation
	Number      int
	Amount      int64  // centavos
	Outcome     string // asked, done, refused, unknown, or settled by an operator
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

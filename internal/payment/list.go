package payment

import "time"

// Filter chooses payments of one client app, newest first. Zero fields do not filter.
type Filter struct {
	ClientID    string
	Status      Status
	Method      MethodType
	CheckoutID  string // "": of any, and of none
	Reference   string
	CreatedFrom time.Time // inclusive
	CreatedTo   time.Time // exclusive
	After       Position  // start behind this payment
	Limit       int
}

// Position is a payment's place in a list.
type Position struct {
	CreatedAt time.Time
	ID        string
}

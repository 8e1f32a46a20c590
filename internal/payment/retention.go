package payment

import "time"

// Retention says for how long the record keeps what is not about money. Zero keeps it for ever. Payments, their operations
// and their events are always kept, and so is what is still open.
type Retention struct {
	Notifications  time.Duration `json:"notifications"`  // as the provider sent them
	DeadLetters    time.Duration `json:"dead_letters"`   // since they were closed
	Reconciliation time.Duration `json:"reconciliation"` // its runs, what they found, and whom they told to look
	Emails         time.Duration `json:"emails"`         // what became of them; while it is kept, none is sent again
}

// Pruned counts what was removed from the record.
type Pruned struct {
	Partitions    int `json:"months"`        // of notifications, each a month
	Notifications int `json:"notifications"` // that were kept outside of a month of their own
	DeadLetters   int `json:"dead_letters"`
	Findings      int `json:"findings"`
	Runs          int `json:"runs"` // of reconciliation
	Nudges        int `json:"nudges"`
	Emails        int `json:"emails"`
}

// Add adds what another step has removed.
func (p *Pruned) Add(other Pruned) {
	p.Partitions += other.Partitions
	p.Notifications += other.Notifications
	p.DeadLetters += other.DeadLetters
	p.Findings += other.Findings
	p.Runs += other.Runs
	p.Nudges += other.Nudges
	p.Emails += other.Emails
}

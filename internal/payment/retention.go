package payment

import "time"

// Retention says for how long the database keeps rows that are not about money. Zero keeps it for ever. Payments, their operations
// and their events are always kept, and so is what is still open.
type Retention struct {
	Notifications  time.Duration `json:"notifications"`  // as the provider sent them
	DeadLetters    time.Duration `json:"dead_letters"`   // since they were closed
	Reconciliation time.Duration `json:"reconciliation"` // its runs, their findings, and the signals that they sent
	Emails         time.Duration `json:"emails"`         // what became of them; while it is kept, none is sent again
}

// Pruned counts what was removed from the database.
type Pruned struct {
	Partitions    int `json:"months"`        // of notifications, each a month
	Notifications int `json:"notifications"` // in the default partition
	DeadLetters   int `json:"dead_letters"`
	Findings      int `json:"findings"`
	Runs          int `json:"runs"` // of reconciliation
	Signals       int `json:"nudges"`
	Emails        int `json:"emails"`
}

// Add adds what another activity has removed.
func (p *Pruned) Add(other Pruned) {
	p.Partitions += other.Partitions
	p.Notifications += other.Notifications
	p.DeadLetters += other.DeadLetters
	p.Findings += other.Findings
	p.Runs += other.Runs
	p.Signals += other.Signals
	p.Emails += other.Emails
}

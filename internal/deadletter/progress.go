package deadletter

import "time"

// Redrive is the part of one dead letter in one redrive.
type Redrive struct {
	RedriveID    string
	DeadLetterID string
	Actor        string
	Reason       string
	At           time.Time
	Outcome      RedriveOutcome
	Error        string
}

// RedriveOutcome is the outcome of sending one dead letter again.
type RedriveOutcome string

// The outcomes.
const (
	RedriveSending RedriveOutcome = "sending" // it is being sent, or its worker stopped and no other has taken over yet
	RedriveSent    RedriveOutcome = "sent"
	RedriveFailed  RedriveOutcome = "failed" // it could not be sent and is open again
)

// CauseCount is the number of dead letters of one cause.
type CauseCount struct {
	Cause Cause `json:"cause"`
	Count int   `json:"letters"`
}

// Survey is the number of dead letters that a redrive would find now.
type Survey struct {
	At     time.Time    `json:"at"` // by the database's clock: dead letters that are stored later are not part of the redrive
	Causes []CauseCount `json:"causes,omitempty"`
}

// Batch is the input of one activity of a redrive: it sends dead letters until the redrive has tried Upto of them.
type Batch struct {
	RedriveID string    `json:"redrive_id"`
	Actor     string    `json:"actor"`
	Reason    string    `json:"reason,omitempty"`
	Filter    Filter    `json:"filter"`
	Before    time.Time `json:"before"` // only dead letters that were stored by this time
	Upto      int       `json:"upto"`
}

// Progress is the state of a redrive in numbers.
type Progress struct {
	Taken     int `json:"taken"`
	Sent      int `json:"sent"`
	Failed    int `json:"failed"`     // could not be sent and are open again
	DiedAgain int `json:"died_again"` // were sent and are open again
	Left      int `json:"left"`       // selected, open and not tried yet
}

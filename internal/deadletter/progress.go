package deadletter

import "time"

// Redrive is one letter's part in one redrive.
type Redrive struct {
	RedriveID    string
	DeadLetterID string
	Actor        string
	Reason       string
	At           time.Time
	Outcome      RedriveOutcome
	Error        string
}

// RedriveOutcome is what became of sending a letter again.
type RedriveOutcome string

// The outcomes.
const (
	RedriveSending RedriveOutcome = "sending" // it is being sent, or a killed worker has yet to be replaced
	RedriveSent    RedriveOutcome = "sent"
	RedriveFailed  RedriveOutcome = "failed" // it could not be sent, and is open again
)

// CauseCount is how many letters of one cause there are.
type CauseCount struct {
	Cause Cause `json:"cause"`
	Count int   `json:"letters"`
}

// Survey is what a redrive would find now.
type Survey struct {
	At     time.Time    `json:"at"` // by the record's clock: what dies later is not part of the redrive
	Causes []CauseCount `json:"causes,omitempty"`
}

// Batch is one activity of a redrive: it sends dead letters until the redrive has tried Upto of them.
type Batch struct {
	RedriveID string    `json:"redrive_id"`
	Actor     string    `json:"actor"`
	Reason    string    `json:"reason,omitempty"`
	Filter    Filter    `json:"filter"`
	Before    time.Time `json:"before"` // only dead letters that were there by then
	Upto      int       `json:"upto"`
}

// Progress is how far a redrive has come.
type Progress struct {
	Taken     int `json:"taken"`
	Sent      int `json:"sent"`
	Failed    int `json:"failed"`     // could not be sent, and are open again
	DiedAgain int `json:"died_again"` // were sent, and are open again
	Left      int `json:"left"`       // chosen, open and not tried yet
}

package payment

import (
	"strconv"
	"time"
)

// Notice is what an e-mail to a buyer or to operators is about.
type Notice string

// The notices.
const (
	HowToPay     Notice = "instructions" // how to pay
	Receipt      Notice = "receipt"      // the money has come
	RefundNotice Notice = "refund"       // it goes back, or a part of it
	Alert        Notice = "alert"        // something waits for a person; to operators
)

// Notices lists every notice.
func Notices() []Notice { return []Notice{HowToPay, Receipt, RefundNotice, Alert} }

// notices are the e-mails to buyers, by the new status of a payment.
var notices = map[Status]Notice{
	Pending: HowToPay, Approved: Receipt, PartiallyRefunded: RefundNotice, Refunded: RefundNotice,
}

// Notice is what the e-mail about the event is about; "" means that there is none.
func (e Event) Notice() Notice {
	if e.Data.Refund != nil || e.Data.Settlement != nil || e.Data.Dispute != nil || e.Data.Checkout != nil {
		return "" // the buyer hears of a refund when the payment's status moves, and a settlement, a dispute or a checkout is the seller's
	}
	return notices[e.Status]
}

// NoticeName distinguishes the notices of one payment. Instructions and receipt are sent once, whatever happens
// later: a dispute that is won brings no second receipt. Every refund has an e-mail.
func (e Event) NoticeName() string {
	if n := e.Notice(); n != RefundNotice {
		return string(n)
	}
	return string(RefundNotice) + "-" + strconv.Itoa(e.Seq)
}

// Language is one that buyers are written to in.
type Language string

// The languages.
const (
	Portuguese Language = "pt-BR" // the default
	English    Language = "en"
)

// ByEmail is the one way in which a buyer gets notices.
const ByEmail = "email"

// Email is what became of an e-mail.
type Email struct {
	ID        string // see NewEmailID
	Notice    Notice
	PaymentID string
	Outcome   EmailOutcome
	At        time.Time
}

// EmailOutcome is what becomes of an e-mail in the end.
type EmailOutcome string

// The outcomes.
const (
	EmailSent     EmailOutcome = "sent"
	EmailRefused  EmailOutcome = "refused"  // for good: there is no such reader, or the mail server will not have what it says
	EmailNeedless EmailOutcome = "needless" // overtaken by events, such as how to pay what has been paid
	EmailWithheld EmailOutcome = "withheld" // its reader was sent as many as one may be within a day
)

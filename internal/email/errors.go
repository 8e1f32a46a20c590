package email

import (
	"errors"
	"fmt"
	"net/textproto"

	gomail "github.com/wneessen/go-mail"

	"github.com/onlywave/onlywave/internal/failure"
)

// interpret gives a failure of the mail server its kind, and leaves the server's text out.
func interpret(err error) error {
	if err == nil {
		return nil
	}
	phase, code := "connecting", 0
	if reply, ok := errors.AsType[*textproto.Error](err); ok {
		code = reply.Code
	}
	reason := gomail.SendErrReason(-1)
	if failed, ok := errors.AsType[*gomail.SendError](err); ok {
		reason, code = failed.Reason, failed.ErrorCode()
		phase = phases[reason]
	}
	kind, message := kindOf(reason, code)
	cause := fmt.Errorf("no reply while %s", phase)
	if code > 0 {
		cause = fmt.Errorf("reply %d while %s", code, phase)
	}
	return &failure.Error{Kind: kind, Message: message, Err: cause}
}

var phases = map[gomail.SendErrReason]string{
	gomail.ErrSMTPMailFrom: "naming the sender", gomail.ErrSMTPRcptTo: "naming the recipient", gomail.ErrSMTPData: "beginning",
	gomail.ErrWriteContent: "writing", gomail.ErrSMTPDataClose: "ending", gomail.ErrConnCheck: "connecting",
}

// kindOf is the kind of failure that a reply means. 5xx is final: in reply to RCPT TO or DATA it is about the recipient or the message,
// else about us. A 4xx about a recipient, such as a full mailbox, says nothing about the server.
func kindOf(reason gomail.SendErrReason, code int) (failure.Kind, string) {
	final := code >= 500
	switch {
	case code == 421:
		return failure.Unavailable, "the mail server is closing"
	case code == 530 || code == 535:
		return failure.Unauthorized, "the mail server does not accept our credentials"
	case final && (reason == gomail.ErrSMTPRcptTo || reason == gomail.ErrSMTPData || reason == gomail.ErrSMTPDataClose):
		return failure.Invalid, "the mail server refuses this e-mail for good"
	case final:
		return failure.Unauthorized, "the mail server does not accept us"
	case code >= 400 && reason == gomail.ErrSMTPRcptTo:
		return failure.Limited, "the mail server cannot reach this recipient now"
	}
	return failure.Unavailable, "the mail server did not accept the e-mail"
}

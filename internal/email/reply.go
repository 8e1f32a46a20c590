package email

import (
	"errors"
	"fmt"
	"net/textproto"

	gomail "github.com/wneessen/go-mail"

	"github.com/onlywave/onlywave/internal/failure"
)

// interpret gives a mail server's failures their kind. Its words are left out.
func interpret(err error) error {
	if err == nil {
		return nil
	}
	step, code := "connecting", 0
	if reply, ok := errors.AsType[*textproto.Error](err); ok {
		code = reply.Code
	}
	reason := gomail.SendErrReason(-1)
	if failed, ok := errors.AsType[*gomail.SendError](err); ok {
		reason, code = failed.Reason, failed.ErrorCode()
		step = steps[reason]
	}
	kind, message := judge(reason, code)
	cause := fmt.Errorf("no reply while %s", step)
	if code > 0 {
		cause = fmt.Errorf("reply %d while %s", code, step)
	}
	return &failure.Error{Kind: kind, Message: message, Err: cause}
}

var steps = map[gomail.SendErrReason]string{
	gomail.ErrSMTPMailFrom: "naming the sender", gomail.ErrSMTPRcptTo: "naming the reader", gomail.ErrSMTPData: "beginning",
	gomail.ErrWriteContent: "writing", gomail.ErrSMTPDataClose: "ending", gomail.ErrConnCheck: "connecting",
}

// judge says what a reply means. 5xx is final, and where it comes tells whom it is about: the reader and what is written, or us.
// A reader's own 4xx, such as a full mailbox, says nothing about the server.
func judge(reason gomail.SendErrReason, code int) (failure.Kind, string) {
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
		return failure.Limited, "the mail server cannot reach this reader now"
	}
	return failure.Unavailable, "the mail server did not take the e-mail"
}

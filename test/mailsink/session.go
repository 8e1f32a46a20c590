package mailsink

import (
	"errors"
	"io"
	"time"

	"github.com/emersion/go-smtp"
)

// session is one SMTP connection.
type session struct {
	sink *Sink
	conn *smtp.Conn
	from string
	to   []string
	kept bool
}

var _ smtp.Session = (*session)(nil)

// Mail handles MAIL FROM.
func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	if s.sink.meets("", KindForbid) {
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 7, 1}, Message: "not for <" + from + ">"}
	}
	s.from = from
	return nil
}

// Rcpt handles RCPT TO.
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	if s.sink.meets(to, KindRefuse) {
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such mailbox <" + to + ">"}
	}
	if s.sink.meets(to, KindFull) {
		return &smtp.SMTPError{Code: 452, EnhancedCode: smtp.EnhancedCode{4, 2, 2}, Message: "mailbox of <" + to + "> is full"}
	}
	s.to = append(s.to, to)
	return nil
}

// Data handles DATA.
func (s *session) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	to := s.to[0]
	if s.sink.meets(to, KindReject) {
		return &smtp.SMTPError{Code: 554, EnhancedCode: smtp.EnhancedCode{5, 6, 0}, Message: "not to <" + to + ">"}
	}
	if s.sink.meets(to, KindLater) {
		return &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "later, <" + to + ">"}
	}
	if s.sink.meets(to, KindCut) {
		return s.cut()
	}
	s.sink.keep(parse(raw, s.from, s.to, time.Now()))
	s.kept = true
	if s.sink.meets(to, KindLost) {
		return s.cut()
	}
	return nil
}

// cut closes the connection without a reply.
func (s *session) cut() error {
	_ = s.conn.Conn().Close()
	return errors.New("cut")
}

// Reset drops the current e-mail.
func (s *session) Reset() {
	if s.kept && s.sink.meets(s.to[0], KindHangUp) {
		_ = s.cut()
	}
	s.from, s.to, s.kept = "", nil, false
}

// Logout ends the session.
func (*session) Logout() error { return nil }

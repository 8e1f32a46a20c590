package platform

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/onlywave/onlywave/test/mailsink"
)

// mailSettings have all e-mails end in the sink.
func mailSettings(at ports) map[string]string {
	return map[string]string{
		"SMTP_URL": fmt.Sprintf("smtp://127.0.0.1:%d?tls=none", at.smtp), "EMAIL_FROM": "OnlyWave Demo <payments@onlywave.example>",
		"OPERATORS_EMAIL":  OperatorEmail,
		"MAILSINK_ADDRESS": fmt.Sprintf("127.0.0.1:%d", at.mailSink), "MAILSINK_SMTP_ADDRESS": fmt.Sprintf("127.0.0.1:%d", at.smtp),
	}
}

// OperatorEmail is the address that is alerted.
const OperatorEmail = "operators@onlywave.example"

// Mailbox is where all e-mails end: the mail sink's API.
type Mailbox struct {
	URL string
}

// Mails lists what was sent to an address, the latest last.
func (m *Mailbox) Mails(ctx context.Context, to string) ([]mailsink.Mail, error) {
	var mails []mailsink.Mail
	answer, err := Send(ctx, nil, http.MethodGet, m.URL+"/api/mails?to="+url.QueryEscape(to), "")
	if err == nil {
		err = answer.Decode(&mails)
	}
	return mails, err
}

// Await lists them once there are so many, or when ctx ends.
func (m *Mailbox) Await(ctx context.Context, to string, count int) ([]mailsink.Mail, error) {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		mails, err := m.Mails(ctx, to)
		if err == nil && len(mails) >= count {
			return mails, nil
		}
		select {
		case <-ctx.Done():
			return mails, fmt.Errorf("%d e-mails, and not %d: %w", len(mails), count, ctx.Err())
		case <-tick.C:
		}
	}
}

// Arm adds faults.
func (m *Mailbox) Arm(ctx context.Context, faults ...mailsink.Fault) error {
	body, err := json.Marshal(faults)
	if err != nil {
		return err
	}
	answer, err := Send(ctx, nil, http.MethodPost, m.URL+"/api/faults", string(body))
	if err == nil {
		err = answer.Decode(nil)
	}
	return err
}

package activities

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/metrics/metricstest"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/ratelimit"
	"github.com/onlywave/onlywave/test/devstack/devstacktest"
	"github.com/onlywave/onlywave/test/mailsink"
)

// One reader is sent so many e-mails and no more, whichever of the spellings of the address is written to, and one that is tried
// again was counted before. Others, and operators, are not touched by that.
func TestAReaderIsNotFlooded(t *testing.T) {
	t.Parallel()
	m := newMailing(t, "ops@example.com")
	m.mail.PerReader = ratelimit.NewDistinct(openStore(t, devstacktest.Shared().RedisURL()), uuid.NewString(), 3, time.Hour)
	send := func(to string, attempts int) payment.EmailOutcome {
		t.Helper()
		id := m.addressed(t, to)
		for range attempts - 1 {
			m.sink.AddFault(mailsink.Fault{Kind: mailsink.KindLater})
			_, err := m.SendEmail(t.Context(), EmailInput{Name: id + "/instructions", Notice: payment.HowToPay, PaymentID: id})
			requireActivityError(t, err, failure.Unavailable, true)
		}
		done, err := m.SendEmail(t.Context(), EmailInput{Name: id + "/instructions", Notice: payment.HowToPay, PaymentID: id})
		require.NoError(t, err)
		return done.Outcome
	}
	require.Equal(t, payment.EmailSent, send("victim@example.com", 4))
	require.Equal(t, payment.EmailSent, send("Victim+1@Example.com", 1))
	require.Equal(t, payment.EmailSent, send("VICTIM@example.com", 2))
	for _, again := range []string{"victim@example.com", "victim+2@example.com"} {
		require.Equal(t, payment.EmailWithheld, send(again, 1))
	}
	require.Equal(t, payment.EmailSent, send("other@example.com", 1))
	require.Len(t, m.sink.Mails(""), 4)
	for _, collected := range []string{
		`onlywave_emails_total{notice="instructions",outcome="withheld"} 2`, `onlywave_emails_total{notice="instructions",outcome="sent"} 4`,
	} {
		require.Contains(t, metricstest.Text(t, m.mail.Sender.Collectors()...), collected)
	}
	keys, err := openStore(t, devstacktest.Shared().RedisURL()).Client().Keys(t.Context(), "*").Result()
	require.NoError(t, err)
	require.NotContains(t, strings.ToLower(strings.Join(keys, " ")), "victim", "no address is stored")
}

// addressed is a payment for which the buyer at an address has to pay.
func (m *mailing) addressed(t *testing.T, to string) string {
	t.Helper()
	in := asked(t)
	in.Creation.IdempotencyKey = uuid.NewString()
	in.PaymentID = payment.NewID(in.Creation.ClientID, in.Creation.IdempotencyKey)
	in.Creation.Request.Payer.Email = to
	_, err := m.Open(t.Context(), in)
	require.NoError(t, err)
	at := now()
	_, err = m.Apply(t.Context(), ApplyInput{PaymentID: in.PaymentID, State: payment.ProviderState{
		PaymentID: uuid.NewString(), Reference: in.PaymentID, Status: payment.Pending, Money: money, QRCode: "00020126", UpdatedAt: at, ExpiresAt: at.Add(time.Hour),
	}})
	require.NoError(t, err)
	return in.PaymentID
}

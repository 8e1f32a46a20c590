package events

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/breaker"
	"github.com/onlywave/onlywave/internal/payment"
)

// The documents name every routing key, and no other.
func TestTheDocumentsListEveryEvent(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/events.md")
	require.NoError(t, err)
	var documented, listed []string
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z]+\\.<[a-z]+>)`.*$").FindAllStringSubmatch(string(text), -1) {
		documented = append(documented, row[1])
	}
	for _, e := range Types() {
		listed = append(listed, e.Key())
		values := "`<" + e.Name + ">`: `" + strings.Join(e.Values, "`, `") + "`"
		require.Contains(t, strings.Join(strings.Fields(string(text)), " "), values)
	}
	require.Equal(t, listed, documented)
}

func TestEveryEventHasAKeyThatIsListed(t *testing.T) {
	t.Parallel()
	keys := map[string]bool{}
	for _, e := range Types() {
		for _, v := range e.Values {
			keys[e.Prefix+"."+v] = true
		}
	}
	for _, s := range payment.Statuses() {
		m, err := Payment(payment.Event{PaymentID: payment.NewID("shop", "k"), Seq: 1, Status: s})
		require.NoError(t, err)
		require.True(t, keys[m.Key], m.Key)
	}
	for _, c := range payment.DisputeChanges() {
		m, err := Payment(payment.Event{PaymentID: payment.NewID("shop", "k"), Seq: 1, Status: payment.ChargedBack, Data: payment.EventData{Dispute: &payment.EventDispute{Change: c}}})
		require.NoError(t, err)
		require.True(t, keys[m.Key], m.Key)
	}
	m, err := Expired(payment.Checkout{})
	require.NoError(t, err)
	require.True(t, keys[m.Key], m.Key)
	for _, k := range reported() {
		m, err := Finding(payment.Finding{Kind: k})
		require.NoError(t, err)
		require.True(t, keys[m.Key], m.Key)
	}
	for _, s := range breaker.States() {
		m, err := Breaker(breaker.Change{To: s})
		require.NoError(t, err)
		require.True(t, keys[m.Key], m.Key)
	}
}

package email

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/payment"
)

// How to pay links to our page where there is one, and the provider's page is not named then. Other e-mails link to neither.
func TestHowToPayLinksToOurPage(t *testing.T) {
	t.Parallel()
	for language, text := range map[payment.Language]string{"": "Abrir a página de pagamento", payment.English: "Open the payment page"} {
		p := bought(language)
		m, err := ToBuyer(p, payment.HowToPay, aUUID, "https://pay.example.com/pay/token")
		require.NoError(t, err)
		require.Contains(t, m.HTML, `href="https://pay.example.com/pay/token"`)
		require.Contains(t, m.HTML, text)
		require.Contains(t, m.Text, "https://pay.example.com/pay/token")
		require.NotContains(t, m.HTML, p.Instructions.TicketURL)
		m, err = ToBuyer(p, payment.Receipt, aUUID, "https://pay.example.com/pay/token")
		require.NoError(t, err)
		require.NotContains(t, m.HTML, "/pay/token")
	}
}

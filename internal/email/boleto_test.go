package email

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/payment"
)

func TestHowToPayABoleto(t *testing.T) {
	t.Parallel()
	for language, want := range map[payment.Language][]string{
		payment.Portuguese: {
			"Boleto de R$\u00a01.234,50 para pagar", "Copie a linha digitável", "23793.38128 60007.827136 95000.063305 9 75520000370000",
			"Vencimento: 08/01/2026", "Abrir e imprimir o boleto: https://pay.example/1", "Pague uma única vez.",
		},
		payment.English: {
			"Boleto of R$\u00a01,234.50 to pay", "Copy the boleto's line", "23793.38128 60007.827136 95000.063305 9 75520000370000",
			"Due on: 8 January 2026", "Open and print the boleto: https://pay.example/1", "Pay only once.",
		},
	} {
		p := bought(language)
		p.Method = payment.Method{Type: payment.Boleto, Boleto: &payment.BoletoMethod{}}
		p.CreatedAt = time.Date(2026, 1, 5, 12, 0, 0, 0, time.UTC)
		p.Instructions.QRCode, p.Instructions.DigitableLine = "", "23793381286000782713695000063305975520000370000"
		m, err := ToBuyer(p, payment.HowToPay, aUUID, "")
		require.NoError(t, err)
		for _, text := range want {
			require.Contains(t, m.Subject+"\n"+m.Text, text)
		}
		require.Nil(t, m.Image)
		require.NotContains(t, m.HTML, "cid:")

		p.Instructions.DigitableLine = "" // its digits were wrong
		m, err = ToBuyer(p, payment.HowToPay, aUUID, "")
		require.NoError(t, err)
		require.NotContains(t, m.Text, "linha digitável")
		require.Contains(t, m.Text, "https://pay.example/1")
	}
}

// Every method that the buyer pays by a code has its words in each language.
func TestEveryMethodHasItsWords(t *testing.T) {
	t.Parallel()
	for method := range codes {
		for language, words := range methods {
			w := words[method]
			for _, text := range []string{w.pay, w.intro, w.until, w.codeHint, w.link} {
				require.NotEmpty(t, text, "%s in %s", method, language)
			}
			require.Equal(t, 1, strings.Count(w.pay, "%s"))
			require.NotEmpty(t, w.notes)
			require.NotEmpty(t, w.refundNotes)
		}
	}
}

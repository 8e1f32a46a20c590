package email

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/deadletter"
	"github.com/onlywave/onlywave/internal/payment"
)

var traps = []string{
	"http://evil.example/x", "HTTPS://EVIL.COM", "www.evil.com", "evil.com", "evil.com/prêmio", "premio.com.br", "Evil.Com.Br!",
	"(evil.com)", "evil.com,", "clique:evil.com", "ana@evil.com", "mailto:ana@evil", "tel:0800", "javascript:alert(1)", "//evil", "ftp://x",
	"evil。com", "evil．com", "ｅｖｉｌ.com", "evil․com", "evil.рф", "prêmio.com", "xn--e1afmkfd.com", "bit.ly/3x", "t.me/x", "wa.me/5511",
	"192.168.0.1", "foto.zip", "a.evil.com.nada", "whatsapp://send",
}

// A text that is no name is not used in the greeting.
func TestANameThatHoldsALinkIsNotUsed(t *testing.T) {
	t.Parallel()
	for _, trap := range traps {
		for _, name := range []string{trap, "Ana " + trap, trap + " Souza"} {
			require.Empty(t, greetable(name), name)
			p := bought("")
			p.Payer.Name = name
			for _, n := range []payment.Notice{payment.HowToPay, payment.Receipt, payment.RefundNotice} {
				m, err := ToBuyer(p, n, aUUID, "")
				require.NoError(t, err)
				require.Contains(t, m.Text, "Olá!\n", name)
				require.NotContains(t, m.Text+m.HTML+m.Subject, trap)
			}
		}
	}
	for _, name := range []string{
		"", " ", "...", "-", "Ligue 0800 123 4567", "Ana <b>Souza</b>", "Ana\"Souza", "Ana (11) 99999-9999", "R$ 1.000", "[Ana](x)", "Ana_Souza", "@ana",
		"Ana #1", "Ana;", "*Ana*", "👍", strings.Repeat("A", longestGreeting+1),
	} {
		require.Empty(t, greetable(name), name)
	}
}

func TestNamesAreUsed(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"Ana Souza", "José D'Ávila", "Jean-Luc O’Neil", "Ana M. P. Souza", "Sr. João", "Sr.João", "Silva & Filhos Ltda.", "Müller", "Łukasz Żółć", "Ωμέγα",
		"王小明", "محمد", "Nguyễn Văn A", "Maria Aparecida dos Santos Oliveira da Silva Pereira",
	} {
		require.Equal(t, name, greetable(name))
	}
	require.Equal(t, "Ana Souza", greetable("  Ana\n Souza "))
}

// What a client app says of the order is shown, without what could be followed.
func TestWhatTheOrderIsCalledHoldsNoLink(t *testing.T) {
	t.Parallel()
	for _, trap := range traps {
		p := bought("")
		p.Description, p.Reference = "Sua conta foi bloqueada, acesse "+trap+" agora", trap
		m, err := ToBuyer(p, payment.Receipt, aUUID, "")
		require.NoError(t, err)
		require.Contains(t, m.Text, "Descrição: Sua conta foi bloqueada, acesse … agora\nPedido: …\n", trap)
		require.NotContains(t, m.HTML, trap)
	}
	for _, text := range []string{
		"Pedido 1042", "2x Camiseta P/M c/ estampa", "R$ 1.234,50", "Plano v2.0", "Entrega às 10:30", "1.5 kg", "nota nº 12/2026", "e.g. café", "Node.js", "order-1042",
		"#1042", "50% off", "A/B", "Sr.João",
	} {
		require.Equal(t, text, quotable(text, longestQuote))
	}
	require.Equal(t, "two lines", quotable("two\r\nlines", longestQuote))
	long := quotable(strings.Repeat("á ", 300), longestQuote)
	require.LessOrEqual(t, len([]rune(long)), longestQuote)
	require.True(t, strings.HasSuffix(long, "…"))
}

// An operator's alert says what happened in words that came from elsewhere.
func TestAnAlertHoldsNoLinkOfOthers(t *testing.T) {
	t.Parallel()
	m, err := ToOperator("ops@example.com", Alert{Cause: deadletter.CauseInvalid, PaymentID: aUUID, Error: "cannot read \"http://evil.com/x\" at all"}, aUUID)
	require.NoError(t, err)
	require.Contains(t, m.Text, "cannot read … at all")
	require.NotContains(t, m.Text+m.HTML, "evil")
}

func TestOnlyAPageIsLinkedTo(t *testing.T) {
	t.Parallel()
	for _, link := range []string{"javascript:alert(1)", "data:text/html,x", "mailto:a@b.c", "//evil.com", "ticket"} {
		p := bought("")
		p.Instructions.TicketURL = link
		m, err := ToBuyer(p, payment.HowToPay, aUUID, "")
		require.NoError(t, err)
		require.NotContains(t, m.Text+m.HTML, link)
		require.NotContains(t, m.Text, methods[payment.Portuguese][payment.Pix].link)
	}
}

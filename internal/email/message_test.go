package email

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/deadletter"
	"github.com/onlywave/onlywave/internal/payment"
)

const aUUID = "864f878f-658f-5fb2-bfc1-f88228e1d455"

func bought(language payment.Language) payment.Payment {
	return payment.Payment{
		ID: aUUID,
		Request: payment.Request{
			Amount: payment.Money{Centavos: 123450, Currency: payment.BRL}, Description: `<script>alert("1")</script> & café`, Reference: "order-1042",
			Method: payment.Method{Type: payment.Pix},
			Payer:  payment.Payer{Email: "ana@example.com", Name: "Ana Souza", NotifyBy: payment.ByEmail, Language: language},
		},
		Instructions: payment.Instructions{
			ExpiresAt: time.Date(2026, 1, 6, 1, 30, 0, 0, time.UTC), QRCode: "00020126-code", TicketURL: "https://pay.example/1",
		},
		Status: payment.Pending, Refunded: 1050,
		Provider: payment.Provider{PaymentID: "106400160592", UpdatedAt: time.Date(2026, 1, 5, 15, 4, 0, 0, time.UTC)},
	}
}

// The blanks in the amounts do not break.
var messages = map[string]string{
	"pt-BR instructions": `Pague R$ 1.234,50 com Pix
Olá, Ana Souza!

Falta só o pagamento: R$ 1.234,50

Recebemos o seu pedido. Para concluir, pague com Pix no aplicativo do seu banco.

Aponte a câmera do aplicativo do seu banco para o QR Code, ou copie o código abaixo e escolha “Pix copia e cola”:

00020126-code

Abrir a página de pagamento: https://pay.example/1

Descrição: <script>alert("1")</script> & café
Pedido: order-1042
Pague até: 05/01/2026 às 22:30 (horário de São Paulo)

Confira o nome de quem recebe antes de confirmar. Depois do prazo o código deixa de valer e nada é cobrado.

-- 
E-mail automático sobre o pagamento 864f878f-658f-5fb2-bfc1-f88228e1d455. Nunca pedimos senhas nem dados de cartão por e-mail.
`,
	"pt-BR receipt": `Pagamento de R$ 1.234,50 aprovado
Olá, Ana Souza!

Pagamento aprovado: R$ 1.234,50

O seu pagamento foi confirmado. Guarde este e-mail como comprovante.

Descrição: <script>alert("1")</script> & café
Pedido: order-1042
Forma de pagamento: Pix
Aprovado em: 05/01/2026 às 12:04 (horário de São Paulo)
Operação no Mercado Pago: 106400160592

-- 
E-mail automático sobre o pagamento 864f878f-658f-5fb2-bfc1-f88228e1d455. Nunca pedimos senhas nem dados de cartão por e-mail.
`,
	"en instructions": `Pay R$ 1,234.50 with Pix
Hello, Ana Souza!

Only the payment is missing: R$ 1,234.50

We have received your order. To complete it, pay with Pix in your bank's app.

Point your bank app's camera at the QR code, or copy the code below and choose “Pix copia e cola”:

00020126-code

Open the payment page: https://pay.example/1

Description: <script>alert("1")</script> & café
Order: order-1042
Pay until: 5 January 2026, 22:30 (São Paulo time)

Check who receives the money before you confirm. After that time the code is no longer valid and nothing is charged.

-- 
Automatic e-mail about payment 864f878f-658f-5fb2-bfc1-f88228e1d455. We never ask for passwords or card details by e-mail.
`,
	"en refund": `Refund of R$ 10.50
Hello, Ana Souza!

Refunded: R$ 10.50

This is what has been given back of your payment so far.

Description: <script>alert("1")</script> & café
Order: order-1042
Amount of the payment: R$ 1,234.50

The money goes back to the account from which the Pix came, usually within moments.

-- 
Automatic e-mail about payment 864f878f-658f-5fb2-bfc1-f88228e1d455. We never ask for passwords or card details by e-mail.
`,
}

func TestMessagesToBuyers(t *testing.T) {
	for name, want := range messages {
		t.Run(name, func(t *testing.T) {
			language, notice, _ := strings.Cut(name, " ")
			m, err := ToBuyer(bought(payment.Language(language)), payment.Notice(notice), aUUID, "")
			require.NoError(t, err)
			require.Equal(t, want, strings.ReplaceAll(m.Subject+"\n"+m.Text, "\u00a0", " "))
			require.Equal(t, "ana@example.com", m.To)
			require.NotContains(t, m.HTML, "<script>", "what a client app sends is text")
			require.Contains(t, m.HTML, `&lt;script&gt;alert(&#34;1&#34;)&lt;/script&gt; &amp; café`)
			require.Equal(t, notice == "instructions", strings.Contains(m.HTML, "cid:"+imageID), "the code is shown where it is of use")
			require.Equal(t, notice == "instructions", m.Image != nil)
		})
	}
}

func TestALinkThatIsNoneIsDisarmed(t *testing.T) {
	p := bought("")
	p.Instructions.TicketURL = "javascript:alert(1)"
	m, err := ToBuyer(p, payment.HowToPay, aUUID, "")
	require.NoError(t, err)
	require.NotContains(t, m.HTML, "javascript:")
}

func TestBuyersGetEmailsAboutPaymentsOnly(t *testing.T) {
	_, err := ToBuyer(bought(""), payment.Alert, aUUID, "")
	require.Error(t, err)
}

func TestOperatorsLearnWhatToDo(t *testing.T) {
	for _, cause := range deadletter.Causes() {
		m, err := ToOperator("ops@example.com", Alert{Cause: cause, PaymentID: aUUID, Error: "no answer in time"}, aUUID)
		require.NoError(t, err)
		require.Contains(t, m.Text, cause.Advice())
		require.Contains(t, m.Text, aUUID)
		require.Contains(t, m.Text, "no answer in time")
		require.Nil(t, m.Image)
	}
}

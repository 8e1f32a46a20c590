package email

import (
	"fmt"
	"strconv"
	"time"
	_ "time/tzdata" // the program's image has no zones of its own

	"github.com/onlywave/onlywave/internal/payment"
)

// Colours of a heading.
const (
	calm   = "#1f4e79"
	good   = "#1b6e3c"
	urgent = "#9a3412"
)

// saoPaulo is the time by which a Pix ends for most who pay one.
var saoPaulo = func() *time.Location {
	zone, err := time.LoadLocation("America/Sao_Paulo")
	if err != nil {
		panic("email: " + err.Error())
	}
	return zone
}()

// words are one language.
type words struct {
	tag                    string
	hello, helloTo         string
	thousands, decimal     string
	layout                 string // of a time
	description, reference string

	pay, payHeading, payIntro, payUntil string
	codeHint, image, link               string
	payNotes                            []string

	paid, paidHeading, paidIntro string
	method, paidAt, providerID   string

	refund, refundHeading, refundIntro, refundOf string
	refundNotes                                  map[payment.MethodType][]string

	footer string
}

var languages = map[payment.Language]words{"": portuguese, payment.Portuguese: portuguese, payment.English: english}

var portuguese = words{
	tag: "pt-BR", hello: "Olá!", helloTo: "Olá, %s!",
	thousands: ".", decimal: ",", layout: "02/01/2006 às 15:04 (horário de São Paulo)",
	description: "Descrição", reference: "Pedido",

	pay: "Pague %s com Pix", payHeading: "Falta só o pagamento",
	payIntro: "Recebemos o seu pedido. Para concluir, pague com Pix no aplicativo do seu banco.",
	payUntil: "Pague até", image: "QR Code do Pix", link: "Abrir a página de pagamento",
	codeHint: "Aponte a câmera do aplicativo do seu banco para o QR Code, ou copie o código abaixo e escolha “Pix copia e cola”:",
	payNotes: []string{"Confira o nome de quem recebe antes de confirmar. Depois do prazo o código deixa de valer e nada é cobrado."},

	paid: "Pagamento de %s aprovado", paidHeading: "Pagamento aprovado",
	paidIntro: "O seu pagamento foi confirmado. Guarde este e-mail como comprovante.",
	method:    "Forma de pagamento", paidAt: "Aprovado em", providerID: "Operação no Mercado Pago",

	refund: "Reembolso de %s", refundHeading: "Reembolso feito",
	refundIntro: "Este é o valor devolvido até agora do seu pagamento.",
	refundOf:    "Valor do pagamento",
	refundNotes: map[payment.MethodType][]string{
		payment.Pix:  {"O dinheiro volta para a conta de onde o Pix saiu, normalmente em instantes."},
		payment.Card: {"O valor volta para o cartão, em uma das próximas faturas."},
	},

	footer: "E-mail automático sobre o pagamento %s. Nunca pedimos senhas nem dados de cartão por e-mail.",
}

var english = words{
	tag: "en", hello: "Hello!", helloTo: "Hello, %s!",
	thousands: ",", decimal: ".", layout: "2 January 2006, 15:04 (São Paulo time)",
	description: "Description", reference: "Order",

	pay: "Pay %s with Pix", payHeading: "Only the payment is missing",
	payIntro: "We have received your order. To complete it, pay with Pix in your bank's app.",
	payUntil: "Pay until", image: "The Pix QR code", link: "Open the payment page",
	codeHint: "Point your bank app's camera at the QR code, or copy the code below and choose “Pix copia e cola”:",
	payNotes: []string{"Check who receives the money before you confirm. After that time the code is no longer valid and nothing is charged."},

	paid: "Payment of %s approved", paidHeading: "Payment approved",
	paidIntro: "Your payment has been confirmed. Keep this e-mail as your receipt.",
	method:    "Paid with", paidAt: "Approved on", providerID: "Mercado Pago operation",

	refund: "Refund of %s", refundHeading: "Refunded",
	refundIntro: "This is what has been given back of your payment so far.",
	refundOf:    "Amount of the payment",
	refundNotes: map[payment.MethodType][]string{
		payment.Pix:  {"The money goes back to the account from which the Pix came, usually within moments."},
		payment.Card: {"The money goes back to the card, on one of its next statements."},
	},

	footer: "Automatic e-mail about payment %s. We never ask for passwords or card details by e-mail.",
}

func (w words) greet(name string) string {
	if name == "" {
		return w.hello
	}
	return fmt.Sprintf(w.helloTo, name)
}

// money writes centavos as R$ 1.234,50. The blank does not break.
func (w words) money(centavos int64) string {
	reais := strconv.FormatInt(centavos/100, 10)
	for i := len(reais) - 3; i > 0; i -= 3 {
		reais = reais[:i] + w.thousands + reais[i:]
	}
	return fmt.Sprintf("R$\u00a0%s%s%02d", reais, w.decimal, centavos%100)
}

func (w words) time(t time.Time) string { return t.In(saoPaulo).Format(w.layout) }

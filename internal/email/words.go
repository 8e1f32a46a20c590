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
	dayLayout              string
	description, reference string

	payHeading string
	payPage    string // what a link to our page says

	paid, paidHeading, paidIntro string
	method, paidAt, providerID   string

	refund, refundHeading, refundIntro, refundOf string

	footer string
}

var languages = map[payment.Language]words{"": portuguese, payment.Portuguese: portuguese, payment.English: english}

var portuguese = words{
	tag: "pt-BR", hello: "Olá!", helloTo: "Olá, %s!",
	thousands: ".", decimal: ",", layout: "02/01/2006 às 15:04 (horário de São Paulo)", dayLayout: "02/01/2006",
	description: "Descrição", reference: "Pedido",

	payHeading: "Falta só o pagamento", payPage: "Abrir a página de pagamento",

	paid: "Pagamento de %s aprovado", paidHeading: "Pagamento aprovado",
	paidIntro: "O seu pagamento foi confirmado. Guarde este e-mail como comprovante.",
	method:    "Forma de pagamento", paidAt: "Aprovado em", providerID: "Operação no Mercado Pago",

	refund: "Reembolso de %s", refundHeading: "Reembolso feito",
	refundIntro: "Este é o valor devolvido até agora do seu pagamento.",
	refundOf:    "Valor do pagamento",

	footer: "E-mail automático sobre o pagamento %s. Nunca pedimos senhas nem dados de cartão por e-mail.",
}

var english = words{
	tag: "en", hello: "Hello!", helloTo: "Hello, %s!",
	thousands: ",", decimal: ".", layout: "2 January 2006, 15:04 (São Paulo time)", dayLayout: "2 January 2006",
	description: "Description", reference: "Order",

	payHeading: "Only the payment is missing", payPage: "Open the payment page",

	paid: "Payment of %s approved", paidHeading: "Payment approved",
	paidIntro: "Your payment has been confirmed. Keep this e-mail as your receipt.",
	method:    "Paid with", paidAt: "Approved on", providerID: "Mercado Pago operation",

	refund: "Refund of %s", refundHeading: "Refunded",
	refundIntro: "This is what has been given back of your payment so far.",
	refundOf:    "Amount of the payment",

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

package email

import (
	"time"

	"github.com/onlywave/onlywave/internal/payment"
)

// methodWords are what e-mails say in one language about one payment method.
type methodWords struct {
	pay, intro string // subject and beginning of how to pay
	until      string // before the time by which to pay
	codeHint   string
	image      string // describes the code's QR code; "": the code is a text alone
	link       string
	notes      []string // on how to pay

	refundNotes []string
}

// methods is the table of payment methods: their words. A new one is a line here for each language, and its instructions.
var methods = map[payment.Language]map[payment.MethodType]methodWords{
	payment.Portuguese: {
		payment.Pix: {
			pay: "Pague %s com Pix", intro: "Recebemos o seu pedido. Para concluir, pague com Pix no aplicativo do seu banco.",
			until: "Pague até", image: "QR Code do Pix", link: "Abrir a página de pagamento",
			codeHint:    "Aponte a câmera do aplicativo do seu banco para o QR Code, ou copie o código abaixo e escolha “Pix copia e cola”:",
			notes:       []string{"Confira o nome de quem recebe antes de confirmar. Depois do prazo o código deixa de valer e nada é cobrado."},
			refundNotes: []string{"O dinheiro volta para a conta de onde o Pix saiu, normalmente em instantes."},
		},
		payment.Card:        {refundNotes: []string{"O valor volta para o cartão, em uma das próximas faturas."}},
		payment.CheckoutPro: {refundNotes: []string{"O dinheiro volta pela forma com que você pagou no Mercado Pago."}},
		payment.Boleto: {
			pay: "Boleto de %s para pagar", intro: "Recebemos o seu pedido. Para concluir, pague o boleto em qualquer banco, aplicativo de banco ou lotérica.",
			until: "Vencimento", link: "Abrir e imprimir o boleto",
			codeHint: "Copie a linha digitável no aplicativo do seu banco:",
			notes: []string{
				"Confira o nome de quem recebe antes de confirmar. O banco pode levar até três dias úteis para nos avisar do pagamento.",
				"Pague uma única vez.",
			},
			refundNotes: []string{"O dinheiro volta para a sua conta no Mercado Pago. Se você ainda não tem uma, abra com o seu CPF ou CNPJ e este e-mail."},
		},
	},
	payment.English: {
		payment.Pix: {
			pay: "Pay %s with Pix", intro: "We have received your order. To complete it, pay with Pix in your bank's app.",
			until: "Pay until", image: "The Pix QR code", link: "Open the payment page",
			codeHint:    "Point your bank app's camera at the QR code, or copy the code below and choose “Pix copia e cola”:",
			notes:       []string{"Check who receives the money before you confirm. After that time the code is no longer valid and nothing is charged."},
			refundNotes: []string{"The money goes back to the account from which the Pix came, usually within moments."},
		},
		payment.Card:        {refundNotes: []string{"The money goes back to the card, on one of its next statements."}},
		payment.CheckoutPro: {refundNotes: []string{"The money goes back in the way in which you have paid at Mercado Pago."}},
		payment.Boleto: {
			pay: "Boleto of %s to pay", intro: "We have received your order. To complete it, pay the boleto at any bank, in a bank's app or at a lottery shop.",
			until: "Due on", link: "Open and print the boleto",
			codeHint: "Copy the boleto's line in your bank's app:",
			notes: []string{
				"Check who receives the money before you confirm. The bank may take up to three working days to tell us of the payment.",
				"Pay only once.",
			},
			refundNotes: []string{"The money goes to your account at Mercado Pago. If you have none yet, open one with your CPF or CNPJ and this e-mail address."},
		},
	},
}

// codes are what a buyer types, copies or scans to pay, and until when it is to be paid.
var codes = map[payment.MethodType]func(w words, p payment.Payment) (code, until string){
	payment.Pix: func(w words, p payment.Payment) (string, string) {
		return p.Instructions.QRCode, w.moment(p.Instructions.ExpiresAt)
	},
	payment.Boleto: func(w words, p payment.Payment) (string, string) {
		return payment.SpacedLine(p.Instructions.DigitableLine), w.day(p.DueDate())
	},
}

// day is a day such as 2026-12-23.
func (w words) day(text string) string {
	day, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return text
	}
	return day.Format(w.dayLayout)
}

// moment is a time, or "" for none.
func (w words) moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return w.time(t)
}

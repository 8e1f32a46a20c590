package paypage

import (
	"time"
	_ "time/tzdata" // the program's image has no zones of its own

	"github.com/onlywave/onlywave/internal/language"
	"github.com/onlywave/onlywave/internal/payment"
)

// tone is how a state looks.
type tone string

const (
	waits tone = "waits"
	good  tone = "good"
	bad   tone = "bad"
	calm  tone = "calm"
)

// state is what a page says of a payment.
type state struct {
	tone          tone
	heading, text language.Text
}

// stateView is a state in one language.
type stateView struct {
	Tone          tone
	Heading, Text string
}

func (s state) in(l language.Language) stateView {
	return stateView{Tone: s.tone, Heading: s.heading.In(l), Text: s.text.In(l)}
}

var (
	toPay = state{waits, language.Text{EN: "Waiting for your payment", PT: "Aguardando o seu pagamento"}, language.Text{
		EN: "This page changes by itself when the payment is confirmed.", PT: "Esta página muda sozinha quando o pagamento for confirmado.",
	}}
	toProve = state{waits, language.Text{EN: "Your bank asks for a confirmation", PT: "O seu banco pede uma confirmação"}, language.Text{
		EN: "Confirm there that it is you who pays. This page changes by itself afterwards.", PT: "Confirme lá que é você quem paga. Depois esta página muda sozinha.",
	}}
	toEnter = state{waits, language.Text{EN: "Pay with your card", PT: "Pague com o seu cartão"}, language.Text{
		EN: "Nothing is charged before you press the button.", PT: "Nada é cobrado antes de você apertar o botão.",
	}}
	tryAgain = state{bad, language.Text{EN: "The card was not accepted", PT: "O cartão não foi aceito"}, language.Text{}}
	timeIsUp = state{waits, language.Text{EN: "The time to pay is over", PT: "O prazo para pagar terminou"}, language.Text{
		EN: "If you have paid, the confirmation comes in a moment.", PT: "Se você já pagou, a confirmação chega em instantes.",
	}}
	noPage = state{calm, language.Text{EN: "This link is not valid", PT: "Este link não é válido"}, language.Text{
		EN: "It may be incomplete or too old. Ask the shop for a new one.", PT: "Ele pode estar incompleto ou ser antigo demais. Peça outro à loja.",
	}}
	unavailable = state{waits, language.Text{EN: "The page cannot be shown right now", PT: "Não é possível mostrar a página agora"}, language.Text{
		EN: "Nothing has happened to the payment. Try again in a moment.", PT: "Nada aconteceu com o pagamento. Tente de novo em instantes.",
	}}
)

// states are those of a payment that a buyer cannot pay now.
var states = map[payment.Status]state{
	payment.Processing: {waits, language.Text{EN: "Preparing the payment", PT: "Preparando o pagamento"}, language.Text{
		EN: "This takes a moment.", PT: "Isso leva um instante.",
	}},
	payment.Unknown: {waits, language.Text{EN: "Confirming the payment", PT: "Confirmando o pagamento"}, language.Text{
		EN: "Do not pay again: we are asking the bank what became of it.", PT: "Não pague de novo: estamos consultando o banco sobre o que aconteceu.",
	}},
	payment.InReview: {waits, language.Text{EN: "The payment is being reviewed", PT: "O pagamento está em análise"}, language.Text{
		EN: "This may take up to two working days. You need do nothing.", PT: "Isso pode levar até dois dias úteis. Você não precisa fazer nada.",
	}},
	payment.Authorized: {good, language.Text{EN: "The payment is authorized", PT: "O pagamento está autorizado"}, language.Text{
		EN: "The amount is reserved on your card.", PT: "O valor está reservado no seu cartão.",
	}},
	payment.Approved: {good, language.Text{EN: "Payment approved", PT: "Pagamento aprovado"}, language.Text{
		EN: "Thank you! The shop has been told.", PT: "Obrigado! A loja já foi avisada.",
	}},
	payment.PartiallyRefunded: {calm, language.Text{EN: "A part was refunded", PT: "Uma parte foi devolvida"}, language.Text{
		EN: "The payment was approved, and a part of it has been given back.", PT: "O pagamento foi aprovado, e uma parte dele foi devolvida.",
	}},
	payment.Refunded: {calm, language.Text{EN: "The payment was refunded", PT: "O pagamento foi devolvido"}, language.Text{
		EN: "All of the money has been given back.", PT: "Todo o dinheiro foi devolvido.",
	}},
	payment.Rejected: {bad, language.Text{EN: "The payment was rejected", PT: "O pagamento foi recusado"}, language.Text{}},
	payment.Cancelled: {calm, language.Text{EN: "The payment was cancelled", PT: "O pagamento foi cancelado"}, language.Text{
		EN: "It cannot be paid any more.", PT: "Ele não pode mais ser pago.",
	}},
	payment.Expired: {calm, language.Text{EN: "The time to pay is over", PT: "O prazo para pagar terminou"}, language.Text{
		EN: "Nothing was charged. Ask the shop for a new payment.", PT: "Nada foi cobrado. Peça um novo pagamento à loja.",
	}},
	payment.InDispute: {calm, language.Text{EN: "The payment is in dispute", PT: "O pagamento está em disputa"}, language.Text{
		EN: "Mercado Pago decides about it.", PT: "O Mercado Pago decide sobre ele.",
	}},
	payment.ChargedBack: {calm, language.Text{EN: "The payment was charged back", PT: "O pagamento foi contestado"}, language.Text{
		EN: "The bank has taken the money back.", PT: "O banco retirou o dinheiro.",
	}},
	payment.Failed: {bad, language.Text{EN: "The payment could not be made", PT: "Não foi possível fazer o pagamento"}, language.Text{
		EN: "Nothing was charged. Ask the shop for a new payment.", PT: "Nada foi cobrado. Peça um novo pagamento à loja.",
	}},
}

// stateOf is the state of a payment. A status that has no words is one that waits: the page must not say that money came or did not come.
func stateOf(p payment.Payment, now time.Time) state {
	end := p.Instructions.ExpiresAt
	s, known := states[p.Status]
	switch {
	case p.Status == payment.Pending && !end.IsZero() && !now.Before(end):
		return timeIsUp
	case p.Challenged():
		return toProve
	case p.AwaitsCard():
		if _, rejected := p.Rejected(); rejected {
			return tryAgain
		}
		return toEnter
	case p.Status == payment.Pending:
		return toPay
	case !known:
		return states[payment.Unknown]
	}
	return s
}

// words are the labels of the page in one language.
type words struct {
	PayWithPix, PixHint, Code, QRCode     string
	PayBoleto, BoletoHint, Line, PDF      string
	ToBank                                string
	CardNumber, Expiry, ExpiryHint, Code3 string // of a card
	Holder, HolderHint, TaxID             string
	Installments, Number1st, Pay, Paying  string
	CheckCard, NoScript, Secure           string
	Copy, Copied, Until, Other, OtherLang string
	Unavailable                           string
	layout, dayLayout                     string
}

func texts(l language.Language) words {
	if l == language.PT {
		return words{
			PayWithPix: "Pague com Pix", PixHint: "Aponte a câmera do aplicativo do seu banco para o QR Code, ou copie o código e escolha “Pix copia e cola”.",
			Code: "Código Pix copia e cola", QRCode: "QR Code do Pix",
			PayBoleto: "Pague o boleto", BoletoHint: "Copie a linha digitável no aplicativo do seu banco, ou abra o boleto. O banco pode levar até três dias úteis para avisar do pagamento.",
			Line: "Linha digitável", PDF: "Abrir e imprimir o boleto",
			ToBank:     "Confirmar no site do banco",
			CardNumber: "Número do cartão", Expiry: "Validade", ExpiryHint: "MM/AA", Code3: "Código de segurança",
			Holder: "Nome impresso no cartão", HolderHint: "Como está no cartão", TaxID: "CPF ou CNPJ do titular",
			Installments: "Parcelas", Number1st: "Digite o número do cartão", Pay: "Pagar", Paying: "Pagando…",
			CheckCard: "Confira os dados do cartão e tente de novo.",
			NoScript:  "Para pagar com cartão, ative o JavaScript do navegador.",
			Secure:    "O Mercado Pago recebe os dados do cartão; a loja não os vê.",
			Copy:      "Copiar", Copied: "Copiado", Until: "Pague até", Other: "English", OtherLang: "en",
			Unavailable: unavailable.heading.PT, layout: "02/01/2006 às 15:04 (horário de São Paulo)", dayLayout: "02/01/2006",
		}
	}
	return words{
		PayWithPix: "Pay with Pix", PixHint: "Point your bank app's camera at the QR code, or copy the code and choose “Pix copia e cola”.",
		Code: "Pix code to copy", QRCode: "The Pix QR code",
		PayBoleto: "Pay the boleto", BoletoHint: "Copy the boleto's line in your bank's app, or open the boleto. The bank may take up to three working days to tell of the payment.",
		Line: "The boleto's line", PDF: "Open and print the boleto",
		ToBank:     "Confirm on the bank's site",
		CardNumber: "Card number", Expiry: "Expiry date", ExpiryHint: "MM/YY", Code3: "Security code",
		Holder: "Name on the card", HolderHint: "As it is on the card", TaxID: "The owner's CPF or CNPJ",
		Installments: "Installments", Number1st: "Enter the card number", Pay: "Pay", Paying: "Paying…",
		CheckCard: "Check the card's data and try again.",
		NoScript:  "To pay with a card, switch on JavaScript in your browser.",
		Secure:    "Mercado Pago gets the card's data; the shop does not see it.",
		Copy:      "Copy", Copied: "Copied", Until: "Pay until", Other: "Português", OtherLang: string(language.PT),
		Unavailable: unavailable.heading.EN, layout: "2 January 2006, 15:04 (São Paulo time)", dayLayout: "2 January 2006",
	}
}

// saoPaulo is the time by which most buyers live.
var saoPaulo = func() *time.Location {
	zone, err := time.LoadLocation("America/Sao_Paulo")
	if err != nil {
		panic("paypage: " + err.Error())
	}
	return zone
}()

func moment(l language.Language, t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(saoPaulo).Format(texts(l).layout)
}

// day is a day such as 2026-12-23.
func day(l language.Language, text string) string {
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return text
	}
	return t.Format(texts(l).dayLayout)
}

package story

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
)

// The first sentence: what the payment is, how it stands, and whether anything is wrong.
var (
	subject = text{EN: "%s by %s for %s ", PT: "%s por %s para %s "}
	attempt = text{EN: "(a try to pay checkout %s) ", PT: "(uma tentativa de pagar o checkout %s) "}

	unread    = text{EN: "The database does not answer, so how payment %s stands is not known.", PT: "O banco de dados não responde, por isso não se sabe como está o pagamento %s."}
	unwritten = text{EN: "Payment %s was asked for and is not in the database.", PT: "O pagamento %s foi pedido e não está no banco de dados."}

	nothingWrong = text{EN: "nothing is wrong", PT: "nada está errado"}
	nothingLeft  = text{EN: "nothing is left to do", PT: "não há mais nada a fazer"}
)

// standings say how a payment stands. Their values are the time since when, and for some more.
var standings = map[payment.Status]text{
	payment.Processing:        {EN: "has been in processing since %s: Mercado Pago has not answered the charge yet", PT: "está em processamento desde %s: o Mercado Pago ainda não respondeu à cobrança"},
	payment.InReview:          {EN: "has been in review at Mercado Pago since %s", PT: "está em análise no Mercado Pago desde %s"},
	payment.Authorized:        {EN: "has been authorized since %s", PT: "está autorizado desde %s"},
	payment.Approved:          {EN: "was approved at %s", PT: "foi aprovado às %s"},
	payment.PartiallyRefunded: {EN: "was refunded in part at %s", PT: "foi reembolsado em parte às %s"},
	payment.Refunded:          {EN: "was refunded at %s", PT: "foi reembolsado às %s"},
	payment.Rejected:          {EN: "was rejected at %s", PT: "foi recusado às %s"},
	payment.Cancelled:         {EN: "was cancelled at %s", PT: "foi cancelado às %s"},
	payment.Expired:           {EN: "expired at %s", PT: "venceu às %s"},
	payment.InDispute:         {EN: "has been in dispute since %s", PT: "está em contestação desde %s"},
	payment.ChargedBack:       {EN: "was charged back at %s", PT: "foi estornado por contestação às %s"},
	payment.Unknown:           {EN: "has been unknown since %s", PT: "está desconhecido desde %s"},
	payment.Failed:            {EN: "failed at %s", PT: "falhou às %s"},
}

var (
	payable  = text{EN: "is pending; the buyer has until %s", PT: "está pendente; o comprador tem até %s"}
	payWas   = text{EN: "is pending; the buyer had until %s", PT: "está pendente; o comprador tinha até %s"}
	payNoEnd = text{EN: "is pending; the buyer must pay", PT: "está pendente; o comprador precisa pagar"}
	partBack = text{EN: " (%s of %s)", PT: " (%s de %s)"}
)

// reasons are failure.Code's messages in Portuguese.
var reasons = map[failure.Code]string{
	failure.CodeTaxID:       "o provedor não aceita o CPF ou CNPJ do comprador",
	failure.CodeEmail:       "o provedor não aceita o e-mail do comprador",
	failure.CodeOwnEmail:    "o e-mail do comprador é o do próprio vendedor no provedor",
	failure.CodeAmount:      "o provedor não aceita o valor",
	failure.CodeExpiry:      "o provedor não aceita o prazo do pagamento",
	failure.CodeCardToken:   "o token do cartão já foi usado, é antigo demais ou não é conhecido pelo provedor",
	failure.CodeCustomer:    "o provedor não conhece mais o cliente; crie o cliente e salve o cartão de novo",
	failure.CodeCapture:     "o provedor não consegue reservar o dinheiro deste cartão; cobre na hora",
	failure.CodePixKey:      "a conta do vendedor no provedor não tem chave Pix",
	failure.CodeAccount:     "a conta do vendedor no provedor não pode receber pagamentos agora",
	failure.CodeIntegration: "o provedor não entende o pedido da plataforma",
	failure.CodeRefused:     "o provedor recusou o pagamento",
	failure.CodeNotCharged:  "o resultado era desconhecido, e o provedor não fez cobrança",
	failure.CodeUnknown:     "a resposta do Mercado Pago à cobrança se perdeu",

	failure.CodeRefundBalance:  "a conta do vendedor no provedor não tem saldo para a devolução",
	failure.CodeRefundTooOld:   "o Mercado Pago só devolve por 180 dias",
	failure.CodeRefundState:    "o provedor não pode devolver o pagamento no estado em que está",
	failure.CodeRefundPart:     "o provedor só pode devolver este pagamento por inteiro",
	failure.CodeRefundRejected: "o provedor aceitou a devolução e a rejeitou depois",
}

// reason is why a payment failed or is unknown, with what was said then, or "".
func (w *writer) reason(why *payment.FailureReason) string {
	if why == nil {
		return ""
	}
	said := why.Code.Message()
	if why.Code == failure.CodeUnknown {
		said = "Mercado Pago's answer to the charge is lost"
	}
	said = text{EN: said, PT: reasons[why.Code]}.In(w.language)
	if why.Message != "" && why.Message != why.Code.Message() && why.Code != failure.CodeNotCharged {
		return said + " (" + w.clause(why.Message) + ")"
	}
	return said
}

// since is when the payment got its status.
func (w *writer) since() time.Time {
	at := w.payment.UpdatedAt
	for _, e := range slices.Backward(w.events) {
		if e.Status != w.payment.Status {
			break
		}
		at = e.At
	}
	return at
}

func (w *writer) head() string {
	p := w.payment
	switch {
	case p.Status == "" && w.databaseErr != nil:
		return w.say(unread, p.ID)
	case p.Status == "":
		return w.say(unwritten, p.ID)
	}
	head := w.say(subject, p.Amount, w.payment.Method.Type, p.ClientID)
	if p.CheckoutID != "" {
		head += w.say(attempt, p.CheckoutID)
	}
	head += w.standing()
	if why := w.reason(p.Why()); why != "" {
		head += ": " + why
	}
	return head + "; " + w.firstProblem() + "."
}

func (w *writer) standing() string {
	p := w.payment
	switch {
	case p.Status != payment.Pending:
		said := w.say(standings[p.Status], w.since())
		if p.Status == payment.PartiallyRefunded {
			said += w.say(partBack, payment.Money{Centavos: p.Refunded, Currency: p.Amount.Currency}, payment.Money{Centavos: p.Gross(), Currency: p.Amount.Currency})
		}
		return said
	case p.Instructions.ExpiresAt.IsZero():
		return w.say(payNoEnd)
	case p.Instructions.ExpiresAt.Before(w.now):
		return w.say(payWas, p.Instructions.ExpiresAt)
	}
	return w.say(payable, p.Instructions.ExpiresAt)
}

// firstProblem is the first problem, or that there is none.
func (w *writer) firstProblem() string {
	if len(w.story.Problems) > 0 {
		first := strings.TrimSuffix(w.story.Problems[0].Text, ".")
		return cmp.Or(lowered(first), first)
	}
	if w.payment.Status.Open() || w.payment.Status == payment.Approved {
		return w.say(nothingWrong)
	}
	return w.say(nothingLeft)
}

// lowered is a sentence that goes on after a semicolon. Names keep their capital letter.
func lowered(sentence string) string {
	word, _, _ := strings.Cut(sentence, " ")
	if slices.Contains([]string{"Mercado", "Temporal", "Postgres"}, word) {
		return sentence
	}
	return strings.ToLower(sentence[:1]) + sentence[1:]
}

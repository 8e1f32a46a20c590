package story

import "strings"

// messages are the errors of OnlyWave about Mercado Pago that stories tell most, in Portuguese. Others stay as they are: they are for
// developers, or are those of other programs.
var messages = map[string]string{
	"Mercado Pago did not answer":                                       "o Mercado Pago não respondeu",
	"Mercado Pago cannot answer now":                                    "o Mercado Pago não pode responder agora",
	"Mercado Pago's answer is not readable":                             "a resposta do Mercado Pago é ilegível",
	"Mercado Pago asks for fewer requests":                              "o Mercado Pago pede menos requisições",
	"Mercado Pago refuses this request":                                 "o Mercado Pago recusa esta requisição",
	"Mercado Pago knows no such payment":                                "o Mercado Pago não conhece esse pagamento",
	"Mercado Pago says that this contradicts an earlier request":        "o Mercado Pago diz que isso contradiz uma requisição anterior",
	"Mercado Pago does not accept our access token":                     "o Mercado Pago não aceita o nosso token de acesso",
	"Mercado Pago does not allow our account to do this":                "o Mercado Pago não permite isso à nossa conta",
	"Mercado Pago does not answer our account":                          "o Mercado Pago não responde à nossa conta",
	"Mercado Pago does not show this payment to our account":            "o Mercado Pago não mostra este pagamento à nossa conta",
	"the provider rate limit is used up":                                "o limite de chamadas ao provedor foi atingido",
	"the circuit breaker is open":                                       "o disjuntor está aberto",
	"the provider does not say whether it has charged already":          "o provedor não diz se já cobrou",
	"the idempotency key belongs to another payment":                    "a chave de idempotência é de outro pagamento",
	"an earlier run has not found out whether the provider has charged": "uma execução anterior não descobriu se o provedor cobrou",
}

// clause is a text of others inside a sentence: one line, without a full stop at its end, and in the writer's language if it is known.
func (w *writer) clause(s string) string {
	s = strings.TrimRight(strings.Join(strings.Fields(s), " "), ". ")
	return text{EN: s, PT: messages[s]}.In(w.language)
}

package deadletter

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strings"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/language"
)

// Cause is why something became a dead letter.
type Cause string

// The causes.
const (
	CauseUnreadable            Cause = "unreadable"
	CauseInvalid               Cause = "invalid"
	CauseRefused               Cause = "refused"
	CauseHandlerPanic          Cause = "handler-panic"
	CauseDeliveryLimit         Cause = "delivery-limit"
	CauseUnknownOutcome        Cause = "unknown-outcome"
	CauseDependencyUnavailable Cause = "dependency-unavailable"
	CauseContradiction         Cause = "contradiction"
	CauseInternal              Cause = "internal"
	CauseUnlabelled            Cause = "unlabelled"
)

// titles are the names of the causes that operators read. Filters and the command line take the causes themselves.
var titles = map[Cause]language.Text{
	CauseUnreadable:            {EN: "unreadable", PT: "ilegível"},
	CauseInvalid:               {EN: "invalid", PT: "inválida"},
	CauseRefused:               {EN: "refused", PT: "recusada"},
	CauseHandlerPanic:          {EN: "handler panic", PT: "pânico do programa"},
	CauseDeliveryLimit:         {EN: "delivery limit", PT: "limite de entregas"},
	CauseUnknownOutcome:        {EN: "unknown outcome", PT: "resultado desconhecido"},
	CauseDependencyUnavailable: {EN: "dependency unavailable", PT: "dependência indisponível"},
	CauseContradiction:         {EN: "contradiction", PT: "contradição"},
	CauseInternal:              {EN: "internal", PT: "erro interno"},
	CauseUnlabelled:            {EN: "unlabelled", PT: "sem causa"},
}

// What to do if a run ended before it wrote its payment.
const (
	neverWritten   = " If the redrive says that the payment was never written, reset the dead letter's run to its first task: only the run's history holds the request."
	neverWrittenPT = " Se o reprocessamento disser que o pagamento nunca foi gravado, reinicie a execução da mensagem morta na primeira tarefa: só o histórico da execução tem o pedido."
)

// advice is what an operator can do, for each cause.
var advice = map[Cause]language.Text{
	CauseUnreadable: {
		EN: "The message does not have the form that its queue expects. Find out which program published it. Redrive it after a release that can read it, or discard it.",
		PT: "A mensagem não tem o formato que a sua fila espera. Descubra qual programa a publicou. Reprocesse-a depois de uma versão que consiga lê-la, ou descarte-a.",
	},
	CauseInvalid: {
		EN: "The message can be read, but the database or the provider will always refuse its content. Read the error. Redrive it after a release that handles it, or discard it.",
		PT: "A mensagem pode ser lida, mas o banco de dados ou o provedor sempre recusará o conteúdo. Leia o erro. Reprocesse-a depois de uma versão que trate o caso, ou descarte-a.",
	},
	CauseRefused: {
		EN: "Mercado Pago does not let our account read the resource of this webhook. Most likely the resource belongs to another account: compare the webhook's user_id with our account's id, and discard it. If our account should be able to read it, give the account access and redrive it.",
		PT: "O Mercado Pago não deixa a nossa conta ler o recurso deste webhook. O mais provável é que o recurso seja de outra conta: compare o user_id do webhook com o id da nossa conta, e descarte-a. Se a nossa conta deveria poder lê-lo, dê acesso à conta e reprocesse-a.",
	},
	CauseHandlerPanic: {
		EN: "The message makes a handler panic, which is a bug in OnlyWave. The worker's log has the stack trace. Fix the bug, redrive one dead letter as a canary, then the rest by fingerprint.",
		PT: "A mensagem causa um pânico no programa, o que é um defeito da OnlyWave. O log do worker tem a pilha de chamadas. Corrija o defeito, reprocesse uma mensagem como canário, e depois o resto pela impressão digital.",
	},
	CauseDeliveryLimit: {
		EN: "Workers stopped again and again while they held this message. The message may be the cause or not. Redrive it alone and watch the workers; if one stops again, fix the fault first.",
		PT: "Workers pararam repetidas vezes enquanto tinham esta mensagem. A mensagem pode ser a causa ou não. Reprocesse-a sozinha e observe os workers; se um deles parar de novo, corrija a falha primeiro.",
	},
	CauseUnknownOutcome: {
		EN: "It is not known whether the provider charged this payment. Never charge it again. Search the provider's panel for the payment's id as external reference. A redrive searches for it at once; the dead letter stays open until the provider answers, and is then resolved by itself. If the panel has no such payment, settle the payment as failed, with a reason: the provider is searched once more before the payment fails.",
		PT: "Não se sabe se o provedor cobrou este pagamento. Nunca o cobre de novo. Procure no painel do provedor o id do pagamento como referência externa. Um reprocessamento procura na hora; a mensagem morta fica aberta até o provedor responder, e então se resolve sozinha. Se o painel não tiver esse pagamento, encerre-o como falho, com um motivo: o provedor é consultado mais uma vez antes de o pagamento falhar.",
	},
	CauseDependencyUnavailable: {
		EN: "Postgres or RabbitMQ was unavailable for longer than a payment keeps retrying. Redrive it when they work again: a new run loads the payment and goes on." + neverWritten,
		PT: "O Postgres ou o RabbitMQ ficou indisponível por mais tempo do que um pagamento tenta de novo. Reprocesse-a quando voltarem a funcionar: uma nova execução carrega o pagamento e continua." + neverWrittenPT,
	},
	CauseContradiction: {
		EN: "An answer to the payment's workflow contradicts the database, and a retry would not help. Compare the payment with the provider's panel. Redrive it after the data or the code has been fixed." + neverWritten,
		PT: "Uma resposta ao workflow do pagamento contradiz o banco de dados, e tentar de novo não ajudaria. Compare o pagamento com o painel do provedor. Reprocesse-a depois que os dados ou o código forem corrigidos." + neverWrittenPT,
	},
	CauseInternal: {
		EN: "A bug or a wrong credential of OnlyWave stops the payment. The worker's log has the error. Fix it, redrive one dead letter as a canary, then the rest by fingerprint." + neverWritten,
		PT: "Um defeito ou uma credencial errada da OnlyWave impede o pagamento. O log do worker tem o erro. Corrija, reprocesse uma mensagem como canário, e depois o resto pela impressão digital." + neverWrittenPT,
	},
	CauseUnlabelled: {
		EN: "Another program published this dead letter, without a cause of this list. Find out which one. Discard it if nothing needs to be done.",
		PT: "Outro programa publicou esta mensagem morta, sem uma causa desta lista. Descubra qual. Descarte-a se nada precisar ser feito.",
	},
}

// dependencyAway is the former value of CauseDependencyUnavailable. Older messages and histories hold it. Ids and fingerprints are
// still made from it, so they do not change.
const dependencyAway = "dependency-away"

// ParseCause reads a cause from a message or a history, also with its former value.
func ParseCause(word string) Cause {
	if word == dependencyAway {
		return CauseDependencyUnavailable
	}
	return Cause(word)
}

// UnmarshalText reads a cause from JSON, also with its former value.
func (c *Cause) UnmarshalText(text []byte) error {
	*c = ParseCause(string(text))
	return nil
}

// former is the first value that the cause had. It never changes.
func (c Cause) former() string {
	if c == CauseDependencyUnavailable {
		return dependencyAway
	}
	return string(c)
}

// Causes lists every cause.
func Causes() []Cause {
	return []Cause{CauseUnreadable, CauseInvalid, CauseRefused, CauseHandlerPanic, CauseDeliveryLimit,
		CauseUnknownOutcome, CauseDependencyUnavailable, CauseContradiction, CauseInternal, CauseUnlabelled}
}

// CausesOfPayments are the causes that CauseOf and an unknown outcome give a payment.
func CausesOfPayments() []Cause {
	return []Cause{CauseUnknownOutcome, CauseDependencyUnavailable, CauseContradiction, CauseInternal}
}

// Advice is what an operator can do about a dead letter of this cause.
func (c Cause) Advice() string { return c.AdviceIn(language.EN) }

// AdviceIn is Advice in a language.
func (c Cause) AdviceIn(l language.Language) string { return advice[c].In(l) }

// Title is the cause's name that operators read. A cause that is not of the list is its own name.
func (c Cause) Title() language.Text {
	if t, known := titles[c]; known {
		return t
	}
	return language.Text{EN: string(c), PT: string(c)}
}

// Known says whether the cause is one of the list.
func (c Cause) Known() bool { return advice[c].EN != "" }

// CauseOf is the cause of a payment's run that could not go on, by the kind of the error that ended it.
func CauseOf(kind failure.Kind) Cause {
	switch kind {
	case failure.Unavailable, failure.Limited:
		return CauseDependencyUnavailable
	case failure.Invalid, failure.Conflict, failure.NotFound:
		return CauseContradiction
	case failure.Unauthorized, failure.Forbidden, failure.Internal:
	}
	return CauseInternal
}

// Two errors of one fault differ in quoted texts and in words with a digit, such as ids, numbers and times.
var (
	quoted   = regexp.MustCompile(`"[^"]*"?`)
	numbered = regexp.MustCompile(`[\pL\pN_.:+-]*\pN[\pL\pN_.:+-]*`)
)

// NewFingerprint is the same for all dead letters of one fault: 64 bits, hexadecimal.
func NewFingerprint(source Source, cause Cause, text string) string {
	text = numbered.ReplaceAllString(quoted.ReplaceAllString(text, `"`), "#")
	text = strings.Join(strings.Fields(strings.ToLower(text)), " ")
	sum := sha256.Sum256([]byte(string(source) + "\x00" + cause.former() + "\x00" + text))
	return hex.EncodeToString(sum[:8])
}

package story

import (
	"fmt"
	"strings"
	"time"

	"github.com/onlywave/onlywave/internal/language"
	"github.com/onlywave/onlywave/internal/payment"
)

type text = language.Text

// say writes a sentence in the writer's language. Statuses, methods, times, amounts and texts among the values are written in it, too.
func (w *writer) say(t text, values ...any) string {
	for i, v := range values {
		switch v := v.(type) {
		case payment.Status:
			values[i] = w.language.Status(v)
		case time.Time:
			values[i] = w.when(v)
		case payment.Money:
			values[i] = w.language.Amount(v.Centavos, v.Currency)
		case payment.MethodType:
			values[i] = v.Name(payment.Language(w.language))
		case text:
			values[i] = v.In(w.language)
		}
	}
	return fmt.Sprintf(t.In(w.language), values...)
}

// when is a time in a sentence, in UTC, with the day if it is another one.
func (w *writer) when(t time.Time) string {
	t, now := t.UTC(), w.now.UTC()
	layout := "15:04 UTC"
	if t.Format(time.DateOnly) != now.Format(time.DateOnly) {
		layout = text{EN: "2 Jan 15:04 UTC", PT: "02/01 15:04 UTC"}.In(w.language)
	}
	if t.Year() != now.Year() {
		layout = text{EN: "2 Jan 2006 15:04 UTC", PT: "02/01/2006 15:04 UTC"}.In(w.language)
	}
	return t.Format(layout)
}

// named is the name of something in the writer's language, or the name itself if there is none.
func (w *writer) named(names map[string]text, name string) string {
	if t, known := names[name]; known {
		return t.In(w.language)
	}
	return strings.NewReplacer("_", " ", "-", " ").Replace(name)
}

// sources are the names of the sources.
var sources = map[string]text{
	string(API):            {EN: "API", PT: "API"},
	string(Workflow):       {EN: "workflow", PT: "workflow"},
	string(Provider):       {EN: "Mercado Pago", PT: "Mercado Pago"},
	string(Webhook):        {EN: "webhook", PT: "webhook"},
	string(Email):          {EN: "e-mail", PT: "e-mail"},
	string(Events):         {EN: "events", PT: "eventos"},
	string(DeadLetter):     {EN: "dead letter", PT: "mensagem morta"},
	string(Reconciliation): {EN: "reconciliation", PT: "conciliação"},
	string(Operator):       {EN: "operator", PT: "operador"},
	string(Database):       {EN: "database", PT: "banco de dados"},
	string(Temporal):       {EN: "Temporal", PT: "Temporal"},
}

// Name is the name of a source in a language.
func (s Source) Name(l language.Language) string { return sources[string(s)].In(l) }

// What the client app asked for.
var (
	requested = text{
		EN: "The client app %s asked for %s by %s.",
		PT: "O aplicativo cliente %s pediu %s por %s.",
	}
	requestedReference = text{
		EN: "The client app %s asked for %s by %s, reference %s.",
		PT: "O aplicativo cliente %s pediu %s por %s, referência %s.",
	}
	requestedAgain = text{
		EN: "The client app repeated its request, which started the payment's workflow again.",
		PT: "O aplicativo cliente repetiu o pedido, o que iniciou de novo o workflow do pagamento.",
	}
	requestRefused = text{EN: "The request was refused: %s.", PT: "O pedido foi recusado: %s."}
)

// What the provider did.
var (
	operation     = text{EN: "%s %d of %s is stored before Mercado Pago is asked, provider key %s. Its outcome: %s.", PT: "%s %d de %s é gravada antes do pedido ao Mercado Pago, chave do provedor %s. Resultado: %s."}
	moved         = text{EN: "The payment is now %s.", PT: "O pagamento agora tem o status %s."}
	movedProvider = text{EN: "The payment is now %s. Mercado Pago's status: %s.", PT: "O pagamento agora tem o status %s. Status no Mercado Pago: %s."}
	movedWhy      = text{EN: "The payment is now %s: %s.", PT: "O pagamento agora tem o status %s: %s."}
	movedBy       = text{EN: "The payment is now %s, decided by %s: %s.", PT: "O pagamento agora tem o status %s, por decisão de %s: %s."}
	refundMoved   = text{EN: "The refund of %s %s (%s).", PT: "A devolução de %s %s (%s)."}
	disputeMoved  = text{EN: "%s over %s: %s (%s).", PT: "%s de %s: %s (%s)."}
	disputeWaits  = text{EN: "%s over %s: %s until %s (%s).", PT: "%s de %s: %s até %s (%s)."}
	disputeProven = text{EN: "%s over %s: the seller's documents have arrived (%s).", PT: "%s de %s: os documentos do vendedor chegaram (%s)."}
	disputeDue    = text{EN: "%s over %s: the deadline %s is near, and no documents are there (%s).", PT: "%s de %s: o prazo %s está próximo, e não há documentos (%s)."}
	settled       = text{EN: "Mercado Pago released the money: %s became available.", PT: "O Mercado Pago liberou o dinheiro: %s ficou disponível."}
	surprising    = text{EN: " The change is surprising: the table of moves does not have it.", PT: " A mudança é inesperada: a tabela de mudanças não a tem."}
	newestAnswer  = text{EN: "Mercado Pago's newest answer that counts has this time by its own clock: payment %s, status %s.", PT: "A resposta mais nova do Mercado Pago que vale tem esta hora no relógio dele: pagamento %s, status %s."}

	answered      = text{EN: "Mercado Pago answered %s: the payment is %s (changed there at %s).", PT: "O Mercado Pago respondeu %s: o pagamento está %s (mudou lá às %s)."}
	answeredAfter = text{
		EN: "Mercado Pago answered %s at attempt %d: the payment is %s (changed there at %s). The attempt before failed: %s.",
		PT: "O Mercado Pago respondeu %s na tentativa %d: o pagamento está %s (mudou lá às %s). A tentativa anterior falhou: %s.",
	}
	notKnown = text{EN: "Mercado Pago answered %s: it has no such payment.", PT: "O Mercado Pago respondeu %s: não tem esse pagamento."}
	ended    = text{EN: "The activity %s succeeded at attempt %d. The attempt before failed: %s.", PT: "A atividade %s deu certo na tentativa %d. A tentativa anterior falhou: %s."}
)

// calls are the activities that ask Mercado Pago.
var calls = map[string]text{
	"Charge": {EN: "the charge", PT: "a cobrança"},
	"Look":   {EN: "a look", PT: "uma consulta"},
	"Close":  {EN: "the closing of the payment at the end of the time to pay", PT: "o encerramento do pagamento no fim do prazo"},
}

var (
	quickFailed = text{EN: "%s failed at a quick try: %s.", PT: "%s falhou em uma tentativa rápida: %s."}
	tryFailed   = text{EN: "%s failed at the only try: %s.", PT: "%s falhou na única tentativa: %s."}
	stepFailed  = text{EN: "%s failed for good after %d attempts: %s.", PT: "%s falhou de vez depois de %d tentativas: %s."}
)

// What the workflow did.
var (
	runBegan       = text{EN: "Run %s of the workflow began: %s.", PT: "A execução %s do workflow começou: %s."}
	byRequest      = text{EN: "the client app's request started it", PT: "iniciada pelo pedido do aplicativo cliente"}
	bySignal       = text{EN: "a signal %s started it", PT: "iniciada por um sinal %s"}
	byUpdate       = text{EN: "an update %s started it", PT: "iniciada por um update %s"}
	byContinuation = text{EN: "it continues the run before, whose history was long", PT: "continua a execução anterior, cujo histórico era longo"}
	byUnknown      = text{EN: "its history does not say by what", PT: "o histórico não diz por quê"}
	runReset       = text{EN: "The workflow was reset; run %s goes on from there. Reason: %s.", PT: "O workflow foi reiniciado (reset); a execução %s continua daí. Motivo: %s."}
	runEnded       = text{EN: "Run %s ended: %s.", PT: "A execução %s terminou: %s."}
	runFailed      = text{EN: "Run %s failed: %s.", PT: "A execução %s falhou: %s."}
	runTerminated  = text{EN: "Run %s was terminated by %s. Reason: %s.", PT: "A execução %s foi interrompida por %s. Motivo: %s."}
	signalled      = text{EN: "Signal %s.", PT: "Sinal %s."}
	signalledBy    = text{EN: "Signal %s from %s.", PT: "Sinal %s de %s."}
	signalledWith  = text{EN: "Signal %s from %s: %s.", PT: "Sinal %s de %s: %s."}
	updated        = text{EN: "Update %s.", PT: "Update %s."}
	updatedWith    = text{EN: "Update %s from %s: %s.", PT: "Update %s de %s: %s."}
	until          = text{EN: " Until %s.", PT: " Até %s."}
	updateRefused  = text{EN: "Update %s was refused: %s.", PT: "O update %s foi recusado: %s."}
	cancelAsked    = text{EN: "%s asked to cancel the run.", PT: "%s pediu o cancelamento da execução."}
	taskFailed     = text{EN: "A workflow task failed: %s.", PT: "Uma tarefa do workflow falhou: %s."}
	somebody       = text{EN: "somebody", PT: "alguém"}
	noReason       = text{EN: "none was given", PT: "não informado"}
)

// runStates are how a run ended.
var runStates = map[string]text{
	"completed":  {EN: "nothing more was to be done", PT: "não havia mais nada a fazer"},
	"cancelled":  {EN: "it was cancelled", PT: "foi cancelada"},
	"continued":  {EN: "another run continues, because its history was long", PT: "outra execução continua, porque o histórico era longo"},
	"timed_out":  {EN: "it took longer than it may", PT: "passou do tempo permitido"},
	"failed":     {EN: "it failed", PT: "falhou"},
	"terminated": {EN: "it was terminated", PT: "foi interrompida"},
}

// Webhooks, e-mails and events.
var (
	webhookCame   = text{EN: "Notification %s arrived and is in the archive.", PT: "A notificação %s chegou e está no arquivo."}
	webhookDied   = text{EN: "Notification %s arrived, and could not be processed: dead letter %s is %s.", PT: "A notificação %s chegou e não pôde ser processada: a mensagem morta %s está %s."}
	webhookLate   = text{EN: "The notification of a change of %s came late, at %s.", PT: "A notificação de uma mudança das %s chegou atrasada, às %s."}
	webhookMissed = text{EN: "No notification came of a change of %s: %s. The workflow asks by itself.", PT: "Nenhuma notificação chegou de uma mudança das %s: %s. O workflow consulta por conta própria."}

	emailEnded   = text{EN: "E-mail %s to the buyer: %s.", PT: "E-mail %s ao comprador: %s."}
	emailAlert   = text{EN: "E-mail to operators: %s.", PT: "E-mail aos operadores: %s."}
	emailFailed  = text{EN: "E-mail %s to the buyer could not be sent within a day.", PT: "O e-mail %s ao comprador não pôde ser enviado em um dia."}
	emailWaits   = text{EN: "E-mail %s to the buyer is being sent.", PT: "O e-mail %s ao comprador está sendo enviado."}
	emailRetries = text{EN: "E-mail %s to the buyer waits for attempt %d; the last one failed: %s.", PT: "O e-mail %s ao comprador espera a tentativa %d; a última falhou: %s."}
	emailsQueued = text{EN: "E-mails of event %d and later have waited to be started since %s.", PT: "Os e-mails do evento %d em diante esperam o início desde %s."}

	eventsOut     = text{EN: "All %d events are published on onlywave.events.", PT: "Todos os %d eventos estão publicados em onlywave.events."}
	eventsWait    = text{EN: "Events %d to %d have waited to be published since %s.", PT: "Os eventos %d a %d esperam publicação desde %s."}
	eventWaits    = text{EN: "Event %d has waited to be published since %s.", PT: "O evento %d espera publicação desde %s."}
	eventsPending = text{EN: "%d of %d events are published on onlywave.events.", PT: "%d de %d eventos estão publicados em onlywave.events."}
	eventRefused  = text{EN: "Event %d was refused or not confirmed by the queue of a subscriber %d times; it is published again.", PT: "O evento %d foi recusado ou não confirmado pela fila de um assinante %d vezes; será publicado de novo."}
)

// notices are the e-mails to buyers.
var notices = map[string]text{
	"instructions": {EN: "with the payment instructions", PT: "com as instruções de pagamento"},
	"receipt":      {EN: "with the receipt", PT: "com o comprovante"},
	"refund":       {EN: "about a refund", PT: "sobre um reembolso"},
}

var emailOutcomes = map[string]text{
	"sent":     {EN: "sent", PT: "enviado"},
	"refused":  {EN: "the mail server refused it for good", PT: "o servidor de e-mail recusou de vez"},
	"needless": {EN: "not sent, because it was overtaken by events", PT: "não enviado, porque deixou de ser necessário"},
	"withheld": {EN: "not sent, because this buyer was sent as many as one may be within a day", PT: "não enviado, porque este comprador já recebeu o máximo de um dia"},
}

// operationOutcomes are those of operations.
var operationOutcomes = map[string]text{
	"asked":   {EN: "not known yet", PT: "ainda não se sabe"},
	"done":    {EN: "done", PT: "feita"},
	"refused": {EN: "refused", PT: "recusada"},
	"unknown": {EN: "unknown", PT: "desconhecido"},
	"settled": {EN: "settled by an operator", PT: "encerrada por um operador"},
}

var kinds = map[string]text{"charge": {EN: "Charge", PT: "A cobrança"}}

// Dead letters, findings and operators.
var (
	died          = text{EN: "Dead letter %s (%s): %s.", PT: "Mensagem morta %s (%s): %s."}
	diedAgain     = text{EN: "Dead letter %s (%s) died %d times, the last time now: %s.", PT: "A mensagem morta %s (%s) morreu %d vezes, a última agora: %s."}
	deadClosed    = text{EN: "Dead letter %s is %s by %s: %s.", PT: "A mensagem morta %s está %s por %s: %s."}
	redriven      = text{EN: "Dead letter %s was sent again by %s: %s.", PT: "A mensagem morta %s foi reenviada por %s: %s."}
	redriveFailed = text{EN: "Dead letter %s could not be sent again by %s: %s.", PT: "A mensagem morta %s não pôde ser reenviada por %s: %s."}
	foundWrong    = text{EN: "Finding %s, %s: %s.", PT: "Divergência %s, %s: %s."}
	findingOver   = text{EN: "Finding %s, %s, is resolved.", PT: "A divergência %s, %s, está resolvida."}
	findingClosed = text{EN: "%s closed finding %s, %s: %s.", PT: "%s fechou a divergência %s, %s: %s."}
	did           = text{EN: "%s, over %s: %s.", PT: "%s, %s: %s."}
	didBecause    = text{EN: "%s, over %s: %s. Reason: %s.", PT: "%s, %s: %s. Motivo: %s."}
)

var deadLetterStates = map[string]text{
	"open":      {EN: "open", PT: "aberta"},
	"redriven":  {EN: "sent again", PT: "reenviada"},
	"discarded": {EN: "discarded", PT: "descartada"},
	"resolved":  {EN: "resolved", PT: "resolvida"},
}

var findingKinds = map[string]text{
	"difference":     {EN: "a difference", PT: "uma diferença"},
	"contradiction":  {EN: "a contradiction", PT: "uma contradição"},
	"orphan_payment": {EN: "an orphan payment", PT: "um pagamento órfão"},
	"unreadable":     {EN: "an unreadable answer", PT: "uma resposta ilegível"},
}

var channels = map[string]text{
	"console":  {EN: "the console", PT: "pelo console"},
	"rest":     {EN: "REST", PT: "pela API REST"},
	"command":  {EN: "the command line", PT: "pela linha de comando"},
	"temporal": {EN: "Temporal", PT: "pelo Temporal"},
	"workflow": {EN: "the workflow", PT: "pelo workflow"},
}

// What is missing or left out.
var (
	databaseMissing = text{
		EN: "The database does not answer: statuses, operations, webhooks, e-mails, events, dead letters, findings and the audit are missing or incomplete.",
		PT: "O banco de dados não responde: faltam, no todo ou em parte, os status, as operações, os webhooks, os e-mails, os eventos, as mensagens mortas, as divergências e a auditoria.",
	}
	temporalMissing = text{
		EN: "Temporal does not answer: runs, signals, calls to Mercado Pago and what the workflow waits for are missing.",
		PT: "O Temporal não responde: faltam as execuções, os sinais, as chamadas ao Mercado Pago e o que o workflow espera.",
	}
	runsForgotten = text{EN: "Temporal keeps no run of this payment any more.", PT: "O Temporal não guarda mais nenhuma execução deste pagamento."}
	runsCut       = text{EN: "Only the newest %d runs are told.", PT: "Só as %d execuções mais novas são contadas."}
	stepsCut      = text{EN: "Of run %s only the newest %d steps are told.", PT: "Da execução %s só os %d passos mais novos são contados."}
	rowsCut       = text{EN: "Of each kind of entry in the database only %d are told.", PT: "De cada tipo de registro do banco só %d são contados."}
	notTraced     = text{EN: "No run of this payment was traced.", PT: "Nenhuma execução deste pagamento foi rastreada."}
)

var (
	askItself   = text{EN: "it asks Mercado Pago by itself", PT: "consulta o Mercado Pago por conta própria"}
	closeAtEnd  = text{EN: "the time to pay ends, and it closes the payment at Mercado Pago", PT: "o prazo de pagamento termina, e o pagamento é encerrado no Mercado Pago"}
	lookAtEnd   = text{EN: "the time to pay ends, and it asks Mercado Pago what became of the payment", PT: "o prazo de pagamento termina, e o Mercado Pago é consultado"}
	searchAgain = text{EN: "it searches Mercado Pago once more before it believes the refusal", PT: "procura mais uma vez no Mercado Pago antes de acreditar na recusa"}
)

// timers are those of the workflow, by their summaries.
var timers = map[string]text{
	"the next poll":                                              askItself,
	"look without being told":                                    askItself, // in runs from before
	"the next search before the refusal is believed":             searchAgain,
	"the next search for the charge":                             {EN: "it searches Mercado Pago for the charge", PT: "procura a cobrança no Mercado Pago"},
	"another look soon after a signal":                           {EN: "it looks again soon, because the signal brought no news", PT: "consulta de novo em breve, porque o sinal não trouxe novidade"},
	"the end of the time to pay, to close the payment":           closeAtEnd,
	"the end of the time to pay, to look at the payment":         lookAtEnd,
	"the end of the reservation, to look at it":                  {EN: "the reservation ends, and it asks Mercado Pago what became of the payment", PT: "a reserva termina, e o Mercado Pago é consultado"},
	"the end of the Pix, to close it":                            closeAtEnd, // in runs from before
	"the end of the Pix, to look at it":                          lookAtEnd,
	"the end of the run, after the answer to an order is stored": {EN: "it ends", PT: "termina"},
	"the next attempt to refund":                                 {EN: "it tries again to refund", PT: "tenta de novo a devolução"},
	"search again before failing":                                searchAgain,
}

// For what the payment waits now.
var (
	nextTry     = text{EN: "The activity %s waits for attempt %d. The last one failed: %s.", PT: "A atividade %s espera a tentativa %d. A última falhou: %s."}
	runsNow     = text{EN: "The activity %s runs now, attempt %d.", PT: "A atividade %s está em execução, tentativa %d."}
	pausedNow   = text{EN: "The activity %s is paused at attempt %d.", PT: "A atividade %s está pausada na tentativa %d."}
	taskRetried = text{EN: "A workflow task fails again and again: attempt %d.", PT: "Uma tarefa do workflow falha repetidamente: tentativa %d."}
	timerRuns   = text{EN: "The workflow waits: %s.", PT: "O workflow espera: %s."}
	buyerMayPay = text{EN: "The time to pay ends; until then the buyer may pay.", PT: "O prazo de pagamento termina; até lá o comprador pode pagar."}
)

// disputeKinds are the kinds of disputes, as the beginning of a sentence.
var disputeKinds = map[string]text{
	"chargeback":  {EN: "Chargeback", PT: "Chargeback"},
	"claim":       {EN: "The buyer's claim", PT: "Reclamação do comprador"},
	"mediation":   {EN: "Mediation by Mercado Pago", PT: "Mediação do Mercado Pago"},
	"fraud_alert": {EN: "Mercado Pago's fraud alert", PT: "Alerta de fraude do Mercado Pago"},
}

// disputeStatuses are where a dispute stands, inside a sentence.
var disputeStatuses = map[string]text{
	"open":            {EN: "open", PT: "aberta"},
	"evidence_wanted": {EN: "documents are wanted", PT: "documentos são esperados"},
	"in_review":       {EN: "the documents are being looked at", PT: "os documentos estão em análise"},
	"won":             {EN: "the seller has won", PT: "o vendedor ganhou"},
	"lost":            {EN: "the buyer has won", PT: "o comprador ganhou"},
	"closed":          {EN: "closed", PT: "encerrada"},
}

// refundStatuses are the statuses of a refund, as the end of a sentence.
var refundStatuses = map[string]text{
	string(payment.RefundPending):   {EN: "is pending", PT: "está pendente"},
	string(payment.RefundSucceeded): {EN: "succeeded", PT: "foi feita"},
	string(payment.RefundFailed):    {EN: "failed", PT: "falhou"},
}

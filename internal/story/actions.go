package story

import (
	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/command"
	"github.com/onlywave/onlywave/internal/deadletter"
)

// signed is what a command needs for the audit.
const signed = " --actor … --reason …"

var (
	redriveName = text{EN: "redrive dead letter %s", PT: "reprocessar a mensagem morta %s"}
	redriveDoes = text{EN: "sends it again; it is open again if that fails", PT: "reenvia a mensagem; se falhar, ela volta a ficar aberta"}
)

// findActions lists what may be asked of the payment now, or soon, and of its dead letters.
func (w *writer) findActions() {
	if !w.stored {
		return
	}
	for _, o := range command.Possible(w.payment, w.hold, w.now) {
		a := Action{Name: string(o.Name), Does: o.Would.In(string(w.language)), Command: "onlywave payments " + o.Name.Word() + " " + w.payment.ID + signed}
		if o.Reason == command.OptionalReason {
			a.Command = "onlywave payments " + o.Name.Word() + " " + w.payment.ID + " --actor …"
		}
		if !o.Possible && o.After.IsZero() {
			continue
		}
		if !o.Possible {
			a.Does, a.After = o.WhyNot.In(string(w.language)), o.After
		}
		w.story.Actions = append(w.story.Actions, a)
	}
	for _, d := range w.deadLetters {
		if d.State == deadletter.Open {
			w.story.Actions = append(w.story.Actions, Action{
				Name: w.say(redriveName, short(d.ID)), Does: w.say(redriveDoes), Command: "onlywave dead-letters redrive " + d.ID + signed,
			})
		}
	}
}

// acts are what operators do to a payment and to what belongs to it. Of others the audit's own name is told.
var acts = map[string]text{
	string(audit.PaymentLook):       {EN: "look at Mercado Pago", PT: "consultar o Mercado Pago"},
	string(audit.PaymentRetry):      {EN: "retry now", PT: "tentar de novo agora"},
	string(audit.PaymentHold):       {EN: "hold the payment", PT: "reter o pagamento"},
	string(audit.PaymentHoldEnd):    {EN: "the hold ended by itself", PT: "a retenção terminou sozinha"},
	string(audit.PaymentRelease):    {EN: "release the payment", PT: "liberar o pagamento"},
	string(audit.PaymentGiveUp):     {EN: "give up charging", PT: "desistir da cobrança"},
	string(audit.PaymentReset):      {EN: "reset the workflow", PT: "reiniciar o workflow (reset)"},
	string(audit.ActivityPause):     {EN: "pause the activity", PT: "pausar a atividade"},
	string(audit.ActivityUnpause):   {EN: "unpause the activity", PT: "retomar a atividade"},
	string(audit.ActivityRetry):     {EN: "retry the activity now", PT: "repetir a atividade agora"},
	string(audit.PaymentCancel):     {EN: "cancel the payment", PT: "cancelar o pagamento"},
	string(audit.PaymentCapture):    {EN: "capture the payment", PT: "capturar o pagamento"},
	string(audit.PaymentRefund):     {EN: "refund the payment", PT: "devolver o pagamento"},
	string(audit.PaymentSettle):     {EN: "settle the payment", PT: "encerrar o pagamento"},
	string(audit.DeadLetterDiscard): {EN: "discard dead letter", PT: "descartar a mensagem morta"},
	string(audit.RedriveStart):      {EN: "start redrive", PT: "iniciar o reprocessamento"},
	string(audit.DisputeEvidence):   {EN: "send documents about the dispute", PT: "enviar documentos sobre a contestação"},
	string(audit.FindingClose):      {EN: "close finding", PT: "fechar a divergência"},
}

var (
	heldNow   = text{EN: "%s holds the payment: %s. No call is made to Mercado Pago until then.", PT: "%s retém o pagamento: %s. Até lá nenhuma chamada é feita ao Mercado Pago."}
	heldUntil = text{EN: " until %s", PT: " até %s"}
	isHeld    = text{EN: "It is held by %s until %s: %s.", PT: "Está retido por %s até %s: %s."}
	doRelease = text{EN: "onlywave payments release %s" + signed}
)

// tellHold tells that the payment is held.
func (w *writer) tellHold() {
	if w.hold.Held(w.now) {
		w.waits(w.hold.Until, Operator, Waiting, heldNow, w.hold.Actor, w.clause(w.hold.Reason))
	}
}

package story

import (
	"time"

	"github.com/onlywave/onlywave/internal/deadletter"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/postgres"
	"github.com/onlywave/onlywave/workflows"
)

// How long something may wait before it is a problem.
const (
	eventsMayWait = time.Minute
	endMayWait    = time.Hour // as the alert PaymentsPastTheirEnd
)

var (
	mustDecide   = text{EN: "Operators must decide.", PT: "Um operador precisa decidir."}
	stillSearch  = text{EN: "OnlyWave still searches for it at Mercado Pago.", PT: "O OnlyWave ainda procura o pagamento no Mercado Pago."}
	letterOpen   = text{EN: "Dead letter %s (%s) is open.", PT: "A mensagem morta %s (%s) está aberta."}
	keepsFailing = text{EN: "The activity %s has failed %d times: %s.", PT: "A atividade %s falhou %d vezes: %s."}
	isPaused     = text{EN: "The activity %s is paused.", PT: "A atividade %s está pausada."}
	taskFails    = text{EN: "The workflow's task fails again and again.", PT: "A tarefa do workflow falha repetidamente."}
	noRun        = text{EN: "No workflow runs for this payment.", PT: "Nenhum workflow cuida deste pagamento."}
	pastEnd      = text{EN: "It should have expired, or been paid, at %s.", PT: "Deveria ter vencido, ou sido pago, às %s."}
	emailLost    = text{EN: "An e-mail to the buyer was not sent.", PT: "Um e-mail ao comprador não foi enviado."}
	eventsStuck  = text{EN: "Events have waited since %s.", PT: "Eventos esperam desde %s."}
	findingOpen  = text{EN: "Finding %s of reconciliation is open: %s.", PT: "A divergência %s da conciliação está aberta: %s."}

	doUnknown  = text{EN: "Search Mercado Pago's panel for the payment's id. If it has none, settle the payment.", PT: "Procure o id do pagamento no painel do Mercado Pago. Se não houver, encerre o pagamento."}
	doActivity = text{EN: "Fix what the error names. The activity then goes on by itself and charges once.", PT: "Corrija o que o erro aponta. A atividade continua sozinha e cobra uma vez só."}
	doUnpause  = text{EN: "scripts/ops/activity unpause %s --type %s --actor … --reason …", PT: "scripts/ops/activity unpause %s --type %s --actor … --reason …"}
	doTask     = text{EN: "See the alert WorkflowTasksFail: most likely a release must be rolled back.", PT: "Veja o alerta WorkflowTasksFail: provavelmente é preciso voltar a versão anterior."}
	doRun      = text{EN: "A look starts a run again.", PT: "Uma consulta inicia uma execução de novo."}
	doEmail    = text{EN: "Reset the workflow email/%s/%s when the mail server works.", PT: "Reinicie (reset) o workflow email/%s/%s quando o servidor de e-mail funcionar."}
	doEvents   = text{EN: "See the alert EventsNotPublished: RabbitMQ does not take them.", PT: "Veja o alerta EventsNotPublished: o RabbitMQ não os aceita."}
	doFinding  = text{EN: "onlywave reconcile close %s --actor … --reason …, when the panel agrees", PT: "onlywave reconcile close %s --actor … --reason …, quando o painel concordar"}
	doEnd      = text{EN: "Compare with Mercado Pago's panel.", PT: "Compare com o painel do Mercado Pago."}
)

// findProblems lists what is wrong, the most urgent first.
func (w *writer) findProblems() {
	w.findUnknown()
	if w.hold.Held(w.now) {
		w.problem(w.say(doRelease, w.payment.ID), isHeld, w.hold.Actor, w.hold.Until, w.clause(w.hold.Reason))
	}
	w.findRun()
	for _, d := range w.deadLetters {
		if d.State == deadletter.Open && (d.Cause != deadletter.CauseUnknownOutcome || w.payment.Status != payment.Unknown) {
			w.problem("onlywave dead-letters show "+d.ID, letterOpen, d.ID[:8], d.Cause.Title())
		}
	}
	for _, f := range w.findings {
		if f.ResolvedAt.IsZero() && f.Kind != payment.MissedWebhook {
			w.problem(w.say(doFinding, findingID(f)), findingOpen, findingID(f), f.Detail)
		}
	}
	if end := w.payment.Instructions.ExpiresAt; w.payment.Status == payment.Pending && !end.IsZero() && w.now.Sub(end) > endMayWait {
		w.problem(w.say(doEnd), pastEnd, end)
	}
	w.findUndelivered()
}

// findUnknown is about a payment that may have been charged. Only a dead letter asks operators; before that OnlyWave searches.
func (w *writer) findUnknown() {
	if w.payment.Status != payment.Unknown {
		return
	}
	for _, d := range w.deadLetters {
		if d.State == deadletter.Open && d.Cause == deadletter.CauseUnknownOutcome {
			w.problem(w.say(doUnknown), mustDecide)
			return
		}
	}
	w.problem("", stillSearch)
}

// findRun is about the payment's workflow.
func (w *writer) findRun() {
	if w.temporalErr != nil || w.payment.Status == "" {
		return
	}
	run := w.runs.Running()
	if run == nil {
		if w.payment.Status.Open() {
			w.problem(w.say(doRun), noRun)
		}
		return
	}
	for _, waits := range run.Waiting {
		switch {
		case waits.What == workflows.ForTask:
			w.problem(w.say(doTask), taskFails)
		case waits.Paused:
			w.problem(w.say(doUnpause, w.payment.ID, waits.Name), isPaused, waits.Name)
		case waits.What == workflows.ForActivity && waits.Failure != "":
			w.problem(w.say(doActivity), keepsFailing, waits.Name, waits.Attempt-1, w.clause(waits.Failure))
		}
	}
}

// findUndelivered is about e-mails and events.
func (w *writer) findUndelivered() {
	for _, e := range w.emailRuns {
		if e.run.State == workflows.RunFailed || e.run.State == workflows.RunTerminated {
			w.problem(w.say(doEmail, w.payment.ID, e.name), emailLost)
		}
	}
	for _, b := range w.backlog.Sinks {
		if b.Sink == postgres.ToSubscribers && w.now.Sub(b.Since) > eventsMayWait {
			w.problem(w.say(doEvents), eventsStuck, b.Since)
		}
	}
}

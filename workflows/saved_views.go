package workflows

import (
	"net/url"
	"time"

	"github.com/onlywave/onlywave/internal/deadletter"
	"github.com/onlywave/onlywave/internal/language"
	"github.com/onlywave/onlywave/internal/payment"
)

// SavedView is a list of workflows that operators open often in the Temporal Web UI. Scripts use its query.
type SavedView struct {
	Name  string // for the command line
	Title language.Text
	Query string // as Temporal's visibility takes it
}

// Processing is slow after this time, and then the alert PaymentsStuck fires.
const slowAfter = 15 * time.Minute

// SavedViews lists every view, the most urgent first. The views about time hold the moment now.
//
// A run keeps its search attributes after its end. The views of what is true now therefore take running workflows only. A failed run stays
// in its views until Temporal deletes it, also when a later run of the payment went well.
func SavedViews(now time.Time) []SavedView {
	at := func(t time.Time) string { return t.UTC().Format(time.RFC3339) }
	status := func(s payment.Status) string { return attrStatus.GetName() + " = " + quoted(string(s)) }
	const running = ` and ExecutionStatus = "Running"`
	views := []SavedView{
		{"needs-attention", language.Text{EN: "Need attention", PT: "Precisam de atenção"}, attrNeedsAttention.GetName() + " = true"},
		{"unknown", language.Text{EN: "Unknown", PT: "Desconhecidos"}, status(payment.Unknown) + running},
		{"held", language.Text{EN: "Held by an operator", PT: "Retidos por um operador"}, attrHold.GetName() + " = " + quoted("held") + running},
		{"overdue", language.Text{EN: "Pending after their end", PT: "Pendentes após o vencimento"},
			status(payment.Pending) + " and " + attrDue.GetName() + " < " + quoted(at(now)) + running},
		{"slow", language.Text{EN: "In processing for 15 minutes", PT: "Em processamento há 15 minutos"},
			status(payment.Processing) + " and StartTime < " + quoted(at(now.Add(-slowAfter))) + running},
		{"dead-letters", language.Text{EN: "Dead letters of payments", PT: "Mensagens mortas de pagamentos"}, attrDeadLetter.GetName() + " is not null"},
	}
	for _, cause := range deadletter.CausesOfPayments() {
		views = append(views, SavedView{"dead-letters-" + string(cause), language.Text{
			EN: "Dead letters: " + cause.Title().EN, PT: "Mensagens mortas: " + cause.Title().PT,
		}, attrDeadLetter.GetName() + " = " + quoted(string(cause))})
	}
	return append(views,
		SavedView{"disputed", language.Text{EN: "Runs that ended disputed or charged back", PT: "Execuções que terminaram em contestação ou estornadas por contestação"},
			attrStatus.GetName() + " in (" + quoted(string(payment.InDispute)) + ", " + quoted(string(payment.ChargedBack)) + ")"},
		SavedView{"failed", language.Text{EN: "Failed runs", PT: "Execuções com falha"}, `ExecutionStatus in ("Failed", "TimedOut")`},
		// For example after a release whose code does not fit the recorded history.
		SavedView{"task-failures", language.Text{EN: "Runs whose workflow task fails repeatedly", PT: "Execuções cuja tarefa de workflow falha repetidamente"},
			"TemporalReportedProblems is not null" + running},
		SavedView{"stopped", language.Text{EN: "Payments' runs that were cancelled, terminated or reset", PT: "Execuções de pagamentos canceladas, encerradas ou reiniciadas"},
			`WorkflowType = "Payment" and ExecutionStatus in ("Canceled", "Terminated")`},
		SavedView{"paused-activities", language.Text{EN: "Paused activities", PT: "Atividades pausadas"}, "TemporalPauseInfo is not null" + running},
		SavedView{"open", language.Text{EN: "Open payments", PT: "Pagamentos em aberto"}, `WorkflowType = "Payment"` + running},
	)
}

// quoted is a text in a query. None of ours has a quotation mark.
func quoted(text string) string { return `"` + text + `"` }

// Link is the view in the Web UI, or "" where no Web UI is configured.
func (v SavedView) Link(ui, namespace string) string {
	if ui == "" {
		return ""
	}
	return ui + "/namespaces/" + url.PathEscape(namespace) + "/workflows?query=" + url.QueryEscape(v.Query)
}

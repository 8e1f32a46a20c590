package story

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/deadletter"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/language"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/postgres"
	"github.com/onlywave/onlywave/workflows"
)

var update = flag.Bool("update", false, "write the texts anew")

func at(minute, second int) time.Time { return time.Date(2026, 3, 1, 12, minute, second, 0, time.UTC) }

// asked is a payment that a client app has asked for at 12:00.
func asked(status payment.Status) facts {
	id := payment.NewID("shop-a", "order-1042")
	f := facts{stored: true, payment: payment.Payment{
		ID: id, ClientID: "shop-a", Status: status, CreatedAt: at(0, 0), UpdatedAt: at(0, 1), Version: 2,
		Provider:     payment.Provider{Name: payment.MercadoPago, PaymentID: "106400160592", Status: "pending", UpdatedAt: at(0, 1)},
		Instructions: payment.Instructions{ExpiresAt: at(30, 0)},
		Request: payment.Request{
			Amount: payment.Money{Centavos: 1050, Currency: payment.BRL}, Reference: "order-1042",
			Method: payment.Method{Type: payment.Pix},
			Payer:  payment.Payer{Email: "ana@example.com", Name: "Ana Souza", TaxID: "12345678909", NotifyBy: payment.ByEmail},
		},
	}}
	f.events = []payment.Event{
		{Seq: 1, Status: payment.Processing, At: at(0, 0)},
		{Seq: 2, Status: status, At: at(0, 1)},
	}
	f.operations = []payment.OperationRecord{{
		ProviderKey: payment.ProviderKey(id, payment.Charge, 1), Kind: payment.Charge, Number: 1, Amount: 1050, Outcome: "done", CreatedAt: at(0, 0), UpdatedAt: at(0, 1),
	}}
	f.backlog.Published = 2
	f.runs.All = []workflows.Run{{ID: "01a21a6a-0000", State: workflows.RunRunning, Started: at(0, 0), Trace: "0af7651916cd43dd8448eb211c80319c", Steps: []workflows.Step{
		{At: at(0, 0), Kind: workflows.StepUpdate, Name: workflows.UpdateCreate, By: "7@api@"},
		{At: at(0, 1), Kind: workflows.StepCall, Name: "Charge", Attempts: 1, Quick: true, Found: true, Provider: payment.ProviderState{PaymentID: "106400160592", Status: payment.Pending, UpdatedAt: at(0, 1)}},
	}, Waiting: []workflows.Waiting{{What: workflows.ForTimer, Name: "the next poll", Due: at(6, 1)}}}}
	f.links = []Link{{Name: "Temporal", URL: "https://temporal.example/payment"}}
	return f
}

func pending() facts {
	f := asked(payment.Pending)
	f.emails = []payment.Email{{ID: payment.NewEmailID(f.payment.ID + "/instructions"), Notice: payment.HowToPay, Outcome: payment.EmailSent, At: at(0, 3)}}
	f.notifications = []postgres.Archived{{ID: "n1", Topic: "payment", Action: "payment.created", ReceivedAt: at(0, 2)}}
	return f
}

// settledInPart is a payment of which a part was given back before its money became available.
func settledInPart() facts {
	f := asked(payment.Approved)
	f.payment.Status, f.payment.Refunded, f.payment.Version, f.payment.UpdatedAt = payment.PartiallyRefunded, 300, 6, at(6, 0)
	refund := payment.EventRefund{ID: payment.RefundID(f.payment.ID, "return-1"), Amount: 300, Status: payment.RefundPending, Origin: payment.FromClient}
	done := refund
	done.Status = payment.RefundSucceeded
	f.events = append(f.events,
		payment.Event{Seq: 3, Status: payment.Approved, At: at(5, 0), Data: payment.EventData{Refund: &refund}},
		payment.Event{Seq: 4, Status: payment.PartiallyRefunded, At: at(5, 2)},
		payment.Event{Seq: 5, Status: payment.PartiallyRefunded, At: at(5, 2), Data: payment.EventData{Refund: &done}},
		payment.Event{Seq: 6, Status: payment.PartiallyRefunded, At: at(6, 0), Data: payment.EventData{Settlement: &payment.Settlement{Amount: 740}}})
	f.backlog.Published = 6
	f.runs.All[0].State, f.runs.All[0].Waiting = workflows.RunCompleted, nil
	return f
}

// unknown is a payment that Mercado Pago did not answer for, and that was redriven in vain.
func unknown() facts {
	f := asked(payment.Unknown)
	f.payment.Failure, f.payment.FailureCode = "Mercado Pago did not answer", failure.CodeUnknown
	f.payment.Provider = payment.NewProvider()
	f.payment.Instructions.ExpiresAt = time.Time{}
	f.payment.UpdatedAt = at(4, 0)
	f.events[1] = payment.Event{Seq: 2, Status: payment.Unknown, At: at(4, 0), Data: payment.EventData{FailureCode: failure.CodeUnknown, Failure: f.payment.Failure}}
	f.operations[0].Outcome = "unknown"
	run := &f.runs.All[0]
	run.Steps[1] = workflows.Step{At: at(0, 6), Kind: workflows.StepFailed, Name: "Charge", Attempts: 1, Quick: true, Failure: "Mercado Pago did not answer"}
	run.Steps = append(run.Steps, workflows.Step{At: at(4, 0), Kind: workflows.StepFailed, Name: "Charge", Attempts: 9, Failure: "Mercado Pago did not answer for ana@example.com."})
	for second := range 3 {
		run.Steps = append(run.Steps, workflows.Step{At: at(6, second), Kind: workflows.StepSignal, Name: workflows.SignalLook, By: "8@worker@"})
	}
	run.Steps = append(run.Steps, workflows.Step{At: at(6, 4), Kind: workflows.StepCall, Name: "Look", Attempts: 1, Quick: true})
	dead := deadletter.NewID("m", "q")
	f.deadLetters = []deadletter.Message{{
		ID: dead, Source: deadletter.FromWorkflow, Cause: deadletter.CauseUnknownOutcome, Error: "Mercado Pago did not answer", State: deadletter.Open,
		Deaths: 1, DiedAt: at(4, 0), ReceivedAt: at(4, 0).Add(200 * time.Millisecond),
	}}
	redrive := payment.NewID("redrive", "1")
	f.redrives = []deadletter.Redrive{{RedriveID: redrive, DeadLetterID: dead, Actor: "ana", Reason: "the outage is over", At: at(6, 0), Outcome: "sent"}}
	f.audit = []audit.Entry{{At: at(5, 59), Actor: audit.Actor{Name: "ana", Channel: audit.Console}, Action: audit.RedriveStart, Object: "redrive/" + redrive, Reason: "the outage is over"}}
	return f
}

// held is a payment that an operator holds while its charge fails.
func held() facts {
	f := asked(payment.Processing)
	f.events = f.events[:1]
	f.payment.Provider = payment.NewProvider()
	f.operations[0].Outcome = "asked"
	f.hold = payment.Hold{Actor: "ben", Reason: "the seller's account is being checked", At: at(3, 0), Until: at(59, 0)}
	f.audit = []audit.Entry{{
		At: at(3, 1), Actor: audit.Actor{Name: "ben", Channel: audit.Temporal}, Action: audit.PaymentHold, Object: "payment/" + f.payment.ID, Reason: f.hold.Reason,
		After: audit.Values{"held_until": f.hold.Until.Format(time.RFC3339)},
	}}
	run := &f.runs.All[0]
	run.Steps[1] = workflows.Step{At: at(3, 0), Kind: workflows.StepSignal, Name: "hold", By: "temporal-cli:ben@desk", Words: workflows.Words{Actor: "ben", Reason: f.hold.Reason, Until: f.hold.Until}}
	run.Waiting = []workflows.Waiting{{What: workflows.ForActivity, Name: "Charge", Attempt: 5, Due: at(9, 0), Failure: "Mercado Pago answered 503"}}
	return f
}

// troubled is a paid payment beside which nearly everything went wrong.
func troubled() facts {
	f := asked(payment.Approved)
	f.events = append(f.events[:1], payment.Event{Seq: 2, Status: payment.Pending, At: at(0, 1)},
		payment.Event{Seq: 3, Status: payment.Approved, At: at(5, 0), Data: payment.EventData{ProviderStatus: "approved", StatusDetail: "accredited", Surprising: true}})
	f.payment.Version = 3
	f.backlog = postgres.Backlog{Published: 2, Sinks: []postgres.SinkBacklog{{Sink: postgres.ToBuyer, Seq: 3, Since: at(5, 0)}, {Sink: postgres.ToSubscribers, Seq: 3, Since: at(5, 0)}},
		Refused: []postgres.RefusedEvent{{Seq: 2, Failures: 2, Due: at(9, 0)}}}
	f.emailRuns = []emailRun{
		{"instructions", workflows.EmailRun{State: workflows.RunFailed, Ended: at(4, 0)}},
		{"receipt", workflows.EmailRun{State: workflows.RunRunning, Waiting: []workflows.Waiting{{What: workflows.ForActivity, Attempt: 4, Due: at(8, 0), Failure: "the mail server does not answer"}}}},
	}
	f.findings = []payment.Finding{
		{ID: 17, Kind: payment.Contradiction, Detail: "the provider says BRL 9.99, asked were BRL 10.50", FoundAt: at(6, 0)},
		{ID: 16, Kind: payment.MissedWebhook, Detail: postgres.MissedChange, ProviderUpdatedAt: at(4, 0), FoundAt: at(6, 0)},
		{ID: 15, Kind: payment.Difference, Detail: "the provider says approved", FoundAt: at(4, 30), ResolvedAt: at(5, 0)},
	}
	dead := deadletter.NewID("n1", "q")
	f.notifications = []postgres.Archived{{ID: "n1", Topic: "payment", Action: "payment.updated", ReceivedAt: at(4, 1)}}
	f.deadLetters = []deadletter.Message{{
		ID: dead, Source: deadletter.FromWebhook, Cause: deadletter.CauseInvalid, Error: "the message cannot be read", Deaths: 2, State: deadletter.Discarded,
		Original: deadletter.Original{ID: "n1"}, DiedAt: at(4, 50), ClosedAt: at(6, 30), ClosedBy: "ana", Reason: "a test of the sender",
	}}
	f.runs.All = append([]workflows.Run{{ID: "00000000-before", State: workflows.RunTerminated, Started: at(0, 0), Ended: at(3, 0), Steps: []workflows.Step{
		f.runs.All[0].Steps[0], {At: at(3, 0), Kind: workflows.StepTerminated, Failure: "reset", By: "history-service"},
	}}}, f.runs.All...)
	run := &f.runs.All[1]
	run.State, run.Waiting, run.Ended = workflows.RunCompleted, nil, at(5, 1)
	run.Steps = []workflows.Step{
		{At: at(3, 0), Kind: workflows.StepReset, Failure: "ana@desk: try again"},
		{At: at(3, 1), Kind: workflows.StepUpdate, Name: workflows.UpdateCreate},
		{At: at(3, 2), Kind: workflows.StepTaskFailed, Failure: "nondeterministic workflow"},
		{At: at(5, 0), Kind: workflows.StepCall, Name: "Look", Attempts: 3, Failure: "Mercado Pago answered 500", Found: true, Provider: payment.ProviderState{Status: payment.Approved, UpdatedAt: at(4, 0)}},
	}
	f.runs.Cut = true
	return f
}

func failed() facts {
	f := asked(payment.Failed)
	f.payment.Failure, f.payment.FailureCode = failure.CodeTaxID.Message(), failure.CodeTaxID
	f.events[1].Data = payment.EventData{FailureCode: failure.CodeTaxID, Failure: failure.CodeTaxID.Message()}
	f.operations[0].Outcome = "refused"
	f.runs = workflows.Runs{}
	return f
}

// plain writes a story as text, for comparison.
func plain(s Story) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", s.Head)
	for _, m := range s.Missing {
		fmt.Fprintf(&b, "missing: %s\n", m.Text)
	}
	for _, p := range s.Problems {
		fmt.Fprintf(&b, "! %s → %s\n", p.Text, p.Do)
	}
	for _, part := range [][]Entry{s.Entries, s.Now} {
		b.WriteString("\n")
		for _, e := range part {
			fmt.Fprintf(&b, "%-8s %-7s %s: %s\n", e.Clock(), e.Level, e.Source.Name(s.Language), strings.TrimSpace(e.Text+" "+s.Repeated(e)))
		}
	}
	b.WriteString("\n")
	for _, a := range s.Actions {
		fmt.Fprintf(&b, "%s: %s\n  %s\n", a.Name, a.Does, a.Command)
	}
	for _, l := range s.Links {
		fmt.Fprintf(&b, "%s %s\n", l.Name, l.URL)
	}
	for _, n := range s.Notes {
		fmt.Fprintf(&b, "- %s\n", n)
	}
	return b.String()
}

// The texts of testdata are what operators read.
func TestStoriesAreToldInBothLanguages(t *testing.T) {
	t.Parallel()
	withoutTemporal := pending()
	withoutTemporal.runs, withoutTemporal.temporalErr = workflows.Runs{}, errors.New("no answer")
	withoutDatabase := facts{payment: payment.Payment{ID: withoutTemporal.payment.ID}, databaseErr: errors.New("no answer"), runs: pending().runs}
	tried := asked(payment.Rejected)
	tried.payment.Method.Type, tried.payment.CheckoutID = payment.CheckoutPro, payment.NewCheckoutID("shop-a", "order-1042")
	for name, f := range map[string]facts{
		"pending": pending(), "rejected-at-a-checkout": tried, "unknown": unknown(), "held": held(), "troubled": troubled(), "failed": failed(), "settled-in-part": settledInPart(),
		"without-temporal": withoutTemporal, "without-database": withoutDatabase,
	} {
		for _, l := range language.All() {
			told := plain(write(f, l, at(7, 0)))
			file := filepath.Join("testdata", name+"."+string(l)+".txt")
			if *update {
				require.NoError(t, os.WriteFile(file, []byte(told), 0o644))
			}
			want, err := os.ReadFile(file)
			require.NoError(t, err)
			require.Equal(t, string(want), told, "%s: run the test with -update if the change is meant", file)
			for _, private := range []string{"ana@example.com", "Ana Souza", "12345678909"} {
				require.NotContains(t, told, private, file)
			}
		}
	}
}

func TestWhatTheBuyerMustNotBeReadByIsHidden(t *testing.T) {
	t.Parallel()
	hide := hider(payment.Payer{Email: "ana@example.com", Name: "Ana Souza", TaxID: "12345678909"})
	require.Equal(t, "••• (•••, •••) and •••, not 106400160592", hide("ANA SOUZA (ana@example.com, 12345678909) and rui.b@loja.com.br, not 106400160592"))
	require.Equal(t, "ana, over the console", hider(payment.Payer{Name: "Ana"})("ana, over the console"), "an operator has the same name")
	require.Equal(t, "CPF •••, CNPJ •••", hider(payment.Payer{})("CPF 123.456.789-09, CNPJ 12.345.678/0001-95"))
}

func TestEveryTextHasBothLanguages(t *testing.T) {
	t.Parallel()
	for _, s := range payment.Statuses() {
		if s != payment.Pending {
			require.NotEmpty(t, standings[s].EN, s)
			require.NotEmpty(t, standings[s].PT, s)
		}
	}
	for _, code := range failure.Codes() {
		require.NotEmpty(t, reasons[code], code)
	}
	for _, c := range []audit.Channel{audit.Console, audit.REST, audit.CommandLine, audit.Temporal, audit.Workflow} {
		require.NotEmpty(t, channels[string(c)].PT, c)
	}
	for _, a := range audit.Actions() {
		if strings.HasPrefix(string(a), "payment.") || strings.HasPrefix(string(a), "activity.") {
			require.NotEmpty(t, acts[string(a)].PT, a)
		}
	}
}

// The workflow names what its timers are for; the story has words for each.
func TestEveryTimerHasWords(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("../../workflows/polling.go")
	require.NoError(t, err)
	_, body, found := strings.Cut(string(source), ") waitsFor(ctx workflow.Context) string {")
	require.True(t, found)
	body, _, _ = strings.Cut(body, "\n}\n")
	names := regexp.MustCompile(`return "([^"]*)"`).FindAllStringSubmatch(body, -1)
	require.NotEmpty(t, names)
	for _, name := range names {
		require.NotEmpty(t, timers[name[1]].PT, name[1])
	}
}

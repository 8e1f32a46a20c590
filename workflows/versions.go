package workflows

import "go.temporal.io/sdk/workflow"

// Changes of a running workflow's commands. Each is asked for only where it makes a difference, so that a payment whose life
// is ordinary records no marker. An entry's old branch can go once no run from before it is kept any more.
const (
	changeDeadLetters = "dead-letters" // first released together with the dead letters' table
	changeLookAgain   = "look-again"   // and so was this

	changeAnswerUnknown  = "answer-unknown"
	changeAwaitBatch     = "await-batch"
	changeChargeAtOnce   = "charge-at-once"
	changeRewriteRow     = "rewrite-row"
	changeBelieveLate    = "believe-late"
	changeReportAgain    = "tell-again"
	changeChoresApart    = "chores-apart"
	changeLookSoon       = "look-soon"
	changeReportBeside   = "report-beside"
	changeCloseAtEnd     = "close-at-end"
	changeMissRowAtEnd   = "miss-row-at-end"
	changeCompareUnknown = "compare-unknown"
	changeInterrupt      = "interrupt"
	changeStoreAnswer    = "store-answer"
	changeRefuseForeign  = "refuse-foreign"
	changeReadDisputes   = "read-disputes"
)

// writesDeadLetters says whether this run sends a dead letter when it cannot go on. A run from before simply failed.
func writesDeadLetters(ctx workflow.Context) bool {
	return workflow.GetVersion(ctx, changeDeadLetters, workflow.DefaultVersion, 1) >= 1
}

// looksAgain says whether this run searches once more before it believes a refusal that followed other attempts.
func looksAgain(ctx workflow.Context) bool {
	return workflow.GetVersion(ctx, changeLookAgain, workflow.DefaultVersion, 1) >= 1
}

// answersUnknown says whether this run answers a POST once the outcome is unknown. A run from before waited until it was known.
func answersUnknown(ctx workflow.Context) bool {
	return workflow.GetVersion(ctx, changeAnswerUnknown, workflow.DefaultVersion, 1) >= 1
}

// awaitsBatch says whether this redrive, when it is cancelled, waits for the batch that is on its way.
func awaitsBatch(ctx workflow.Context) bool {
	return workflow.GetVersion(ctx, changeAwaitBatch, workflow.DefaultVersion, 1) >= 1
}

// looksSoon says whether this run looks again soon after a signal that brought no news, and leaves the next poll where it is. In a run
// from before, each look moved the next poll by a whole gap.
func looksSoon(ctx workflow.Context) bool {
	return workflow.GetVersion(ctx, changeLookSoon, workflow.DefaultVersion, 1) >= 1
}

// reportsBeside says whether this run goes on while the broker does not take its dead letter. A run from before waited.
func reportsBeside(ctx workflow.Context) bool {
	return workflow.GetVersion(ctx, changeReportBeside, workflow.DefaultVersion, 1) >= 1
}

// chargesAtOnce says whether this run tries the charge in the workflow task that opens the payment. A run from before always
// makes an activity of it.
func chargesAtOnce(ctx workflow.Context) bool {
	return workflow.GetVersion(ctx, changeChargeAtOnce, workflow.DefaultVersion, 1) >= 1
}

// rewritesRows says whether this run writes a row anew that is lost. A run from before left the payment to a person.
func rewritesRows(ctx workflow.Context) bool {
	return workflow.GetVersion(ctx, changeRewriteRow, workflow.DefaultVersion, 1) >= 1
}

// believesLate says whether this run doubts a refusal that followed other attempts for minutes. A run from before searched once more.
func believesLate(ctx workflow.Context) bool {
	return workflow.GetVersion(ctx, changeBelieveLate, workflow.DefaultVersion, 1) >= 1
}

// reportsAgain says whether this run alerts operators of a payment that it has found unknown. A run from before left that to the run
// that had parked it.
func reportsAgain(ctx workflow.Context) bool {
	return workflow.GetVersion(ctx, changeReportAgain, workflow.DefaultVersion, 1) >= 1
}

// choresApart says whether this run of reconciliation leaves the quiet payments and the reports of findings to workflows of their own.
func choresApart(ctx workflow.Context) bool {
	return workflow.GetVersion(ctx, changeChoresApart, workflow.DefaultVersion, 1) >= 1
}

// interruptible says whether orders of operators reach an activity of this run that waits for the provider. A run from before serves them
// when the activity has ended.
func interruptible(ctx workflow.Context) bool {
	return workflow.GetVersion(ctx, changeInterrupt, workflow.DefaultVersion, 1) >= 1
}

// closesAtEnd says whether this run closes a Pix at its own end. A run from before, or one that a worker from before has looked
// for meanwhile, waits for the provider's.
func closesAtEnd(ctx workflow.Context) bool {
	return workflow.GetVersion(ctx, changeCloseAtEnd, workflow.DefaultVersion, 1) >= 1
}

// missesRowAtEnd says whether this run notices a lost row when it closes a Pix. A run from before tried to close it at every poll.
func missesRowAtEnd(ctx workflow.Context) bool {
	return workflow.GetVersion(ctx, changeMissRowAtEnd, workflow.DefaultVersion, 1) >= 1
}

// comparesUnknown says whether this run compares an unknown payment with the database after each look that has found nothing. A run from
// before relied on its own memory.
func comparesUnknown(ctx workflow.Context) bool {
	return workflow.GetVersion(ctx, changeCompareUnknown, workflow.DefaultVersion, 1) >= 1
}

// storesAnswer says whether this run lets the answer of an order be stored before it ends. A run from before ended in the same workflow task.
func storesAnswer(ctx workflow.Context) bool {
	return workflow.GetVersion(ctx, changeStoreAnswer, workflow.DefaultVersion, 1) >= 1
}

// refusesForeign says whether this run, which OnlyWave has not started, is refused. A run from before the first key goes on.
func refusesForeign(ctx workflow.Context) bool {
	return workflow.GetVersion(ctx, changeRefuseForeign, workflow.DefaultVersion, 1) >= 1
}

// readsDisputes says whether this run asks about the disputes of a payment that has come to one, or out of one. A run from before knew of
// none.
func readsDisputes(ctx workflow.Context) bool {
	return workflow.GetVersion(ctx, changeReadDisputes, workflow.DefaultVersion, 1) >= 1
}

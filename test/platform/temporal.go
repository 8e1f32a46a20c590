package platform

// temporalSettings are dynamic configuration of the development server: key to JSON.
var temporalSettings = map[string]string{
	// It would read the search attributes anew at every start of a workflow.
	"system.forceSearchAttributesCacheRefreshOnRead": "false",
	// Every hand-over between history and matching waits for the next of so many reads a second. At the default of 20 that
	// was 50 ms each, most of what a client app waited for its QR code.
	"history.transferProcessorMaxPollRPS": "100",
	// Between two of these a queue remembers every task it has done and goes through all of them for each new one. At the
	// default of 30 s that came to a third of the server's processor time after 3,000 payments.
	"history.transferProcessorUpdateAckInterval":   `"1s"`,
	"history.visibilityProcessorUpdateAckInterval": `"1s"`,
	"history.timerProcessorUpdateAckInterval":      `"1s"`,
	// Without it this version of the server ignores the priorities of tasks; a newer one has it on by itself.
	"matching.useNewMatcher": "true",
	// One partition is enough for one server, and a task needs not be passed on to where its poller waits.
	"matching.numTaskqueueReadPartitions":  "1",
	"matching.numTaskqueueWritePartitions": "1",
}

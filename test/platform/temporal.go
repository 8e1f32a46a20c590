package platform

import (
	"log/slog"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
)

// temporalSettings are dynamic configuration of the development server: key to JSON.
var temporalSettings = map[string]string{
	// Otherwise the server reads the search attributes again at every start of a workflow.
	"system.forceSearchAttributesCacheRefreshOnRead": "false",
	// The history service reads its queues this many times a second. At the default of 20 each task waits up to 50 ms, which was most of
	// the latency of a QR code.
	"history.transferProcessorMaxPollRPS": "100",
	// Between two of these a queue remembers every task it has done and goes through all of them for each new one. At the
	// default of 30 s that came to a third of the server's processor time after 3,000 payments.
	"history.transferProcessorUpdateAckInterval":   `"1s"`,
	"history.visibilityProcessorUpdateAckInterval": `"1s"`,
	"history.timerProcessorUpdateAckInterval":      `"1s"`,
	// Tasks of one priority are served in turn for each client app, so that one with many payments does not delay the others.
	"matching.enableFairness": "true",
	// A worker that ends is forgotten at once, so that another version may take its place.
	"frontend.enableCancelWorkerPollsOnShutdown": "true",
	// One partition is enough for one server, and tasks need not be forwarded between partitions.
	"matching.numTaskqueueReadPartitions":  "1",
	"matching.numTaskqueueWritePartitions": "1",
}

const temporalNamespace = "default"

// Temporal is a client that reads and writes payloads as the platform's processes do.
func (p *Platform) Temporal() (client.Client, error) {
	codec, err := p.Codec()
	if err != nil {
		return nil, err
	}
	options := client.Options{HostPort: p.Stack.TemporalAddress(), Namespace: temporalNamespace, Logger: log.NewStructuredLogger(slog.New(slog.DiscardHandler))}
	codec.Apply(&options)
	return client.Dial(options)
}

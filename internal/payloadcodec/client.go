package payloadcodec

import (
	"context"

	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/failure/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/api/proxy"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
)

// Apply has a client, and the workers that use it, encrypt what they send to Temporal and decrypt what they get.
func (c *Codec) Apply(o *client.Options) {
	o.DataConverter = c.DataConverter()
	o.FailureConverter = temporal.NewDefaultFailureConverter(temporal.DefaultFailureConverterOptions{
		DataConverter: o.DataConverter, EncodeCommonAttributes: true,
	})
	o.ConnectionOptions.DialOptions = append(o.ConnectionOptions.DialOptions, grpc.WithChainUnaryInterceptor(c.readFromTemporal))
}

// DataConverter is Temporal's own, with encryption.
func (c *Codec) DataConverter() converter.DataConverter {
	return dataConverter{converter.NewCodecDataConverter(converter.GetDefaultDataConverter(), c), c}
}

type dataConverter struct {
	converter.DataConverter
	codec *Codec
}

// Codec is for headers, which the SDK encrypts only when it is asked to.
func (d dataConverter) Codec() converter.PayloadCodec { return d.codec }

// readFromTemporal decrypts the histories and descriptions of workflows that our own code reads. What cannot be decrypted stays as it is: a
// reader then says less. The runs that workers read are marked, see Foreign.
func (c *Codec) readFromTemporal(ctx context.Context, method string, request, answer any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, options ...grpc.CallOption) error {
	if err := invoke(ctx, method, request, answer, conn, options...); err != nil {
		return err
	}
	switch answer := answer.(type) {
	case *workflowservice.PollWorkflowTaskQueueResponse:
		c.markForeign(answer.GetHistory())
	case *workflowservice.GetWorkflowExecutionHistoryResponse: // of a worker, too, which has not kept the run
		c.markForeign(answer.GetHistory())
		defer keepInputs(answer.GetHistory().GetEvents())()
		return c.DecodeMessage(ctx, answer)
	case *workflowservice.DescribeWorkflowExecutionResponse:
		return c.DecodeMessage(ctx, answer)
	case *workflowservice.ListWorkflowExecutionsResponse:
		return c.DecodeMessage(ctx, answer)
	}
	return nil
}

// keepInputs takes the inputs of workflows out of events until the function that it returns is called. They hold the buyer's data, which no
// reader of a history needs, and which a worker decrypts itself.
func keepInputs(events []*history.HistoryEvent) (putBack func()) {
	var inputs []func()
	take := func(from **common.Payloads) {
		kept := *from
		*from = nil
		inputs = append(inputs, func() { *from = kept })
	}
	for _, e := range events {
		if started := e.GetWorkflowExecutionStartedEventAttributes(); started != nil {
			take(&started.Input)
		}
		if continued := e.GetWorkflowExecutionContinuedAsNewEventAttributes(); continued != nil {
			take(&continued.Input)
		}
	}
	return func() {
		for _, back := range inputs {
			back()
		}
	}
}

// DecodeMessage decrypts all payloads and failures of a message of Temporal's API, in place. What cannot be decrypted stays as it is.
func (c *Codec) DecodeMessage(ctx context.Context, message proto.Message) error {
	err := proxy.VisitPayloads(ctx, message, proxy.VisitPayloadsOptions{
		SkipSearchAttributes: true,
		Visitor: func(_ *proxy.VisitPayloadsContext, payloads []*common.Payload) ([]*common.Payload, error) {
			return c.Lenient().Decode(payloads)
		},
	})
	if err != nil {
		return err
	}
	return proxy.VisitFailures(ctx, message, proxy.VisitFailuresOptions{
		Visitor: func(_ *proxy.VisitFailuresContext, f *failure.Failure) error {
			converter.DecodeCommonFailureAttributes(converter.GetDefaultDataConverter(), f)
			return nil
		},
	})
}

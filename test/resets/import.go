package resets

import (
	"context"
	"fmt"

	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"
)

// importExecution is the call of Temporal's admin API that `tdbg workflow import` uses. Its Go types are in the server's module, which is
// far too large a dependency for one call with five fields. So the request is written field by field here.
const importExecution = "/temporal.server.api.adminservice.v1.AdminService/ImportWorkflowExecution"

// The numbers of the fields of ImportWorkflowExecutionRequest, of the VersionHistory in it, and of ImportWorkflowExecutionResponse.
const (
	fieldNamespace      = 1
	fieldExecution      = 2
	fieldBatches        = 3
	fieldVersionHistory = 4
	fieldToken          = 5

	fieldVersionItems  = 2
	fieldVersionItemID = 1

	fieldTokenOfResponse = 1
)

// importHistory writes a run with this history into Temporal: first its events, then, with the token of that, the commit.
func importHistory(ctx context.Context, conn *grpc.ClientConn, run *common.WorkflowExecution, events []*history.HistoryEvent) error {
	token, err := importCall(ctx, conn, run, events, len(events), nil)
	if err == nil {
		_, err = importCall(ctx, conn, run, nil, len(events), token)
	}
	if err != nil {
		return fmt.Errorf("import the history of %s: %w", run.GetWorkflowId(), err)
	}
	return nil
}

func importCall(ctx context.Context, conn *grpc.ClientConn, run *common.WorkflowExecution, events []*history.HistoryEvent, last int, token []byte) ([]byte, error) {
	execution, err := proto.Marshal(run)
	if err != nil {
		return nil, err
	}
	request := appendBytes(nil, fieldNamespace, []byte("default"))
	request = appendBytes(request, fieldExecution, execution)
	for _, event := range events { // each is a batch of its own
		batch, err := proto.Marshal(&history.History{Events: []*history.HistoryEvent{event}})
		if err != nil {
			return nil, err
		}
		blob, err := proto.Marshal(&common.DataBlob{EncodingType: enums.ENCODING_TYPE_PROTO3, Data: batch})
		if err != nil {
			return nil, err
		}
		request = appendBytes(request, fieldBatches, blob)
	}
	item := protowire.AppendTag(nil, fieldVersionItemID, protowire.VarintType)
	item = protowire.AppendVarint(item, uint64(last))
	request = appendBytes(request, fieldVersionHistory, appendBytes(nil, fieldVersionItems, item))
	if token != nil {
		request = appendBytes(request, fieldToken, token)
	}
	return call(ctx, conn, importExecution, request)
}

// call sends a message that is encoded already, and returns the first field of the answer. An empty message carries both, as fields that it
// does not know.
func call(ctx context.Context, conn *grpc.ClientConn, method string, request []byte) ([]byte, error) {
	var in, out emptypb.Empty
	in.ProtoReflect().SetUnknown(request)
	if err := conn.Invoke(ctx, method, &in, &out); err != nil {
		return nil, err
	}
	for rest := out.ProtoReflect().GetUnknown(); len(rest) > 0; {
		number, kind, n := protowire.ConsumeTag(rest)
		if n < 0 {
			return nil, protowire.ParseError(n)
		}
		if number == fieldTokenOfResponse && kind == protowire.BytesType {
			value, m := protowire.ConsumeBytes(rest[n:])
			return value, protowire.ParseError(min(m, 0))
		}
		m := protowire.ConsumeFieldValue(number, kind, rest[n:])
		if m < 0 {
			return nil, protowire.ParseError(m)
		}
		rest = rest[n+m:]
	}
	return nil, nil
}

func appendBytes(to []byte, field protowire.Number, value []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(to, field, protowire.BytesType), value)
}

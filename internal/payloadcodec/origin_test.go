package payloadcodec

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/converter"
	"google.golang.org/protobuf/proto"
)

func TestARunIsForeignUnlessItsWholeInputIsEncryptedWithAKeyOfOurs(t *testing.T) {
	t.Parallel()
	ours := newCodec(t, "shop", key("k1", 1))
	sealed := func(by *Codec) *common.Payload {
		payloads, err := by.Encode(plain(t))
		require.NoError(t, err)
		return payloads[0]
	}
	claimed := plain(t)[0]
	claimed.Metadata = map[string][]byte{converter.MetadataEncoding: []byte(encoding), metadataKey: []byte("k1")}
	for name, row := range map[string]struct {
		foreign bool
		input   []*common.Payload
	}{
		"encrypted":            {false, []*common.Payload{sealed(ours)}},
		"both encrypted":       {false, []*common.Payload{sealed(ours), sealed(ours)}},
		"no input":             {true, nil},
		"plain":                {true, plain(t)},
		"one of two is plain":  {true, []*common.Payload{sealed(ours), plain(t)[0]}},
		"says it is encrypted": {true, []*common.Payload{claimed}},
		"encrypted by another": {true, []*common.Payload{sealed(newCodec(t, "shop", key("k1", 2)))}},
		"under an unknown key": {true, []*common.Payload{sealed(newCodec(t, "shop", key("k2", 1)))}},
		"of another namespace": {true, []*common.Payload{sealed(newCodec(t, "other", key("k1", 1)))}},
	} {
		started := &history.WorkflowExecutionStartedEventAttributes{Input: &common.Payloads{Payloads: row.input}}
		h := &history.History{Events: []*history.HistoryEvent{{
			Attributes: &history.HistoryEvent_WorkflowExecutionStartedEventAttributes{WorkflowExecutionStartedEventAttributes: started},
		}}}
		input := proto.CloneOf(started.GetInput())
		ours.markForeign(h)
		require.Equal(t, row.foreign, Foreign(started.GetHeader().GetFields()), name)
		require.True(t, proto.Equal(input, started.GetInput()), name)
	}
	ours.markForeign(nil)
	ours.markForeign(&history.History{Events: []*history.HistoryEvent{{}}})
}

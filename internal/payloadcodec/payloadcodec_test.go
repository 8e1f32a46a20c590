package payloadcodec

import (
	"bytes"
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/failure/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"google.golang.org/protobuf/proto"

	"github.com/onlywave/onlywave/internal/metrics/metricstest"
)

// key is a key of 32 equal bytes.
func key(id string, b byte) string {
	return id + ":" + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{b}, keySize))
}

func newCodec(t *testing.T, namespace string, keys ...string) *Codec {
	c, err := New(namespace, keys...)
	require.NoError(t, err)
	return c
}

const secret = "ana@example.com"

func plain(t *testing.T) []*common.Payload {
	payloads, err := converter.GetDefaultDataConverter().ToPayloads(secret)
	require.NoError(t, err)
	return payloads.GetPayloads()
}

func TestAPayloadIsEncryptedWhole(t *testing.T) {
	t.Parallel()
	c := newCodec(t, "shop", key("k1", 1))
	sealed, err := c.Encode(plain(t))
	require.NoError(t, err)
	require.Equal(t, map[string][]byte{"encoding": []byte("binary/encrypted"), "encryption-key-id": []byte("k1")}, sealed[0].GetMetadata())
	require.NotContains(t, sealed[0].String(), "ana")
	require.NotContains(t, sealed[0].String(), "json", "the metadata of the payload is encrypted with it")
	again, err := c.Encode(plain(t))
	require.NoError(t, err)
	require.NotEqual(t, sealed[0].GetData(), again[0].GetData(), "each has a nonce of its own")
	opened, err := c.Decode(sealed)
	require.NoError(t, err)
	require.True(t, proto.Equal(plain(t)[0], opened[0]))
}

// Histories from before, and signals of a command line without a codec endpoint, have such payloads.
func TestAPlainPayloadIsLeftAsItIs(t *testing.T) {
	t.Parallel()
	opened, err := newCodec(t, "shop", key("k1", 1)).Decode(plain(t))
	require.NoError(t, err)
	require.True(t, proto.Equal(plain(t)[0], opened[0]))
}

// Each change of the keys is one step, so that the processes with the old keys and those with the new ones read each other's payloads.
func TestEachStepOfARotationReadsTheOneBefore(t *testing.T) {
	t.Parallel()
	k1, k2 := key("k1", 1), key("k2", 2)
	steps := [][]string{{k1}, {k1, k2}, {k2, k1}, {k2}}
	for i := 1; i < len(steps); i++ {
		before, after := newCodec(t, "shop", steps[i-1]...), newCodec(t, "shop", steps[i]...)
		for _, pair := range [][2]*Codec{{before, after}, {after, before}} {
			if i == 3 && pair[0] == before {
				continue // what k2,k1 encrypts, k2 reads; what k1 has encrypted is over by then
			}
			sealed, err := pair[0].Encode(plain(t))
			require.NoError(t, err)
			_, err = pair[1].Decode(sealed)
			require.NoError(t, err, "step %d", i)
		}
	}
}

func TestWhatCannotBeDecryptedFailsTheTaskAndSaysWhatToDo(t *testing.T) {
	t.Parallel()
	sealed, err := newCodec(t, "shop", key("k1", 1)).Encode(plain(t))
	require.NoError(t, err)
	changed := proto.CloneOf(sealed[0])
	changed.Data[len(changed.Data)-1] ^= 1
	short := proto.CloneOf(sealed[0])
	short.Data = short.Data[:5]
	for _, row := range []struct {
		name    string
		reader  *Codec
		payload *common.Payload
		says    string
	}{
		{"a key that is missing", newCodec(t, "shop", key("k2", 1)), sealed[0], `the key "k1", which TEMPORAL_PAYLOAD_KEYS does not have: add it`},
		{"another key under the id", newCodec(t, "shop", key("k1", 2)), sealed[0], "another key has this id"},
		{"another namespace", newCodec(t, "other", key("k1", 1)), sealed[0], "another namespace"},
		{"a change", newCodec(t, "shop", key("k1", 1)), changed, "was changed"},
		{"a cut", newCodec(t, "shop", key("k1", 1)), short, "was changed"},
	} {
		_, err := row.reader.Decode([]*common.Payload{row.payload})
		require.ErrorContains(t, err, row.says, row.name)
		_, ofTask := errors.AsType[*converter.WorkflowTaskFailureError](err)
		require.True(t, ofTask, row.name)
	}
}

func TestKeysThatAreNoneAreRefusedWithoutRepeatingThem(t *testing.T) {
	t.Parallel()
	for says, keys := range map[string][]string{
		"there is no key":            nil,
		"key 1 of":                   {"hunter2"},
		"must begin with an id":      {":hunter2"},
		"must have 32 bytes":         {"k1:hunter2="},
		"key 2 of":                   {key("k1", 1), "k2:"},
		"two keys of Temporal's pay": {key("k1", 1), key("k1", 2)},
	} {
		_, err := New("shop", keys...)
		require.ErrorContains(t, err, says)
		require.NotContains(t, err.Error(), "hunter2")
	}
}

func TestWhatIsDecryptedIsCountedByKey(t *testing.T) {
	t.Parallel()
	c := newCodec(t, "shop", key("k2", 2), key("k1", 1))
	sealed, err := newCodec(t, "shop", key("k1", 1)).Encode(plain(t))
	require.NoError(t, err)
	_, err = c.Decode(append(sealed, plain(t)...))
	require.NoError(t, err)
	text := metricstest.Text(t, c.Collectors()...)
	require.Contains(t, text, `onlywave_payloads_decrypted_total{key="k1"} 1`)
	require.Contains(t, text, `onlywave_payloads_decrypted_total{key="k2"} 0`, "the test at the start does not count")
}

// What our own code reads of a history is decrypted, but for the inputs of workflows.
func TestAHistoryIsDecryptedForItsReader(t *testing.T) {
	t.Parallel()
	c := newCodec(t, "shop", key("k1", 1))
	var options client.Options
	c.Apply(&options)
	sealed, err := options.DataConverter.ToPayloads(secret)
	require.NoError(t, err)
	failed := options.FailureConverter.ErrorToFailure(temporal.NewApplicationError("refused for "+secret, "invalid"))
	require.NotContains(t, failed.String(), secret)
	unknown, err := newCodec(t, "shop", key("k9", 9)).DataConverter().ToPayloads(secret)
	require.NoError(t, err)
	h := &history.History{Events: []*history.HistoryEvent{
		{EventType: enums.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED, Attributes: &history.HistoryEvent_WorkflowExecutionStartedEventAttributes{
			WorkflowExecutionStartedEventAttributes: &history.WorkflowExecutionStartedEventAttributes{Input: proto.CloneOf(sealed)},
		}},
		{EventType: enums.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED, Attributes: &history.HistoryEvent_WorkflowExecutionSignaledEventAttributes{
			WorkflowExecutionSignaledEventAttributes: &history.WorkflowExecutionSignaledEventAttributes{Input: proto.CloneOf(sealed)},
		}},
		{EventType: enums.EVENT_TYPE_ACTIVITY_TASK_FAILED, Attributes: &history.HistoryEvent_ActivityTaskFailedEventAttributes{
			ActivityTaskFailedEventAttributes: &history.ActivityTaskFailedEventAttributes{Failure: &failure.Failure{Message: "activity error", Cause: failed}},
		}},
		{EventType: enums.EVENT_TYPE_ACTIVITY_TASK_COMPLETED, Attributes: &history.HistoryEvent_ActivityTaskCompletedEventAttributes{
			ActivityTaskCompletedEventAttributes: &history.ActivityTaskCompletedEventAttributes{Result: proto.CloneOf(unknown)},
		}},
	}}
	putBack := keepInputs(h.GetEvents())
	require.NoError(t, c.DecodeMessage(t.Context(), h))
	putBack()
	text := func(payloads *common.Payloads) (s string) {
		require.NoError(t, converter.GetDefaultDataConverter().FromPayloads(payloads, &s))
		return s
	}
	require.True(t, proto.Equal(sealed, h.GetEvents()[0].GetWorkflowExecutionStartedEventAttributes().GetInput()))
	require.Equal(t, secret, text(h.GetEvents()[1].GetWorkflowExecutionSignaledEventAttributes().GetInput()))
	require.Equal(t, "refused for "+secret, h.GetEvents()[2].GetActivityTaskFailedEventAttributes().GetFailure().GetCause().GetMessage())
	require.True(t, proto.Equal(unknown, h.GetEvents()[3].GetActivityTaskCompletedEventAttributes().GetResult()), "it stays as it is")
	require.Equal(t, 1, strings.Count(h.String(), "binary/encrypted")-strings.Count(sealed.String(), "binary/encrypted"))
}

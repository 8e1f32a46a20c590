package deadletter

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/language"
)

func TestEveryCauseIsListedAndHasAdviceAndATitle(t *testing.T) {
	t.Parallel()
	require.Len(t, Causes(), len(advice))
	require.Len(t, Causes(), len(titles))
	for _, c := range Causes() {
		require.True(t, c.Known(), c)
		require.Greater(t, len(c.Advice()), 40, c)
		require.NotEmpty(t, c.Title().EN, c)
		require.NotEmpty(t, c.Title().PT, c)
	}
	require.Equal(t, "tomorrow", Cause("tomorrow").Title().In(language.PT))
	require.False(t, Cause("tomorrow").Known())
}

// Older messages in queues and payloads in histories hold the former value; ids and fingerprints are made from it.
func TestACauseIsReadByItsFormerValue(t *testing.T) {
	t.Parallel()
	var in struct{ Cause Cause }
	require.NoError(t, json.Unmarshal([]byte(`{"cause":"dependency-away"}`), &in))
	require.Equal(t, CauseDependencyUnavailable, in.Cause)
	require.Equal(t, CauseDependencyUnavailable, ParseCause("dependency-away"))
	require.Equal(t, Cause("tomorrow"), ParseCause("tomorrow"))
	require.Equal(t, RunMessageID("payment/1", "run", "dependency-away"), RunMessageID("payment/1", "run", CauseDependencyUnavailable))
	require.Equal(t, NewFingerprint(FromWorkflow, "dependency-away", "x"), NewFingerprint(FromWorkflow, CauseDependencyUnavailable, "x"))
}

func TestEveryKindThatEndsARunHasACause(t *testing.T) {
	t.Parallel()
	decided := map[failure.Kind]Cause{
		failure.Unavailable: CauseDependencyUnavailable, failure.Limited: CauseDependencyUnavailable,
		failure.Invalid: CauseContradiction, failure.Conflict: CauseContradiction, failure.NotFound: CauseContradiction,
		failure.Unauthorized: CauseInternal, failure.Forbidden: CauseInternal, failure.Internal: CauseInternal,
	}
	require.Len(t, decided, len(failure.Kinds()))
	for _, kind := range failure.Kinds() {
		require.Equal(t, decided[kind], CauseOf(kind), kind)
	}
	require.Equal(t, CauseInternal, CauseOf("no kind"))
}

func TestDeadLettersOfOneFaultHaveOneFingerprint(t *testing.T) {
	t.Parallel()
	of := func(text string) string { return NewFingerprint(FromWebhook, CauseInvalid, text) }
	same := [][2]string{
		{"identify the provider's payment 106400160592: not a number", "identify the provider's payment 7: not a number"},
		{"payment 0b6cf1d2-7b3f-5c7e-9a56-0f3d8f6a5a11 is unavailable", "payment 864f878f-658f-5fb2-bfc1-f88228e1d455 is unavailable"},
		{`carries the reference "order of ana"`, `carries the reference "order of rui"`},
		{"dial tcp 10.0.0.7:5432: refused", "dial tcp 10.0.0.8:5433: refused"},
		{"at 2026-11-23T19:32:45Z", "at 2026-11-24T01:02:03.5Z"},
		{"The  database refused\n", "the database refused"},
	}
	for _, pair := range same {
		require.Equal(t, of(pair[0]), of(pair[1]), pair)
	}
	different := []string{of("the database refused"), of("the database is unavailable"), of(""),
		NewFingerprint(FromWorkflow, CauseInvalid, ""), NewFingerprint(FromWebhook, CauseUnreadable, "")}
	seen := map[string]bool{}
	for _, f := range different {
		require.Len(t, f, 16)
		seen[f] = true
	}
	require.Len(t, seen, len(different))
}

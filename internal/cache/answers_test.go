package cache

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/redis"
	"github.com/onlywave/onlywave/test/devstack/devstacktest"
)

func newAnswers(t *testing.T, url string, fresh time.Duration) *Answers {
	t.Helper()
	store, err := redis.Open(url, silent)
	require.NoError(t, err)
	store.AnswerTime = timeout
	t.Cleanup(func() { _ = store.Close() })
	return NewAnswers(store, fresh, time.Hour)
}

// saying answers a question with the number of times it was asked.
func saying(asked *int, err *error) func(context.Context) ([]int, error) {
	return func(context.Context) ([]int, error) {
		*asked++
		return []int{*asked}, *err
	}
}

func TestAFreshAnswerIsNotAskedForAgain(t *testing.T) {
	t.Parallel()
	key := uuid.NewString()
	asked, fails := 0, error(nil)
	for range 2 { // two processes
		a := newAnswers(t, devstacktest.Shared().RedisURL(), time.Hour)
		for range 3 {
			got, age, err := Answer(t.Context(), a, key, saying(&asked, &fails))
			require.NoError(t, err)
			require.Zero(t, age)
			require.Equal(t, []int{1}, got)
		}
	}
	got, _, err := Answer(t.Context(), newAnswers(t, devstacktest.Shared().RedisURL(), time.Hour), key+"x", saying(&asked, &fails))
	require.NoError(t, err)
	require.Equal(t, []int{2}, got, "another question")
}

// An old answer is renewed, and answers again only while the other party fails. A question that is refused is not answered by a copy.
func TestAnOldAnswerIsBetterThanNone(t *testing.T) {
	t.Parallel()
	a := newAnswers(t, devstacktest.Shared().RedisURL(), time.Nanosecond)
	key := uuid.NewString()
	asked, fails := 0, error(nil)
	_, _, err := Answer(t.Context(), a, key, saying(&asked, &fails))
	require.NoError(t, err)
	for _, kind := range failure.Kinds() {
		fails = &failure.Error{Kind: kind, Message: string(kind)}
		got, age, err := Answer(t.Context(), a, key, saying(&asked, &fails))
		if kind == failure.Invalid || kind == failure.NotFound {
			require.Equal(t, kind, failure.KindOf(err))
			continue
		}
		require.NoError(t, err, kind)
		require.Equal(t, []int{1}, got)
		require.Positive(t, age)
	}
	fails = nil
	got, age, err := Answer(t.Context(), a, key, saying(&asked, &fails))
	require.NoError(t, err)
	require.Zero(t, age)
	require.Greater(t, got[0], 1)

	fails = &failure.Error{Kind: failure.Unavailable}
	_, _, err = Answer(t.Context(), a, uuid.NewString(), saying(&asked, &fails))
	require.Equal(t, failure.Unavailable, failure.KindOf(err), "there is no copy")
}

func TestWithoutRedisEachQuestionIsAsked(t *testing.T) {
	t.Parallel()
	a := newAnswers(t, "redis://127.0.0.1:1", time.Hour) // nothing listens there
	asked, fails := 0, error(nil)
	for want := range 3 {
		got, age, err := Answer(t.Context(), a, "question", saying(&asked, &fails))
		require.NoError(t, err)
		require.Zero(t, age)
		require.Equal(t, []int{want + 1}, got)
	}
}

// Many callers that ask the same at one time are one question, and one that goes leaves it to the others.
func TestOneQuestionForAllCallers(t *testing.T) {
	t.Parallel()
	a := newAnswers(t, "redis://127.0.0.1:1", time.Hour)
	_, _, _ = Answer(t.Context(), a, "", func(context.Context) (int, error) { return 0, nil }) // it is known to be unavailable
	asked, release := make(chan bool, 10), make(chan bool)
	ask := func(context.Context) (int, error) {
		asked <- true
		<-release
		return 7, nil
	}
	impatient, leave := context.WithCancel(t.Context())
	var all sync.WaitGroup
	all.Go(func() {
		_, _, err := Answer(impatient, a, "question", ask)
		require.ErrorIs(t, err, context.Canceled)
	})
	<-asked
	for range 5 {
		all.Go(func() {
			got, _, err := Answer(t.Context(), a, "question", ask)
			require.NoError(t, err)
			require.Equal(t, 7, got)
		})
	}
	leave()
	require.Empty(t, asked, "whoever has come by now shares the first question")
	close(release)
	all.Wait()
}

// While there is an old answer, a party that takes too long is not waited for.
func TestASlowPartyIsNotWaitedForWhenThereIsAnOldAnswer(t *testing.T) {
	t.Parallel()
	a := newAnswers(t, devstacktest.Shared().RedisURL(), time.Nanosecond)
	key := uuid.NewString()
	_, _, err := Answer(t.Context(), a, key, func(context.Context) (int, error) { return 7, nil })
	require.NoError(t, err)
	got, age, err := Answer(t.Context(), a, key, func(ctx context.Context) (int, error) { <-ctx.Done(); return 0, ctx.Err() })
	require.NoError(t, err)
	require.Equal(t, 7, got)
	require.Positive(t, age)
}

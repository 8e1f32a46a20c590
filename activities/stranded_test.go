package activities

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/deadletter"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/postgres/postgrestest"
)

// A redrive that is terminated opens nothing again; a workflow of its own does, and so does the next redrive before it counts.
func TestStrandedDeadLettersAreOpened(t *testing.T) {
	t.Parallel()
	url := postgrestest.New(t)
	r := &redriven{env: env{database: openDatabase(t, url)}}
	r.Activities = New(Config{Database: r.database})
	l := r.deadRun(t, "a", payment.NewID("shop", "a"))
	in := r.input(t, 1, 10)
	runs := true
	r.workflows = fakeWorkflows{redriveRuns: func(_ context.Context, id string) (bool, error) {
		require.Equal(t, in.RedriveID, id)
		return runs, nil
	}}
	reopen := func() {
		t.Helper()
		require.NoError(t, r.ReopenStranded(t.Context()))
	}
	survey := func() {
		t.Helper()
		_, err := r.SurveyDeadLetters(t.Context(), SurveyInput{})
		require.NoError(t, err)
	}
	state := func() deadletter.State {
		t.Helper()
		kept, err := r.database.DeadLetter(t.Context(), l.ID)
		require.NoError(t, err)
		return kept.State
	}
	conn, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	defer conn.Close(context.WithoutCancel(t.Context()))
	for _, look := range []func(){reopen, survey} {
		_, err := r.database.TakeForRedrive(t.Context(), in) // and then it was terminated
		require.NoError(t, err)
		runs = false
		look()
		require.Equal(t, deadletter.Redriven, state(), "it may be on its way")
		_, err = conn.Exec(t.Context(), `update redrives set at = at - interval '2 minutes'`)
		require.NoError(t, err)
		runs = true
		look()
		require.Equal(t, deadletter.Redriven, state(), "it runs")
		runs = false
		for range 2 {
			look()
			require.Equal(t, deadletter.Open, state())
		}
		in.RedriveID = deadletter.NewRedriveID("ana", "again")
	}
}

package activities

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/postgres"
)

func TestTheDatabaseIsPrunedOnce(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	id := w.opened(t)
	old := now().AddDate(-2, 0, 0)
	_, err := w.database.MakePartitions(t.Context(), old, old)
	require.NoError(t, err)
	archived := func(id string, at time.Time) {
		require.NoError(t, w.database.Archive(t.Context(), []postgres.Notification{{ID: id, Topic: "payment", Whole: []byte(`{}`), ReceivedAt: at}}))
	}
	archived("old", old)
	archived("strayed", old.AddDate(0, 2, 0))
	archived("young", now())

	keep := payment.Retention{Notifications: 400 * 24 * time.Hour}
	out, err := w.Prune(t.Context(), keep)
	require.NoError(t, err)
	require.Equal(t, PruneOutput{Pruned: payment.Pruned{Partitions: 1, Notifications: 1}}, out)
	out, err = w.Prune(t.Context(), keep)
	require.NoError(t, err)
	require.Equal(t, PruneOutput{}, out)
	p, err := w.database.Payment(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, 1, p.Version)
}

func TestMonthsAreMadeOnce(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	keep := payment.Retention{Notifications: time.Nanosecond}
	_, err := w.database.MakePartitions(t.Context(), time.Now().AddDate(-3, 0, 0), time.Now().AddDate(-3, 0, 0))
	require.NoError(t, err)
	_, err = w.Prune(t.Context(), keep)
	require.NoError(t, err)
	made, err := w.MakeMonths(t.Context())
	require.NoError(t, err)
	require.Empty(t, made, "migrate has made what will be needed soon, and none of it is old")
}

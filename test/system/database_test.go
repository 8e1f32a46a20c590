package system

import (
	"net/http"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// Postgres takes connections and answers nothing about payments: reads are refused, a new payment is accepted, and it
// finishes by itself afterwards.
func TestADatabaseThatHangs(t *testing.T) {
	key, id := key(t)
	conn, err := pgx.Connect(within(t), shared.Stack.PostgresURL())
	require.NoError(t, err)
	defer conn.Close(t.Context())
	_, err = conn.Exec(within(t), "begin; lock table payments in access exclusive mode")
	require.NoError(t, err)

	accept(t, key, "respond-async")
	answer, err := shared.Shops[0].Get(within(t), "/v1/payments/"+id)
	require.NoError(t, err)
	require.Equal(t, http.StatusServiceUnavailable, answer.Status, "%s", answer.Body)

	_, err = conn.Exec(within(t), "rollback")
	require.NoError(t, err)
	_, err = shared.Shops[0].Await(within(t), id, "pending")
	require.NoError(t, err)
	require.Equal(t, 1, charges(t, id))
}

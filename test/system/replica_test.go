package system

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/test/devstack"
	"github.com/onlywave/onlywave/test/drills"
	"github.com/onlywave/onlywave/test/platform"
)

// With a replica of Postgres, lists may be old and say so, a payment by its id never is; and the replica's promotion costs
// clients a repetition, and nobody a payment.
func readFromAReplica(t *testing.T, p *platform.Platform) {
	// list is all payments as a client sees them, and how old the answer says they are.
	list := func() (body string, age time.Duration) {
		answer, err := p.Front.Get(within(t), "/v1/payments?limit=100")
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, answer.Status, string(answer.Body))
		seconds, err := strconv.ParseFloat(answer.Header.Get("Data-Age"), 64)
		require.NoError(t, err)
		return string(answer.Body), time.Duration(seconds * float64(time.Second))
	}

	t.Run("its age is shown", func(t *testing.T) {
		names := shown(t, p, "api")
		for _, name := range needed(t, true) {
			require.True(t, names[name], name)
		}
	})
	t.Run("what was just made is there, however old the replica", func(t *testing.T) {
		first, err := p.Front.Create(within(t), "first", 1050)
		require.NoError(t, err)
		eventually(t, func() bool {
			body, age := list()
			return age > 0 && strings.Contains(body, first.ID)
		}, "lists come from the replica")
		require.NoError(t, p.Stack.DelayReplica(within(t), time.Hour))
		second, err := p.Front.Create(within(t), "second", 1050)
		require.NoError(t, err)
		made := time.Now()

		read, err := p.Front.Payment(within(t), second.ID)
		require.NoError(t, err)
		require.Equal(t, "pending", read.Status)
		elapsed := time.Since(made)
		body, age := list()
		require.Contains(t, body, first.ID)
		require.NotContains(t, body, second.ID)
		require.Greater(t, age, elapsed)

		require.NoError(t, p.Stack.DelayReplica(within(t), 0))
		eventually(t, func() bool {
			body, age := list()
			return age > 0 && strings.Contains(body, second.ID)
		}, "the replica has caught up")
	})
	t.Run("it is promoted under load", func(t *testing.T) {
		log := underLoad(t, p, p.Front, func(ctx context.Context) error {
			return errors.Join(pause(ctx, time.Second), p.Stack.Promote(ctx), pause(ctx, time.Second),
				p.Stack.Process(devstack.Postgres).Restart(ctx))
		})
		require.NoError(t, drills.Settle(within(t), p, log))
		evidence, err := drills.Gather(within(t), p, log)
		require.NoError(t, err)
		require.Empty(t, drills.Check(evidence))
		eventually(t, func() bool {
			_, age := list()
			return age > 0
		}, "lists come from the old primary")
	})
}

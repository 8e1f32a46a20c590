package system

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/cli"
	"github.com/onlywave/onlywave/test/platform"
)

// An operator holds a payment that the buyer then pays: the webhook waits, and the release answers it.
func TestAnOperatorHoldsAndReleasesAPayment(t *testing.T) {
	t.Parallel()
	key, id := key(t)
	create(t, key)
	order := func(command string, flags ...string) error {
		var out output
		environ := []string{"DATABASE_URL=" + shared.Stack.PostgresURL(), "TEMPORAL_ADDRESS=" + shared.Stack.TemporalAddress(), "TEMPORAL_PAYLOAD_KEYS=" + platform.PayloadKeys}
		return cli.Run(within(t), append([]string{"payments", command, id, "--actor", "ana", "--reason", "a check"}, flags...), environ, &out)
	}
	require.ErrorContains(t, order("release"), "the payment is not held")
	require.NoError(t, order("hold", "--until", time.Now().Add(time.Hour).UTC().Format(time.RFC3339)))
	eventually(t, func() bool { return found(t, id, `PaymentHold = "held" and PaymentDue is not null`) }, "the list shows that it is held")

	ledger, err := shared.Provider.Ledger(within(t), id)
	require.NoError(t, err)
	require.NoError(t, shared.Provider.Pay(within(t), ledger[0].PaymentID))
	eventually(t, func() bool {
		return inShared(t, `select count(*) from webhook_notifications where resource_id = $1`, ledger[0].PaymentID) > 0
	}, "the webhook has come")
	require.ErrorContains(t, order("look"), "release it first")
	require.Equal(t, []string{"processing", "pending"}, history(t, id))

	require.NoError(t, order("release"))
	_, err = shared.Shops[0].Await(within(t), id, "approved")
	require.NoError(t, err)
	require.Equal(t, 1, charges(t, id))
	require.Equal(t, 2, inShared(t, `select count(*) from audit where object = 'payment/' || $1 and channel = 'command' and action in ('payment.hold', 'payment.release')`, id))
	eventually(t, func() bool { return found(t, id, `PaymentHold is null and PaymentStatus = "approved"`) }, "the list shows that it is released")
}

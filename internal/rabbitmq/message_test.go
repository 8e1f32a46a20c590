package rabbitmq

import (
	"testing"

	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/require"
)

// Counts are read from every AMQP integer type, because brokers and their versions use different ones.
func TestCountsOfEveryTypeAreRead(t *testing.T) {
	t.Parallel()
	for _, five := range []any{int8(5), uint8(5), int16(5), uint16(5), int32(5), uint32(5), int64(5), 5} {
		d := amqp.Delivery{Headers: amqp.Table{"x-delivery-count": five, HeaderAttempt: five, HeaderDeaths: five, HeaderSuspectTries: five}}
		require.EqualValues(t, 5, deliveryCount(d), "%T", five)
		require.EqualValues(t, 5, suspectTries(d), "%T", five)
		require.Equal(t, 5, newDelivery(d).Failures, "%T", five)
		require.Equal(t, 5, newDelivery(d).deaths(), "%T", five)
	}
	for _, none := range []any{nil, "5", 5.0, true, amqp.Table{}} {
		require.Zero(t, integer(none), "%T", none)
	}
	require.Zero(t, newDelivery(amqp.Delivery{Headers: amqp.Table{HeaderAttempt: int64(-1)}}).Failures)
	require.Zero(t, newDelivery(amqp.Delivery{Exchange: ExchangeEvents, Headers: amqp.Table{HeaderAttempt: int64(5)}}).Failures, "published anew")
}

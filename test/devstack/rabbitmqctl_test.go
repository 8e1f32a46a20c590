package devstack

import (
	"testing"

	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/require"
)

func raiseMemoryAlarm(t *testing.T, stack *Stack) {
	conn, err := amqp.Dial(stack.RabbitMQURL())
	require.NoError(t, err)
	defer conn.Close()
	blocked := conn.NotifyBlocked(make(chan amqp.Blocking, 2))
	channel, err := conn.Channel()
	require.NoError(t, err)
	publish := func() { require.NoError(t, channel.Publish("", "nowhere", false, false, amqp.Publishing{})) }

	require.NoError(t, stack.RabbitMQCtl(t.Context(), "set_vm_memory_high_watermark", "0"))
	publish() // the publisher gets an error
	require.True(t, (<-blocked).Active)
	require.NoError(t, stack.RabbitMQCtl(t.Context(), "set_vm_memory_high_watermark", "0.4"))
	require.False(t, (<-blocked).Active)
	require.Error(t, stack.RabbitMQCtl(t.Context(), "no_such_command"))
}

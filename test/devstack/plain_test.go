package devstack

import (
	"os"
	"path/filepath"
	"testing"

	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/require"
)

// A checkout may be anywhere: in "My Projects" all services start, keep their data, and are asked by their own tools.
func TestAFolderWithASpace(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "my projects", "it's [here] & $HOME")
	declare := func(stack *Stack, passive bool) {
		conn, err := amqp.Dial(stack.RabbitMQURL())
		require.NoError(t, err)
		defer conn.Close()
		channel, err := conn.Channel()
		require.NoError(t, err)
		if passive {
			_, err = channel.QueueDeclarePassive("kept", true, false, false, false, nil)
		} else {
			_, err = channel.QueueDeclare("kept", true, false, false, false, amqp.Table{"x-queue-type": "quorum"})
		}
		require.NoError(t, err)
	}
	for _, again := range []bool{false, true} {
		stack, err := Start(t.Context(), Options{Dir: dir, Ports: anyPorts(t), Sentinels: true,
			Services: []Service{Postgres, PostgresReplica, Redis, RabbitMQ, Temporal}})
		require.NoError(t, err)
		declare(stack, again)
		require.NoError(t, stack.RabbitMQCtl(t.Context(), "list_queues"))
		require.NoError(t, stack.FailOverRedis(t.Context()))
		require.NoError(t, stack.Stop())
		require.Empty(t, stack.leftLinks())
	}
}

// anyPorts are free ones, so that a folder which is kept is in nobody's way.
func anyPorts(t *testing.T) (p Ports) {
	t.Helper()
	for _, port := range []*int{&p.Postgres, &p.PostgresReplica, &p.Redis, &p.RabbitMQ, &p.Temporal, &p.TemporalUI} {
		free, err := FreePort(0)
		require.NoError(t, err)
		*port = free
	}
	return p
}

func (s *Stack) leftLinks() (left []string) {
	for _, link := range s.links {
		if _, err := os.Lstat(link); err == nil {
			left = append(left, link)
		}
	}
	return left
}

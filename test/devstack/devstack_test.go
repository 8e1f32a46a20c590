package devstack

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	goredis "github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"golang.org/x/sync/errgroup"
)

var services = []Service{Postgres, Redis, RabbitMQ, Temporal}

func TestMain(m *testing.M) {
	if os.Getenv(actAsParent) != "" {
		parent()
	}
	os.Exit(m.Run())
}

// Two full stacks beside each other: every service serves, none sees the other stack's data, and nothing is left. What one may do to
// its services is tried on them, too: a stack takes its time to start.
func TestTwoStacksAtOnce(t *testing.T) {
	t.Parallel()
	var stacks [2]*Stack
	var group errgroup.Group
	for i := range stacks {
		group.Go(func() (err error) {
			stacks[i], err = Start(t.Context(), Options{SearchAttributes: map[string]string{"Status": "Keyword"}})
			return err
		})
	}
	require.NoError(t, group.Wait())
	var family []processID
	for i, stack := range stacks {
		for _, service := range services {
			require.NoError(t, write(t.Context(), stack, service), "%s of stack %d", service, i)
			pid := stack.Process(service).PID()
			self, ok := readStat(pid)
			require.True(t, ok)
			family = append(append(family, self.processID), descendants(pid)...)
		}
	}
	require.Greater(t, len(family), 2*len(services), "Postgres and RabbitMQ have processes of their own")
	t.Run("kill, pause, resume, restart", func(t *testing.T) { killPauseResumeRestart(t, stacks[0]) })
	t.Run("evaluate Erlang in RabbitMQ", func(t *testing.T) { evaluate(t, stacks[1]) })
	t.Run("raise RabbitMQ's memory alarm", func(t *testing.T) { raiseMemoryAlarm(t, stacks[1]) })

	for _, stack := range stacks {
		require.NoError(t, stack.Stop())
		require.NoError(t, stack.Stop(), "a second time")
		require.NoDirExists(t, stack.folder.path)
	}
	for _, each := range family {
		require.False(t, each.alive(), "process %d", each.pid)
	}
}

// The folder cannot be entered by others, as a checkout in root's home: the case in which root's Postgres moves out. And its name
// has what a shell would read.
func TestSecondStartFindsTheData(t *testing.T) {
	t.Parallel()
	closed := filepath.Join(t.TempDir(), "closed")
	require.NoError(t, os.Mkdir(closed, 0o700))
	dir := filepath.Join(closed, shellish)
	t.Cleanup(func() {
		if moved, err := os.Readlink(filepath.Join(dir, "postgres", "moved")); err == nil {
			require.NoError(t, os.RemoveAll(moved))
		}
	})
	var out bytes.Buffer
	options := Options{Dir: dir, Out: &out}
	stack, err := Start(t.Context(), options)
	require.NoError(t, err)
	_, err = Start(t.Context(), options)
	require.ErrorContains(t, err, fmt.Sprintf("in use by another stack (process %d)", os.Getpid()))
	for _, service := range services {
		require.NoError(t, write(t.Context(), stack, service))
		require.Contains(t, out.String(), string(service)+" ")
		require.FileExists(t, filepath.Join(dir, "logs", string(service)+".log"))
	}
	data := stack.Process(Postgres).spec.Args[1]
	require.NoError(t, stack.Stop())

	// What a power failure leaves: a pid file, and its number now belongs to another process (this one).
	stale := strconv.Itoa(os.Getpid()) + "\n" + data + "\n"
	require.NoError(t, os.WriteFile(filepath.Join(data, "postmaster.pid"), []byte(stale), 0o600))
	stack, err = Start(t.Context(), options)
	require.NoError(t, err)
	for _, service := range services {
		require.NoError(t, read(t.Context(), stack, service), service)
	}
	require.NoError(t, stack.RabbitMQCtl(t.Context(), "list_queues"))
	require.NoError(t, stack.Stop())
	require.Empty(t, stack.leftLinks())
}

func killPauseResumeRestart(t *testing.T, stack *Stack) {
	for _, service := range services {
		t.Run(string(service), func(t *testing.T) {
			p := stack.Process(service)
			require.NoError(t, p.Pause())
			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			require.Error(t, ping(ctx, stack, service), "paused")
			cancel()
			require.NoError(t, p.Resume())
			require.NoError(t, ping(t.Context(), stack, service), "resumed")

			first := p.PID()
			require.NoError(t, p.Kill())
			requireClosed(t, p.Exited())
			require.Error(t, ping(t.Context(), stack, service), "killed")
			require.ErrorContains(t, p.Pause(), "not running")
			require.NoError(t, p.Restart(t.Context()))
			require.NotEqual(t, first, p.PID())
			require.NoError(t, ping(t.Context(), stack, service), "restarted after a kill")

			require.NoError(t, p.Pause())
			require.NoError(t, p.Stop(), "a paused process hears it too")
			requireClosed(t, p.Exited())
			require.NoError(t, p.Restart(t.Context()))
			require.NoError(t, ping(t.Context(), stack, service), "restarted after a stop")
		})
	}
}

func TestTakenPortMakesWayForTheNext(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp4", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	port := taken.Addr().(*net.TCPAddr).Port
	var out bytes.Buffer
	stack, err := Start(t.Context(), Options{Services: []Service{Redis}, Ports: Ports{Redis: port}, Out: &out})
	require.NoError(t, err)
	defer func() { require.NoError(t, stack.Stop()) }()
	require.Greater(t, stack.ports.Redis, port)
	require.Contains(t, out.String(), fmt.Sprintf("port %d is taken, so it uses %d", port, stack.ports.Redis))
	require.NoError(t, ping(t.Context(), stack, Redis))
	require.Nil(t, stack.Process(Postgres))
}

// The port is free when it is looked at and taken when Redis binds it.
func TestPortLostInBetweenIsReplaced(t *testing.T) {
	t.Parallel()
	folder, err := openFolder("")
	require.NoError(t, err)
	stack := &Stack{options: Options{Out: new(bytes.Buffer)}, folder: folder, processes: map[Service]*Process{}}
	defer func() { require.NoError(t, stack.Stop()) }()
	var thief net.Listener
	redisServer, err := program("redis-server")
	require.NoError(t, err)
	port, err := stack.launch(t.Context(), Redis, 0, func(port int) (Spec, error) {
		if thief == nil {
			thief, err = net.Listen("tcp4", fmt.Sprintf("127.0.0.1:%d", port))
		}
		return Spec{Name: "redis", Path: redisServer, Args: []string{"--port", strconv.Itoa(port), "--bind", "127.0.0.1"},
			Dir: folder.path, LogFile: folder.log("redis"), Port: port}, err
	})
	require.NoError(t, err)
	defer thief.Close()
	require.NotEqual(t, thief.Addr().(*net.TCPAddr).Port, port)
}

func TestFailedStartSaysWhichServiceAndLeavesNothing(t *testing.T) {
	t.Parallel()
	stack, err := Start(t.Context(), Options{
		Services:         []Service{Redis, Temporal},
		SearchAttributes: map[string]string{"Status": "NoSuchType"},
	})
	require.Nil(t, stack)
	require.ErrorContains(t, err, "start temporal")
	require.ErrorContains(t, err, "NoSuchType", "the end of the log")
}

func requireClosed(t *testing.T, exited <-chan struct{}) {
	t.Helper()
	select {
	case <-exited:
	case <-time.After(5 * time.Second):
		require.FailNow(t, "still running")
	}
}

// ping asks a service for an answer.
func ping(ctx context.Context, s *Stack, service Service) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	switch service {
	case Postgres:
		return postgresExec(ctx, s.PostgresURL(), "select 1")
	case Redis:
		return redisReady(ctx, s.ports.Redis)
	case RabbitMQ:
		answer := make(chan error, 1)
		go func() { answer <- rabbitMQReady(s.ports.RabbitMQ) }()
		select {
		case err := <-answer:
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	default:
		return temporalReady(ctx, s.temporalHTTP, nil)
	}
}

// write puts something into a service that was not there before; read expects to find it.
func write(ctx context.Context, s *Stack, service Service) error {
	switch service {
	case Postgres:
		return postgresExec(ctx, s.PostgresURL(), "create table kept (id int)")
	case Redis:
		return withRedis(s, func(c *goredis.Client) error { return c.SetArgs(ctx, "kept", 1, goredis.SetArgs{Mode: "NX"}).Err() })
	case RabbitMQ:
		return withRabbitMQ(s, func(c *amqp.Channel) error {
			_, err := c.QueueDeclare("kept", true, false, false, false, amqp.Table{"x-queue-type": "quorum"})
			if err != nil {
				return err
			}
			confirm, err := c.PublishWithDeferredConfirm("", "kept", true, false, amqp.Publishing{DeliveryMode: amqp.Persistent})
			if err != nil {
				return err
			}
			_, err = confirm.WaitContext(ctx)
			return err
		})
	default:
		return withTemporal(ctx, s, func(c client.Client) error {
			_, err := c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
				ID: "kept", TaskQueue: "none", WorkflowExecutionErrorWhenAlreadyStarted: true,
			}, "Any")
			return err
		})
	}
}

func read(ctx context.Context, s *Stack, service Service) error {
	switch service {
	case Postgres:
		return postgresExec(ctx, s.PostgresURL(), "select id from kept")
	case Redis:
		return withRedis(s, func(c *goredis.Client) error { return c.Get(ctx, "kept").Err() })
	case RabbitMQ:
		return withRabbitMQ(s, func(c *amqp.Channel) error {
			if _, found, err := c.Get("kept", true); err != nil || !found {
				return fmt.Errorf("message found: %t, %w", found, err)
			}
			return nil
		})
	default:
		return withTemporal(ctx, s, func(c client.Client) error {
			_, err := c.DescribeWorkflow(ctx, "kept", "")
			return err
		})
	}
}

func withRedis(s *Stack, do func(*goredis.Client) error) error {
	options, err := goredis.ParseURL(s.RedisURL())
	if err != nil {
		return err
	}
	c := goredis.NewClient(options)
	defer c.Close()
	return do(c)
}

func withRabbitMQ(s *Stack, do func(*amqp.Channel) error) error {
	conn, err := amqp.Dial(s.RabbitMQURL())
	if err != nil {
		return err
	}
	defer conn.Close()
	c, err := conn.Channel()
	if err != nil {
		return err
	}
	if err := c.Confirm(false); err != nil {
		return err
	}
	return do(c)
}

func withTemporal(ctx context.Context, s *Stack, do func(client.Client) error) error {
	c, err := client.DialContext(ctx, client.Options{HostPort: s.TemporalAddress()})
	if err != nil {
		return err
	}
	defer c.Close()
	return do(c)
}

package platform

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/test/devstack"
)

// asleep is a child process that lives until it is ended.
func asleep(t *testing.T) *devstack.Process {
	p, err := devstack.StartProcess(t.Context(), devstack.Spec{Name: "asleep", Path: "/bin/sleep", Args: []string{"1000"}})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, p.Kill()) })
	return p
}

func watched(t *testing.T, balancer *devstack.Nginx) (p *Platform, ended <-chan error, stop context.CancelFunc) {
	p = &Platform{
		Simulator: asleep(t), MailSink: asleep(t), Balancer: balancer, APIs: []*devstack.Process{asleep(t), asleep(t)},
		Workers: []*devstack.Process{asleep(t)}, options: Options{Out: new(bytes.Buffer)},
	}
	ctx, stop := context.WithCancel(t.Context())
	end := make(chan error, 1)
	go func() { end <- p.watch(ctx) }()
	return p, end, stop
}

func TestWithReplicasWhatEndsIsStartedAgain(t *testing.T) {
	t.Parallel()
	p, ended, stop := watched(t, &devstack.Nginx{Process: asleep(t)})
	for _, part := range []*devstack.Process{p.APIs[1], p.Workers[0], p.Balancer.Process, p.APIs[1]} {
		before := part.PID()
		require.NoError(t, part.Kill())
		require.Eventually(t, func() bool { return part.PID() != before }, 45*time.Second, 20*time.Millisecond)
	}
	stop()
	require.NoError(t, <-ended)
	for _, part := range []*devstack.Process{p.APIs[0], p.APIs[1], p.Workers[0]} {
		require.NoError(t, part.Pause(), "it runs")
		require.NoError(t, part.Resume())
	}
	require.Contains(t, p.options.Out.(*bytes.Buffer).String(), "the api-2 has ended and is restarted")

	p, ended, stop = watched(t, &devstack.Nginx{Process: asleep(t)})
	defer stop()
	require.NoError(t, p.Simulator.Kill())
	require.ErrorContains(t, <-ended, "the simulator has ended", "with the money in its memory")
}

func TestWithoutReplicasTheFirstToEndEndsAll(t *testing.T) {
	t.Parallel()
	p, ended, stop := watched(t, nil)
	defer stop()
	require.NoError(t, p.Workers[0].Kill())
	require.ErrorContains(t, <-ended, "the worker has ended")
}

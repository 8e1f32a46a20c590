// Package devstack runs the real Postgres, Redis, RabbitMQ and Temporal (development server) as child processes, for
// `onlywave-lab dev`, for tests and for fault drills; and any other child, such as nginx, our own api and worker, the same way.
// Its one rule: what it starts is its own. Own ports on loopback, own folder, and no process left behind, not even
// when the parent is killed with SIGKILL; what already runs on the machine is never touched.
//
// It works on Linux only: it reads /proc and relies on the parent-death signal. The programs come from scripts/bootstrap.
package devstack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// Service is one of the servers a Stack can run.
type Service string

// The services, in the order in which they are printed.
const (
	Postgres Service = "postgres"
	Redis    Service = "redis"
	RabbitMQ Service = "rabbitmq"
	Temporal Service = "temporal"

	// PostgresReplica follows Postgres, which acknowledges nothing that the replica does not have, see Promote. It is not
	// among the four.
	PostgresReplica Service = "postgres-replica"
)

// What Options.Sentinels adds to Redis.
const (
	RedisReplica Service = "redis-replica"
	Sentinel1    Service = "sentinel-1"
	Sentinel2    Service = "sentinel-2"
	Sentinel3    Service = "sentinel-3"
)

// Options say what to run and where it lives. The zero value is a silent throw-away stack of all four on free ports.
type Options struct {
	// Dir keeps data, logs (Dir/logs/<service>.log) and generated configuration; a second start on it finds the data
	// again. Empty is a throw-away folder: nothing is synced to disk, and Stop removes it.
	Dir string
	// Services to run; nil is all four.
	Services []Service
	// Sentinels gives Redis a replica and three Sentinels, which promote it when its master is gone.
	Sentinels bool
	// RedisCluster runs six nodes of a cluster in the place of Redis, see RedisNode1; Sentinels means nothing then.
	RedisCluster bool
	// Ports preferred; a taken one is replaced by the next free one, 0 by any free one. The zero value is DevPorts for a
	// folder that is kept and any free ports for a throw-away stack.
	Ports Ports
	// Out gets one line per service, with the time it took to start; nil is silence.
	Out io.Writer
	// Metrics lets RabbitMQ show its own, by its plugin; Temporal always does.
	Metrics bool
	// SearchAttributes are registered with Temporal: name to type ("Keyword", "Int", "Datetime", …).
	SearchAttributes map[string]string
	// TemporalDynamicConfig are dynamic configuration values: key to JSON.
	TemporalDynamicConfig map[string]string
	// TemporalUICodec is the address that decodes payloads for its Web UI; empty: they are shown as they are stored.
	TemporalUICodec string
}

// Ports are TCP ports on 127.0.0.1.
type Ports struct{ Postgres, PostgresReplica, Redis, RabbitMQ, Temporal, TemporalUI int }

// DevPorts are beside the standard ones, so that services already running on a developer's machine are not in the way.
var DevPorts = Ports{Postgres: 15432, PostgresReplica: 15433, Redis: 16379, RabbitMQ: 15673, Temporal: 17233, TemporalUI: 18233}

// Stack is a set of running services. Its methods may be called from several goroutines.
type Stack struct {
	options Options
	folder  *folder

	mu        sync.Mutex
	processes map[Service]*Process
	epmd      *Process // RabbitMQ's name server
	ports     Ports
	redis     redisNodes
	metrics   struct{ RabbitMQ, Temporal int } // ports
	primary   Service                          // which of Postgres and its replica takes writes
	moved     []string                         // throw-away folders of Postgres outside of ours
	links     []string                         // to our folder, without spaces

	temporalHTTP int // the port of Temporal's HTTP API
}

// Start runs the services side by side and returns when all of them serve. When one does not, the error says which,
// with the end of its log, and the others are stopped again. ctx bounds the start only: the stack runs until Stop.
func Start(ctx context.Context, o Options) (*Stack, error) {
	if o.Services == nil {
		o.Services = []Service{Postgres, Redis, RabbitMQ, Temporal}
	}
	if o.Ports == (Ports{}) && o.Dir != "" {
		o.Ports = DevPorts
	}
	if o.Out == nil {
		o.Out = io.Discard
	}
	folder, err := openFolder(o.Dir)
	if err != nil {
		return nil, err
	}
	s := &Stack{options: o, folder: folder, processes: map[Service]*Process{}, primary: Postgres}
	group, starting := errgroup.WithContext(ctx)
	for _, service := range o.Services {
		if service == PostgresReplica {
			continue // it begins as a copy of what runs
		}
		group.Go(func() error {
			err := s.start(starting, service)
			if err == nil && service == Postgres && slices.Contains(o.Services, PostgresReplica) {
				err = s.start(starting, PostgresReplica)
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	return s, nil
}

// Stop ends all services, each in the way it likes best and by SIGKILL when that takes too long, and removes a
// throw-away folder. A second Stop does nothing.
func (s *Stack) Stop() error {
	s.mu.Lock()
	processes := maps.Clone(s.processes)
	s.mu.Unlock()
	var group errgroup.Group
	for service, p := range processes {
		group.Go(func() error {
			// Postgres in any case asks to be stopped: killed, it leaves a System V memory segment on the machine.
			if s.folder.throwAway && service != Postgres && service != PostgresReplica {
				return p.Kill()
			}
			return p.Stop()
		})
	}
	err := group.Wait()
	if s.epmd != nil {
		err = errors.Join(err, s.epmd.Kill())
	}
	for _, moved := range s.moved {
		err = errors.Join(err, os.RemoveAll(moved))
	}
	return errors.Join(err, s.removeLinks(), s.folder.close())
}

// Logs is the folder of the services' logs.
func (s *Stack) Logs() string { return filepath.Dir(s.folder.log("any")) }

// Process is the running service, to be killed, paused and restarted; nil when the stack does not run it.
func (s *Stack) Process(service Service) *Process {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.processes[service]
}

func (s *Stack) start(ctx context.Context, service Service) error {
	began := time.Now()
	var err error
	var port int
	switch service {
	case Postgres:
		port, err = s.startPostgres(ctx)
	case PostgresReplica:
		port, err = s.startReplica(ctx)
	case Redis:
		port, err = s.startRedis(ctx)
	case RabbitMQ:
		port, err = s.startRabbitMQ(ctx)
	case Temporal:
		port, err = s.startTemporal(ctx)
	default:
		err = errors.New("unknown service")
	}
	if err != nil {
		return fmt.Errorf("start %s: %w", service, err)
	}
	s.say("%-9s ready on 127.0.0.1:%d after %.1f s", service, port, time.Since(began).Seconds())
	return nil
}

// launch starts a service on its preferred port or the next free one. Between finding a port free and binding it
// another process may take it, so that failure is tried again with another port.
func (s *Stack) launch(ctx context.Context, service Service, preferred int, spec func(port int) (Spec, error)) (int, error) {
	const attempts = 5
	for attempt := 1; ; attempt++ {
		port, err := FreePort(preferred)
		if err != nil {
			return 0, err
		}
		described, err := spec(port)
		if err != nil {
			return 0, err
		}
		process, err := StartProcess(ctx, described)
		if err == nil {
			if preferred != 0 && port != preferred {
				s.say("%-9s port %d is taken, so it uses %d", service, preferred, port)
			}
			s.mu.Lock()
			s.processes[service] = process
			s.mu.Unlock()
			return port, nil
		}
		if attempt == attempts || !lostItsPort(err) {
			return 0, err
		}
	}
}

// spec is what all services have in common: a private folder to work in, a log, an environment free of ours.
func (s *Stack) spec(service Service) (Spec, error) {
	dir := filepath.Join(s.folder.path, string(service))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return Spec{}, fmt.Errorf("make its folder: %w", err)
	}
	return Spec{
		Name:    string(service),
		Dir:     dir,
		Env:     environment(dir),
		LogFile: s.folder.log(string(service)),
	}, nil
}

func (s *Stack) say(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Fprintf(s.options.Out, format+"\n", args...)
}

// environment is small on purpose: RABBITMQ_*, ERL_*, PG* and TEMPORAL_* variables of the caller would reconfigure
// the services, and so would dot files in the caller's home.
func environment(home string, more ...string) []string {
	path := os.Getenv("PATH") + ":/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
	return slices.Concat([]string{"PATH=" + path, "HOME=" + home, "LANG=C.UTF-8"}, more)
}

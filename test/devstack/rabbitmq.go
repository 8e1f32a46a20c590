package devstack

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// rabbitMQNode never changes: the data belong to the node's name.
const rabbitMQNode = "onlywave@localhost"

// RabbitMQURL is the URL of the default virtual host; the user may do everything.
func (s *Stack) RabbitMQURL() string { return rabbitMQURL(s.ports.RabbitMQ) }

// RabbitMQMetrics is host:port of its metrics for Prometheus; empty without Options.Metrics.
func (s *Stack) RabbitMQMetrics() string {
	if s.metrics.RabbitMQ == 0 {
		return ""
	}
	return fmt.Sprintf("127.0.0.1:%d", s.metrics.RabbitMQ)
}

func rabbitMQURL(port int) string { return fmt.Sprintf("amqp://guest:guest@127.0.0.1:%d/", port) }

func (s *Stack) startRabbitMQ(ctx context.Context) (int, error) {
	common, err := s.spec(RabbitMQ)
	if err != nil {
		return 0, err
	}
	// Debian's /usr/sbin/rabbitmq-server is another program: it becomes user rabbitmq and keeps to /var/lib.
	if common.Path, err = program("rabbitmq-server", "/usr/lib/rabbitmq/bin", "/usr/local/sbin"); err != nil {
		return 0, err
	}
	if common.Dir, err = s.plainPath(common.Dir); err != nil {
		return 0, err
	}
	common.Env = environment(common.Dir)
	names, err := s.startEPMD(ctx)
	if err != nil {
		return 0, err
	}
	s.ports.RabbitMQ, err = s.launch(ctx, RabbitMQ, s.options.Ports.RabbitMQ, func(port int) (Spec, error) {
		spec := common
		distribution, err := FreePort(0)
		if err != nil {
			return spec, err
		}
		var plugins []string
		if s.options.Metrics {
			if s.metrics.RabbitMQ, err = FreePort(0); err != nil {
				return spec, err
			}
			plugins = []string{"rabbitmq_prometheus"}
		}
		if err := writeRabbitMQConfig(spec.Dir, port, s.metrics.RabbitMQ, plugins); err != nil {
			return spec, err
		}
		spec.Env = append(rabbitMQEnvironment(spec.Dir, distribution, names), leanRabbitMQ(spec.Path, spec.Dir, plugins)...)
		spec.Grace = 20 * time.Second // it flushes its queues
		spec.Port = port
		spec.Ready = func(context.Context) error { return rabbitMQReady(port) }
		return spec, nil
	})
	return s.ports.RabbitMQ, err
}

// RabbitMQCtl runs RabbitMQ's command line against the running broker, as an operator would.
func (s *Stack) RabbitMQCtl(ctx context.Context, args ...string) error {
	spec, err := s.spec(RabbitMQ)
	if err != nil {
		return err
	}
	folder, env, err := s.RabbitMQTools()
	if err != nil {
		return err
	}
	spec.Name, spec.Path, spec.Args, spec.Env = "rabbitmqctl", filepath.Join(folder, "rabbitmqctl"), args, env
	spec.LogFile = s.folder.log("rabbitmqctl")
	return finish(ctx, spec)
}

// RabbitMQTools is the folder of RabbitMQ's command line programs, and the environment in which they reach the running broker.
func (s *Stack) RabbitMQTools() (folder string, env []string, err error) {
	path, err := program("rabbitmqctl", "/usr/lib/rabbitmq/bin", "/usr/local/sbin")
	if err != nil {
		return "", nil, err
	}
	broker := s.Process(RabbitMQ)
	if broker == nil {
		return "", nil, errors.New("the stack runs no rabbitmq")
	}
	return filepath.Dir(path), broker.spec.Env, nil
}

// startEPMD starts Erlang's name server on a port of our own. Left to itself RabbitMQ would use the machine's, or start
// one that outlives it.
func (s *Stack) startEPMD(ctx context.Context) (port int, err error) {
	spec := Spec{Name: "epmd", Dir: s.folder.path, LogFile: s.folder.log("epmd")}
	if spec.Path, err = program("epmd", "/usr/lib/erlang/bin", "/usr/lib/erlang/erts-*/bin"); err != nil {
		return 0, err
	}
	for range 5 {
		if port, err = FreePort(0); err != nil {
			return 0, err
		}
		spec.Args, spec.Port = []string{"-port", strconv.Itoa(port), "-address", "127.0.0.1"}, port
		spec.Env = environment(s.folder.path)
		if s.epmd, err = StartProcess(ctx, spec); err == nil {
			return port, nil
		}
	}
	return 0, err
}

func writeRabbitMQConfig(dir string, port, metrics int, plugins []string) error {
	config := fmt.Sprintf("listeners.tcp.1 = 127.0.0.1:%d\n", port)
	if metrics != 0 {
		config += fmt.Sprintf("prometheus.tcp.ip = 127.0.0.1\nprometheus.tcp.port = %d\n", metrics)
	}
	files := map[string]string{
		"rabbitmq.conf":     config,
		"rabbitmq-env.conf": "",
		"enabled_plugins":   "[" + strings.Join(plugins, ", ") + "].\n",
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			return fmt.Errorf("write its configuration: %w", err)
		}
	}
	return nil
}

func rabbitMQEnvironment(dir string, distribution, names int) []string {
	in := func(name string) string { return filepath.Join(dir, name) }
	return environment(dir,
		"RABBITMQ_NODENAME="+rabbitMQNode,
		fmt.Sprintf("RABBITMQ_DIST_PORT=%d", distribution),
		fmt.Sprintf("ERL_EPMD_PORT=%d", names),
		"ERL_EPMD_ADDRESS=127.0.0.1",
		"RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=-kernel inet_dist_use_interface {127,0,0,1}",
		"RABBITMQ_CONFIG_FILE="+in("rabbitmq.conf"),
		"RABBITMQ_CONF_ENV_FILE="+in("rabbitmq-env.conf"),
		"RABBITMQ_ADVANCED_CONFIG_FILE="+in("advanced.config"),
		"RABBITMQ_ENABLED_PLUGINS_FILE="+in("enabled_plugins"),
		"RABBITMQ_MNESIA_BASE="+in("mnesia"),
		"RABBITMQ_LOG_BASE="+in("log"),
		"RABBITMQ_LOGS=-",
		"ERL_CRASH_DUMP_BYTES=0",
		// With "input allowed" the shell script becomes the broker (exec) instead of its parent, so that signals and
		// the parent-death signal reach the broker itself; -noinput takes the input away again.
		"RABBITMQ_ALLOW_INPUT=1",
		"RABBITMQ_SERVER_START_ARGS=-noinput",
	)
}

// leanRabbitMQ makes a RabbitMQ home without the plugins that are not enabled: at start Erlang looks for each of hundreds of
// modules in each plugin's folder, which is more than a third of the time until RabbitMQ serves (6.6 s against 4.1 s).
// When the installation does not look as expected, RabbitMQ starts from its own home, only later.
func leanRabbitMQ(server, dir string, enabled []string) []string {
	real, err := filepath.EvalSymlinks(server)
	if err != nil {
		return nil
	}
	scripts := filepath.Dir(real)
	plugins := filepath.Join(filepath.Dir(scripts), "plugins")
	needed := map[string]string{}
	for _, name := range append([]string{"rabbit"}, enabled...) {
		if !addPlugin(plugins, name, needed) {
			return nil
		}
	}
	lean := filepath.Join(dir, "lean")
	if err := os.RemoveAll(lean); err != nil {
		return nil
	}
	links := map[string]string{
		filepath.Join(lean, "sbin", "rabbitmq-defaults"): filepath.Join(scripts, "rabbitmq-defaults"),
		filepath.Join(lean, "escript"):                   filepath.Join(filepath.Dir(scripts), "escript"),
	}
	for _, folder := range needed {
		links[filepath.Join(lean, "plugins", filepath.Base(folder))] = folder
	}
	for link, target := range links {
		if os.MkdirAll(filepath.Dir(link), 0o700) != nil || os.Symlink(target, link) != nil {
			return nil
		}
	}
	return []string{"RABBITMQ_SCRIPTS_DIR=" + filepath.Join(lean, "sbin")}
}

// applications is the list of what an Erlang application needs, in its .app file (app(4)).
var applications = regexp.MustCompile(`\{\s*applications\s*,\s*\[([^\]]*)\]`)

// addPlugin adds the folder of an application and of all it needs. False means that there is no such folder: then
// Erlang itself has the application, or the plugins are packed in another way.
func addPlugin(plugins, name string, needed map[string]string) bool {
	if needed[name] != "" {
		return true
	}
	folders, _ := filepath.Glob(filepath.Join(plugins, name+"-[0-9]*"))
	if len(folders) != 1 {
		return false
	}
	text, err := os.ReadFile(filepath.Join(folders[0], "ebin", name+".app"))
	if err != nil {
		return false
	}
	list := applications.FindSubmatch(text)
	if list == nil {
		return false
	}
	needed[name] = folders[0]
	for _, each := range strings.Split(string(list[1]), ",") {
		addPlugin(plugins, strings.Trim(strings.TrimSpace(each), "'"), needed)
	}
	return true
}

func rabbitMQReady(port int) error {
	dial := func(network, address string) (net.Conn, error) {
		conn, err := net.DialTimeout(network, address, pollLimit)
		if err != nil {
			return nil, err
		}
		return conn, conn.SetDeadline(time.Now().Add(pollLimit))
	}
	conn, err := amqp.DialConfig(rabbitMQURL(port), amqp.Config{Dial: dial})
	if err != nil {
		return err
	}
	defer conn.Close()
	channel, err := conn.Channel()
	if err != nil {
		return err
	}
	return channel.Close()
}

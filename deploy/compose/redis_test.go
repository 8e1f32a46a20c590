package compose

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	goredis "github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/test/devstack"
)

// After a restart of both, the promoted one is still the master, and the one that the Sentinels name accepts writes at once.
func TestRedisIsAfterARestartWhatItWasBefore(t *testing.T) {
	t.Parallel()
	at := service(t, "redis").Networks["default"].Ipv4Address
	ports := map[string]int{"redis": freePort(t), "redis-replica": freePort(t)}
	nodes := map[string]*devstack.Process{}
	for _, name := range []string{"redis", "redis-replica"} {
		home := t.TempDir()
		words := []string{
			"redis-server /data/redis.conf", fmt.Sprintf("redis-server %s/redis.conf --bind 127.0.0.1 --port %d", home, ports[name]),
			"/etc/redis.conf", own(t, "redis.conf"), "/data/", home + "/",
		}
		if name == "redis-replica" {
			words = append(words, at+" 6379", fmt.Sprintf("127.0.0.1 %d", ports["redis"]))
		}
		nodes[name] = run(t, devstack.Spec{Name: name, Dir: home, Port: ports[name]}, script(t, name, words...))
	}
	sentinels := sentinelsOf(t, ports["redis"])
	master := func(ctx context.Context) int {
		client := goredis.NewSentinelClient(&goredis.Options{Addr: fmt.Sprintf("127.0.0.1:%d", sentinels[0])})
		defer client.Close()
		at, err := client.GetMasterAddrByName(ctx, "onlywave").Result()
		require.NoError(t, err)
		port, err := strconv.Atoi(at[1])
		require.NoError(t, err)
		return port
	}
	require.Equal(t, ports["redis"], master(within(t)))

	require.NoError(t, nodes["redis"].Kill())
	require.Eventually(t, func() bool { return master(within(t)) == ports["redis-replica"] }, timeout, tick)
	require.NoError(t, nodes["redis"].Restart(within(t)))
	require.Eventually(t, func() bool { return role(t, ports["redis"]) == "slave" }, timeout, tick, "the old master follows")
	require.NoError(t, nodes["redis"].Stop())
	require.NoError(t, nodes["redis-replica"].Stop())
	require.NoError(t, nodes["redis"].Restart(within(t)))
	require.NoError(t, nodes["redis-replica"].Restart(within(t)))

	require.Equal(t, ports["redis-replica"], master(within(t)))
	require.Equal(t, "master", role(t, ports["redis-replica"]))
	require.Equal(t, "slave", role(t, ports["redis"]))
}

func role(t *testing.T, port int) string {
	t.Helper()
	client := goredis.NewClient(&goredis.Options{Addr: fmt.Sprintf("127.0.0.1:%d", port)})
	defer client.Close()
	text, err := client.Info(within(t), "replication").Result()
	require.NoError(t, err)
	_, rest, _ := strings.Cut(text, "role:")
	name, _, _ := strings.Cut(rest, "\r\n")
	return name
}

// sentinelsOf starts three Sentinels with the compose file's command, and waits until all know each other and the replica.
func sentinelsOf(t *testing.T, master int) (ports []int) {
	t.Helper()
	text, err := os.ReadFile("sentinel.conf")
	require.NoError(t, err)
	at := service(t, "redis").Networks["default"].Ipv4Address + " 6379"
	require.Contains(t, string(text), at)
	file := filepath.Join(t.TempDir(), "sentinel.conf")
	require.NoError(t, os.WriteFile(file, []byte(strings.Replace(string(text), at, fmt.Sprintf("127.0.0.1 %d", master), 1)), 0o644))
	for range 3 {
		port, home := freePort(t), t.TempDir()
		program := fmt.Sprintf("redis-server %s/sentinel.conf --sentinel --bind 127.0.0.1 --port %d", home, port)
		run(t, devstack.Spec{Name: "sentinel", Dir: home, Port: port}, script(t, "sentinel",
			"redis-sentinel /data/sentinel.conf", program, "/etc/sentinel.conf", file, "/data/", home+"/"))
		ports = append(ports, port)
	}
	for _, port := range ports {
		client := goredis.NewSentinelClient(&goredis.Options{Addr: fmt.Sprintf("127.0.0.1:%d", port)})
		t.Cleanup(func() { client.Close() })
		require.Eventually(t, func() bool {
			state, err := client.Master(within(t), "onlywave").Result()
			return err == nil && state["num-other-sentinels"] == "2" && state["num-slaves"] == "1"
		}, timeout, tick)
	}
	return ports
}

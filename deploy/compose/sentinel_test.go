package compose

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	goredis "github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/test/devstack"
	"github.com/onlywave/onlywave/test/devstack/devstacktest"
)

// Three Sentinels find each other through the master that they watch; a single one is not healthy.
func TestSentinelsFindEachOther(t *testing.T) {
	t.Parallel()
	master, err := goredis.ParseURL(devstacktest.Start(t, devstack.Redis).RedisURL())
	require.NoError(t, err)
	text, err := os.ReadFile("sentinel.conf")
	require.NoError(t, err)
	at := service(t, "redis").Networks["default"].Ipv4Address + " 6379"
	require.Contains(t, string(text), at)
	file := filepath.Join(t.TempDir(), "sentinel.conf")
	require.NoError(t, os.WriteFile(file, []byte(strings.Replace(string(text), at, strings.Replace(master.Addr, ":", " ", 1), 1)), 0o644))

	start := func() (port int) {
		port = freePort(t)
		home := t.TempDir()
		// The same program under its other name, on its own address.
		program := fmt.Sprintf("redis-server %s/sentinel.conf --sentinel --bind 127.0.0.1 --port %d", home, port)
		run(t, devstack.Spec{Name: "sentinel", Dir: home, Port: port}, script(t, "sentinel",
			"redis-sentinel /data/sentinel.conf", program, "/etc/sentinel.conf", file, "/data/", home+"/"))
		return port
	}
	healthy := func(port int) error {
		test := slices.Clone(service(t, "sentinel").HealthCheck.Test)
		number := slices.Index(test, "26379")
		require.Positive(t, number)
		test[number] = strconv.Itoa(port)
		return exec.CommandContext(within(t), test[1], test[2:]...).Run()
	}
	ports := []int{start()}
	require.Error(t, healthy(ports[0]), "it could decide nothing")
	ports = append(ports, start(), start())
	for _, port := range ports {
		require.Eventually(t, func() bool { return healthy(port) == nil }, timeout, tick)
	}
}

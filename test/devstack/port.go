package devstack

import (
	"bufio"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

// Ports for callers that do not care which: below Linux's ephemeral range (32768 and up), where any outgoing connection
// may sit on them.
const firstPort, lastPort = 20000, 31999

// FreePort is a port on 127.0.0.1 on which no process listens: preferred, else the next free one above it, else (for 0)
// any. One of any is kept from others who ask here, as tests side by side do, until this process ends; but other programs may
// still take it, so that the bind may fail.
func FreePort(preferred int) (int, error) {
	port := preferred
	if port == 0 {
		port = firstPort + rand.IntN(lastPort-firstPort)
	}
	for range 1000 {
		// To try a port is to listen on it for a short time. So ports that were given to other processes are not tried: their server
		// may be about to start again.
		if preferred != 0 || reserve(port) {
			listener, err := net.Listen("tcp4", fmt.Sprintf("127.0.0.1:%d", port))
			if err == nil {
				return port, listener.Close()
			}
		}
		if port++; port > 65535 {
			break
		}
	}
	return 0, fmt.Errorf("find a free port from %d on: all taken", preferred)
}

// reservations are never closed: the kernel gives up their locks when the process ends, whatever ends it.
var reservations sync.Map // port to *os.File

// reserve is false when a port was given to another process that still runs, or to this one before.
func reserve(port int) bool {
	dir := filepath.Join(os.TempDir(), "onlywave-ports")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return true // it is a courtesy only
	}
	file, err := os.OpenFile(filepath.Join(dir, strconv.Itoa(port)), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return true
	}
	if syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != nil {
		_ = file.Close()
		return false
	}
	reservations.Store(port, file)
	return true
}

// lostItsPort is true for a process that exited because its port was taken. Each program has its own words for it.
func lostItsPort(err error) bool {
	exited, ok := errors.AsType[*exitError](err)
	if !ok {
		return false
	}
	tail := strings.ToLower(exited.tail)
	return strings.Contains(tail, "address already in use") || strings.Contains(tail, "eaddrinuse") ||
		strings.Contains(tail, "already in use by another") || strings.Contains(tail, "port_already_in_use")
}

// listens is true when the process or one of its descendants listens on the port. Asking the port itself would not do:
// the server that answers may be another stack's server, while ours is about to fail. The port is asked first all the same: the kernel's table
// of sockets takes a core 20 ms to read, and there is no need to read it while no server answers.
func listens(pid, port int) bool {
	conn, err := net.DialTimeout("tcp4", fmt.Sprintf("127.0.0.1:%d", port), pollLimit)
	if err != nil {
		return false
	}
	conn.Close()
	inodes := listeners("/proc/net/tcp", port)
	if inodes = append(inodes, listeners("/proc/net/tcp6", port)...); len(inodes) == 0 {
		return false
	}
	if owns(pid, inodes) {
		return true
	}
	for _, child := range descendants(pid) {
		if owns(child.pid, inodes) {
			return true
		}
	}
	return false
}

// listeners are the sockets, by their link text in /proc/<pid>/fd, that listen on the port. Columns: proc(5).
func listeners(table string, port int) []string {
	file, err := os.Open(table)
	if err != nil {
		return nil
	}
	defer file.Close()
	const listening = "0A"
	suffix := fmt.Sprintf(":%04X", port)
	var sockets []string
	for lines := bufio.NewScanner(file); lines.Scan(); {
		columns := strings.Fields(lines.Text())
		if len(columns) > 9 && columns[3] == listening && strings.HasSuffix(columns[1], suffix) {
			sockets = append(sockets, "socket:["+columns[9]+"]")
		}
	}
	return sockets
}

func owns(pid int, sockets []string) bool {
	dir := "/proc/" + strconv.Itoa(pid) + "/fd"
	descriptors, err := os.ReadDir(dir)
	if err != nil {
		return false
	}
	for _, descriptor := range descriptors {
		target, _ := os.Readlink(dir + "/" + descriptor.Name())
		for _, socket := range sockets {
			if target == socket {
				return true
			}
		}
	}
	return false
}

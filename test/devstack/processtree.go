package devstack

import (
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// processID names a process for good: the kernel uses numbers again, but not with the same birth time.
type processID struct {
	pid  int
	born string
}

// stat of a process as /proc/<pid>/stat has it.
type stat struct {
	processID
	parent int
	state  string
}

// readStat returns false for a process that is gone. A zombie is gone too: it only waits for its parent's attention.
// The second column is the program's name in parentheses, which may itself contain spaces and parentheses (proc(5)).
func readStat(pid int) (stat, bool) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return stat{}, false
	}
	columns := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	if len(columns) < 20 || columns[0] == "Z" || columns[0] == "X" {
		return stat{}, false
	}
	parent, _ := strconv.Atoi(columns[1])
	return stat{processID{pid, columns[19]}, parent, columns[0]}, true
}

// pids of all processes, in no particular order.
func pids() []int {
	entries, _ := os.ReadDir("/proc")
	var all []int
	for _, entry := range entries {
		if pid, err := strconv.Atoi(entry.Name()); err == nil {
			all = append(all, pid)
		}
	}
	return all
}

// descendants of a process, parents before children. Process groups would not find them all: Postgres gives every
// backend a session of its own.
func descendants(pid int) []processID {
	children := map[int][]processID{}
	for _, each := range pids() {
		if s, ok := readStat(each); ok {
			children[s.parent] = append(children[s.parent], s.processID)
		}
	}
	found := append([]processID(nil), children[pid]...)
	for i := 0; i < len(found); i++ {
		found = append(found, children[found[i].pid]...)
	}
	return found
}

// freeze stops a process and all its descendants, parents first so that no new ones appear, and returns them.
func freeze(root int) []processID {
	var frozen []processID
	syscall.Kill(root, syscall.SIGSTOP)
	for {
		family := descendants(root)
		if len(family) == len(frozen) {
			return frozen
		}
		for _, each := range family {
			each.signal(syscall.SIGSTOP)
		}
		frozen = family
	}
}

// thaw undoes freeze.
func thaw(root int) {
	for _, each := range descendants(root) {
		each.signal(syscall.SIGCONT)
	}
	syscall.Kill(root, syscall.SIGCONT)
}

func (p processID) alive() bool {
	s, ok := readStat(p.pid)
	return ok && s.born == p.born
}

func (p processID) signal(signal syscall.Signal) {
	if p.alive() {
		syscall.Kill(p.pid, signal)
	}
}

// bury waits until all are gone, and kills those that take longer than limit.
func bury(family []processID, limit time.Duration) {
	deadline := time.Now().Add(limit)
	for _, each := range family {
		for each.alive() {
			if time.Now().After(deadline) {
				each.signal(syscall.SIGKILL)
			}
			time.Sleep(5 * time.Millisecond)
		}
	}
}

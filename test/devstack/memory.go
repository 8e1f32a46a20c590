package devstack

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
)

const (
	// memoryFolder is a file system in memory on nearly every Linux.
	memoryFolder = "/dev/shm"
	// memoryNeeded is far more than the stacks of one `make test` take together.
	memoryNeeded = 4 << 30
)

// throwAwayParent is where throw-away folders are made: those of tests in memory when there is room, all others on disk. A test's
// database is 300 files; a disk's file system takes three times as long as memory to make and remove them. What is measured outside of
// tests is measured on a disk.
func throwAwayParent() string {
	if testing.Testing() && hasRoom(memoryFolder, memoryNeeded) {
		return memoryFolder
	}
	return os.TempDir()
}

// throwAwayParents are all folders in which a throw-away folder may have been left.
func throwAwayParents() []string { return []string{memoryFolder, os.TempDir()} }

// hasRoom is true when the folder is a file system in memory, and so much of both is free.
func hasRoom(folder string, needed uint64) bool {
	const tmpfs = 0x01021994 // statfs(2)
	var at syscall.Statfs_t
	if syscall.Statfs(folder, &at) != nil || at.Type != tmpfs || at.Bavail*uint64(at.Bsize) < needed {
		return false
	}
	return availableMemory() >= needed
}

// availableMemory is 0 where the kernel does not report it.
func availableMemory() (bytes uint64) {
	text, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		var kilobytes uint64
		if n, _ := fmt.Sscanf(line, "MemAvailable: %d kB", &kilobytes); n == 1 {
			return kilobytes << 10
		}
	}
	return 0
}

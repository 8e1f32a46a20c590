package devstack

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

const throwAwayPrefix = "onlywave-stack-"

// folder is where a stack lives, held by a lock so that two stacks never share it. The lock is the kernel's (flock):
// it ends with the process that holds it, so a crash leaves nothing to clean.
type folder struct {
	path      string
	throwAway bool
	lock      *os.File
}

func openFolder(dir string) (*folder, error) {
	f := &folder{path: dir, throwAway: dir == ""}
	if f.throwAway {
		removeAbandoned()
		made, err := os.MkdirTemp(throwAwayParent(), throwAwayPrefix)
		if err != nil {
			return nil, fmt.Errorf("make a throw-away folder: %w", err)
		}
		f.path = made
	}
	if err := f.open(); err != nil {
		if f.throwAway {
			err = errors.Join(err, os.RemoveAll(f.path))
		}
		return nil, err
	}
	return f, nil
}

func (f *folder) open() error {
	path, err := filepath.Abs(f.path)
	if err != nil {
		return fmt.Errorf("find the stack's folder: %w", err)
	}
	f.path = path
	if err := os.MkdirAll(filepath.Join(f.path, "logs"), 0o700); err != nil {
		return fmt.Errorf("make the stack's folder: %w", err)
	}
	// Passable whatever the umask, because Postgres may run as another user; each service's own folder is private.
	if err := os.Chmod(f.path, 0o711); err != nil {
		return fmt.Errorf("make the stack's folder: %w", err)
	}
	if path, err = filepath.EvalSymlinks(f.path); err != nil {
		return fmt.Errorf("find the stack's folder: %w", err)
	}
	f.path = path
	if f.lock, err = lockFolder(f.path, f.throwAway); err != nil {
		return err
	}
	return nil
}

func (f *folder) log(name string) string { return filepath.Join(f.path, "logs", name+".log") }

func (f *folder) close() error {
	if f.lock == nil {
		return nil
	}
	var err error
	if f.throwAway {
		err = removeFolder(f.path)
	}
	err = errors.Join(err, f.lock.Close())
	f.lock = nil
	return err
}

// lockFolder takes the lock of dir or says who has it. A fresh lock file gets its name only when it is locked already:
// another process's removeAbandoned may run at any time.
func lockFolder(dir string, fresh bool) (*os.File, error) {
	path := filepath.Join(dir, "lock")
	name := path
	if fresh {
		name += ".new"
	}
	file, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the stack's folder: %w", err)
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		holder, _ := os.ReadFile(name)
		file.Close()
		return nil, fmt.Errorf("%s is in use by another stack (process %s)", dir, strings.TrimSpace(string(holder)))
	}
	err = file.Truncate(0)
	if err == nil {
		_, err = fmt.Fprintln(file, os.Getpid())
	}
	if err == nil && fresh {
		err = os.Rename(name, path)
	}
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("lock the stack's folder: %w", err)
	}
	return file, nil
}

// removeAbandoned removes throw-away folders whose owner was killed: a folder without a lock is not in use. A folder that cannot be
// removed is left.
func removeAbandoned() {
	var locks []string
	for _, parent := range throwAwayParents() {
		found, _ := filepath.Glob(filepath.Join(parent, throwAwayPrefix+"*", "lock"))
		locks = append(locks, found...)
	}
	for _, lock := range locks {
		file, err := os.OpenFile(lock, os.O_RDWR, 0)
		if err != nil {
			continue
		}
		if syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil {
			removeFolder(filepath.Dir(lock))
		}
		file.Close()
	}
}

// removeFolder removes the lock last: a folder whose removal is cut short keeps its lock file, by which the next stack finds it.
func removeFolder(path string) error {
	entries, err := os.ReadDir(path)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if entry.Name() != "lock" {
			err = errors.Join(err, os.RemoveAll(filepath.Join(path, entry.Name())))
		}
	}
	if err != nil {
		return err
	}
	return os.RemoveAll(path)
}

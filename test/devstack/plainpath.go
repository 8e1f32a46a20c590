package devstack

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
)

// plain are paths without characters that need quotes in a shell script or have a meaning in a pattern. RabbitMQ's script has no quotes.
var plain = regexp.MustCompile(`^[A-Za-z0-9/._+@%:,-]*$`)

// plainPath is dir, or a link to it from the folder for temporary files when its name has a space or the like. The link has the same
// name at each start, because a broker may remember where its data are. It ends with the stack.
func (s *Stack) plainPath(dir string) (string, error) {
	if plain.MatchString(dir) {
		return dir, nil
	}
	sum := sha256.Sum256([]byte(dir))
	link, err := filepath.Abs(filepath.Join(os.TempDir(), fmt.Sprintf("onlywave-%x", sum[:8])))
	if err != nil {
		return "", err
	}
	if !plain.MatchString(link) {
		return "", fmt.Errorf("services need a path without spaces: neither %s nor %s is one, set TMPDIR", dir, link)
	}
	if err := os.Symlink(dir, link); err != nil {
		if to, readErr := os.Readlink(link); readErr != nil || to != dir { // not what a stack that was killed has left
			return "", fmt.Errorf("make a path without spaces: %w", err)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.links = append(s.links, link)
	return link, nil
}

func (s *Stack) removeLinks() error {
	var errs []error
	for _, link := range s.links {
		if err := os.Remove(link); err != nil && !errors.Is(err, os.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

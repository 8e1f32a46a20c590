package devstack

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// program finds an executable in the folders given (patterns allowed, the last match wins) or on the PATH.
func program(name string, folders ...string) (string, error) {
	for _, folder := range folders {
		found, _ := filepath.Glob(filepath.Join(folder, name))
		found = append(found, filepath.Join(folder, name)) // a folder may be called like a pattern
		for i := len(found) - 1; i >= 0; i-- {
			if info, err := os.Stat(found[i]); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
				return filepath.Abs(found[i])
			}
		}
	}
	found, err := exec.LookPath(name)
	if err != nil {
		return "", fmt.Errorf("%s is not installed: run scripts/bootstrap", name)
	}
	return filepath.Abs(found)
}

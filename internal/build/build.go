// Package build says which build of the program this is. Its one rule: two different programs never have the same id.
package build

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"runtime/debug"
	"sync"
)

// id is set by the linker: -ldflags "-X github.com/onlywave/onlywave/internal/build.id=…". An image is built without the repository, so
// its Dockerfile does this.
var id string

// revisionLength is enough to tell commits apart, and can be read in a table.
const revisionLength = 12

// ID is what the linker set, or the commit, or, for a program that was not built from a commit as it is, part of its own hash.
var ID = sync.OnceValue(func() string {
	revision, modified := commit()
	switch {
	case id != "":
		return id
	case revision != "" && !modified:
		return revision
	case revision != "":
		return revision + "-modified-" + hash()
	}
	return "binary-" + hash()
})

func commit() (revision string, modified bool) {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "", false
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			revision = s.Value[:min(len(s.Value), revisionLength)]
		case "vcs.modified":
			modified = s.Value == "true"
		}
	}
	return revision, modified
}

// hash is the beginning of the program's own.
func hash() string {
	sum := sha256.New()
	path, err := os.Executable()
	if err == nil {
		var file *os.File
		if file, err = os.Open(path); err == nil {
			defer file.Close()
			_, err = io.Copy(sum, file)
		}
	}
	if err != nil {
		return "unknown"
	}
	return hex.EncodeToString(sum.Sum(nil))[:revisionLength]
}

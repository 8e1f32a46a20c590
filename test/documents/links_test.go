package documents

import (
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const root = "../.."

func pages(t *testing.T) map[string]Page {
	t.Helper()
	all, err := All(root)
	require.NoError(t, err)
	require.NotEmpty(t, all)
	byFile := map[string]Page{}
	for _, p := range all {
		byFile[p.File] = p
	}
	return byFile
}

func exists(file string) bool {
	_, err := os.Stat(filepath.Join(root, file))
	return err == nil
}

// Links to other hosts are not followed.
func TestEveryLinkLeadsToAFileAndAHeading(t *testing.T) {
	t.Parallel()
	all := pages(t)
	for _, p := range all {
		for _, link := range p.Links {
			target, err := url.Parse(link)
			require.NoError(t, err, "%s: %s", p.File, link)
			if target.IsAbs() {
				continue
			}
			file := p.File
			if target.Path != "" {
				file = filepath.Join(filepath.Dir(p.File), target.Path)
			}
			if !exists(file) {
				t.Errorf("%s: the file of the link %s does not exist", p.File, link)
			} else if to, ok := all[file]; ok && target.Fragment != "" && !to.Anchors[target.Fragment] {
				t.Errorf("%s: %s has no heading for the link %s", p.File, file, link)
			}
		}
	}
}

var ourFile = regexp.MustCompile(`^(activities|api|deploy|docs|internal|scripts|test|tools|worker|workflows)/[\w./-]*$`)

func TestEveryFileNamedInAPageExists(t *testing.T) {
	t.Parallel()
	for _, p := range pages(t) {
		for _, code := range p.Code {
			if !ourFile.MatchString(code) {
				continue
			}
			name := strings.TrimSuffix(code, "/")
			if !exists(name) && !exists(filepath.Join(filepath.Dir(p.File), name)) {
				t.Errorf("%s: the file %s does not exist", p.File, code)
			}
		}
	}
}

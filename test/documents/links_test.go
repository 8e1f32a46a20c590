package documents

import (
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
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

// planned are files that a page names as what a feature would add. One that exists belongs in its page's other list.
var planned = []string{
	"internal/payment/card.go", "internal/mercadopago/card.go", "test/simulator/card.go",
}

var ourFile = regexp.MustCompile(`^(activities|api|deploy|docs|internal|scripts|test|tools|worker|workflows)/[\w./-]*$`)

func TestEveryFileNamedInAPageExists(t *testing.T) {
	t.Parallel()
	for _, p := range pages(t) {
		for _, code := range p.Code {
			if !ourFile.MatchString(code) || slices.Contains(planned, code) {
				continue
			}
			name := strings.TrimSuffix(code, "/")
			if !exists(name) && !exists(filepath.Join(filepath.Dir(p.File), name)) {
				t.Errorf("%s: the file %s does not exist", p.File, code)
			}
		}
	}
	for _, file := range planned {
		require.False(t, exists(file), "%s is not planned any more", file)
	}
}

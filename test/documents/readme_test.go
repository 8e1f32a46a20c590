package documents

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A README is for a newcomer: it is read to its end only when it is short.
const maxWords = 900

func TestBothREADMEsAreShortAndSayTheSame(t *testing.T) {
	t.Parallel()
	all := pages(t)
	english, portuguese := all["README.md"], all["README.pt-BR.md"]
	for _, p := range []Page{english, portuguese} {
		require.LessOrEqual(t, len(strings.Fields(p.Source)), maxWords, p.File)
	}
	require.Equal(t, english.Levels, portuguese.Levels, "the headings")
	require.Equal(t, rows(english), rows(portuguese), "the rows of tables")
	require.Equal(t, commands(english), commands(portuguese))
	require.Equal(t, english.Links[1:], portuguese.Links[1:], "the links after those to each other")
}

func rows(p Page) int { return len(regexp.MustCompile(`(?m)^\|`).FindAllString(p.Source, -1)) }

var translated = regexp.MustCompile(` *#.*|(?i)(order|pedido)`)

// commands are what the shell blocks do, without comments and the words that an order is given in each language.
func commands(p Page) []Block {
	var blocks []Block
	for _, b := range p.Blocks {
		if strings.HasPrefix(b.Info, "sh") {
			blocks = append(blocks, Block{Info: b.Info, Text: translated.ReplaceAllString(b.Text, "")})
		}
	}
	return blocks
}

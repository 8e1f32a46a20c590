package payment

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNamesAreSafeToShowAnywhere(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"shop", "Loja da Ana", "São João 2", "ana@example.com", "a", "D'Ávila", "loja-1/filial_2", strings.Repeat("é", MaxName)} {
		require.Empty(t, NameFault(name), name)
	}
	for _, name := range []string{
		"", " ", " shop", "shop ", "sh\nop", "shop\r", "a\tb", "a\x00b", "<b>shop</b>", "a&lt;", `a"b`, "a\u200bb", "a\u202eb", "a\u00a0b",
		"a\xffb", "card 4111 1111 1111 1111", strings.Repeat("é", MaxName+1),
	} {
		require.NotEmpty(t, NameFault(name), "%q", name)
	}
}

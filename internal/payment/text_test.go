package payment

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestIllegibleTextsAreRefused(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]struct{ oneLine, lines string }{
		"Pedido nº 1042, ação 日本 العربية": {},
		"": {},
		"👩‍⚕️ e 👨‍👩‍👧, 👍🏽": {}, // joined by U+200D
		"two\r\n\tlines":    {"must not contain control characters or line breaks", ""},
		"a\x00b":            {"must not contain control characters or line breaks", "must not contain control characters"},
		"a\u0085b":          {"must not contain control characters or line breaks", "must not contain control characters"},
		"a\x7fb":            {"must not contain control characters or line breaks", "must not contain control characters"},
		"pay \u202e0501":    {"must not contain U+202E, which is invisible", "must not contain U+202E, which is invisible"},
		"pay \u2066x\u2069": {"must not contain U+2066, which is invisible", "must not contain U+2066, which is invisible"},
		"a\u200fb":          {"must not contain U+200F, which is invisible", "must not contain U+200F, which is invisible"},
		"a\u061cb":          {"must not contain U+061C, which is invisible", "must not contain U+061C, which is invisible"},
		"a\u200bb":          {"must not contain U+200B, which is invisible", "must not contain U+200B, which is invisible"},
		"a\u200db":          {"must not contain U+200D, which is invisible", "must not contain U+200D, which is invisible"},
		"👍\u200d":           {"must not contain U+200D, which is invisible", "must not contain U+200D, which is invisible"},
		"a\u2060b":          {"must not contain U+2060, which is invisible", "must not contain U+2060, which is invisible"},
		"\ufeffa":           {"must not contain U+FEFF, which is invisible", "must not contain U+FEFF, which is invisible"},
		"a\u00adb":          {"must not contain U+00AD, which is invisible", "must not contain U+00AD, which is invisible"},
		"a\u2028b":          {"must not contain U+2028, which is invisible", "must not contain U+2028, which is invisible"},
		"a\xffb":            {"must be valid UTF-8", "must be valid UTF-8"},
	} {
		require.Equal(t, want.oneLine, Illegible(text, OneLine), "%q", text)
		require.Equal(t, want.lines, Illegible(text, Lines), "%q", text)
	}
}

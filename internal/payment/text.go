package payment

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Clean makes a text that JSON and the database can hold unchanged: no broken UTF-8, no NUL.
func Clean(text string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "\uFFFD")
}

// Layout is what a text may be made of beside characters that are seen.
type Layout int

// The layouts.
const (
	OneLine Layout = iota
	Lines          // with line breaks and tabs
)

// Illegible says why a text that comes from outside cannot be shown as it is, or "": it is not UTF-8, or has control
// characters (Postgres cannot hold U+0000 at all) or invisible ones, which hide a part of it or show it in another order.
func Illegible(text string, layout Layout) string {
	if !utf8.ValidString(text) {
		return "must be valid UTF-8"
	}
	before := rune(0)
	for at, r := range text {
		switch {
		case layout == Lines && (r == '\n' || r == '\r' || r == '\t'):
		case unicode.IsControl(r) && layout == Lines:
			return "must not contain control characters"
		case unicode.IsControl(r):
			return "must not contain control characters or line breaks"
		case r == zeroWidthJoiner && isEmoji(before) && isEmoji(first(text[at+utf8.RuneLen(r):])):
		case unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp):
			return fmt.Sprintf("must not contain %U, which is invisible", r)
		}
		before = r
	}
	return ""
}

// zeroWidthJoiner makes one picture of several, such as a family or a health worker.
const zeroWidthJoiner = '\u200d'

func isEmoji(r rune) bool {
	return r != utf8.RuneError && unicode.In(r, unicode.So, unicode.Sk, unicode.Variation_Selector)
}

// first is utf8.RuneError when there is none.
func first(text string) rune {
	r, _ := utf8.DecodeRuneInString(text)
	return r
}

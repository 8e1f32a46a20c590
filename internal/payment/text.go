package payment

import "strings"

// Clean makes a text that JSON and the record can carry unchanged: no broken UTF-8, no NUL.
func Clean(text string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "\uFFFD")
}

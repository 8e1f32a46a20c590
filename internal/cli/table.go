package cli

import (
	"strings"
	"time"
	"unicode"
)

// formatTime is a time in a table, or - if it is zero.
func formatTime(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Format(time.RFC3339)
}

// cell is text for a table, without line breaks and control characters.
func cell(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, text)
}

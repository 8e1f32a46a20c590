// Package report writes measured tables into the pages of docs. Its rule: it writes between its own marks only, and does not change the
// rest of the page.
package report

import (
	"fmt"
	"os"
	"strings"
)

// Keep replaces the text in the file between the marks <!-- name: begin --> and <!-- name: end -->.
func Keep(file, name, text string) error {
	old, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	page, err := Replace(string(old), name, text)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return os.WriteFile(file, []byte(page), 0o644)
}

// Replace does the same to a page's text.
func Replace(page, name, text string) (string, error) {
	begin, end := "<!-- "+name+": begin -->", "<!-- "+name+": end -->"
	before, rest, begun := strings.Cut(page, begin)
	_, after, ended := strings.Cut(rest, end)
	if !begun || !ended {
		return "", fmt.Errorf("the marks of %s are missing", name)
	}
	return before + begin + "\n" + text + end + after, nil
}

// Table is a table with these headings.
func Table(headings []string, rows [][]string) string {
	var t strings.Builder
	line := func(cells []string) { fmt.Fprintf(&t, "| %s |\n", strings.Join(cells, " | ")) }
	line(headings)
	t.WriteString(strings.Repeat("|---", len(headings)) + "|\n")
	for _, row := range rows {
		line(row)
	}
	return t.String()
}

package command

import "strings"

// Text is what people read, in both languages of the operators.
type Text struct{ English, Portuguese string }

// In is the text in a language by its tag, such as pt-BR or en; English when there is no other.
func (t Text) In(language string) string {
	if strings.HasPrefix(strings.ToLower(language), "pt") && t.Portuguese != "" {
		return t.Portuguese
	}
	return t.English
}

// String is the English text.
func (t Text) String() string { return t.English }

// Package language has the languages in which operators read: English and Brazilian Portuguese. Its one rule: what cannot be read as one of
// them is English, so that a page and a command always have a language.
package language

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/text/language"

	"github.com/onlywave/onlywave/internal/failure"
)

// Language is a language of the platform, as HTML's lang attribute and the flag --lang name it.
type Language string

// The languages.
const (
	EN Language = "en"
	PT Language = "pt-BR"
)

// All lists every language, the default first.
func All() []Language { return []Language{EN, PT} }

// matcher finds the closest of our languages, in the order of All.
func matcher() language.Matcher {
	return language.NewMatcher([]language.Tag{language.English, language.BrazilianPortuguese})
}

// Parse is the language with a name such as en, pt or pt-BR.
func Parse(name string) (Language, error) {
	tag, err := language.Parse(name)
	if _, at, confidence := matcher().Match(tag); err == nil && confidence >= language.High {
		return All()[at], nil
	}
	return "", &failure.Error{
		Kind: failure.Invalid, Message: "the language is not known", Fields: []failure.Field{{Pointer: "/lang", Detail: "must be en or pt, not " + strconv.Quote(name)}},
	}
}

// Accepted is the language that a browser asks for with its header Accept-Language.
func Accepted(header string) Language {
	tags, _, err := language.ParseAcceptLanguage(header)
	if err != nil || len(tags) == 0 {
		return EN
	}
	_, at, confidence := matcher().Match(tags...)
	if confidence == language.No {
		return EN
	}
	return All()[at]
}

// Of is the first of some names that is a language, such as those of a cookie and of a user; without one it is what a browser accepts.
func Of(accepted string, names ...string) Language {
	at := slices.IndexFunc(names, func(name string) bool { return slices.Contains(All(), Language(name)) })
	if at < 0 {
		return Accepted(accepted)
	}
	return Language(names[at])
}

// Text is one text in every language.
type Text struct{ EN, PT string }

// In is the text in a language.
func (t Text) In(l Language) string {
	if l == PT {
		return cmp.Or(t.PT, t.EN)
	}
	return t.EN
}

// Amount writes an amount of centavos as its readers do, such as R$ 1,050.00 and R$ 1.050,00.
func (l Language) Amount(centavos int64, currency string) string {
	thousand, decimal := ",", "."
	if l == PT {
		thousand, decimal = ".", ","
	}
	sign := ""
	if centavos < 0 {
		sign, centavos = "-", -centavos
	}
	whole := strconv.FormatInt(centavos/100, 10)
	for at := len(whole) - 3; at > 0; at -= 3 {
		whole = whole[:at] + thousand + whole[at:]
	}
	cents := strconv.FormatInt(100+centavos%100, 10)[1:]
	if currency == "BRL" {
		currency = "R$"
	}
	return strings.TrimSpace(currency + " " + sign + whole + decimal + cents)
}

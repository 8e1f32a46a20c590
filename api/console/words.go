package console

import (
	"fmt"
	"html/template"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/onlywave/onlywave/internal/deadletter"
	"github.com/onlywave/onlywave/internal/language"
	"github.com/onlywave/onlywave/internal/payment"
)

// say is a text of the pages in a language. The English text is written where it is used; the Portuguese one is in the table. A text
// may hold the verbs of fmt.Sprintf. No library is needed for this: there are two languages, and no text depends on a number's plural.
func say(l language.Language, english string, args ...any) string {
	text := english
	if translated := portuguese[english]; l == language.PT && translated != "" {
		text = translated
	}
	if len(args) == 0 {
		return text
	}
	return fmt.Sprintf(text, args...)
}

// say is a text in the language of the request.
func (r *request) say(english string, args ...any) string { return say(r.language, english, args...) }

// markup is a text of the tables that holds HTML. Its arguments are numbers or are escaped.
func markup(l language.Language, english string, args ...any) template.HTML {
	for i, arg := range args {
		if text, ok := arg.(string); ok {
			args[i] = template.HTMLEscapeString(text)
		}
	}
	return template.HTML(say(l, english, args...))
}

// words is the name of a status, cause, kind or action in a language, such as "in review".
func words(l language.Language, value any) string {
	switch value := value.(type) {
	case payment.Status:
		return l.Status(value)
	case deadletter.Cause:
		return value.Title().In(l)
	}
	if name := names[value]; l == language.PT && name != "" {
		return name
	}
	return strings.NewReplacer(".", ": ", "_", " ", "-", " ").Replace(fmt.Sprint(value))
}

// problem is an error's message in a language. A message without a translation, such as one of another program, stays English.
func problem(l language.Language, message string) template.HTML {
	text, translated := translateError(l, message)
	return inOwnLanguage(text, translated)
}

// sentence is a problem as a sentence.
func sentence(l language.Language, message string) template.HTML {
	text, translated := translateError(l, message)
	return inOwnLanguage(capital(strings.TrimSuffix(text, "."))+".", translated)
}

// inOwnLanguage marks a text that has no translation.
func inOwnLanguage(text string, translated bool) template.HTML {
	text = template.HTMLEscapeString(text)
	if !translated {
		text = `<span lang="en">` + text + `</span>`
	}
	return template.HTML(text)
}

// translateError is an error's message in a language; false: there is no translation.
func translateError(l language.Language, message string) (string, bool) {
	if l != language.PT || message == "" {
		return message, true
	}
	for _, p := range errorPatterns {
		found := p.english.FindStringSubmatch(message)
		if found == nil {
			continue
		}
		args := make([]any, 0, len(found)-1)
		for _, arg := range found[1:] {
			args = append(args, translateArgument(arg))
		}
		return fmt.Sprintf(p.portuguese, args...), true
	}
	return message, false
}

// translateArgument is the name of a status or state inside a message.
func translateArgument(arg string) string {
	if s := payment.Status(arg); s.Known() {
		return language.PT.Status(s)
	}
	if name, known := argumentNames[arg]; known {
		return name
	}
	return arg
}

// errorPattern finds a message whose changing parts are written as %s.
type errorPattern struct {
	english    *regexp.Regexp
	portuguese string
}

var errorPatterns = func() []errorPattern {
	all := make([]errorPattern, 0, len(portugueseErrors))
	for _, e := range portugueseErrors {
		english := strings.ReplaceAll(regexp.QuoteMeta(e[0]), "%s", "(.+)")
		all = append(all, errorPattern{regexp.MustCompile("^" + english + "$"), e[1]})
	}
	return all
}()

// The formats of times on the pages, always in UTC.
var timeFormats = map[language.Language]string{language.EN: "2 Jan 2006 15:04:05 UTC", language.PT: "02/01/2006 15:04:05 UTC"}

// when is a time as text with a machine-readable attribute.
func when(l language.Language, t time.Time) template.HTML {
	if t.IsZero() {
		return "–"
	}
	t = t.UTC()
	return template.HTML(fmt.Sprintf(`<time datetime="%s">%s</time>`, t.Format(time.RFC3339), t.Format(timeFormats[l])))
}

// age is a duration in its largest unit.
func age(l language.Language, d time.Duration) string {
	switch {
	case d < time.Second:
		return say(l, "a moment")
	case d < 2*time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	}
	return say(l, "%d days", int(d.Hours()/24))
}

// languageCookie holds the language that a user has chosen.
const languageCookie = "onlywave_language"

// requestLanguage is the language that the user has chosen, or else the one that the browser prefers.
func requestLanguage(r *http.Request) language.Language {
	chosen := ""
	if cookie, err := r.Cookie(languageCookie); err == nil {
		chosen = cookie.Value
	}
	return language.Of(r.Header.Get("Accept-Language"), chosen)
}

// languageChoice is a button that chooses a language.
type languageChoice struct {
	Tag  language.Language
	Name string // in the language itself
}

var languageChoices = []languageChoice{{language.EN, "English"}, {language.PT, "Português"}}

// setLanguage keeps the chosen language in a cookie for a year, and leads back to the page.
func (c *Console) setLanguage(r *request) (response, error) {
	l, err := language.Parse(r.PostFormValue("language"))
	if err != nil {
		return response{}, err
	}
	return response{redirect: ownPage(r.PostFormValue("to")), cookie: &http.Cookie{
		Name: languageCookie, Value: string(l), Path: "/console", MaxAge: int((365 * 24 * time.Hour).Seconds()),
		HttpOnly: true, Secure: c.config.Sessions.Cookie.Secure, SameSite: http.SameSiteLaxMode,
	}}, nil
}

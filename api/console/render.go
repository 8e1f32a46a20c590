package console

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"path"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/onlywave/onlywave/internal/access"
	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/deadletter"
	"github.com/onlywave/onlywave/internal/language"
)

//go:embed static
var static embed.FS

//go:embed templates
var templates embed.FS

// layout is the template that each page fills.
const layout = "layout.html"

// pages are the templates by language and name, such as "overview".
var pages = map[language.Language]map[string]*template.Template{language.EN: parse(language.EN), language.PT: parse(language.PT)}

func parse(l language.Language) map[string]*template.Template {
	base := template.Must(template.New(layout).Funcs(functions(l)).ParseFS(templates, "templates/"+layout, "templates/parts.html", "templates/story.html"))
	all := map[string]*template.Template{}
	files, err := templates.ReadDir("templates")
	if err != nil {
		panic("console: " + err.Error()) // the templates are embedded, so this is a bug
	}
	for _, f := range files {
		name := strings.TrimSuffix(f.Name(), path.Ext(f.Name()))
		all[name] = template.Must(template.Must(base.Clone()).ParseFS(templates, "templates/"+f.Name()))
	}
	return all
}

// view is the data of the layout.
type view struct {
	Title   string
	Subject string // after the title
	Here    string // the address of this page, to return to it
	Place   string // the first part of the path; the menu marks its entry
	User    access.User
	May     bool // the user may change things
	Notice  string
	Refresh int
	Data    any
}

func (c *Console) write(w http.ResponseWriter, r *request, answer response) {
	if answer.cookie != nil {
		http.SetCookie(w, answer.cookie)
	}
	if answer.redirect != "" {
		http.Redirect(w, r.Request, answer.redirect, http.StatusSeeOther)
		return
	}
	if answer.png != nil {
		w.Header().Set("Content-Type", "image/png")
		_, _ = w.Write(answer.png) // the browser may have closed the connection
		return
	}
	place, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/console/"), "/")
	var page bytes.Buffer
	here := "/console/"
	if r.Method == http.MethodGet {
		here = r.address()
	}
	err := pages[r.language][answer.page].ExecuteTemplate(&page, layout, view{
		Title: r.say(answer.title), Subject: answer.subject, Here: here, Place: place, User: r.user, May: r.user.Role.Allows(access.ScopeOperationsWrite),
		Notice: r.notice, Refresh: answer.refresh, Data: answer.data,
	})
	if err != nil {
		c.config.Log.ErrorContext(r.Context(), "console page not rendered", "page", answer.page, "error", err)
		http.Error(w, r.say("The page could not be rendered. The reason is in the API's log."), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if answer.status != 0 {
		w.WriteHeader(answer.status)
	}
	_, _ = w.Write(page.Bytes()) // the browser may have closed the connection
}

// functions are those of the templates, in one language.
func functions(l language.Language) template.FuncMap {
	return template.FuncMap{
		"language":  func() language.Language { return l },
		"languages": func() []languageChoice { return languageChoices },
		"say":       func(english string, args ...any) string { return say(l, english, args...) },
		"markup":    func(english string, args ...any) template.HTML { return markup(l, english, args...) },
		"words":     func(value any) string { return words(l, value) },
		"title":     func(value any) string { return capital(words(l, value)) },
		"when":      func(t time.Time) template.HTML { return when(l, t) },
		"clock":     func(t time.Time) string { return t.UTC().Format("15:04 UTC") },
		"age":       func(d time.Duration) string { return age(l, d) },
		"ago":       func(d time.Duration) string { return say(l, "%s ago", age(l, d)) },
		"money":     l.Amount,
		"advice":    func(c deadletter.Cause) string { return c.AdviceIn(l) },
		"problem":   func(message string) template.HTML { return problem(l, message) },
		"sentence":  func(message string) template.HTML { return sentence(l, message) },
		"missing":   func(part string) string { return missing(l, part) },
		"logIn":     logInWord,
		"logInBy":   func(e audit.Entry) string { return logInBy(l, e) },
		"queue":     func(name string) string { return strings.TrimPrefix(name, "onlywave.") },
		"tone":      tone,
		"short":     func(id string) string { return id[:min(8, len(id))] },
	}
}

// logInWord says how a log-in ended.
func logInWord(e audit.Entry) string {
	if e.Action == audit.LogIn {
		return "logged in"
	}
	return "refused"
}

// logInBy is what a user logged in with, or which part was wrong.
func logInBy(l language.Language, e audit.Entry) string {
	switch {
	case e.After["code"] == "wrong":
		return say(l, "the password was right, the code was not")
	case e.After["second_factor"] == "" || e.After["second_factor"] == "none":
		return ""
	}
	return say(l, "with the %s", words(l, e.After["second_factor"]))
}

// missing says which part of the overview is missing.
func missing(l language.Language, part string) string {
	switch part {
	case "breakers":
		return say(l, "The breakers cannot be shown:")
	case "queues":
		return say(l, "The queues cannot be shown:")
	}
	return say(l, "The numbers cannot be shown:")
}

func capital(text string) string {
	first, size := utf8.DecodeRuneInString(text)
	if size == 0 {
		return ""
	}
	return strings.ToUpper(string(first)) + text[size:]
}

// tone is the colour class of a state: good, waiting, bad or quiet.
func tone(state any) string {
	switch fmt.Sprint(state) {
	case "approved", "closed", "done", "sent", "resolved", "works", "logged in", "set up", "won":
		return "good"
	case "processing", "pending", "in_review", "authorized", "half-open", "counting", "canary", "running", "sending", "asked", "in_dispute", "partially_refunded", "redriven", "evidence_wanted":
		return "waiting"
	case "unknown", "failed", "open", "stopped", "charged_back", "unavailable", "contradiction", "orphan_payment", "unreadable", "refused", "lost":
		return "bad"
	}
	return "quiet"
}

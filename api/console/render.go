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

	"github.com/onlywave/onlywave/internal/access"
	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/payment"
)

//go:embed static
var static embed.FS

//go:embed templates
var templates embed.FS

// layout is the template that each page fills.
const layout = "layout.html"

// pages are the templates by name, such as "overview".
var pages = parse()

func parse() map[string]*template.Template {
	base := template.Must(template.New(layout).Funcs(functions).ParseFS(templates, "templates/"+layout, "templates/parts.html", "templates/story.html"))
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
	Place   string // the first part of the path; the menu marks its entry
	User    access.User
	May     bool // the user may change things
	Notice  string
	Refresh int
	Data    any
}

func (c *Console) write(w http.ResponseWriter, r *request, answer response) {
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
	err := pages[answer.page].ExecuteTemplate(&page, layout, view{
		Title: answer.title, Place: place, User: r.user, May: r.user.Role.Allows(access.ScopeOperationsWrite),
		Notice: r.notice, Refresh: answer.refresh, Data: answer.data,
	})
	if err != nil {
		c.config.Log.ErrorContext(r.Context(), "console page not rendered", "page", answer.page, "error", err)
		http.Error(w, "The page could not be rendered. The reason is in the API's log.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if answer.status != 0 {
		w.WriteHeader(answer.status)
	}
	_, _ = w.Write(page.Bytes()) // the browser may have closed the connection
}

var functions = template.FuncMap{
	"when":  when,
	"ago":   func(t time.Time) string { return age(time.Since(t)) + " ago" },
	"age":   age,
	"words": words,
	"logIn": func(e audit.Entry) string {
		if e.Action == audit.LogIn {
			return "logged in"
		}
		return "refused"
	},
	"logInBy": func(e audit.Entry) string {
		switch {
		case e.After["code"] == "wrong":
			return "the password was right, the code was not"
		case e.After["second_factor"] == "" || e.After["second_factor"] == "none":
			return ""
		}
		return "with the " + e.After["second_factor"]
	},
	"action":   func(a audit.Action) string { return strings.NewReplacer(".", ": ", "_", " ").Replace(string(a)) },
	"title":    title,
	"sentence": sentence,
	"queue":    func(name string) string { return strings.TrimPrefix(name, "onlywave.") },
	"tone":     tone,
	"short":    func(id string) string { return id[:min(8, len(id))] },
	"money": func(centavos int64, currency string) string {
		return payment.Money{Centavos: centavos, Currency: currency}.String()
	},
}

// dateTime is the format of times on the pages, always in UTC.
const dateTime = "2 Jan 2006 15:04:05 UTC"

// when is a time as text with a machine-readable attribute.
func when(t time.Time) template.HTML {
	if t.IsZero() {
		return "–"
	}
	t = t.UTC()
	return template.HTML(fmt.Sprintf(`<time datetime="%s">%s</time>`, t.Format(time.RFC3339), t.Format(dateTime)))
}

// age is a duration in its largest unit.
func age(d time.Duration) string {
	switch {
	case d < time.Second:
		return "a moment"
	case d < 2*time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	}
	return fmt.Sprintf("%d days", int(d.Hours()/24))
}

// words is the name of a status, cause or kind as words, such as "in review".
func words(name any) string {
	return strings.NewReplacer("_", " ", "-", " ").Replace(fmt.Sprint(name))
}

// title is words with a capital letter, for a heading.
func title(name any) string { return capital(words(name)) }

// sentence is an error's message as a sentence.
func sentence(message string) string { return capital(strings.TrimSuffix(message, ".")) + "." }

func capital(text string) string {
	return strings.ToUpper(text[:min(1, len(text))]) + text[min(1, len(text)):]
}

// tone is the colour class of a state: good, waiting, bad or quiet.
func tone(state any) string {
	switch fmt.Sprint(state) {
	case "approved", "closed", "done", "sent", "resolved", "works", "logged in", "set up":
		return "good"
	case "processing", "pending", "in_review", "authorized", "half-open", "counting", "canary", "running", "sending", "asked", "in_dispute", "partially_refunded", "redriven":
		return "waiting"
	case "unknown", "failed", "open", "stopped", "charged_back", "unavailable", "contradiction", "orphan_payment", "unreadable", "refused":
		return "bad"
	}
	return "quiet"
}

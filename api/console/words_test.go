package console

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"github.com/onlywave/onlywave/internal/access"
	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/breaker"
	"github.com/onlywave/onlywave/internal/deadletter"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/language"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/session"
	"github.com/onlywave/onlywave/workflows"
)

var (
	action = regexp.MustCompile(`(?s){{.*?}}`)
	said   = regexp.MustCompile(`\b(?:say|markup) ("(?:[^"\\]|\\.)*")`)
)

// shownAttributes are those whose text users see or hear. A placeholder is an example of data, the same in every language.
var shownAttributes = []string{"alt", "title", "aria-label", "data-label"}

// untranslated are texts that are the same in every language.
var untranslated = []string{"OnlyWave", "· OnlyWave"}

func TestTemplatesHaveNoTextOutsideTheTable(t *testing.T) {
	t.Parallel()
	require.NoError(t, fs.WalkDir(templates, "templates", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		source, err := fs.ReadFile(templates, path)
		require.NoError(t, err)
		for text := range literalTexts(t, action.ReplaceAllString(string(source), "")) {
			require.Contains(t, untranslated, text, path)
		}
		return nil
	}))
	require.Contains(t, literalTexts(t, `<p>Fine</p>`), "Fine")
	require.Contains(t, literalTexts(t, `<table><tr><td data-label="Time"></td></tr></table>`), "Time")
}

// literalTexts are the texts with a letter that a page shows.
func literalTexts(t *testing.T, page string) map[string]bool {
	t.Helper()
	root, err := html.ParseFragment(strings.NewReader(page), &html.Node{Type: html.ElementNode, Data: "body", DataAtom: atom.Body})
	require.NoError(t, err)
	found := map[string]bool{}
	add := func(text string) {
		if text = strings.TrimSpace(text); strings.ContainsFunc(text, unicode.IsLetter) {
			found[text] = true
		}
	}
	for _, part := range root {
		for n := range part.Descendants() {
			if n.Type == html.TextNode {
				add(n.Data)
			}
			for _, a := range n.Attr {
				if slices.Contains(shownAttributes, a.Key) {
					add(a.Val)
				}
			}
		}
		if part.Type == html.TextNode {
			add(part.Data)
		}
		for _, a := range part.Attr {
			if slices.Contains(shownAttributes, a.Key) {
				add(a.Val)
			}
		}
	}
	return found
}

func TestEveryTextHasPortuguese(t *testing.T) {
	t.Parallel()
	used := map[string]bool{}
	require.NoError(t, fs.WalkDir(templates, "templates", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		source, err := fs.ReadFile(templates, path)
		for _, found := range said.FindAllStringSubmatch(string(source), -1) {
			text, err := strconv.Unquote(found[1])
			require.NoError(t, err, path)
			used[text] = true
			require.Contains(t, portuguese, text, path)
		}
		return err
	}))
	for _, file := range goFiles(t, "*.go") {
		ast.Inspect(file, func(n ast.Node) bool {
			for _, text := range textsOf(n) {
				require.Contains(t, portuguese, text, "%s uses it", file.Name)
			}
			if text, constant := flatten(n); constant {
				used[text] = true
			}
			return true
		})
	}
	for _, label := range commandLabels {
		require.Contains(t, portuguese, label)
	}
	for english, text := range portuguese {
		require.True(t, used[english], "no page says %q", english)
		require.Equal(t, verbs(english), verbs(text), english)
		require.NotEmpty(t, text, english)
	}
}

// verbs are the verbs of fmt.Sprintf in a text.
func verbs(text string) []string { return regexp.MustCompile(`%[sd]`).FindAllString(text, -1) }

// goFiles parses the Go files that match a pattern, without its tests and without the tables of words.
func goFiles(t *testing.T, pattern string) (files []*ast.File) {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	require.NoError(t, err)
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") || strings.HasPrefix(filepath.Base(path), "portuguese") {
			continue
		}
		source, err := os.ReadFile(path)
		require.NoError(t, err)
		file, err := parser.ParseFile(token.NewFileSet(), path, source, 0)
		require.NoError(t, err)
		files = append(files, file)
	}
	return files
}

// textsOf are the texts that a node of Go shows on a page: the argument of say, the title of a response, the texts of a failure.
func textsOf(n ast.Node) (texts []string) {
	add := func(e ast.Expr) {
		if text, constant := flatten(e); constant {
			texts = append(texts, text)
		}
	}
	switch n := n.(type) {
	case *ast.CallExpr:
		switch called := n.Fun.(type) {
		case *ast.Ident:
			if called.Name == "say" && len(n.Args) > 1 {
				add(n.Args[1])
			}
		case *ast.SelectorExpr:
			if called.Sel.Name == "say" && len(n.Args) > 0 {
				add(n.Args[0])
			}
		}
	case *ast.CompositeLit:
		kind, _ := n.Type.(*ast.Ident)
		for i, e := range n.Elts {
			pair, isPair := e.(*ast.KeyValueExpr)
			switch {
			case kind == nil:
			case kind.Name == "response" && isPair && pair.Key.(*ast.Ident).Name == "title":
				add(pair.Value)
			case kind.Name == "failureText" && i > 0:
				add(e)
			}
		}
	}
	return texts
}

// flatten is a text as Go source has it, with %s for each part that is not constant.
func flatten(n ast.Node) (text string, constant bool) {
	switch n := n.(type) {
	case *ast.BasicLit:
		if n.Kind != token.STRING {
			return "%s", false
		}
		text, err := strconv.Unquote(n.Value)
		return text, err == nil
	case *ast.BinaryExpr:
		left, leftConstant := flatten(n.X)
		right, rightConstant := flatten(n.Y)
		return left + right, leftConstant && rightConstant
	case *ast.CallExpr:
		if called, ok := n.Fun.(*ast.SelectorExpr); ok && called.Sel.Name == "Sprintf" {
			format, _ := flatten(n.Args[0])
			return regexp.MustCompile(`%[a-zA-Z]`).ReplaceAllString(format, "%s"), false
		}
	}
	return "%s", false
}

// messageSources are the files whose errors the console shows.
var messageSources = []string{
	"*.go", "../../internal/deadletter/*.go", "../../internal/finding/*.go", "../../internal/command/*.go", "../../internal/lookup/*.go",
	"../../internal/audit/*.go", "../../internal/session/*.go", "../../internal/breaker/operate.go", "../../internal/access/password.go",
	"../../internal/access/strength.go", "../../internal/payment/name.go", "../../internal/payment/text.go",
}

func TestEveryMessageOfAnErrorHasPortuguese(t *testing.T) {
	t.Parallel()
	found := 0
	check := func(e ast.Expr) {
		text, _ := flatten(e)
		if text == "%s" {
			return // made elsewhere
		}
		found++
		_, translated := translateError(language.PT, strings.ReplaceAll(text, "%s", "x"))
		assert.True(t, translated, "%q has no Portuguese", text)
	}
	for _, pattern := range messageSources {
		for _, file := range goFiles(t, pattern) {
			ast.Inspect(file, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.KeyValueExpr:
					if key, ok := n.Key.(*ast.Ident); ok && (key.Name == "Message" || key.Name == "Detail") {
						check(n.Value)
					}
				case ast.Expr:
					if text, _ := flatten(n); strings.HasPrefix(text, "must ") {
						check(n)
						return false
					}
				}
				return true
			})
		}
	}
	require.Greater(t, found, 30)
	for _, code := range failure.Codes() {
		_, translated := translateError(language.PT, code.Message())
		require.True(t, translated, code)
	}
	for _, message := range append([]string{access.CheckPassword("senhasenhasenha", "ana")}, "the dead letter is already discarded", "the payment is approved; only an unknown payment can be settled") {
		_, translated := translateError(language.PT, message)
		require.True(t, translated, message)
	}
	text, _ := translateError(language.PT, "the payment is in_review; only an unknown payment can be settled")
	require.Equal(t, "o pagamento está em análise; só um pagamento desconhecido pode ser encerrado", text)
	require.Equal(t, `<span lang="en">&lt;b&gt; of a program</span>`, string(problem(language.PT, "<b> of a program")))
}

func TestEveryNameHasPortuguese(t *testing.T) {
	t.Parallel()
	var all []any
	add := func(values ...any) { all = append(all, values...) }
	for _, v := range deadletter.States() {
		add(v)
	}
	for _, v := range workflows.RedriveStates() {
		add(v)
	}
	for _, v := range payment.Accounts() {
		add(v)
	}
	for _, v := range payment.Causes() {
		add(v)
	}
	for _, v := range payment.FindingKinds() {
		add(v)
	}
	for _, v := range access.Roles() {
		add(v)
	}
	for _, v := range audit.Actions() {
		add(v)
	}
	for _, v := range payment.DisputeKinds() {
		add(v)
	}
	for _, v := range payment.DisputeStatuses() {
		add(v)
	}
	for _, v := range payment.EvidenceStatuses() {
		add(v)
	}
	for _, v := range breaker.Names() {
		add(v)
	}
	add(deadletter.FromWebhook, deadletter.FromWorkflow, breaker.Open, breaker.Closed, breaker.HalfOpen, breaker.Automatic, payment.Charge,
		audit.Console, audit.REST, audit.CommandLine, audit.Temporal, audit.Workflow, deadletter.RedriveSending, deadletter.RedriveSent, deadletter.RedriveFailed)
	for _, v := range all {
		require.NotEmpty(t, names[v], "%T %v", v, v)
	}
	require.Equal(t, "aberta", words(language.PT, deadletter.Open))
	require.Equal(t, "aberto", words(language.PT, breaker.Open))
	require.Equal(t, "em análise", words(language.PT, payment.InReview))
	require.Equal(t, "resultado desconhecido", words(language.PT, deadletter.CauseUnknownOutcome))
	require.Equal(t, "dead letter: discard", words(language.EN, audit.DeadLetterDiscard))
}

func TestAUserChoosesTheLanguage(t *testing.T) {
	t.Parallel()
	e := newEnv(t, session.Options{})
	b := e.browser()
	p := b.send(http.MethodGet, "/console/log-in?to=%2Fconsole%2Faudit", nil, "Accept-Language", "pt-BR,pt;q=0.9,en;q=0.8")
	require.Equal(t, "pt-BR", p.Find("html").AttrOr("lang", ""))
	require.Equal(t, "Entrar", p.says("h1"))
	p = b.get("/console/log-in")
	require.Equal(t, "en", p.Find("html").AttrOr("lang", ""))

	p = b.post("/console/language", "language", "pt-BR", "to", "/console/log-in?to=%2Fconsole%2Faudit")
	require.Equal(t, "/console/log-in", p.path)
	require.Equal(t, "/console/audit", p.Find("input[name=to]").First().AttrOr("value", ""))
	require.Equal(t, "Entrar", p.says("h1"))
	require.Equal(t, "O nome, a senha ou o código está errado.", b.logIn(e.operator, "not the password").says(".wrong"))
	p = b.logIn(e.operator, password)
	require.Equal(t, "Visão geral", p.says("h1"))
	for path, says := range map[string]string{
		"/console/payments": "Pagamentos", "/console/dead-letters": "Mensagens mortas", "/console/reconciliation": "Conciliação",
		"/console/audit": "Auditoria", "/console/account": "Sua conta", "/console/nonsense": "Não encontrado",
	} {
		p := b.get(path)
		require.Equal(t, says, p.says("h1"), path)
		require.Equal(t, "pt-BR", p.Find("html").AttrOr("lang", ""))
	}
	require.Equal(t, "Não há página neste endereço.", b.get("/console/nonsense").says(".lead"))
	require.Equal(t, http.StatusUnprocessableEntity, b.post("/console/language", "language", "klingon").status)
	require.Equal(t, "Overview", b.post("/console/language", "language", "en", "to", "https://evil.example/").says("h1"))
	require.Equal(t, "há 3 h", say(language.PT, "%s ago", age(language.PT, 3*time.Hour)))
}

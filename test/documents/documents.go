// Package documents reads the repository's Markdown pages, so that tests can hold them against the code. Its one rule: it reads a page as
// GitHub shows it, so that what is code on the page is no link, and what is a heading has GitHub's anchor.
package documents

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"unicode"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/text"
)

// Page is one Markdown file.
type Page struct {
	File    string // from the root of the repository
	Source  string
	Anchors map[string]bool
	Levels  []int    // of the headings, in order
	Links   []string // their targets, in order, those of pictures too
	Code    []string // what stands in backticks
	Blocks  []Block
}

// Block is a fenced block of code.
type Block struct {
	Info string // what follows the fence, such as "sh run"
	Text string
	Line int // of the file, on which the text begins
}

// What marks a block of commands.
const (
	Runnable  = "sh run"       // a test runs it on a running platform
	Query     = "promql run"   // a test asks Prometheus each of its lines
	Elsewhere = "sh elsewhere" // no platform of tests can run it
)

// All reads every page below root, but for hidden folders and those of test data.
func All(root string) ([]Page, error) {
	var pages []Page
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata"):
			return filepath.SkipDir
		case d.IsDir() || filepath.Ext(path) != ".md":
			return nil
		}
		file, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		page, err := Read(root, file)
		pages = append(pages, page)
		return err
	})
	return pages, err
}

// Read reads one page.
func Read(root, file string) (Page, error) {
	source, err := os.ReadFile(filepath.Join(root, file))
	if err != nil {
		return Page{}, err
	}
	p := Page{File: file, Source: string(source), Anchors: map[string]bool{}}
	tree := goldmark.New(goldmark.WithExtensions(extension.GFM)).Parser().Parse(text.NewReader(source))
	return p, ast.Walk(tree, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if entering {
			p.take(n, source)
		}
		return ast.WalkContinue, nil
	})
}

func (p *Page) take(n ast.Node, source []byte) {
	switch n := n.(type) {
	case *ast.Heading:
		p.Levels = append(p.Levels, n.Level)
		p.anchor(plain(n, source))
	case *ast.Link:
		p.Links = append(p.Links, string(n.Destination))
	case *ast.Image:
		p.Links = append(p.Links, string(n.Destination))
	case *ast.CodeSpan:
		p.Code = append(p.Code, plain(n, source))
	case *ast.RawHTML:
		p.html(string(n.Segments.Value(source)))
	case *ast.HTMLBlock:
		p.html(string(n.Lines().Value(source)))
	case *ast.FencedCodeBlock:
		info := ""
		if n.Info != nil {
			info = string(n.Info.Value(source))
		}
		lines := n.Lines()
		line := 0
		if lines.Len() > 0 {
			line = 1 + bytes.Count(source[:lines.At(0).Start], []byte("\n"))
		}
		p.Blocks = append(p.Blocks, Block{Info: info, Text: string(lines.Value(source)), Line: line})
	}
}

var pointsTo = regexp.MustCompile(`(?:src|href)="([^"]+)"`)

func (p *Page) html(tag string) {
	for _, m := range pointsTo.FindAllStringSubmatch(tag, -1) {
		p.Links = append(p.Links, m[1])
	}
}

// anchor is GitHub's for a heading; a second heading of the same words gets a number.
func (p *Page) anchor(heading string) {
	slug := strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r == '-', r == '_', unicode.IsLetter(r), unicode.IsDigit(r):
			return unicode.ToLower(r)
		}
		return -1
	}, heading)
	once := slug
	for n := 1; p.Anchors[once]; n++ {
		once = fmt.Sprintf("%s-%d", slug, n)
	}
	p.Anchors[once] = true
}

// plain is a node's text without its markup.
func plain(n ast.Node, source []byte) string {
	var b strings.Builder
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		switch c := c.(type) {
		case *ast.Text:
			b.Write(c.Value(source))
			if c.SoftLineBreak() {
				b.WriteByte(' ')
			}
		case *ast.String:
			b.Write(c.Value)
		default:
			b.WriteString(plain(c, source))
		}
	}
	return b.String()
}

package story

import (
	"fmt"
	"slices"
	"time"
)

// Part is a part of a story under a heading of its own.
type Part string

// The parts, in the order in which they are shown.
const (
	PartMissing  Part = "missing"
	PartProblems Part = "problems"
	PartEntries  Part = "entries"
	PartNow      Part = "now"
	PartActions  Part = "actions"
	PartLinks    Part = "links"
	PartNotes    Part = "notes"
)

var headings = map[Part]text{
	PartMissing:  {EN: "What is missing", PT: "O que falta"},
	PartProblems: {EN: "What is wrong", PT: "O que está errado"},
	PartEntries:  {EN: "What happened (UTC)", PT: "O que aconteceu (UTC)"},
	PartNow:      {EN: "Now", PT: "Agora"},
	PartActions:  {EN: "What can be done", PT: "O que pode ser feito"},
	PartLinks:    {EN: "Links", PT: "Links"},
	PartNotes:    {EN: "Notes", PT: "Observações"},
}

// Heading is the heading of a part.
func (s Story) Heading(p Part) string { return headings[p].In(s.Language) }

// Tone is the level of the first sentence.
func (s Story) Tone() Level {
	switch {
	case len(s.Problems) > 0 || s.Status == "":
		return Bad
	case s.Status.Open():
		return Waiting
	}
	return statusLevel(s.Status)
}

// Day has the entries of one day.
type Day struct {
	Name    string // empty: they have no time
	Entries []Entry
}

// Days groups entries by day, in UTC.
func (s Story) Days(entries []Entry) (days []Day) {
	for _, e := range entries {
		name := ""
		if !e.At.IsZero() {
			name = e.At.Format(text{EN: "2 Jan 2006", PT: "02/01/2006"}.In(s.Language))
		}
		if n := len(days); n == 0 || days[n-1].Name != name {
			days = append(days, Day{Name: name})
		}
		last := &days[len(days)-1]
		last.Entries = append(last.Entries, e)
	}
	return days
}

// Clock is the time of day of an entry, or empty if it has none.
func (e Entry) Clock() string {
	if e.At.IsZero() {
		return ""
	}
	return e.At.Format(time.TimeOnly)
}

var repeated = text{EN: "(%d times, the last at %s)", PT: "(%d vezes, a última às %s)"}

// Repeated says how often an entry happened, or nothing if it was once.
func (s Story) Repeated(e Entry) string {
	if e.Times < 2 {
		return ""
	}
	last := e.Last.Format(time.TimeOnly)
	if e.Last.Format(time.DateOnly) != e.At.Format(time.DateOnly) {
		last = e.Last.Format(text{EN: "2 Jan 15:04:05", PT: "02/01 15:04:05"}.In(s.Language))
	}
	return fmt.Sprintf(repeated.In(s.Language), e.Times, last)
}

// Line is an entry with its words, for a template.
type Line struct {
	Entry
	From  string // the source's name
	Often string
}

// Line is an entry with its words.
func (s Story) Line(e Entry) Line {
	return Line{Entry: e, From: e.Source.Name(s.Language), Often: s.Repeated(e)}
}

// Traces are the links to traces.
func (s Story) Traces() []Link {
	return slices.DeleteFunc(slices.Clone(s.Links), func(l Link) bool { return l.Name == temporalLink })
}

// Package story tells what happened to one payment, in order and in words: what the client app asked for, what its workflow did, what
// Mercado Pago answered, which notifications came, which e-mails and events went out, what operators decided; then what it waits for now,
// what is wrong and what can be done. The console's page of a payment and the command onlywave explain show the same story.
//
// Its one rule: a source that does not answer takes only its own part out of the story, and the story says which part is missing. It only
// reads, and it never shows the buyer's personal data.
package story

import (
	"cmp"
	"slices"
	"time"

	"github.com/onlywave/onlywave/internal/language"
	"github.com/onlywave/onlywave/internal/payment"
)

// Source is where an entry comes from.
type Source string

// The sources.
const (
	API            Source = "api"
	Workflow       Source = "workflow"
	Provider       Source = "provider"
	Webhook        Source = "webhook"
	Email          Source = "email"
	Events         Source = "events"
	DeadLetter     Source = "dead_letter"
	Reconciliation Source = "reconciliation"
	Operator       Source = "operator"
	Database       Source = "database"
	Temporal       Source = "temporal"
)

// order is that of entries with the same time: a cause comes before what it brings about.
var order = []Source{API, Operator, Webhook, Workflow, Provider, DeadLetter, Reconciliation, Events, Email}

// Level says how an entry looks: whether it is as expected.
type Level string

// The levels.
const (
	Quiet   Level = "quiet"
	Good    Level = "good"
	Waiting Level = "waiting"
	Bad     Level = "bad"
)

// Entry is one thing that happened, or that is waited for.
type Entry struct {
	At     time.Time `json:"at,omitzero"` // of something that is waited for: when it is due; zero: it is not known
	Source Source    `json:"source"`
	Level  Level     `json:"level"`
	Text   string    `json:"text"`
	// Times is how often it happened without anything between, the last time at Last; 0: once.
	Times int       `json:"times,omitempty"`
	Last  time.Time `json:"last,omitzero"`
}

// Problem is something that is wrong, and what to do about it.
type Problem struct {
	Text string `json:"text"`
	Do   string `json:"do,omitempty"`
}

// Action is something that operators may ask for now, or as soon as After is over.
type Action struct {
	Name    string    `json:"name"`
	Does    string    `json:"does"` // or why not yet
	Command string    `json:"command"`
	After   time.Time `json:"after,omitzero"`
}

// Link leads to a page with more.
type Link struct {
	Name string `json:"name"`
	URL  string `json:"url,omitempty"` // empty: no page is configured
}

// Missing is a part that is not in the story.
type Missing struct {
	Source Source `json:"source"`
	Text   string `json:"text"`
}

// Story is what happened to one payment.
type Story struct {
	PaymentID string            `json:"payment_id"`
	Language  language.Language `json:"language"`
	Status    payment.Status    `json:"status,omitempty"` // empty: it is not known
	Head      string            `json:"summary"`
	Problems  []Problem         `json:"problems,omitempty"`
	Entries   []Entry           `json:"entries"`
	Now       []Entry           `json:"waiting,omitempty"`
	Actions   []Action          `json:"actions,omitempty"`
	Links     []Link            `json:"links,omitempty"`
	Missing   []Missing         `json:"missing,omitempty"`
	Notes     []string          `json:"notes,omitempty"`
}

// writer puts a story together from facts, in one language.
type writer struct {
	facts
	language language.Language
	now      time.Time
	story    Story
}

// write tells the story of what is known.
func write(f facts, l language.Language, now time.Time) Story {
	w := &writer{facts: f, language: l, now: now, story: Story{PaymentID: f.payment.ID, Language: l, Status: f.payment.Status}}
	w.tellRequest()
	w.tellRuns()
	w.tellStatuses()
	w.tellWebhooks()
	w.tellEmails()
	w.tellEvents()
	w.tellDeadLetters()
	w.tellFindings()
	w.tellOperators()
	w.tellHold()
	w.tellMissing()
	w.findProblems()
	w.findActions()
	w.story.Head = w.head()
	w.story.Entries = collapse(sorted(w.story.Entries))
	w.story.Now = sorted(w.story.Now)
	w.redact()
	return w.story
}

// sorted orders entries by time; those without one come last. Within a millisecond a cause comes before its effect, because the clocks
// of the database, of Temporal and of the workers differ by more.
func sorted(entries []Entry) []Entry {
	slices.SortStableFunc(entries, func(a, b Entry) int {
		if a.At.IsZero() != b.At.IsZero() {
			if a.At.IsZero() {
				return 1
			}
			return -1
		}
		return cmp.Or(a.At.Truncate(time.Millisecond).Compare(b.At.Truncate(time.Millisecond)), slices.Index(order, a.Source)-slices.Index(order, b.Source))
	})
	return entries
}

// collapse makes one entry of equal ones that follow each other.
func collapse(entries []Entry) (all []Entry) {
	for _, e := range entries {
		if n := len(all); n > 0 && all[n-1].Source == e.Source && all[n-1].Text == e.Text {
			all[n-1].Times, all[n-1].Last = max(all[n-1].Times, 1)+1, e.At
			continue
		}
		all = append(all, e)
	}
	return all
}

func (w *writer) add(at time.Time, s Source, l Level, t language.Text, values ...any) {
	w.story.Entries = append(w.story.Entries, Entry{At: at.UTC(), Source: s, Level: l, Text: w.say(t, values...)})
}

func (w *writer) waits(due time.Time, s Source, l Level, t language.Text, values ...any) {
	w.story.Now = append(w.story.Now, Entry{At: due.UTC(), Source: s, Level: l, Text: w.say(t, values...)})
}

func (w *writer) note(t language.Text, values ...any) {
	w.story.Notes = append(w.story.Notes, w.say(t, values...))
}

func (w *writer) problem(do string, t language.Text, values ...any) {
	w.story.Problems = append(w.story.Problems, Problem{Text: w.say(t, values...), Do: do})
}

package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"text/tabwriter"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/onlywave/onlywave/internal/config"
	"github.com/onlywave/onlywave/internal/language"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/postgres"
	"github.com/onlywave/onlywave/internal/story"
	"github.com/onlywave/onlywave/workflows"
)

// explainCommand tells the story of one payment.
func explainCommand(environ []string, out io.Writer) *cobra.Command {
	var lang, output string
	command := &cobra.Command{Use: "explain ID", Short: "Tell what happened to a payment, what it waits for and what can be done", Args: cobra.ExactArgs(1),
		Long: "Tell what happened to a payment, what it waits for and what can be done.\n\n" +
			"ID is the payment's id, Mercado Pago's id, the end-to-end id of its Pix or the client app's reference. If several payments have the reference, the command lists\n" +
			"them and fails. If the database or Temporal does not answer, the command tells the rest and says what is missing.",
		RunE: func(cmd *cobra.Command, args []string) error {
			l, err := language.Parse(lang)
			if err != nil {
				return err
			}
			if err := checkOutput(output); err != nil {
				return err
			}
			return withDatabase(cmd.Context(), config.Payments, environ, func(c config.Config, database *postgres.Store) error {
				temporal, err := dialTemporal(c, slog.New(slog.DiscardHandler))
				if err != nil {
					return err
				}
				defer temporal.Close()
				return explain(cmd.Context(), newTeller(c, database, workflows.NewClient(temporal, polls(c))), l, args[0], output, out)
			})
		}}
	command.Flags().StringVar(&lang, "lang", "en", "language: en or pt")
	outputFlag(command, &output)
	return command
}

func newTeller(c config.Config, database *postgres.Store, client *workflows.Client) story.Teller {
	return story.Teller{
		Database: database, Workflows: client, TemporalUIURL: c.TemporalUIURL, TemporalNamespace: c.TemporalNamespace, TraceURL: c.TracesUIURL,
	}
}

func explain(ctx context.Context, t story.Teller, l language.Language, id, output string, out io.Writer) error {
	found, err := t.Find(ctx, l, id)
	switch {
	case err != nil:
		return err
	case len(found.Several) > 0:
		if err := printSeveral(out, found.Several); err != nil {
			return err
		}
		return fmt.Errorf("%d payments have the reference %q; repeat the command with one of these ids", len(found.Several), id)
	case output == "json":
		encoder := json.NewEncoder(out)
		encoder.SetIndent("", "  ")
		return encoder.Encode(found.Story)
	}
	printStory(out, found.Story)
	return nil
}

func printSeveral(out io.Writer, several []payment.Payment) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ID\tCREATED\tCLIENT\tSTATUS\tAMOUNT")
	for _, p := range several {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", p.ID, formatTime(p.CreatedAt), cell(p.ClientID), p.Status, p.Amount)
	}
	return table.Flush()
}

// pageWidth is the longest line of a story.
const pageWidth = 120

// printer writes a story as aligned text.
type printer struct {
	out   io.Writer
	story story.Story
	width int // of the column of sources
}

func printStory(out io.Writer, s story.Story) {
	p := &printer{out: out, story: s}
	for _, e := range append(append([]story.Entry{}, s.Entries...), s.Now...) {
		p.width = max(p.width, utf8.RuneCountInString(e.Source.Name(s.Language)))
	}
	fmt.Fprintf(out, "%s\n", s.PaymentID)
	p.wrap("", "", s.Head)
	p.part(story.PartMissing, len(s.Missing), func(i int) { p.wrap("  ! ", "    ", s.Missing[i].Text) })
	p.part(story.PartProblems, len(s.Problems), func(i int) {
		p.wrap("  ! ", "    ", s.Problems[i].Text)
		if s.Problems[i].Do != "" {
			p.wrap("    → ", "      ", s.Problems[i].Do)
		}
	})
	p.days(story.PartEntries, s.Entries)
	p.days(story.PartNow, s.Now)
	p.part(story.PartActions, len(s.Actions), func(i int) {
		p.wrap("  "+s.Actions[i].Name+": ", "    ", s.Actions[i].Does)
		fmt.Fprintf(out, "    %s\n", s.Actions[i].Command) // not wrapped, to be copied
	})
	p.part(story.PartLinks, len(s.Links), func(i int) {
		fmt.Fprintf(out, "  %s\n", strings.TrimSpace(s.Links[i].Name+"  "+s.Links[i].URL))
	})
	p.part(story.PartNotes, len(s.Notes), func(i int) { p.wrap("  - ", "    ", s.Notes[i]) })
}

// part writes a part with n lines under its heading; nothing if there are none.
func (p *printer) part(name story.Part, n int, each func(int)) {
	if n == 0 {
		return
	}
	fmt.Fprintf(p.out, "\n%s\n", p.story.Heading(name))
	for i := range n {
		each(i)
	}
}

func (p *printer) days(name story.Part, entries []story.Entry) {
	days := p.story.Days(entries)
	p.part(name, len(days), func(i int) {
		if days[i].Name != "" {
			fmt.Fprintf(p.out, "  %s\n", days[i].Name)
		}
		for _, e := range days[i].Entries {
			p.entry(e)
		}
	})
}

// marks show an entry's level at the edge.
var marks = map[story.Level]string{story.Quiet: " ", story.Good: "+", story.Waiting: "~", story.Bad: "!"}

func (p *printer) entry(e story.Entry) {
	source := e.Source.Name(p.story.Language)
	first := fmt.Sprintf("  %-8s  %s %s%s  ", e.Clock(), marks[e.Level], source, strings.Repeat(" ", p.width-utf8.RuneCountInString(source)))
	p.wrap(first, strings.Repeat(" ", utf8.RuneCountInString(first)), strings.TrimSpace(e.Text+" "+p.story.Repeated(e)))
}

// wrap writes text in lines of at most pageWidth; the first begins with first, the others with rest. A longer word has a line of its own.
func (p *printer) wrap(first, rest, text string) {
	line, width, words := first, utf8.RuneCountInString(first), 0
	for _, word := range strings.Fields(text) {
		n := utf8.RuneCountInString(word)
		if words > 0 && width+1+n > pageWidth {
			fmt.Fprintln(p.out, line)
			line, width, words = rest, utf8.RuneCountInString(rest), 0
		}
		if words > 0 {
			line, width = line+" ", width+1
		}
		line, width, words = line+word, width+n, words+1
	}
	fmt.Fprintln(p.out, line)
}

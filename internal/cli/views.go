package cli

import (
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/onlywave/onlywave/internal/config"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/language"
	"github.com/onlywave/onlywave/workflows"
)

// viewsCommand prints the saved views of the Temporal Web UI, or the query of one of them for a script.
func viewsCommand(environ []string, out io.Writer) *cobra.Command {
	var in string
	command := &cobra.Command{Use: "views [NAME]", Short: "Print the saved views of the Temporal Web UI: name, title, query and link", Args: cobra.MaximumNArgs(1),
		Long: "Print the saved views of the Temporal Web UI: name, title, query and link. A link needs TEMPORAL_UI_URL.\n\n" +
			"With NAME, print only the query of this view:\n\n" +
			"  temporal workflow list --query \"$(onlywave views unknown)\"\n\n" +
			"The views overdue and slow hold the current time. Print them again for a later time.",
		RunE: func(_ *cobra.Command, args []string) error {
			c, err := settings(config.Views, environ)
			if err != nil {
				return err
			}
			speaks, err := language.Parse(in)
			if err != nil {
				return err
			}
			views := workflows.SavedViews(time.Now())
			if len(args) == 1 {
				return printQuery(out, views, args[0])
			}
			for _, v := range views {
				fmt.Fprintf(out, "%s: %s\n  %s\n", v.Name, v.Title.In(speaks), v.Query)
				if link := v.Link(c.TemporalUIURL, c.TemporalNamespace); link != "" {
					fmt.Fprintf(out, "  %s\n", link)
				}
			}
			return nil
		}}
	command.Flags().StringVar(&in, "lang", string(language.EN), "language of the titles: en or pt")
	return command
}

func printQuery(out io.Writer, views []workflows.SavedView, name string) error {
	var names []string
	for _, v := range views {
		names = append(names, v.Name)
	}
	at := slices.Index(names, name)
	if at < 0 {
		return &failure.Error{Kind: failure.Invalid, Message: "there is no such view",
			Fields: []failure.Field{{Pointer: "/name", Detail: "must be " + failure.OneOf(names)}}}
	}
	fmt.Fprintln(out, views[at].Query)
	return nil
}

package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/onlywave/onlywave/internal/config"
)

func configCommand(environ []string, out io.Writer) *cobra.Command {
	cmd := &cobra.Command{Use: "config", Short: "Print every setting with its default and meaning", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			fmt.Fprintln(out, "| variable | default | meaning |\n|---|---|---|")
			for _, row := range config.Help() {
				fmt.Fprintf(out, "| `%s` | %s | %s |\n", row[0], code(row[1]), row[2])
			}
			return nil
		}}
	cmd.AddCommand(configCheckCommand(environ, out))
	return cmd
}

func configCheckCommand(environ []string, out io.Writer) *cobra.Command {
	return &cobra.Command{
		Use: "check [part...]", Short: "Print every error of the settings, without starting anything",
		Long: "Print the settings of the environment, with secrets masked, and every error for each part.\n\n" +
			"A part is a command, such as keys; without one the parts are api, worker and migrate. The command connects to nothing. It\n" +
			"exits with 1 if there is an error.",
		RunE: func(_ *cobra.Command, names []string) error {
			if len(names) == 0 {
				names = []string{string(config.API), string(config.Worker), string(config.Migrate)}
			}
			for _, row := range config.Set(environ) {
				fmt.Fprintf(out, "  %-32s %s\n", row[0], row[1])
			}
			for _, row := range config.Misspelt(environ) {
				fmt.Fprintf(out, "? %s is not a setting; did you mean %s?\n", row[0], row[1])
			}
			var wrong error
			for _, name := range names {
				part, err := config.Parse(name)
				if err != nil {
					return err
				}
				c, err := config.Load(part, environ)
				if err != nil {
					fmt.Fprintf(out, "✗ %s\n    %s\n", name, strings.ReplaceAll(err.Error(), "\n", "\n    "))
					wrong = errSettings
					continue
				}
				fmt.Fprintf(out, "✓ %s\n", name)
				for _, u := range c.Unprotected(part) {
					fmt.Fprintf(out, "  ! %s is reached without TLS or credentials: %s\n", u[0], u[1])
				}
			}
			return wrong
		},
	}
}

func code(s string) string {
	if s == "" {
		return ""
	}
	return "`" + strings.Trim(s, "[]") + "`"
}

package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/spf13/cobra"

	"github.com/onlywave/onlywave/internal/config"
	"github.com/onlywave/onlywave/workflows"
)

// resetPreviewCommand shows what a reset of a payment would do, from each point. It changes nothing.
func resetPreviewCommand(environ []string, out io.Writer) *cobra.Command {
	var runID, output string
	command := &cobra.Command{Use: "reset-preview ID", Short: "List where a payment's workflow can be reset, and what each reset would do", Args: cobra.ExactArgs(1),
		Long: "List where a payment's workflow can be reset, and what each reset would do.\n\n" +
			"Temporal resets a run to the end of a workflow task. The new run keeps all events before that point and goes on from there. The\n" +
			"command reads the run's history and changes nothing. ID is the payment's id, with or without payment/ before it.",
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkOutput(output); err != nil {
				return err
			}
			c, err := settings(config.ResetPreview, environ)
			if err != nil {
				return err
			}
			temporal, err := dialTemporal(c, slog.New(slog.DiscardHandler))
			if err != nil {
				return err
			}
			defer temporal.Close()
			id := strings.TrimPrefix(args[0], workflows.WorkflowID(""))
			preview, err := workflows.NewClient(temporal, polls(c)).ResetPreview(cmd.Context(), id, runID)
			if err != nil {
				return err
			}
			if output == "json" {
				encoder := json.NewEncoder(out)
				encoder.SetIndent("", "  ")
				return encoder.Encode(preview)
			}
			printResetPreview(out, preview)
			return nil
		}}
	command.Flags().StringVar(&runID, "run-id", "", "the run, for a payment with several (default: the newest)")
	outputFlag(command, &output)
	return command
}

func printResetPreview(out io.Writer, preview workflows.ResetPreview) {
	fmt.Fprintf(out, "%s, run %s\n", preview.WorkflowID, preview.RunID)
	for _, p := range preview.Points {
		fmt.Fprintf(out, "\nevent %d, workflow task %s at %s\n", p.EventID, p.Task, formatTime(p.At.UTC()))
		for _, row := range [][2]string{
			{"had happened", listed(p.Before)},
			{"would run again", listed(p.Again)},
			{"re-applied", listed(reapplied(p))},
			{"money", moneyLine(p.Money)},
			{"command", p.Command},
		} {
			fmt.Fprintf(out, "  %-15s  %s\n", row[0], row[1])
		}
	}
	fmt.Fprint(out, "\nA run from such a point does what the payment needs by then: it asks the database and Mercado Pago anew.\n"+
		"--reapply-exclude All leaves out the signals and updates. A run that goes on is terminated by a reset of it.\n")
}

func reapplied(p workflows.ResetPoint) []string {
	var all []string
	for _, name := range p.Signals {
		all = append(all, "signal "+name)
	}
	for _, name := range p.Updates {
		all = append(all, "update "+name)
	}
	return all
}

// listed joins what was recorded in a history, which anybody who may signal the workflow can write into.
func listed(parts []string) string {
	if len(parts) == 0 {
		return "nothing"
	}
	return cell(strings.Join(parts, ", "))
}

func moneyLine(m workflows.Money) string {
	if m.MayMove {
		return "could move, once: " + m.Why
	}
	return "does not move: " + m.Why
}

package cli

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/onlywave/onlywave/internal/build"
)

// versionCommand prints the build id, under which Temporal knows the version of a worker.
func versionCommand(out io.Writer) *cobra.Command {
	return &cobra.Command{Use: "version", Short: "Print the id of this build, which is the version of its workers at Temporal", Args: cobra.NoArgs, RunE: func(*cobra.Command, []string) error {
		_, err := fmt.Fprintln(out, build.ID())
		return err
	}}
}

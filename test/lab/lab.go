package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/onlywave/onlywave/internal/cli"
	"github.com/onlywave/onlywave/test/standin"
)

// runLab runs the program with these arguments and this environment, until it is done or ctx ends.
func runLab(ctx context.Context, args, environ []string, out io.Writer) error {
	root := &cobra.Command{
		Use:   "onlywave-lab",
		Short: "Run the whole platform on one machine, break it and measure it",
	}
	root.AddCommand(standin.Commands(environ)...)
	root.AddCommand(devCommands(out)...)
	root.AddCommand(cli.HealthyCommand())
	return cli.Execute(ctx, root, args, out)
}

// product is the path of the program onlywave, which is beside this one.
func product() (string, error) {
	lab, err := os.Executable()
	if err != nil {
		return "", err
	}
	program := filepath.Join(filepath.Dir(lab), "onlywave")
	if _, err := os.Stat(program); err != nil {
		return "", fmt.Errorf("the program onlywave must be beside onlywave-lab; make build builds both: %w", err)
	}
	return program, nil
}

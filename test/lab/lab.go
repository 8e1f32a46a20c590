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

// runLab is the program with all that is not the product: arguments and environment in, until it is done or ctx ends.
func runLab(ctx context.Context, args, environ []string, out io.Writer) error {
	root := &cobra.Command{
		Use:   "onlywave-lab",
		Short: "The whole platform on one machine, to try, to break and to measure",
	}
	root.AddCommand(standin.Commands(environ)...)
	root.AddCommand(devCommands(out)...)
	root.AddCommand(cli.HealthyCommand())
	return cli.Execute(ctx, root, args, out)
}

// product is the program onlywave, which lies beside this one.
func product() (string, error) {
	lab, err := os.Executable()
	if err != nil {
		return "", err
	}
	program := filepath.Join(filepath.Dir(lab), "onlywave")
	if _, err := os.Stat(program); err != nil {
		return "", fmt.Errorf("the program onlywave must be beside onlywave-lab, make build builds both: %w", err)
	}
	return program, nil
}

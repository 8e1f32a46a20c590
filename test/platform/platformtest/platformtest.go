// Package platformtest lets a test's own binary be the programs of the platform that it starts, race detector and all. Its one rule: what
// is tested is the product as it is, never a program that some other build has left behind.
//
//	func TestMain(m *testing.M) { platformtest.Main(m.Run) }
//
//	func TestSomething(t *testing.T) {
//		p, err := platform.Start(t.Context(), platformtest.Options(platform.Options{}))
package platformtest

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/onlywave/onlywave/internal/cli"
	"github.com/onlywave/onlywave/test/platform"
	"github.com/onlywave/onlywave/test/standin"
)

// asProgram makes a test binary both programs.
const asProgram = "ONLYWAVE_TEST_AS_PROGRAM"

// Main is the body of TestMain: it runs the tests and exits with what they return, or is a program of a platform.
func Main(tests func() int) {
	if os.Getenv(asProgram) == "" {
		code := tests()
		if err := removePlain(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
		os.Exit(code)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := program(os.Args[1:])(ctx, os.Args[1:], os.Environ(), os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// program is the one that has the command: the lab's has the stand-ins, the product all others.
func program(args []string) func(ctx context.Context, args, environ []string, out io.Writer) error {
	lab := &cobra.Command{Use: "onlywave-lab"}
	lab.AddCommand(standin.Commands(os.Environ())...)
	if command, _, err := lab.Find(args); err != nil || command == lab {
		return cli.Run
	}
	return func(ctx context.Context, args, _ []string, out io.Writer) error {
		return cli.Execute(ctx, lab, args, out)
	}
}

// Program is the test's own binary, and what it needs in its environment to be a program.
func Program() (path string, env []string) { return os.Args[0], []string{asProgram + "=1"} }

// Options makes the test's own binary the platform's programs.
func Options(o platform.Options) platform.Options {
	o.Program, o.Env = Program()
	return o
}

package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/onlywave/onlywave/test/conformance"
)

// conformanceCommand holds Mercado Pago's published contract against the adapter and the simulator.
func conformanceCommand(out io.Writer) *cobra.Command {
	return &cobra.Command{
		Use: "conformance SPEC", Short: "Check our requests and the simulator's answers against Mercado Pago's contract, an OpenAPI file", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			contract, err := conformance.Load(args[0])
			if err != nil {
				return err
			}
			exchanges, err := conformance.Traffic(cmd.Context())
			if err != nil {
				return fmt.Errorf("play the traffic: %w", err)
			}
			var found []conformance.Deviation
			for _, e := range exchanges {
				found = append(found, contract.Deviations(e)...)
			}
			strange, needless := conformance.Judge(found, conformance.KnownErrors())
			for _, d := range strange {
				fmt.Fprintln(out, "not as the contract says:", d)
			}
			for _, k := range needless {
				fmt.Fprintf(out, "not needed any more, remove it from test/conformance/known.go: %s, %s at %q: %s\n", k.Operation, k.Side, k.At, k.Says)
			}
			if len(strange)+len(needless) > 0 {
				return errors.New("the traffic and the contract disagree")
			}
			fmt.Fprintf(out, "%d requests and their answers are as the contract says, except for its %d known errors\n", len(exchanges), len(conformance.KnownErrors()))
			return nil
		},
	}
}

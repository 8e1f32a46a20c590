package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/onlywave/onlywave/test/load"
	"github.com/onlywave/onlywave/test/platform"
)

// loadCommand plays clients and buyers against a running platform, such as that of `onlywave-lab dev`.
func loadCommand(out io.Writer) *cobra.Command {
	o := load.Options{Out: out}
	var apis []string
	var provider, keyFile string
	cmd := &cobra.Command{Use: "load", Short: "Create payments at a constant rate and play their buyers", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			key, err := os.ReadFile(keyFile)
			if err != nil {
				return fmt.Errorf("read the client app's API key: %w", err)
			}
			for _, url := range apis {
				o.Shops = append(o.Shops, &platform.Shop{URL: strings.TrimSuffix(url, "/"), Key: strings.TrimSpace(string(key))})
			}
			if provider != "" {
				o.Provider = &platform.Provider{URL: strings.TrimSuffix(provider, "/")}
			}
			if !cmd.Flags().Changed("seed") {
				o.Seed = uint64(time.Now().UnixNano())
			}
			_, err = load.Run(cmd.Context(), o)
			return err
		}}
	f := cmd.Flags()
	f.StringSliceVar(&apis, "api", []string{"http://127.0.0.1:8080"}, "API addresses, used in turn")
	f.StringVar(&provider, "simulator", "http://127.0.0.1:8090", "address of the simulator, where buyers pay; empty: they never pay")
	f.StringVar(&keyFile, "key-file", filepath.Join(devFolder, "demo-api-key"), "file with the client app's API key")
	f.StringVar(&o.Name, "name", "", "prefix of every idempotency key; the default is new each time")
	f.Float64Var(&o.Rate, "rate", 5, "payments a second")
	f.DurationVar(&o.Length, "length", 30*time.Second, "how long new payments are created")
	f.Uint64Var(&o.Seed, "seed", 0, "seed of everything random; the default is new each time")
	f.IntVar(&o.InFlight, "in-flight", 256, "most requests in flight; more are not sent, but counted as shed")
	f.Float64Var(&o.Expire, "expire", 0.1, "share of buyers who let the Pix expire")
	f.Float64Var(&o.Card, "card", 0, "share of all others who pay by card, which ends at once")
	f.Float64Var(&o.Reserve, "reserve", 0, "share of those whose client reserves the money first, and captures it or gives it up")
	f.Float64Var(&o.Challenge, "challenge", 0, "share of the others who pay by card, whose bank asks for a challenge (3-D Secure); most pass it")
	f.Float64Var(&o.Saved, "saved", 0, "share of those who pay by card, whose card is saved first and pays as a saved one")
	f.Float64Var(&o.Entered, "entered", 0, "share of the others without reserved money or a challenge, who enter the card on the pay page")
	f.Float64Var(&o.Dispute, "dispute", 0, "share of paid payments without refunds that the buyer disputes: chargebacks and claims, won, lost and left open")
	f.Float64Var(&o.Checkout, "checkout", 0, "checkouts on Mercado Pago's page, beside the payments, so many for each of them; some are paid twice")
	f.Float64Var(&o.Boleto, "boleto", 0, "share of those who do neither leave nor pay by card, who get a boleto instead of a Pix")
	f.Float64Var(&o.Refund, "refund", 0.1, "share of paid payments of which the client gives money back, a part or all")
	f.Float64Var(&o.Cancel, "cancel", 0.05, "share of payments that the client cancels before they are paid")
	f.Float64Var(&o.Leave, "leave", 0.1, "share of buyers who never pay; all others pay")
	f.StringVar(&o.Prefer, "prefer", "", `the requests' Prefer header, such as "wait=5" or "respond-async"`)
	f.DurationVar(&o.RetryFor, "retry-for", time.Minute, "how long a failed request is repeated")
	f.DurationVar(&o.Linger, "linger", 15*time.Second, "how long payments are followed after the last new one")
	f.IntVar(&o.Flood.Duplicates, "duplicates", 0, "webhooks that the simulator sends again")
	f.IntVar(&o.Flood.Forged, "forged", 0, "forged webhooks")
	f.IntVar(&o.Flood.Replayed, "replayed", 0, "signed webhooks sent again unchanged")
	f.StringVar(&o.File, "log", "", "file for every event of the run, as JSON Lines")
	return cmd
}

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

// loadCommand plays client apps and buyers against a platform that runs, such as `onlywave-lab dev`'s.
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
	f.StringSliceVar(&apis, "api", []string{"http://127.0.0.1:8080"}, "API addresses, taken in turns")
	f.StringVar(&provider, "simulator", "http://127.0.0.1:8090", "where the buyers act; empty: they never do")
	f.StringVar(&keyFile, "key-file", filepath.Join(devFolder, "demo-api-key"), "file with the client app's API key")
	f.StringVar(&o.Name, "name", "", "begins every idempotency key; the default is new each time")
	f.Float64Var(&o.Rate, "rate", 5, "payments a second")
	f.DurationVar(&o.Length, "length", 30*time.Second, "how long new ones arrive")
	f.Uint64Var(&o.Seed, "seed", 0, "of all that is drawn; the default is a new one each time")
	f.IntVar(&o.InFlight, "in-flight", 256, "the most requests at once; arrivals beyond are shed, and counted")
	f.Float64Var(&o.Expire, "expire", 0.1, "share of buyers who let the Pix expire")
	f.Float64Var(&o.Leave, "leave", 0.1, "share of buyers who never act; all others pay")
	f.StringVar(&o.Prefer, "prefer", "", `the requests' Prefer header, such as "wait=5" or "respond-async"`)
	f.DurationVar(&o.Patience, "patience", time.Minute, "how long a request is repeated")
	f.DurationVar(&o.Linger, "linger", 15*time.Second, "how long payments are followed once nothing arrives any more")
	f.IntVar(&o.Flood.Duplicates, "duplicates", 0, "webhooks delivered again by the simulator")
	f.IntVar(&o.Flood.Forged, "forged", 0, "forged webhooks")
	f.IntVar(&o.Flood.Replayed, "replayed", 0, "signed webhooks sent again as they were")
	f.StringVar(&o.File, "log", "", "file that keeps every step, as JSON Lines")
	return cmd
}

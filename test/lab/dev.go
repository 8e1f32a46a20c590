package main

import (
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/onlywave/onlywave/test/bench"
	"github.com/onlywave/onlywave/test/platform"
)

// devFolder is where `dev` and `demo` keep their data and logs; git ignores it.
const devFolder = ".data/dev"

// devCommands run the whole platform on this machine.
func devCommands(out io.Writer) []*cobra.Command {
	command := func(use, short string, run func(*cobra.Command, platform.Options) error) *cobra.Command {
		o := platform.Options{Out: out}
		cmd := &cobra.Command{Use: use, Short: short, Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if o.Program, err = product(); err != nil {
				return err
			}
			return run(cmd, o)
		}}
		cmd.Flags().StringVar(&o.Dir, "data", devFolder, "folder for data and logs")
		return cmd
	}
	var replicas int
	var monitoring, cluster bool
	var traces string
	up := command("dev", "Run the whole platform on this machine until Ctrl-C", func(cmd *cobra.Command, o platform.Options) error {
		o.Traced, o.Watched, o.RedisCluster = true, monitoring, cluster
		if traces != "" {
			o.Settings = map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": traces}
		}
		return platform.Up(cmd.Context(), o.WithReplicas(replicas))
	})
	up.Flags().IntVar(&replicas, "replicas", 0, "number of api processes behind nginx, and of workers; from 2 on Postgres and Redis have replicas, too; 0: one of each and no nginx")
	up.Flags().BoolVar(&cluster, "redis-cluster", false, "run Redis as a cluster of three masters, each with a replica; its earlier data is not kept")
	up.Flags().BoolVar(&monitoring, "monitoring", false, "run Prometheus and Alertmanager, and print the alerts that fire")
	up.Flags().StringVar(&traces, "traces", "", "your own trace collector (OTLP over HTTP), such as http://127.0.0.1:4318; empty: a built-in one with a page")
	return []*cobra.Command{
		up,
		command("demo", "Run the whole platform and follow one payment through it",
			func(cmd *cobra.Command, o platform.Options) error { return Demo(cmd.Context(), o) }),
		benchCommand(out),
		drillCommand(out),
		resetsCommand(out),
		conformanceCommand(out),
		loadCommand(out),
		alertsCommand(out),
	}
}

// benchCommand measures; its hidden subcommand serves the handler that the API is compared with.
func benchCommand(out io.Writer) *cobra.Command {
	o := bench.Options{Out: out}
	cmd := &cobra.Command{Use: "bench", Short: "Measure the platform against the limits of this machine", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if o.Program, err = product(); err != nil {
				return err
			}
			return bench.Run(cmd.Context(), o)
		}}
	cmd.Flags().StringVar(&o.Only, "only", "", "measure only the parts whose title contains this, and write no report")
	cmd.Flags().IntVar(&o.Rounds, "rounds", 5, "number of rounds; each ratio is their median")
	cmd.Flags().DurationVar(&o.Length, "length", 10*time.Second, "length of one round")
	cmd.Flags().StringVar(&o.Report, "report", "docs/performance.md", "the page whose table is replaced; empty: none")

	var address, broker string
	bare := &cobra.Command{Use: "bare", Short: "Serve the bare webhook handler", Args: cobra.NoArgs, Hidden: true,
		RunE: func(cmd *cobra.Command, _ []string) error { return bench.ServeBare(cmd.Context(), address, broker) }}
	bare.Flags().StringVar(&address, "address", "", "host:port")
	bare.Flags().StringVar(&broker, "broker", "", "amqp://…")
	cmd.AddCommand(bare, benchDatabaseCommand(out))
	return cmd
}

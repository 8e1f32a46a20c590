// Command onlywave-lab runs the whole platform on one machine, breaks it and measures it, and serves the stand-ins for external
// services. Its one rule: it uses the product from outside, as a program and over the network.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := runLab(ctx, os.Args[1:], os.Environ(), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "onlywave-lab:", err)
		os.Exit(1)
	}
}

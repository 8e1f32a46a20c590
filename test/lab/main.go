// Command onlywave-lab is what is not the product: the whole platform on one machine, to try, to break and to measure, and the stand-ins
// for the services of others. Its one rule: it knows the product as anybody does, as a program beside it and over the network.
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

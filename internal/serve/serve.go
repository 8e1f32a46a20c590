// Package serve runs an HTTP server until its context ends. Its one rule: no client keeps a connection for ever and none takes all
// connections, even without a load balancer in front.
package serve

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// Options are the settings of a server.
type Options struct {
	Address string // host:port
	Handler http.Handler
	// PerAddress is how many connections one client address may have at one time; further ones are closed at once. IPv6 addresses
	// count by their /64 network, which one subscriber has.
	PerAddress int
	// Balancers are addresses or networks, such as 10.0.0.0/8, whose connections are not counted: they serve many clients.
	Balancers []string
	// ReadTimeout is for reading a whole request with its body, even when bytes keep coming; 0: 15 s.
	ReadTimeout time.Duration
	Finish      time.Duration // for requests in flight, once ctx has ended
	Log         *slog.Logger
}

const (
	headerTimeout = 5 * time.Second
	readTimeout   = 15 * time.Second
	writeTimeout  = 60 * time.Second // longer than the longest wait that a client may ask for
	idleTimeout   = 2 * time.Minute  // longer than the balancer keeps a connection to us
	headerBytes   = 16 << 10
)

// HTTP serves until ctx ends, then lets the requests in flight finish.
func HTTP(ctx context.Context, o Options) error {
	balancers, err := parseNetworks(o.Balancers)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	plain, err := net.Listen("tcp", o.Address)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	listener := &listener{Listener: plain, most: o.PerAddress, spared: balancers, log: o.Log, open: map[client]int{}}
	if o.ReadTimeout == 0 {
		o.ReadTimeout = readTimeout
	}
	server := &http.Server{
		Handler:           answerEarly(o.Handler),
		ReadHeaderTimeout: min(headerTimeout, o.ReadTimeout),
		ReadTimeout:       o.ReadTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    headerBytes,
		ErrorLog:          slog.NewLogLogger(o.Log.Handler(), slog.LevelWarn),
	}
	o.Log.Info("listening", "address", plain.Addr().String())
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	finish, cancel := context.WithTimeout(context.WithoutCancel(ctx), o.Finish)
	defer cancel()
	return server.Shutdown(finish)
}

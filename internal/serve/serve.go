// Package serve answers HTTP at an address until its time has come. Its one rule: no client has a connection for ever, and none
// has them all, also where no balancer stands in front.
package serve

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// Options say what to serve, and to whom.
type Options struct {
	Address string // host:port
	Handler http.Handler
	// PerAddress is how many connections one client address may have at one time; further ones are closed at once. An IPv6
	// client is known by the first 64 bits, which one subscriber has.
	PerAddress int
	// Balancers are addresses or networks, such as 10.0.0.0/8, whose connections are not counted: they bring those of many clients.
	Balancers []string
	// ReadTimeout is for a whole request, its body included, however steadily it comes; 0: 15 s.
	ReadTimeout time.Duration
	Finish      time.Duration // what is in flight may take so long at the end
	Log         *slog.Logger
}

const (
	headerTimeout = 5 * time.Second
	readTimeout   = 15 * time.Second
	writeTimeout  = 60 * time.Second // longer than the longest wait a client may prefer
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

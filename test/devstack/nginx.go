package devstack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// NginxOptions say how to run nginx. It is none of a Stack's services: it stands in front of what is not the stack's.
type NginxOptions struct {
	Dir     string // its own
	LogFile string
	// Config stays in the foreground, logs to /dev/stdout and stderr, and has paths relative to Dir.
	Config string
	Port   int // where it listens
}

// Nginx is a running nginx. Run by root, its workers are user nobody, which reads and writes nothing.
type Nginx struct {
	*Process
	spec Spec
}

const nginxConfig = "nginx.conf"

// StartNginx lets nginx check the configuration, runs it, and returns when it listens.
func StartNginx(ctx context.Context, o NginxOptions) (*Nginx, error) {
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, fmt.Errorf("start nginx: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("start nginx: make its folder: %w", err)
	}
	path, err := program("nginx", "/usr/sbin")
	if err != nil {
		return nil, fmt.Errorf("start nginx: %w", err)
	}
	n := &Nginx{spec: Spec{
		Name: "nginx", Path: path, Args: nginxArgs(dir, nginxConfig), Env: environment(dir), Dir: dir, LogFile: o.LogFile,
		StopSignal: syscall.SIGQUIT, // requests in flight are finished
		Grace:      startLimit, Port: o.Port, Group: true,
	}}
	if err := n.write(ctx, o.Config); err != nil {
		return nil, err
	}
	if n.Process, err = StartProcess(ctx, n.spec); err != nil {
		return nil, err
	}
	return n, nil
}

// Reload goes over to another configuration, once nginx has found it good: new requests meet it as soon as its workers
// have started, and those in flight end under the old one.
func (n *Nginx) Reload(ctx context.Context, config string) error {
	if err := n.write(ctx, config); err != nil {
		return err
	}
	return n.signal(syscall.SIGHUP)
}

// write puts a configuration in its place only if it is good.
func (n *Nginx) write(ctx context.Context, config string) error {
	candidate := filepath.Join(n.spec.Dir, "new.conf")
	if err := os.WriteFile(candidate, []byte(config), 0o600); err != nil {
		return fmt.Errorf("configure nginx: %w", err)
	}
	check := n.spec
	check.Name, check.Args, check.Group = "nginx -t", append(nginxArgs(n.spec.Dir, "new.conf"), "-t", "-q"), false
	if err := finish(ctx, check); err != nil {
		return errors.Join(fmt.Errorf("configure nginx: %w", err), os.Remove(candidate))
	}
	if err := os.Rename(candidate, filepath.Join(n.spec.Dir, nginxConfig)); err != nil {
		return fmt.Errorf("configure nginx: %w", err)
	}
	return nil
}

func nginxArgs(dir, config string) []string {
	args := []string{"-p", dir + "/", "-e", "stderr", "-c", filepath.Join(dir, config)}
	// Debian has it in a package of its own; elsewhere it is part of nginx.
	const stream = "/usr/lib/nginx/modules/ngx_stream_module.so"
	if _, err := os.Stat(stream); err == nil {
		args = append(args, "-g", "load_module "+stream+";")
	}
	return args
}

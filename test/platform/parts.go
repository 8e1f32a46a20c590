package platform

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/onlywave/onlywave/test/devstack"
)

func (p *Platform) startParts(ctx context.Context, at ports) error {
	p.APIs = make([]*devstack.Process, len(at.apis))
	p.Shops = make([]*Shop, len(at.apis))
	p.Workers = make([]*devstack.Process, p.options.Workers)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		p.Simulator, err = p.part(ctx, "simulator", "simulator", nil, at.simulator, "/admin/faults", "[")
		return err
	})
	group.Go(func() (err error) {
		p.MailSink, err = p.part(ctx, "mailsink", "mailsink", nil, at.mailSink, "/api/faults", "[")
		return err
	})
	for i, port := range at.apis {
		group.Go(func() (err error) {
			p.APIs[i], p.Shops[i], err = p.api(ctx, numbered("api", i), port, nil)
			return err
		})
	}
	for i := range p.Workers {
		group.Go(func() (err error) {
			p.Workers[i], err = p.part(ctx, "worker", numbered("worker", i), nil, 0, "", "")
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	p.Front = p.Shops[0]
	return nil
}

// AddAPI starts one more API process with its own settings, outside the balancer.
func (p *Platform) AddAPI(ctx context.Context, settings map[string]string) (*Shop, error) {
	port, err := devstack.FreePort(0)
	if err != nil {
		return nil, err
	}
	process, shop, err := p.api(ctx, numbered("api", len(p.APIs)), port, settings)
	if err != nil {
		return nil, err
	}
	p.APIs, p.Shops = append(p.APIs, process), append(p.Shops, shop)
	return shop, nil
}

func (p *Platform) api(ctx context.Context, name string, port int, settings map[string]string) (*devstack.Process, *Shop, error) {
	own := map[string]string{"API_ADDRESS": fmt.Sprintf("127.0.0.1:%d", port)}
	maps.Copy(own, settings)
	shop := &Shop{URL: "http://" + own["API_ADDRESS"], Key: p.Key}
	process, err := p.part(ctx, "api", name, own, port, "/readyz", `"ready"`)
	return process, shop, err
}

// part starts one process and waits until it can be used: one that listens until its page contains the word, such as "ready" instead of
// "degraded", any other until it reports that it has started.
func (p *Platform) part(ctx context.Context, command, name string, own map[string]string, port int, page, word string) (*devstack.Process, error) {
	began := time.Now()
	settings := map[string]string{}
	standIn := command == "simulator" || command == "mailsink" // for an external service
	if p.options.Links && !standIn {
		var err error
		if settings, err = p.linked(name); err != nil {
			return nil, err
		}
	}
	if !standIn {
		address, err := p.showAt(name)
		if err != nil {
			return nil, err
		}
		settings["METRICS_ADDRESS"] = address
	}
	maps.Copy(settings, own)
	program := p.options.Program
	if standIn { // the stand-ins are in the program that starts the platform
		var err error
		if program, err = os.Executable(); err != nil {
			return nil, err
		}
	}
	spec := devstack.Spec{
		Name: name, Path: program, Args: []string{command}, Env: p.environment(settings),
		LogFile: filepath.Join(p.Logs, name+".log"), Port: port, Grace: partGrace,
	}
	if port != 0 {
		url := fmt.Sprintf("http://127.0.0.1:%d%s", port, page)
		if !standIn {
			url = "http://" + settings["METRICS_ADDRESS"] + page // the public page does not show the dependencies
		}
		spec.Ready = func(ctx context.Context) error { return answers(ctx, url, word) }
	} else { // a worker has no public page; it has started when its metrics page says so
		spec.Ready = func(ctx context.Context) error {
			return devstack.AnswersOK(ctx, "http://"+settings["METRICS_ADDRESS"]+"/startupz")
		}
	}
	process, err := devstack.StartProcess(ctx, spec)
	if err == nil {
		p.say("  %-11s ready  (%s)", name, Took(began))
	}
	return process, err
}

// Set changes a setting of every api and worker from its next start on, and of commands.
func (p *Platform) Set(name, value string) {
	p.settings[name] = value
	for _, part := range slices.Concat(p.APIs, p.Workers) {
		part.Setenv(name, value)
	}
}

// Migrate brings the schema up to date.
func (p *Platform) Migrate(ctx context.Context) error { return p.run(ctx, "migrate") }

// run runs a command of onlywave to its end.
func (p *Platform) run(ctx context.Context, args ...string) error {
	cmd := exec.CommandContext(ctx, p.options.Program, args...)
	cmd.Env = p.environment(nil)
	if output, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("onlywave %s: %w\n%s", strings.Join(args, " "), err, output)
	}
	return nil
}

// environment is all that the processes see, so that variables of this shell change nothing.
func (p *Platform) environment(own map[string]string) []string {
	settings := maps.Clone(p.settings)
	maps.Copy(settings, own)
	env := append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME")}, p.options.Env...)
	for name, value := range settings {
		env = append(env, name+"="+value)
	}
	return env
}

func numbered(name string, i int) string {
	if i == 0 {
		return name
	}
	return fmt.Sprintf("%s-%d", name, i+1)
}

func answers(ctx context.Context, url, word string) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	answer, err := Send(ctx, nil, http.MethodGet, url, "")
	if err != nil {
		return err
	}
	if answer.Status != http.StatusOK || !bytes.Contains(answer.Body, []byte(word)) {
		return fmt.Errorf("%s answers %d: %s", url, answer.Status, answer.Body)
	}
	return nil
}

// Pause waits; false says that ctx ended first.
func Pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

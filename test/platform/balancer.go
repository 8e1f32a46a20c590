package platform

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/onlywave/onlywave/deploy/nginx"
	"github.com/onlywave/onlywave/test/devstack"
)

// Every request comes from one address here, so the limits are those of a whole machine, not of one client.
const (
	balancerRate, balancerBurst = 2000, 2000
	// BalancerConnections is how many connections one address may have at one time, of twice as many in all.
	BalancerConnections = 2048
)

func (p *Platform) startBalancer(ctx context.Context, dir string, at ports) error {
	began := time.Now()
	inner, err := devstack.FreePort(0)
	if err != nil {
		return err
	}
	c := nginx.Config{
		Listen: fmt.Sprintf("127.0.0.1:%d", at.balancer), Inner: fmt.Sprintf("127.0.0.1:%d", inner), Rate: balancerRate, Burst: balancerBurst,
		Connections: BalancerConnections, Requests: BalancerConnections, Capacity: 2 * BalancerConnections, Workers: 2,
	}
	for _, port := range at.apis {
		c.APIs = append(c.APIs, fmt.Sprintf("127.0.0.1:%d", port))
	}
	if p.balancing, err = nginx.Render(c); err != nil {
		return err
	}
	p.Balancer, err = devstack.StartNginx(ctx, devstack.NginxOptions{
		Dir: filepath.Join(dir, "nginx"), LogFile: filepath.Join(p.Logs, "nginx.log"), Config: p.balancing, Port: at.balancer,
	})
	if err != nil {
		return err
	}
	p.Front = &Shop{URL: "http://" + c.Listen, Key: p.Key}
	p.say("  %-11s ready  (%s)", "nginx", Took(began))
	return nil
}

// ReloadBalancer makes nginx read its configuration again, as after a change: new nginx workers replace the old ones.
func (p *Platform) ReloadBalancer(ctx context.Context) error {
	return p.Balancer.Reload(ctx, p.balancing)
}

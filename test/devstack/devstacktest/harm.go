package devstacktest

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/test/devstack"
)

// Harm is a way in which a service becomes unavailable, and how it recovers.
type Harm struct {
	Do, Heal func(*testing.T, *devstack.Process)
}

// Harms are the two ways that differ for a caller that waits: one that is killed refuses connections, one that is silent keeps
// them and never answers.
func Harms() map[string]Harm {
	return map[string]Harm{
		"killed": {
			Do:   func(t *testing.T, p *devstack.Process) { require.NoError(t, p.Kill()) },
			Heal: func(t *testing.T, p *devstack.Process) { require.NoError(t, p.Restart(t.Context())) },
		},
		"silent": {
			Do:   func(t *testing.T, p *devstack.Process) { require.NoError(t, p.Pause()) },
			Heal: func(t *testing.T, p *devstack.Process) { require.NoError(t, p.Resume()) },
		},
	}
}

package access

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRolesAllowTheirScopes(t *testing.T) {
	t.Parallel()
	for role, allowed := range map[Role][]Scope{
		Operator: {ScopeOperationsRead, ScopeOperationsWrite}, Viewer: {ScopeOperationsRead}, "king": {}, "": {},
	} {
		for _, s := range append(Scopes(), "") {
			require.Equal(t, slices.Contains(allowed, s), role.Allows(s), "%s %s", role, s)
		}
		require.Equal(t, len(allowed) > 0, role.Known())
	}
}

func TestUserNames(t *testing.T) {
	t.Parallel()
	for name, valid := range map[string]bool{
		"ana": true, "ana.souza-2_x": true, "1": true, strings.Repeat("a", 32): true,
		"": false, "Ana": false, ".ana": false, "ana souza": false, "aná": false, strings.Repeat("a", 33): false, "ana\n": false,
	} {
		require.Equal(t, valid, ValidUserName(name), "%q", name)
	}
}

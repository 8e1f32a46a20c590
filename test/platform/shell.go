package platform

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Operate runs a command in the shell of an operator, as the documentation shows it: from the repository's folder, with the variables
// that Addresses names, and with both the programs and the temporal command on the PATH. It returns what the command prints on standard
// output; what it prints on standard error is in the error.
func (p *Platform) Operate(ctx context.Context, words ...string) (string, error) {
	programs := filepath.Dir(p.options.Program)
	folder := filepath.Dir(programs)
	name := words[0]
	if strings.Contains(name, "/") {
		name = filepath.Join(folder, name)
	} else {
		name = filepath.Join(programs, name)
	}
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(ctx, name, words[1:]...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = folder, &out, &errs
	cmd.Env = append(os.Environ(), "PATH="+programs+string(os.PathListSeparator)+os.Getenv("PATH"))
	for _, variable := range operatorVariables {
		cmd.Env = append(cmd.Env, variable+"="+p.settings[variable])
	}
	if err := cmd.Run(); err != nil {
		return out.String(), fmt.Errorf("%w: %s", err, strings.TrimSpace(errs.String()))
	}
	return out.String(), nil
}

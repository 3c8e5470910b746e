package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// A module is a dependency of the program.
type module struct {
	Path, Version, Dir string
	Sum                string // of go.sum: "h1:" and the base64 of a SHA-256 over the module's files
	Licence            string // an SPDX expression
}

// listModules gives the modules whose packages the program links, sorted by path, and the version of Go.
func listModules(pkg string) ([]module, string, error) {
	raw, err := goOutput("list", "-mod=readonly", "-deps", "-json=Module", pkg)
	if err != nil {
		return nil, "", err
	}
	sums, err := readSums("go.sum")
	if err != nil {
		return nil, "", err
	}
	seen := map[string]bool{}
	var out []module
	for dec := json.NewDecoder(bytes.NewReader(raw)); ; {
		var p struct {
			Module *struct {
				Path, Version, Dir string
				Main               bool
			}
		}
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, "", err
		}
		if p.Module == nil || p.Module.Main || seen[p.Module.Path] {
			continue
		}
		seen[p.Module.Path] = true
		sum, ok := sums[p.Module.Path+" "+p.Module.Version]
		if !ok {
			return nil, "", fmt.Errorf("go.sum has no sum of %s %s", p.Module.Path, p.Module.Version)
		}
		out = append(out, module{Path: p.Module.Path, Version: p.Module.Version, Dir: p.Module.Dir, Sum: sum})
	}
	slices.SortFunc(out, func(a, b module) int { return strings.Compare(a.Path, b.Path) })
	version, err := goOutput("env", "GOVERSION")
	return out, strings.TrimSpace(string(version)), err
}

func goOutput(args ...string) ([]byte, error) {
	cmd := exec.Command("go", args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go %s: %w", strings.Join(args, " "), err)
	}
	return out, nil
}

// readSums reads go.sum: the sum of every "path version".
func readSums(file string) (map[string]string, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	sums := map[string]string{}
	sc := bufio.NewScanner(f)
	for sc.Scan() {
		if fields := strings.Fields(sc.Text()); len(fields) == 3 && !strings.HasSuffix(fields[1], "/go.mod") {
			sums[fields[0]+" "+fields[1]] = fields[2]
		}
	}
	return sums, sc.Err()
}

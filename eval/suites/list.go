package suites

import (
	"fmt"
	"strings"
)

// All lists the suites in the order of the documentation.
func All() []*Suite {
	return []*Suite{
		vqav2(),
		gqa(),
		vizwiz(),
		textvqa(),
		chartqa(),
		docvqa(),
		infovqa(),
		ocrbench(),
		mathvista(),
		pope(),
		scienceqa(),
		mme(),
		mmbench(),
		mmbenchCN(),
		seed(),
		mmmu(),
		ai2d(),
		realworldqa(),
		llavaBench(),
		mmvet(),
		generic(),
	}
}

// Find is the suite of a name.
func Find(name string) (*Suite, error) {
	var names []string
	for _, s := range All() {
		if s.Name == name {
			return s, nil
		}
		names = append(names, s.Name)
	}
	return nil, fmt.Errorf("suite %q is not known, expected one of %s", name, strings.Join(names, ", "))
}

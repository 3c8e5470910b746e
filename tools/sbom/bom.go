package main

import (
	"encoding/json"
	"io"
	"strings"
)

// The parts of CycloneDX that are used.
type bom struct {
	Format       string       `json:"bomFormat"`
	Spec         string       `json:"specVersion"`
	Version      int          `json:"version"`
	Metadata     metadata     `json:"metadata"`
	Components   []component  `json:"components"`
	Dependencies []dependency `json:"dependencies"`
}

type metadata struct {
	Component component `json:"component"`
}

type component struct {
	Type       string       `json:"type"`
	Ref        string       `json:"bom-ref"`
	Name       string       `json:"name"`
	Version    string       `json:"version,omitempty"`
	Licences   []licence    `json:"licenses"`
	PURL       string       `json:"purl,omitempty"`
	References []reference  `json:"externalReferences,omitempty"`
	Properties []properties `json:"properties,omitempty"`
}

type licence struct {
	Expression string `json:"expression"`
}

type reference struct {
	Type string `json:"type"`
	URL  string `json:"url"`
}

type properties struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type dependency struct {
	Ref       string   `json:"ref"`
	DependsOn []string `json:"dependsOn"`
}

// writeBOM writes the bill of materials. go.sum's sums are over a listing of the module's files, not over one file, so they are
// properties and no hashes.
func writeBOM(w io.Writer, modules []module, goVersion string) error {
	const program = "llavabench"
	std := purl("std", strings.TrimPrefix(goVersion, "go"))
	b := bom{
		Format: "CycloneDX", Spec: "1.6", Version: 1,
		Metadata: metadata{component{Type: "application", Ref: program, Name: program, Licences: []licence{{"Apache-2.0"}}}},
		Components: []component{{
			Type: "library", Ref: std, Name: "std", Version: goVersion, Licences: []licence{{"BSD-3-Clause"}}, PURL: std,
			References: []reference{{"website", "https://go.dev"}},
		}},
	}
	needs := dependency{Ref: program, DependsOn: []string{std}}
	for _, m := range modules {
		p := purl(m.Path, m.Version)
		b.Components = append(b.Components, component{
			Type: "library", Ref: p, Name: m.Path, Version: m.Version, Licences: []licence{{m.Licence}}, PURL: p,
			References: []reference{{"website", "https://pkg.go.dev/" + m.Path}}, Properties: []properties{{"go:sum", m.Sum}},
		})
		needs.DependsOn = append(needs.DependsOn, p)
	}
	b.Dependencies = []dependency{needs}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(b)
}

// purl is the package URL of a Go module.
func purl(path, version string) string {
	return "pkg:golang/" + strings.ReplaceAll(path, "~", "%7E") + "@" + strings.ReplaceAll(version, "+", "%2B")
}

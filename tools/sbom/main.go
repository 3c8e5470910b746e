// Command sbom lists what the program llavabench is made of: with -licences a table of all modules with their licences, else a
// bill of materials in CycloneDX 1.6 JSON. It reads go.mod, go.sum and the module cache and needs no network. The same sources
// and the same Go give the same bytes: there is no time stamp and no random number in it.
//
// A licence that cannot be recognised, or that is not on the list of allowed ones, makes it fail.
//
// Format: https://cyclonedx.org/docs/1.6/json/ and https://github.com/package-url/purl-spec for the names of packages.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"text/tabwriter"
)

func main() {
	licences := flag.Bool("licences", false, "print a table of licences instead")
	out := flag.String("o", "", "file to write (default: standard output)")
	flag.Parse()
	if err := run(*licences, *out); err != nil {
		fmt.Fprintln(os.Stderr, "sbom:", err)
		os.Exit(1)
	}
}

func run(licences bool, out string) (err error) {
	modules, version, err := listModules("./cmd/llavabench")
	if err != nil {
		return err
	}
	for i := range modules {
		if modules[i].Licence, err = licenceOf(modules[i].Dir); err != nil {
			return fmt.Errorf("%s: %w", modules[i].Path, err)
		}
	}
	w := io.Writer(os.Stdout)
	if out != "" {
		f, err := os.Create(out)
		if err != nil {
			return err
		}
		defer func() {
			if cerr := f.Close(); err == nil {
				err = cerr
			}
		}()
		w = f
	}
	if licences {
		return printLicences(w, modules)
	}
	return writeBOM(w, modules, version)
}

func printLicences(w io.Writer, modules []module) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "module\tversion\tlicence")
	for _, m := range modules {
		fmt.Fprintf(t, "%s\t%s\t%s\n", m.Path, m.Version, m.Licence)
	}
	return t.Flush()
}

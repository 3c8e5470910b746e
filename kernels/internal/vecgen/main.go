// Vecgen writes the amd64 assembly of the vector and attention kernels: the same operations once for AVX2 and once for
// AVX-512. The pure-Go functions of package kernels are the definition; what is generated here performs their operations
// in their order, lane by lane.
//
// Usage: go run ./internal/vecgen DIR, from the directory of package kernels.
package main

import (
	"fmt"
	"go/format"
	"log"
	"os"
	"path/filepath"
	"sort"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) != 2 {
		log.Fatal("usage: vecgen DIR")
	}
	files := generate()
	names := make([]string, 0, len(files))
	for name := range files {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		if err := os.WriteFile(filepath.Join(os.Args[1], name), files[name], 0o644); err != nil {
			log.Fatal(err)
		}
	}
}

// generate returns the contents of every generated file by its name.
func generate() map[string][]byte {
	files := map[string][]byte{}
	for _, t := range []target{avx2, avx512} {
		v := newGen(t)
		v.vectors()
		files[fmt.Sprintf("vectors_%s_amd64.s", t.name)] = v.bytes()
		a := newGen(t)
		a.attention()
		files[fmt.Sprintf("attention_%s_amd64.s", t.name)] = a.bytes()
		stubs, err := format.Source(a.attentionStubs())
		if err != nil {
			log.Fatal(err)
		}
		files[fmt.Sprintf("attention_%s_amd64.go", t.name)] = stubs
	}
	return files
}

// Vecgen writes the assembly of the vector and attention kernels: the same operations for AVX2, AVX-512 and NEON. The pure-Go functions of package kernels are the definition; what is generated here performs their operations
// in their order, lane by lane.
//
// Usage: go run ./internal/vecgen DIR, from the directory of package kernels.
package main

import (
	"fmt"
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
		files[fmt.Sprintf("attention_%s_amd64.go", t.name)] = attentionStubs("amd64", t.suffix, a.scoreShapes(), a.sumShapes(), t.lanes)
	}
	v, a := newNeon(), newNeon()
	v.vectors()
	a.attention()
	files["vectors_neon_arm64.s"] = v.bytes()
	files["attention_neon_arm64.s"] = a.bytes()
	files["attention_neon_arm64.go"] = attentionStubs("arm64", "NEON", neonScoreShapes(), neonSumShapes(), 4)
	return files
}

package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
)

// A mutation damages bytes; exact ones may be accepted only with the answer of the undamaged file.
type mutation struct {
	name  string
	exact bool
	apply func(rng *rand.Rand, data []byte, structure int) []byte
}

var mutations = []mutation{
	{"cut", true, func(rng *rand.Rand, data []byte, _ int) []byte { return data[:rng.IntN(len(data))] }},
	{"cut at the end", true, func(rng *rand.Rand, data []byte, _ int) []byte {
		return data[:len(data)-1-rng.IntN(min(16, len(data)))]
	}},
	{"bit", false, func(rng *rand.Rand, data []byte, structure int) []byte {
		data[at(rng, data, structure)] ^= 1 << rng.IntN(8)
		return data
	}},
	{"bits", false, func(rng *rand.Rand, data []byte, structure int) []byte {
		for range 2 + rng.IntN(20) {
			data[at(rng, data, structure)] ^= 1 << rng.IntN(8)
		}
		return data
	}},
	{"length", false, lie},
	{"number", false, number},
	{"zeros", false, func(rng *rand.Rand, data []byte, structure int) []byte {
		from := at(rng, data, structure)
		clear(data[from:min(len(data), from+1+rng.IntN(64))])
		return data
	}},
	{"doubled", false, func(rng *rand.Rand, data []byte, structure int) []byte {
		from := at(rng, data, structure)
		to := min(len(data), from+1+rng.IntN(min(200, 1+len(data)/2))) // a whole file twice can be valid
		return bytes.Join([][]byte{data[:to], data[from:]}, nil)
	}},
	{"dropped", false, func(rng *rand.Rand, data []byte, structure int) []byte {
		from := at(rng, data, structure)
		to := min(len(data), from+1+rng.IntN(200))
		return append(data[:from:from], data[to:]...)
	}},
}

// at is a position, mostly in the structure where there is one.
func at(rng *rand.Rand, data []byte, structure int) int {
	if structure > 0 && rng.IntN(4) > 0 {
		return rng.IntN(min(structure, len(data)))
	}
	return rng.IntN(len(data))
}

// lie overwrites 1, 2, 4 or 8 bytes by a number that a length must not be.
func lie(rng *rand.Rand, data []byte, structure int) []byte {
	values := []uint64{0, 1, math.MaxUint64, math.MaxInt64, math.MaxUint32, math.MaxInt32, math.MaxUint16, 1 << 40, uint64(len(data)), uint64(len(data)) + 1, uint64(len(data)) - 1}
	v := values[rng.IntN(len(values))]
	var b [8]byte
	size := 1 << rng.IntN(4)
	if rng.IntN(2) == 0 {
		binary.LittleEndian.PutUint64(b[:], v)
		copy(data[at(rng, data, structure):], b[:size])
	} else {
		binary.BigEndian.PutUint64(b[:], v)
		copy(data[at(rng, data, structure):], b[8-size:])
	}
	return data
}

var digits = regexp.MustCompile(`-?\d+(\.\d+)?([eE][+-]?\d+)?`)

// number replaces a decimal number of a text, or is another lie where there is none.
func number(rng *rand.Rand, data []byte, structure int) []byte {
	found := digits.FindAllIndex(data, 10_000)
	if len(found) == 0 {
		return lie(rng, data, structure)
	}
	n := found[rng.IntN(len(found))]
	values := []string{"0", "-1", "1", "1e999", "-9223372036854775808", "18446744073709551615", "4294967296", "1099511627776", "0.5", "NaN", "null", `"7"`, "[]", "{}", "1000000"}
	return bytes.Join([][]byte{data[:n[0]], []byte(values[rng.IntN(len(values))]), data[n[1]:]}, nil)
}

// generate makes n trials of a kind. The same seed gives the same ones, whatever other kinds there are.
func generate(k *kind, n int, seed uint64) []*trial {
	if k.plain {
		return nil
	}
	h := fnv.New64a()
	h.Write([]byte(k.name))
	var out []*trial
	for i := range n {
		m := mutations[i%len(mutations)]
		out = append(out, &trial{kind: k, name: fmt.Sprintf("%s %d", m.name, i), exact: m.exact && !k.loose || k.sealed, damage: func(dir string) error {
			rng := rand.New(rand.NewPCG(seed, h.Sum64()+uint64(i)))
			path := filepath.Join(dir, filepath.FromSlash(k.file))
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			return os.WriteFile(path, m.apply(rng, data, k.structure), 0o644)
		}})
	}
	return out
}

package kernels

import (
	"fmt"
	"unsafe"

	"llavabench/internal/tensor"
)

// keyPanel is the number of keys that lie side by side in a panel, one per lane of a 512-bit register.
const keyPanel = 16

// keyAlign is the number of keys to which the room for keys is rounded up, so that kernels may work on four panels at once.
const keyAlign = 4 * keyPanel

// ForkCopies is how many keys a fork copies at most of a KV that is not a fork.
const ForkCopies = keyAlign - 1

// A KV holds the keys and values of one sequence in one layer, in F32, F16 or BF16 (rounded to nearest even as they are
// written), laid out for the attention kernels:
//
//	keys    [heads][capacity/16][dim][16]     panels of 16 keys, the keys as lanes
//	values  [heads][capacity][width]          width = dim rounded up to 16, the rest zero
//
// capacity is rounded up to 64 keys in memory. A KV must not be written while it is read; any number of readers is fine.
//
// A fork (see Fork) has its first keys in another KV, which it reads, and the rest in its own memory.
type KV struct {
	heads, dim, width int
	capacity, room    int // in keys: as promised, and rounded up; of a fork, without the keys of its base in room
	length            int
	base              *KV // holds the keys below shared; nil where shared is 0
	shared            int // a multiple of keyAlign
	dtype             tensor.DType
	keys, values      []byte
	line              []byte // scratch of Append: one head of one row
}

// NewKV makes room for capacity keys and values of heads heads of dim elements, stored as d: F32, F16 or BF16.
func NewKV(heads, dim, capacity int, d tensor.DType) *KV {
	if heads <= 0 || dim <= 0 || capacity < 0 || !d.IsFloat() {
		panic(fmt.Sprintf("kernels: NewKV of %d heads of %d, capacity %d, type %s", heads, dim, capacity, d))
	}
	kv := &KV{heads: heads, dim: dim, width: roundUp(dim, 16), capacity: capacity, room: roundUp(capacity, keyAlign), dtype: d}
	kv.keys = make([]byte, heads*kv.room*dim*d.Size())
	kv.values = make([]byte, heads*kv.room*kv.width*d.Size())
	kv.line = make([]byte, dim*d.Size())
	return kv
}

func roundUp(n, to int) int { return (n + to - 1) / to * to }

// Len is the number of keys held.
func (kv *KV) Len() int { return kv.length }

// Cap is the number of keys that can be held.
func (kv *KV) Cap() int { return kv.capacity }

// Heads is the number of key-value heads.
func (kv *KV) Heads() int { return kv.heads }

// Dim is the number of elements of a head.
func (kv *KV) Dim() int { return kv.dim }

// DType is the type in which keys and values are stored.
func (kv *KV) DType() tensor.DType { return kv.dtype }

// Bytes is the memory reserved for keys and values; a fork's without its base.
func (kv *KV) Bytes() int64 { return int64(len(kv.keys)) + int64(len(kv.values)) }

// Truncate drops all keys and values from n on. n must not exceed Len, nor cut into what a fork shares.
func (kv *KV) Truncate(n int) {
	if n < kv.shared || n > kv.length {
		panic(fmt.Sprintf("kernels: KV truncated to %d of %d keys", n, kv.length))
	}
	kv.length = n
}

// Fork returns a KV with room for capacity keys whose first n are those of kv. It copies fewer than 64 of them and reads the
// others where they are: kv may grow, but must keep its first n keys for as long as the fork is used. A fork of a fork copies what
// kv has in its own memory and reads the rest in kv's base, which alone must be kept. n must not exceed Len. The fork gives the
// bits that a copy would give.
func (kv *KV) Fork(n, capacity int) *KV {
	if n < 0 || n > kv.length || capacity < n {
		panic(fmt.Sprintf("kernels: fork of %d of %d keys with capacity %d", n, kv.length, capacity))
	}
	base, shared := kv, n/keyAlign*keyAlign
	if kv.base != nil {
		if n < kv.shared {
			return kv.base.Fork(n, capacity)
		}
		base, shared = kv.base, kv.shared
	}
	f := NewKV(kv.heads, kv.dim, capacity-shared, kv.dtype)
	f.capacity, f.length = capacity, n
	if shared > 0 {
		f.base, f.shared = base, shared
	}
	size := kv.dtype.Size()
	first, last, lastPanel := shared-kv.shared, n-kv.shared, roundUp(n, keyPanel)-kv.shared
	for h := range kv.heads {
		copy(f.headKeys(h), kv.headKeys(h)[first*kv.dim*size:lastPanel*kv.dim*size])
		copy(f.headValues(h), kv.headValues(h)[first*kv.width*size:last*kv.width*size])
	}
	return f
}

// Clone returns an independent copy, of a KV that is not a fork, with the same capacity.
func (kv *KV) Clone() *KV {
	c := NewKV(kv.heads, kv.dim, kv.capacity, kv.dtype)
	c.CopyPrefix(kv, kv.length)
	return c
}

// CopyPrefix replaces the contents of kv by the first n keys and values of src, which must have the same heads, dim and
// type. Neither is a fork. Nothing is rounded again, so a copied prefix gives the bits of a computed one.
func (kv *KV) CopyPrefix(src *KV, n int) {
	if kv.base != nil || src.base != nil || kv.heads != src.heads || kv.dim != src.dim || kv.dtype != src.dtype || n < 0 || n > src.length || n > kv.capacity {
		panic(fmt.Sprintf("kernels: copying %d of %d keys from [%d heads, %d, %s] to [%d heads, %d, %s] with capacity %d",
			n, src.length, src.heads, src.dim, src.dtype, kv.heads, kv.dim, kv.dtype, kv.capacity))
	}
	for h := range kv.heads {
		copy(kv.headKeys(h), src.headKeys(h)[:roundUp(n, keyPanel)*kv.dim*kv.dtype.Size()])
		copy(kv.headValues(h), src.headValues(h)[:n*kv.width*kv.dtype.Size()])
	}
	kv.length = n
}

// Append adds rows keys and values, k and v being [rows, heads·dim]. It panics when they do not fit the capacity.
func (kv *KV) Append(w *Workers, k, v []float32, rows int) {
	checkLen("Append: k", len(k), rows*kv.heads*kv.dim)
	checkLen("Append: v", len(v), rows*kv.heads*kv.dim)
	if kv.length+rows > kv.capacity {
		panic(fmt.Sprintf("kernels: %d more keys do not fit a KV that holds %d of %d", rows, kv.length, kv.capacity))
	}
	if len(k) <= elementChunk {
		for h := range kv.heads {
			kv.appendHead(h, k, v, rows, kv.line)
		}
	} else {
		w.Do(kv.heads, func(_, h int) { kv.appendHead(h, k, v, rows, make([]byte, len(kv.line))) })
	}
	kv.length += rows
}

func (kv *KV) appendHead(h int, k, v []float32, rows int, line []byte) {
	size := kv.dtype.Size()
	keys, values := kv.headKeys(h), kv.headValues(h)
	for r := range rows {
		j := kv.length - kv.shared + r
		at := (r*kv.heads + h) * kv.dim
		Narrow(line, kv.dtype, k[at:at+kv.dim])
		scatter(keys[(j/keyPanel*kv.dim*keyPanel+j%keyPanel)*size:], line, size)
		Narrow(values[j*kv.width*size:][:kv.dim*size], kv.dtype, v[at:at+kv.dim])
	}
}

// scatter writes the elements of line, size bytes each, one panel line apart.
func scatter(dst, line []byte, size int) {
	if size == 2 {
		scatterUnits(view[uint16](dst), view[uint16](line))
	} else {
		scatterUnits(view[uint32](dst), view[uint32](line))
	}
}

func scatterUnits[T uint16 | uint32](dst, line []T) {
	for i, v := range line {
		dst[i*keyPanel] = v
	}
}

// view is b, which starts at a multiple of the size of T, as numbers. They are only moved, so that the byte order of the
// machine does not matter.
func view[T uint16 | uint32](b []byte) []T {
	var zero T
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(b))), len(b)/int(unsafe.Sizeof(zero)))
}

// headKeys and headValues are the bytes of one head in kv's own memory.
func (kv *KV) headKeys(h int) []byte {
	n := kv.room * kv.dim * kv.dtype.Size()
	return kv.keys[h*n : (h+1)*n]
}

func (kv *KV) headValues(h int) []byte {
	n := kv.room * kv.width * kv.dtype.Size()
	return kv.values[h*n : (h+1)*n]
}

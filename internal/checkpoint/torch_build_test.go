package checkpoint

import (
	"encoding/binary"
	"hash/crc32"
)

// A pickler writes the opcodes that torch.save writes.
type pickler []byte

func newPickler() *pickler { return &pickler{opProto, 2} }

func (p *pickler) op(b ...byte) *pickler { *p = append(*p, b...); return p }

func (p *pickler) str(s string) *pickler {
	*p = append(*p, opBinUnicode)
	*p = binary.LittleEndian.AppendUint32(*p, uint32(len(s)))
	*p = append(*p, s...)
	return p
}

func (p *pickler) int(n int) *pickler {
	*p = append(*p, opLong1, 8)
	*p = binary.LittleEndian.AppendUint64(*p, uint64(int64(n)))
	return p
}

func (p *pickler) ints(list ...int) *pickler {
	p.op(opMark)
	for _, n := range list {
		p.int(n)
	}
	return p.op(opTuple)
}

func (p *pickler) global(module, name string) *pickler {
	return p.op(append(append([]byte{opGlobal}, module...), append([]byte("\n"+name), '\n')...)...)
}

// A tensorSpec is a view of a storage in a test file.
type tensorSpec struct {
	name, class, key string
	numel, offset    int
	size, stride     []int
}

func (p *pickler) storage(t tensorSpec) *pickler {
	return p.op(opMark).str("storage").global("torch", t.class).str(t.key).str("cuda:0").int(t.numel).op(opTuple, opBinPersID)
}

func (p *pickler) tensor(t tensorSpec) *pickler {
	p.global("torch._utils", "_rebuild_tensor_v2").op(opMark).storage(t).int(t.offset).ints(t.size...).ints(t.stride...)
	return p.op(opNewFalse).global("collections", "OrderedDict").op(opEmptyTuple, opReduce, opTuple, opReduce)
}

func (p *pickler) dict(tensors ...tensorSpec) *pickler {
	p.op(opEmptyDict, opMark)
	for _, t := range tensors {
		p.str(t.name).tensor(t)
	}
	return p.op(opSetItems)
}

func (p *pickler) stop() []byte { return append(*p, opStop) }

// A zipItem is an entry of a test archive with the ways in which it may be wrong.
type zipItem struct {
	name      string
	data      []byte
	flags     uint16 // added to the usual ones
	method    uint16
	localName string // when it differs
	crc       uint32 // added to the right one, in the directory and the descriptor
	localCRC  uint32 // added to the right one, with sizes, in a local header that states them
	stated    bool   // the local header states size and CRC, and no descriptor follows
	skip      int    // bytes between this entry and the next
	size      uint64 // added to the right one, in the directory
}

// buildZip writes an archive as PyTorch does: stored, data at multiples of 64, sizes behind the data, 64-bit end record.
func buildZip(items ...zipItem) []byte {
	le := binary.LittleEndian
	var out, dir []byte
	for _, it := range items {
		header := len(out)
		local := it.name
		if it.localName != "" {
			local = it.localName
		}
		flags := uint16(flagDescriptor|flagUTF8) | it.flags
		if it.stated {
			flags &^= flagDescriptor
		}
		pad := 64 - (header+zipLocalSize+len(local)+4)%64
		crc := crc32.ChecksumIEEE(it.data) + it.crc
		out = le.AppendUint32(out, zipLocal)
		out = le.AppendUint16(le.AppendUint16(le.AppendUint16(out, 20), flags), it.method)
		out = append(out, 0, 0, 0, 0) // time, date
		if it.stated {
			out = le.AppendUint32(le.AppendUint32(le.AppendUint32(out, crc+it.localCRC), uint32(len(it.data))), uint32(len(it.data)))
		} else {
			out = append(out, make([]byte, 12)...)
		}
		out = le.AppendUint16(le.AppendUint16(out, uint16(len(local))), uint16(pad+4))
		out = append(out, local...)
		out = le.AppendUint16(append(out, "FB"...), uint16(pad))
		out = append(out, make([]byte, pad)...)
		out = append(out, it.data...)
		if !it.stated {
			out = le.AppendUint32(le.AppendUint32(out, zipDescriptor), crc)
			out = le.AppendUint32(le.AppendUint32(out, uint32(len(it.data))), uint32(len(it.data)))
		}
		out = append(out, make([]byte, it.skip)...)

		dir = le.AppendUint32(dir, zipCentral)
		dir = le.AppendUint16(le.AppendUint16(le.AppendUint16(le.AppendUint16(dir, 798), 20), flags), it.method)
		dir = append(dir, 0, 0, 0, 0)
		size := uint32(uint64(len(it.data)) + it.size)
		dir = le.AppendUint32(le.AppendUint32(le.AppendUint32(dir, crc), size), size)
		dir = le.AppendUint16(dir, uint16(len(it.name)))
		dir = append(dir, make([]byte, 12)...) // extra, comment, disk, attributes
		dir = le.AppendUint32(dir, uint32(header))
		dir = append(dir, it.name...)
	}
	return appendZipEnd(append(out, dir...), len(items), len(dir), len(out))
}

func appendZipEnd(out []byte, count, length, start int) []byte {
	le := binary.LittleEndian
	at := len(out)
	out = le.AppendUint64(le.AppendUint32(out, zipEnd64), zipEnd64Size-12)
	out = append(out, make([]byte, 12)...) // versions and disks
	out = le.AppendUint64(le.AppendUint64(out, uint64(count)), uint64(count))
	out = le.AppendUint64(le.AppendUint64(out, uint64(length)), uint64(start))
	out = append(le.AppendUint32(out, zipLocator), 0, 0, 0, 0)
	out = le.AppendUint32(le.AppendUint64(out, uint64(at)), 1)
	out = append(le.AppendUint32(out, zipEnd), 0, 0, 0, 0)
	out = le.AppendUint16(le.AppendUint16(out, uint16(count)), uint16(count))
	out = le.AppendUint32(le.AppendUint32(out, uint32(length)), uint32(start))
	return append(out, 0, 0)
}

// torchFile wraps a pickle and storages as torch.save does.
func torchFile(pickle []byte, storages ...zipItem) []byte {
	items := []zipItem{{name: "archive/data.pkl", data: pickle}}
	for _, s := range storages {
		s.name = "archive/data/" + s.name
		items = append(items, s)
	}
	return buildZip(append(items, zipItem{name: "archive/version", data: []byte("3\n")})...)
}

// legacyFile wraps a pickle and storages as PyTorch before 1.6 did.
func legacyFile(protocol int, littleEndian byte, pickle []byte, keys []string, storages ...[]byte) []byte {
	out := []byte(legacyMagic)
	out = append(out, newPickler().int(protocol).stop()...)
	out = append(out, newPickler().op(opEmptyDict).str("little_endian").op(littleEndian, opSetItem).stop()...)
	out = append(out, pickle...)
	list := newPickler().op(opEmptyList, opMark)
	for _, k := range keys {
		list.str(k)
	}
	out = append(out, list.op(opAppends).stop()...)
	for _, s := range storages {
		out = binary.LittleEndian.AppendUint64(out, uint64(len(s)/4))
		out = append(out, s...)
	}
	return out
}

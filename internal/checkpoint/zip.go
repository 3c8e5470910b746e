package checkpoint

import (
	"cmp"
	"encoding/binary"
	"slices"
	"strings"
	"unicode/utf8"
)

// A zipEntry is one stored file of a zip archive.
type zipEntry struct {
	name   string
	data   []byte
	crc    uint32
	header uint64 // offset of the local header
}

const (
	zipLocal      = 0x04034b50
	zipCentral    = 0x02014b50
	zipEnd        = 0x06054b50
	zipEnd64      = 0x06064b50
	zipLocator    = 0x07064b50
	zipDescriptor = 0x08074b50

	zipEndSize     = 22
	zipEnd64Size   = 56
	zipLocatorSize = 20
	zipCentralSize = 46
	zipLocalSize   = 30

	flagDescriptor = 1 << 3  // sizes and CRC follow the data
	flagUTF8       = 1 << 11 // the name is UTF-8
)

// readZip lists the entries of a zip archive in the order of their bytes. It reads what PyTorch writes and refuses all that
// lets two readers see different archives: compression, encryption, data before, between or behind the entries, local
// headers that differ from the directory, repeated names. The data are slices of the archive; CRCs are not checked here.
//
// Format: PKWARE APPNOTE.TXT 6.3.10, sections 4.3 to 4.5.
func readZip(path string, data []byte) ([]zipEntry, error) {
	dir, count, start, err := zipDirectory(path, data)
	if err != nil {
		return nil, err
	}
	entries := make([]zipEntry, 0, count)
	sizes := make(map[string]uint64, count)
	flags := make(map[string]uint16, count)
	for range count {
		e, size, flag, rest, err := centralEntry(path, dir)
		if err != nil {
			return nil, err
		}
		if _, ok := sizes[e.name]; ok {
			return nil, errf(ErrFormat, "%s: archive has two entries named %s", path, quote(e.name))
		}
		sizes[e.name], flags[e.name], dir = size, flag, rest
		entries = append(entries, e)
	}
	if len(dir) != 0 {
		return nil, errf(ErrFormat, "%s: %d bytes follow the %d entries of the archive's directory", path, len(dir), count)
	}
	slices.SortStableFunc(entries, func(a, b zipEntry) int { return cmp.Compare(a.header, b.header) })
	at := uint64(0)
	for i := range entries {
		e := &entries[i]
		if e.header != at {
			return nil, errf(ErrFormat, "%s: entry %s begins at byte %d, expected %d: entries overlap, or other data lie between", path, quote(e.name), e.header, at)
		}
		next := start
		if i+1 < len(entries) {
			next = min(start, entries[i+1].header)
		}
		if at, err = localEntry(path, data[:start], e, sizes[e.name], flags[e.name], next); err != nil {
			return nil, err
		}
	}
	if at != start {
		return nil, errf(ErrFormat, "%s: entries end at byte %d, but the archive's directory begins at %d", path, at, start)
	}
	return entries, nil
}

// zipDirectory finds the central directory: its bytes, the number of its entries and where it starts.
func zipDirectory(path string, data []byte) (dir []byte, count, start uint64, err error) {
	le := binary.LittleEndian
	size := uint64(len(data))
	if size < zipEndSize {
		return nil, 0, 0, errf(ErrTruncated, "%s has %d bytes, an archive has at least %d", path, size, zipEndSize)
	}
	endAt := size - zipEndSize
	end := data[endAt:]
	if le.Uint32(end) != zipEnd || le.Uint16(end[20:]) != 0 {
		return nil, 0, 0, errf(ErrTruncated, "%s does not end with an archive's end record: it is truncated, or data were appended", path)
	}
	if le.Uint16(end[4:]) != 0 || le.Uint16(end[6:]) != 0 || le.Uint16(end[8:]) != le.Uint16(end[10:]) {
		return nil, 0, 0, errf(ErrUnsupported, "%s is a part of an archive that is split over several files", path)
	}
	count, length, start := uint64(le.Uint16(end[10:])), uint64(le.Uint32(end[12:])), uint64(le.Uint32(end[16:]))
	if endAt >= zipLocatorSize+zipEnd64Size && le.Uint32(data[endAt-zipLocatorSize:]) == zipLocator {
		locator := data[endAt-zipLocatorSize:]
		endAt -= zipLocatorSize + zipEnd64Size
		end64 := data[endAt:]
		if le.Uint64(locator[8:]) != endAt || le.Uint32(end64) != zipEnd64 || le.Uint64(end64[4:]) != zipEnd64Size-12 || le.Uint64(end64[24:]) != le.Uint64(end64[32:]) {
			return nil, 0, 0, errf(ErrFormat, "%s: the archive's 64-bit end record is not where and as it should be", path)
		}
		count64, length64, start64 := le.Uint64(end64[32:]), le.Uint64(end64[40:]), le.Uint64(end64[48:])
		if count != 0xffff && count != count64 || length != 0xffffffff && length != length64 || start != 0xffffffff && start != start64 {
			return nil, 0, 0, errf(ErrFormat, "%s: the archive's two end records disagree", path)
		}
		count, length, start = count64, length64, start64
	}
	if start > endAt || length != endAt-start {
		return nil, 0, 0, errf(ErrFormat, "%s: the archive's directory of %d bytes at %d does not end where the end record begins, at %d", path, length, start, endAt)
	}
	if count > length/zipCentralSize {
		return nil, 0, 0, errf(ErrFormat, "%s: the archive's directory of %d bytes cannot hold %d entries", path, length, count)
	}
	return data[start:endAt], count, start, nil
}

// centralEntry reads the first entry of a directory.
func centralEntry(path string, dir []byte) (e zipEntry, size uint64, flags uint16, rest []byte, err error) {
	le := binary.LittleEndian
	bad := func(class error, format string, args ...any) (zipEntry, uint64, uint16, []byte, error) {
		return e, 0, 0, nil, errf(class, "%s: archive entry %s "+format, append([]any{path, quote(e.name)}, args...)...)
	}
	if len(dir) < zipCentralSize || le.Uint32(dir) != zipCentral {
		return e, 0, 0, nil, errf(ErrFormat, "%s: the archive's directory is damaged", path)
	}
	nameLen, extraLen, commentLen := int(le.Uint16(dir[28:])), int(le.Uint16(dir[30:])), int(le.Uint16(dir[32:]))
	if len(dir) < zipCentralSize+nameLen+extraLen+commentLen {
		return e, 0, 0, nil, errf(ErrTruncated, "%s: the archive's directory ends inside an entry", path)
	}
	e.name = string(dir[zipCentralSize : zipCentralSize+nameLen])
	extra := dir[zipCentralSize+nameLen : zipCentralSize+nameLen+extraLen]
	rest = dir[zipCentralSize+nameLen+extraLen+commentLen:]
	flags = le.Uint16(dir[8:])
	switch method := le.Uint16(dir[10:]); {
	case !zipName(e.name):
		return bad(ErrPath, "has a name that is not allowed")
	case flags&1 != 0:
		return bad(ErrUnsupported, "is encrypted")
	case flags&^(flagDescriptor|flagUTF8) != 0:
		return bad(ErrUnsupported, "has flags %#04x, expected at most %#04x", flags, flagDescriptor|flagUTF8)
	case method != 0:
		return bad(ErrUnsupported, "is compressed with method %d, expected stored entries as PyTorch writes them", method)
	case le.Uint16(dir[34:]) != 0 && le.Uint16(dir[34:]) != 0xffff:
		return bad(ErrUnsupported, "lies in another file of a split archive")
	}
	e.crc = le.Uint32(dir[16:])
	packed := uint64(le.Uint32(dir[20:]))
	size, e.header = uint64(le.Uint32(dir[24:])), uint64(le.Uint32(dir[42:]))
	if !wide(extra, &size, &packed, &e.header) {
		return bad(ErrFormat, "has damaged extra fields")
	}
	if packed != size {
		return bad(ErrMismatch, "is stored, but has %d bytes packed and %d unpacked", packed, size)
	}
	return e, size, flags, rest, nil
}

// zipName reports whether a name can be an entry of a PyTorch archive.
func zipName(name string) bool {
	if name == "" || len(name) > 1024 || !utf8.ValidString(name) || strings.ContainsAny(name, "\\\x00:") {
		return false
	}
	for part := range strings.SplitSeq(name, "/") {
		if part == "" || part == "." || part == ".." {
			return false
		}
	}
	return true
}

// wide replaces saturated 32-bit values by those of the 64-bit extra field, which holds only the saturated ones, in order.
func wide(extra []byte, values ...*uint64) bool {
	le := binary.LittleEndian
	var wide []byte
	for len(extra) >= 4 {
		id, n := le.Uint16(extra), int(le.Uint16(extra[2:]))
		if len(extra) < 4+n {
			return false
		}
		if id == 1 {
			if wide != nil {
				return false
			}
			wide = extra[4 : 4+n]
		}
		extra = extra[4+n:]
	}
	for _, v := range values {
		if *v != 0xffffffff {
			continue
		}
		if len(wide) < 8 {
			return false
		}
		*v, wide = le.Uint64(wide), wide[8:]
	}
	return len(extra) == 0
}

// localEntry checks the local header of e against the directory, sets e.data and returns where the entry ends. data are
// the bytes before the directory, next is where the next entry begins.
func localEntry(path string, data []byte, e *zipEntry, size uint64, flags uint16, next uint64) (end uint64, err error) {
	le := binary.LittleEndian
	bad := func(class error, format string, args ...any) (uint64, error) {
		return 0, errf(class, "%s: archive entry %s "+format, append([]any{path, quote(e.name)}, args...)...)
	}
	if e.header > uint64(len(data)) || uint64(len(data))-e.header < zipLocalSize {
		return bad(ErrTruncated, "has its header at byte %d of %d", e.header, len(data))
	}
	h := data[e.header:]
	if le.Uint32(h) != zipLocal {
		return bad(ErrFormat, "has no local header at byte %d", e.header)
	}
	nameLen, extraLen := uint64(le.Uint16(h[26:])), uint64(le.Uint16(h[28:]))
	begin := zipLocalSize + nameLen + extraLen
	if begin > uint64(len(h)) || size > uint64(len(h))-begin {
		return bad(ErrTruncated, "of %d bytes reaches beyond the archive's directory", size)
	}
	if string(h[zipLocalSize:zipLocalSize+nameLen]) != e.name || le.Uint16(h[6:]) != flags || le.Uint16(h[8:]) != 0 {
		return bad(ErrMismatch, "has another name, flags or method in its local header than in the directory")
	}
	crc, packed, unpacked := le.Uint32(h[14:]), uint64(le.Uint32(h[18:])), uint64(le.Uint32(h[22:]))
	later := flags&flagDescriptor != 0 && crc == 0 && (packed == 0 || packed == 0xffffffff)
	if !later {
		wide(h[zipLocalSize+nameLen:begin], &unpacked, &packed) // the padding may end in a partial field
		if crc != e.crc || packed != size || unpacked != size {
			return bad(ErrMismatch, "has another size or CRC in its local header than in the directory")
		}
	}
	e.data = h[begin : begin+size : begin+size]
	end = e.header + begin + size
	if flags&flagDescriptor == 0 {
		return end, nil
	}
	n := next - end
	if next < end || n != 16 && n != 24 || uint64(len(data))-end < n {
		return bad(ErrFormat, "is not followed by a data descriptor and the next entry")
	}
	d := data[end:next]
	packed, unpacked = uint64(le.Uint32(d[8:])), uint64(le.Uint32(d[12:]))
	if n == 24 {
		packed, unpacked = le.Uint64(d[8:]), le.Uint64(d[16:])
	}
	if le.Uint32(d) != zipDescriptor || le.Uint32(d[4:]) != e.crc || packed != size || unpacked != size {
		return bad(ErrMismatch, "has another size or CRC in its data descriptor than in the directory")
	}
	return next, nil
}

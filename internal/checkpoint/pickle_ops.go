package checkpoint

import "fmt"

// The opcodes that are interpreted.
const (
	opMark          = '('
	opStop          = '.'
	opPop           = '0'
	opPopMark       = '1'
	opDup           = '2'
	opBinInt        = 'J'
	opBinInt1       = 'K'
	opBinInt2       = 'M'
	opLong1         = 0x8a
	opLong4         = 0x8b
	opNone          = 'N'
	opNewTrue       = 0x88
	opNewFalse      = 0x89
	opBinFloat      = 'G'
	opBinUnicode    = 'X'
	opShortUnicode  = 0x8c
	opUnicode8      = 0x8d
	opEmptyTuple    = ')'
	opTuple         = 't'
	opTuple1        = 0x85
	opTuple2        = 0x86
	opTuple3        = 0x87
	opEmptyList     = ']'
	opAppend        = 'a'
	opAppends       = 'e'
	opEmptyDict     = '}'
	opSetItem       = 's'
	opSetItems      = 'u'
	opGlobal        = 'c'
	opStackGlobal   = 0x93
	opReduce        = 'R'
	opBuild         = 'b'
	opBinPersID     = 'Q'
	opBinPut        = 'q'
	opLongBinPut    = 'r'
	opMemoize       = 0x94
	opBinGet        = 'h'
	opLongBinGet    = 'j'
	opProto         = 0x80
	opFrame         = 0x95
	maxPickleProtos = 5
)

// refusedOps are the opcodes of pickle that a dictionary of tensors has no use for: they build objects, reach into
// registries or other buffers, or belong to protocols 0 and 1.
var refusedOps = map[byte]string{
	'i': "INST", 'o': "OBJ", 0x81: "NEWOBJ", 0x92: "NEWOBJ_EX", 0x82: "EXT1", 0x83: "EXT2", 0x84: "EXT4", 'P': "PERSID",
	0x97: "NEXT_BUFFER", 0x98: "READONLY_BUFFER", 0x96: "BYTEARRAY8", 'B': "BINBYTES", 'C': "SHORT_BINBYTES", 0x8e: "BINBYTES8",
	'T': "BINSTRING", 'U': "SHORT_BINSTRING", 'S': "STRING", 'V': "UNICODE", 'I': "INT", 'L': "LONG", 'F': "FLOAT", 'p': "PUT",
	'g': "GET", 'l': "LIST", 'd': "DICT", 0x8f: "EMPTY_SET", 0x90: "ADDITEMS", 0x91: "FROZENSET",
}

// step interprets one opcode.
func (m *pickleMachine) step(op byte) error {
	switch op {
	case opProto:
		return m.protocol()
	case opFrame:
		n, err := m.uint(8)
		if err == nil && n > uint64(len(m.data)-m.pos) {
			err = m.errorf(ErrTruncated, "a frame of %d bytes, but %d are left", n, len(m.data)-m.pos)
		}
		return err
	case opMark:
		m.marks = append(m.marks, len(m.stack))
		m.steps++
	case opPop:
		_, err := m.pop()
		return err
	case opPopMark:
		_, err := m.popMark()
		return err
	case opDup:
		v, err := m.top()
		m.push(v)
		return err
	case opNone, opNewTrue, opNewFalse, opEmptyTuple, opEmptyList, opEmptyDict:
		m.constant(op)
	case opBinInt, opBinInt1, opBinInt2, opLong1, opLong4, opBinFloat:
		return m.numeral(op)
	case opBinUnicode:
		return m.text(4)
	case opShortUnicode:
		return m.text(1)
	case opUnicode8:
		return m.text(8)
	case opTuple, opTuple1, opTuple2, opTuple3, opAppend, opAppends, opSetItem, opSetItems:
		return m.collect(op)
	case opGlobal, opStackGlobal, opReduce, opBuild, opBinPersID:
		return m.apply(op)
	case opBinPut, opLongBinPut, opMemoize, opBinGet, opLongBinGet:
		return m.remember(op)
	default:
		if name, ok := refusedOps[op]; ok {
			return m.errorf(ErrUnsafe, "opcode %s is not allowed in a file of tensors", name)
		}
		return m.errorf(ErrFormat, "unknown opcode %#02x", op)
	}
	return nil
}

func (m *pickleMachine) protocol() error {
	v, err := m.uint(1)
	if err == nil && (m.op != 0 || v < 2 || v > maxPickleProtos) {
		err = m.errorf(ErrUnsupported, "protocol %d, expected 2 to %d, at the start", v, maxPickleProtos)
	}
	return err
}

func (m *pickleMachine) constant(op byte) {
	switch op {
	case opNone:
		m.push(nil)
	case opNewTrue, opNewFalse:
		m.push(op == opNewTrue)
	case opEmptyTuple:
		m.push(pyTuple(nil))
	case opEmptyList:
		m.push(&pyList{})
	case opEmptyDict:
		m.push(newDict(false))
	}
}

func (m *pickleMachine) numeral(op byte) error {
	switch op {
	case opBinInt:
		v, err := m.uint(4)
		m.push(int64(int32(v)))
		return err
	case opBinInt1:
		v, err := m.uint(1)
		m.push(int64(v))
		return err
	case opBinInt2:
		v, err := m.uint(2)
		m.push(int64(v))
		return err
	case opBinFloat:
		b, err := m.take(8)
		if err == nil {
			m.push(bigEndianFloat(b))
		}
		return err
	}
	width := uint64(1)
	if op == opLong4 {
		width = 4
	}
	n, err := m.uint(width)
	if err != nil {
		return err
	}
	return m.long(n)
}

// collect builds tuples and fills lists and dictionaries.
func (m *pickleMachine) collect(op byte) error {
	switch op {
	case opTuple1, opTuple2, opTuple3:
		return m.tuple(int(op-opTuple1) + 1)
	case opAppend:
		v, err := m.pop()
		if err != nil {
			return err
		}
		return m.appendTo([]any{v})
	case opSetItem:
		value, err := m.pop()
		if err != nil {
			return err
		}
		key, err := m.pop()
		if err != nil {
			return err
		}
		return m.setItems([]any{key, value})
	}
	items, err := m.popMark()
	if err != nil {
		return err
	}
	switch op {
	case opTuple:
		m.push(pyTuple(items))
		return nil
	case opAppends:
		return m.appendTo(items)
	default:
		return m.setItems(items)
	}
}

func (m *pickleMachine) remember(op byte) error {
	width := uint64(1)
	switch op {
	case opMemoize:
		return m.put(uint64(len(m.memo)))
	case opLongBinPut, opLongBinGet:
		width = 4
	}
	index, err := m.uint(width)
	if err != nil {
		return err
	}
	if op == opBinPut || op == opLongBinPut {
		return m.put(index)
	}
	return m.get(index)
}

// apply is what an object-building pickle would use; here it makes ordered dictionaries, storages and tensors, and
// nothing else.
func (m *pickleMachine) apply(op byte) error {
	if op == opGlobal {
		module, err := m.line()
		if err != nil {
			return err
		}
		name, err := m.line()
		if err != nil {
			return err
		}
		return m.global(module, name)
	}
	arg, err := m.pop()
	if err != nil {
		return err
	}
	if op == opBinPersID {
		s, err := m.storage(arg)
		m.push(s)
		return err
	}
	target, err := m.pop()
	if err != nil {
		return err
	}
	switch op {
	case opStackGlobal:
		module, ok1 := target.(string)
		name, ok2 := arg.(string)
		if !ok1 || !ok2 {
			return m.errorf(ErrFormat, "a global is named by %s and %s, expected strings", describeValue(target), describeValue(arg))
		}
		return m.global(module, name)
	case opBuild: // the `_metadata` of a state dictionary
		if d, ok := target.(*pyDict); !ok || !d.ordered {
			return m.errorf(ErrUnsafe, "sets the state of %s", describeValue(target))
		}
		m.push(target)
		return nil
	default:
		v, err := m.reduce(target, arg)
		m.push(v)
		return err
	}
}

// reduce stands for the call of one of the three allowed functions.
func (m *pickleMachine) reduce(target, arg any) (any, error) {
	g, ok := target.(pyGlobal)
	args, isTuple := arg.(pyTuple)
	if !ok || !isTuple {
		return nil, m.errorf(ErrUnsafe, "calls %s", describeValue(target))
	}
	switch g {
	case globalOrderedDict:
		if len(args) == 0 {
			return newDict(true), nil
		}
	case globalRebuildTensor:
		if len(args) == 6 || len(args) == 7 {
			return m.rebuild(args)
		}
	case globalRebuildParameter:
		if len(args) == 3 {
			if t, ok := args[0].(*pyTensor); ok {
				return t, nil
			}
		}
	}
	return nil, m.errorf(ErrUnsafe, "calls %s with %d arguments, which is not how tensors are saved", quote(string(g)), len(args))
}

// rebuild reads the arguments of _rebuild_tensor_v2: storage, offset, size, stride, requires_grad, hooks[, metadata].
func (m *pickleMachine) rebuild(args pyTuple) (*pyTensor, error) {
	t := &pyTensor{}
	var ok [4]bool
	t.storage, ok[0] = args[0].(pyStorage)
	t.offset, ok[1] = size(args[1])
	t.shape, ok[2] = sizesOf(args[2])
	t.stride, ok[3] = sizesOf(args[3])
	for i, what := range []string{"storage", "storage offset", "size", "stride"} {
		if !ok[i] {
			return nil, m.errorf(ErrFormat, "tensor has a bad %s: found %s", what, quote(fmt.Sprint(args[i])))
		}
	}
	if len(t.shape) != len(t.stride) {
		return nil, m.errorf(ErrMismatch, "tensor has %d dimensions, but %d strides", len(t.shape), len(t.stride))
	}
	return t, nil
}

// storage reads a persistent id: ('storage', class, key, location, elements), with a sixth None in the old format.
func (m *pickleMachine) storage(arg any) (pyStorage, error) {
	args, ok := arg.(pyTuple)
	if !ok || len(args) < 5 || len(args) > 6 || args[0] != any("storage") || len(args) == 6 && args[5] != nil {
		return pyStorage{}, m.errorf(ErrFormat, "persistent id is not that of a storage")
	}
	class, ok := args[1].(pyGlobal)
	dtype, known := storageClasses[class]
	if !ok || !known {
		return pyStorage{}, m.errorf(ErrUnsupported, "storage of class %s, expected one such as torch.HalfStorage", quote(describeValue(args[1])))
	}
	key, ok := args[2].(string)
	if !ok || len(key) > 64 || !plainName(key) {
		return pyStorage{}, m.errorf(ErrPath, "storage key %s is not allowed", quote(describeValue(args[2])))
	}
	numel, ok := size(args[4])
	if !ok {
		return pyStorage{}, m.errorf(ErrFormat, "storage %s has a bad number of elements", quote(key))
	}
	return pyStorage{dtype: dtype, key: key, numel: numel}, nil
}

func size(v any) (uint64, bool) {
	n, ok := v.(int64)
	return uint64(n), ok && n >= 0
}

func sizesOf(v any) ([]uint64, bool) {
	t, ok := v.(pyTuple)
	if !ok || len(t) > maxRank {
		return nil, false
	}
	out := make([]uint64, len(t))
	for i, e := range t {
		if out[i], ok = size(e); !ok {
			return nil, false
		}
	}
	return out, true
}

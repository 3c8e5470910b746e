package checkpoint

import (
	"encoding/binary"
	"math"
	"math/big"
	"unicode/utf8"

	"llavabench/internal/tensor"
)

// Limits of a pickle. A tensor takes about 30 values and 200 bytes, so that 30,000 tensors stay below them.
const (
	maxPickleBytes  = 64 << 20
	maxPickleValues = 1 << 20
	maxPickleString = 1 << 16
)

// The values that a pickle may build: nil, bool, int64, *big.Int, float64, string and these.
type (
	pyTuple []any
	pyList  struct{ items []any }
	// pyDict keeps the order of insertion; ordered marks collections.OrderedDict.
	pyDict struct {
		keys    []any
		values  map[any]any // keys that are strings or integers only
		ordered bool
	}
	// pyGlobal is an allowed global, such as "torch._utils _rebuild_tensor_v2".
	pyGlobal string
	// pyStorage is a reference to the bytes of a tensor.
	pyStorage struct {
		dtype tensor.DType
		key   string
		numel uint64
	}
	// pyTensor is a view of a storage; offset and strides count elements.
	pyTensor struct {
		storage       pyStorage
		offset        uint64
		shape, stride []uint64
	}
)

const (
	globalOrderedDict      pyGlobal = "collections OrderedDict"
	globalRebuildTensor    pyGlobal = "torch._utils _rebuild_tensor_v2"
	globalRebuildParameter pyGlobal = "torch._utils _rebuild_parameter"
)

// storageClasses are the globals that name a storage and its element type.
var storageClasses = map[pyGlobal]tensor.DType{
	"torch FloatStorage": tensor.F32, "torch HalfStorage": tensor.F16, "torch BFloat16Storage": tensor.BF16,
	"torch DoubleStorage": tensor.F64, "torch LongStorage": tensor.I64, "torch IntStorage": tensor.I32,
	"torch ShortStorage": tensor.I16, "torch CharStorage": tensor.I8, "torch ByteStorage": tensor.U8, "torch BoolStorage": tensor.Bool,
}

// A pickleMachine interprets the opcodes that appear in a dictionary of tensors. It has no objects, no attributes and
// calls nothing: a global that is not on the list, or an opcode that could build anything else, is refused by name
// before anything is done with it.
//
// Reference: CPython, Lib/pickletools.py (opcodes); PyTorch, torch/_weights_only_unpickler.py (the same idea) and
// torch/serialization.py.
type pickleMachine struct {
	data  []byte
	pos   int
	op    int // offset of the current opcode, for messages
	stack []any
	marks []int
	memo  map[uint32]any
	steps int // values pushed and marks set so far
}

func (m *pickleMachine) errorf(class error, format string, args ...any) error {
	return errf(class, "pickle at byte %d: "+format, append([]any{m.op}, args...)...)
}

// readPickle interprets one pickle at the start of data and returns its value and length.
func readPickle(data []byte) (value any, length int, err error) {
	m := &pickleMachine{data: data[:min(len(data), maxPickleBytes)], memo: map[uint32]any{}}
	if len(data) < 2 || data[0] != opProto {
		return nil, 0, errf(ErrFormat, "pickle does not begin with a protocol number")
	}
	for {
		m.op = m.pos
		b, err := m.take(1)
		if err != nil {
			return nil, 0, err
		}
		if b[0] == opStop {
			break
		}
		if err := m.step(b[0]); err != nil {
			return nil, 0, err
		}
		if m.steps > maxPickleValues {
			return nil, 0, m.errorf(ErrTooLarge, "more than %d values", maxPickleValues)
		}
	}
	if len(m.stack) != 1 || len(m.marks) != 0 {
		return nil, 0, m.errorf(ErrFormat, "%d values are left at the end, expected 1", len(m.stack))
	}
	return m.stack[0], m.pos, nil
}

// take consumes n bytes.
func (m *pickleMachine) take(n uint64) ([]byte, error) {
	if n > uint64(len(m.data)-m.pos) {
		return nil, m.errorf(ErrTruncated, "%d bytes are needed, but %d are left", n, len(m.data)-m.pos)
	}
	b := m.data[m.pos : m.pos+int(n)]
	m.pos += int(n)
	return b, nil
}

// uint reads a little-endian unsigned integer of n bytes.
func (m *pickleMachine) uint(n uint64) (uint64, error) {
	b, err := m.take(n)
	if err != nil {
		return 0, err
	}
	var buf [8]byte
	copy(buf[:], b)
	return binary.LittleEndian.Uint64(buf[:]), nil
}

func (m *pickleMachine) push(v any) {
	m.stack = append(m.stack, v)
	m.steps++
}

// floor is the height of the stack below which the current frame must not reach.
func (m *pickleMachine) floor() int {
	if len(m.marks) == 0 {
		return 0
	}
	return m.marks[len(m.marks)-1]
}

func (m *pickleMachine) pop() (any, error) {
	if len(m.stack) <= m.floor() {
		return nil, m.errorf(ErrFormat, "stack underflow")
	}
	v := m.stack[len(m.stack)-1]
	m.stack = m.stack[:len(m.stack)-1]
	return v, nil
}

// popMark takes everything above the last mark.
func (m *pickleMachine) popMark() ([]any, error) {
	if len(m.marks) == 0 {
		return nil, m.errorf(ErrFormat, "no mark on the stack")
	}
	at := m.floor()
	m.marks = m.marks[:len(m.marks)-1]
	items := append([]any(nil), m.stack[at:]...)
	m.stack = m.stack[:at]
	return items, nil
}

func (m *pickleMachine) top() (any, error) {
	if len(m.stack) <= m.floor() {
		return nil, m.errorf(ErrFormat, "stack underflow")
	}
	return m.stack[len(m.stack)-1], nil
}

// text reads a string whose length takes n bytes.
func (m *pickleMachine) text(n uint64) error {
	length, err := m.uint(n)
	if err != nil {
		return err
	}
	b, err := m.take(length)
	if err != nil {
		return err
	}
	if length > maxPickleString {
		return m.errorf(ErrTooLarge, "string of %d bytes, expected at most %d", length, maxPickleString)
	}
	if !utf8.Valid(b) {
		return m.errorf(ErrFormat, "string is not valid UTF-8")
	}
	m.push(string(b))
	return nil
}

// long reads a two's complement integer of n bytes.
func (m *pickleMachine) long(n uint64) error {
	b, err := m.take(n)
	if err != nil {
		return err
	}
	if n > 32 {
		return m.errorf(ErrTooLarge, "integer of %d bytes, expected at most 32", n)
	}
	be := make([]byte, n)
	for i := range b {
		be[len(b)-1-i] = b[i]
	}
	x := new(big.Int).SetBytes(be)
	if n > 0 && be[0]&0x80 != 0 {
		x.Sub(x, new(big.Int).Lsh(big.NewInt(1), uint(8*n)))
	}
	if x.IsInt64() {
		m.push(x.Int64())
	} else {
		m.push(x)
	}
	return nil
}

func (m *pickleMachine) put(index uint64) error {
	v, err := m.top()
	if err != nil {
		return err
	}
	m.memo[uint32(index)] = v
	m.steps++
	return nil
}

func (m *pickleMachine) get(index uint64) error {
	v, ok := m.memo[uint32(index)]
	if !ok {
		return m.errorf(ErrFormat, "memo %d is not set", index)
	}
	m.push(v)
	return nil
}

// tuple replaces the last n values by a tuple.
func (m *pickleMachine) tuple(n int) error {
	if len(m.stack)-m.floor() < n {
		return m.errorf(ErrFormat, "stack underflow")
	}
	at := len(m.stack) - n
	t := append(pyTuple(nil), m.stack[at:]...)
	m.stack = append(m.stack[:at], t)
	return nil
}

// global checks a global against the list.
func (m *pickleMachine) global(module, name string) error {
	g := pyGlobal(module + " " + name)
	if _, ok := storageClasses[g]; ok || g == globalOrderedDict || g == globalRebuildTensor || g == globalRebuildParameter {
		m.push(g)
		return nil
	}
	return m.errorf(ErrUnsafe, "refers to %s, which is not allowed in a file of tensors", quote(module+"."+name))
}

// line reads up to a newline.
func (m *pickleMachine) line() (string, error) {
	for i := m.pos; i < len(m.data) && i-m.pos < 1024; i++ {
		if m.data[i] == '\n' {
			s := string(m.data[m.pos:i])
			m.pos = i + 1
			return s, nil
		}
	}
	return "", m.errorf(ErrTruncated, "a line does not end")
}

// appendTo extends the list on top of the stack.
func (m *pickleMachine) appendTo(items []any) error {
	v, err := m.top()
	if err != nil {
		return err
	}
	list, ok := v.(*pyList)
	if !ok {
		return m.errorf(ErrFormat, "appends to something that is not a list")
	}
	list.items = append(list.items, items...)
	return nil
}

// setItems puts pairs into the dictionary on top of the stack.
func (m *pickleMachine) setItems(items []any) error {
	v, err := m.top()
	if err != nil {
		return err
	}
	dict, ok := v.(*pyDict)
	if !ok || len(items)%2 != 0 {
		return m.errorf(ErrFormat, "sets items of something that is not a dictionary, or half of a pair")
	}
	for i := 0; i < len(items); i += 2 {
		switch k := items[i].(type) {
		case string, int64:
			if _, ok := dict.values[k]; ok {
				return m.errorf(ErrFormat, "duplicate key %s", quote(describeValue(k)))
			}
			dict.keys = append(dict.keys, k)
			dict.values[k] = items[i+1]
		default:
			return m.errorf(ErrFormat, "dictionary key is %s, expected a string or an integer", describeValue(k))
		}
	}
	return nil
}

// describeValue names a value in a message.
func describeValue(v any) string {
	switch v := v.(type) {
	case nil:
		return "None"
	case string:
		return v
	case bool:
		return "a boolean"
	case int64, *big.Int:
		return "an integer"
	case float64:
		return "a float"
	case pyTuple:
		return "a tuple"
	case *pyList:
		return "a list"
	case *pyDict:
		return "a dictionary"
	case *pyTensor:
		return "a tensor"
	case pyStorage:
		return "a storage"
	case pyGlobal:
		return "the global " + string(v)
	}
	return "an unknown value"
}

func newDict(ordered bool) *pyDict { return &pyDict{values: map[any]any{}, ordered: ordered} }

func bigEndianFloat(b []byte) float64 { return math.Float64frombits(binary.BigEndian.Uint64(b)) }

package tokenizer

// Raw is a SentencePiece model by itself, without special tokens and without BOS: what the sentencepiece library gives.
type Raw struct{ m *spModel }

// OpenRaw reads a SentencePiece model file.
func OpenRaw(path string) (*Raw, error) {
	file, err := readFile(path, maxModelFile)
	if err != nil {
		return nil, err
	}
	m, err := parseSentencePiece(file)
	if err != nil {
		return nil, err
	}
	return &Raw{m}, nil
}

// Encode returns the ids of a text's pieces.
func (r *Raw) Encode(text string) []int {
	tokens, _ := r.m.encode(text, false)
	ids := make([]int, len(tokens))
	for i, t := range tokens {
		ids[i] = int(t.id)
	}
	return ids
}

// Decode returns the text of pieces; control pieces and ids out of range give nothing.
func (r *Raw) Decode(ids []int) string {
	var out []byte
	d := spDecoder{m: r.m}
	for _, id := range ids {
		if id >= 0 && id < len(r.m.pieces) {
			out = d.piece(out, int32(id))
		}
	}
	return string(d.flush(out))
}

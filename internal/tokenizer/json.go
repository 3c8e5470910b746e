package tokenizer

func openJSON(dir string, o Options) (Tokenizer, error) { return nil, unsupportedf("tokenizer.json") }

func openVocabMerges(dir string, o Options) (Tokenizer, error) {
	return nil, unsupportedf("vocab.json")
}
